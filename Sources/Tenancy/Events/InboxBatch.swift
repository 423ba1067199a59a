import EventLoop
import FoundationEssentials
import Persistence

/// One transaction's worth of rows: stores them, finds the first of what came before, and sets a bad row apart from its
/// neighbours.
struct InboxBatch {
    /// Repeats are recognised for this long.
    static let window: Duration = .seconds(24 * 3600)

    let database: Database
    let now: Timestamp

    /// The outcome of each row, in order.
    func store(_ rows: [InboxRow]) async -> [InboxOutcome] {
        let order = rows.indices.sorted { InboxRow.precedes(rows[$0], rows[$1]) }
        let outcomes = await store(sorted: order.map { rows[$0] })
        var result = [InboxOutcome](repeating: .unavailable, count: rows.count)
        for (place, outcome) in zip(order, outcomes) { result[place] = outcome }
        return result
    }

    private func store(sorted rows: [InboxRow], attempt: Int = 0) async -> [InboxOutcome] {
        var stored = Set<UUID>()
        do throws(DatabaseError) {
            let answer = try await database.run(.tenants(Self.tenants(rows)), InboxStore.append(rows))
            if answer.count == rows.count { return Array(repeating: .stored, count: rows.count) }
            for row in answer { stored.insert(try row.get(0)) }
        } catch {
            guard error.isCausedByInput else {
                return Array(repeating: .unavailable, count: rows.count)
            }
            if rows.count == 1 { return [.unstorable] }
            let middle = rows.count / 2
            let left = await store(sorted: Array(rows[..<middle]))
            return await left + store(sorted: Array(rows[middle...]))
        }
        var outcomes = rows.map { stored.contains($0.event.id) ? InboxOutcome.stored : .unavailable }
        let open = rows.indices.filter { outcomes[$0] == .unavailable }
        for (index, outcome) in zip(open, await findFirst(of: open.map { rows[$0] }, attempt: attempt)) {
            outcomes[index] = outcome
        }
        return outcomes
    }

    private struct Key: Hashable {
        let tenantID: UUID
        let source: String
        let dedupKey: [UInt8]
    }

    /// Rows whose key was taken: by whom, and if that was more than a day ago, once more.
    private func findFirst(of rows: [InboxRow], attempt: Int) async -> [InboxOutcome] {
        guard attempt < 3 else { return Array(repeating: .unavailable, count: rows.count) }
        var holders: [Key: (id: UUID, receivedAt: Timestamp)] = [:]
        let edge = now - Self.window
        do {
            for row in try await database.run(.tenants(Self.tenants(rows)), InboxStore.holders(of: rows)) {
                let key = try Key(tenantID: row.get(0), source: row.get(1), dedupKey: row.get(2))
                holders[key] = try (row.get(3), row.get(4))
            }
            for (key, holder) in holders where holder.receivedAt < edge {
                _ = try await database.run(
                    .tenant(key.tenantID),
                    InboxStore.releaseKey(tenantID: key.tenantID, eventID: holder.id, before: edge))
            }
        } catch {
            return Array(repeating: .unavailable, count: rows.count)
        }
        var outcomes = rows.map { row in
            let key = Key(tenantID: row.tenantID, source: row.source.rawValue, dedupKey: row.event.dedupKey)
            guard let holder = holders[key], holder.receivedAt >= edge else { return InboxOutcome.unavailable }
            return .duplicate(of: holder.id)
        }
        let again = rows.indices.filter { outcomes[$0] == .unavailable }
        if !again.isEmpty {
            let retried = await store(sorted: again.map { rows[$0] }, attempt: attempt + 1)
            for (index, outcome) in zip(again, retried) { outcomes[index] = outcome }
        }
        return outcomes
    }

    private static func tenants(_ rows: [InboxRow]) -> [UUID] {
        var tenants: [UUID] = []
        // The rows are sorted, so equal tenants stand together.
        for row in rows where tenants.last != row.tenantID { tenants.append(row.tenantID) }
        return tenants
    }
}
