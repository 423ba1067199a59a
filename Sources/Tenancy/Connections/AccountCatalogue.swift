public import Emarsys
import EventLoop
import FoundationEssentials
import Synchronization

/// Fields and segments of the tenants' Emarsys accounts, remembered for half a minute: long enough for the pages of one
/// set-up, short enough that a field or segment made in Emarsys just now shows up.
public final class AccountCatalogue: Sendable {
    /// A field with its choices.
    public struct Field: Sendable, Hashable {
        /// The field.
        public let field: EmarsysField
        /// Labels by choice id; empty for fields without choices.
        public let choices: [EmarsysChoice]
    }

    /// A value of a field as some contact has it.
    public struct Sample: Sendable, Hashable {
        /// The field.
        public let field: Int
        /// What it holds, labels instead of ids of choices, at most 80 characters.
        public let text: String
    }

    private struct Entry: Sendable {
        var samples: (list: [Sample], until: Timestamp)?
        var fields: (list: [Field], until: Timestamp)?
        var segments: (list: [EmarsysSegment], until: Timestamp)?
    }

    private static let lifetime = Duration.seconds(30)
    private static let limit = 256
    private static let samplesLive = Duration.seconds(600)
    /// So many contacts are looked at for one that has a value.
    private static let lookedAt = 50

    private let connections: ConnectionService
    private let entries = Mutex<[String: Entry]>([:])

    /// A catalogue over connections.
    public init(connections: ConnectionService) { self.connections = connections }

    /// All fields of the tenant's account, choices included. Throws 409 `not_connected`, or `EmarsysError`.
    public func fields(of tenant: Tenant) async throws -> [Field] {
        let client = try await connections.emarsysClient(for: tenant, whilePaused: true)
        let now = connections.time.now()
        if let known = entries.withLock({ $0[client.connection.key]?.fields }), now < known.until { return known.list }
        let language = tenant.settings.language
        let interactive = Self.interactive(client)
        let fields = try await interactive.fields(language: language)
        let choiceIDs = fields.filter(\.kind.isChoice).map(\.id)
        let choices = try await interactive.choices(of: choiceIDs, language: language)
        let list = fields.map { Field(field: $0, choices: choices[$0.id] ?? []) }
        remember(client.connection.key) { $0.fields = (list, now + Self.lifetime) }
        return list
    }

    /// All segments of the tenant's account. Throws 409 `not_connected`, or `EmarsysError`.
    public func segments(of tenant: Tenant) async throws -> [EmarsysSegment] {
        let client = try await connections.emarsysClient(for: tenant, whilePaused: true)
        let now = connections.time.now()
        if let known = entries.withLock({ $0[client.connection.key]?.segments }), now < known.until {
            return known.list
        }
        let list = try await Self.interactive(client).segments()
        remember(client.connection.key) { $0.segments = (list, now + Self.lifetime) }
        return list
    }

    /// A value of each field that is filled for one of a few contacts of a segment; none where the account has no segment,
    /// or where Emarsys would take long to evaluate it. Throws 409 `not_connected`, or `EmarsysError`.
    public func samples(of tenant: Tenant) async throws -> [Sample] {
        let client = try await connections.emarsysClient(for: tenant, whilePaused: true)
        let now = connections.time.now()
        if let known = entries.withLock({ $0[client.connection.key]?.samples }), now < known.until { return known.list }
        let known = try await self.fields(of: tenant)
        let all = try await self.segments(of: tenant)
        guard let segment = all.first(where: { $0.type == "standard" }) ?? all.first else { return [] }
        let interactive = Self.interactive(client)
        let ids = try await Self.someContacts(of: segment.id, interactive)
        let table = try await interactive.getData(ids, fields: known.map(\.field.id))
        let list = Self.samples(known, table.rows)
        remember(client.connection.key) { $0.samples = (list, now + Self.samplesLive) }
        return list
    }

    private static func someContacts(of segment: Int64, _ client: EmarsysClient) async throws -> [String] {
        let poll = SegmentPollPlan(firstDelay: .seconds(1), longestDelay: .seconds(2), patience: .seconds(4))
        do {
            return Array(try await client.segmentContacts(segment, limit: lookedAt, poll: poll).prefix(lookedAt))
        } catch {
            if error.origin == .deadline { return [] }
            throw error
        }
    }

    static func samples(_ fields: [Field], _ rows: [ContactRow]) -> [Sample] {
        fields.enumerated().compactMap { index, field in
            for row in rows where index < row.values.count {
                let ids: [String]
                switch row.values[index] {
                case .absent, .null: continue
                case .text(let text): ids = [text]
                case .choices(let some): ids = some
                }
                let labels = ids.map { id in field.choices.first { $0.id == id }?.label ?? id }
                let text = labels.joined(separator: ", ")
                if !text.isEmpty { return Sample(field: field.field.id, text: String(text.prefix(80))) }
            }
            return nil
        }
    }

    /// Somebody waits for the answer: few attempts, and the reserve of the budget may be used.
    private static func interactive(_ client: EmarsysClient) -> EmarsysClient {
        var client = client
        client.retry.attempts = 2
        client.urgency = .urgent
        client.requestTimeout = .seconds(20)
        client.longestBudgetWait = .seconds(10)
        return client
    }

    private func remember(_ key: String, _ change: (inout Entry) -> Void) {
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            change(&entries[key, default: Entry()])
        }
    }
}
