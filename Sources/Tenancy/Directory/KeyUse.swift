public import EventLoop
public import FoundationEssentials
public import Persistence
import Synchronization

/// Remembers when keys were last used: gathered in memory, written for all tenants together. A key that is used all the
/// time costs one row a minute, not one a request.
public final class KeyUse: Service {
    private struct Use: Sendable {
        var at: Timestamp
        var writtenAt: Timestamp?
    }

    private struct Key: Hashable, Sendable {
        let tenant: UUID
        let id: UUID
    }

    /// Keys that are remembered at most: a guard of memory.
    private static let mostKeys = 50_000

    private let database: Database
    private let time: any TimeSource
    private let interval: Duration
    private let uses = Mutex<[Key: Use]>([:])

    /// A memory that is written every `interval`.
    public init(database: Database, time: any TimeSource, interval: Duration = .seconds(15)) {
        self.database = database
        self.time = time
        self.interval = interval
    }

    /// Notes that a key was used now.
    public func note(_ key: UUID, tenant: UUID) {
        let now = time.now()
        uses.withLock { uses in
            if uses.count >= Self.mostKeys { uses = [:] }
            uses[Key(tenant: tenant, id: key), default: Use(at: now)].at = now
        }
    }

    /// Writes what was gathered until cancelled, and the rest at the end.
    public func run() async throws {
        while !Task.isCancelled {
            do { try await time.sleep(for: interval) } catch { break }
            await write()
        }
        // Cancelled: a task of its own, so that the last write is not.
        await Task { await self.write(all: true) }.value
    }

    /// Writes uses that are newer than what was written a minute ago. What cannot be written is tried the next time.
    ///
    /// - Parameter all: whether those written within the last minute are written too
    public func write(all: Bool = false) async {
        let now = time.now()
        let due = uses.withLock { uses in
            uses = uses.filter { $0.value.writtenAt.map { now - $0 < .seconds(3600) } ?? true }
            return uses.filter { _, use in
                guard let written = use.writtenAt else { return true }
                return use.at > written && (all || now - written >= .seconds(60))
            }
        }
        let entries = Array(due)
        for start in stride(from: 0, to: entries.count, by: 1000) {
            let part = entries[start..<min(start + 1000, entries.count)]
            let query = APIKeyStore.used(
                tenants: part.map(\.key.tenant), ids: part.map(\.key.id), times: part.map(\.value.at))
            guard (try? await database.run(.operator, query)) != nil else { continue }
            uses.withLock { uses in
                for entry in part { uses[entry.key]?.writtenAt = now }
            }
        }
    }
}
