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

    private struct Entry: Sendable {
        var fields: (list: [Field], until: Timestamp)?
        var segments: (list: [EmarsysSegment], until: Timestamp)?
    }

    private static let lifetime = Duration.seconds(30)
    private static let limit = 256

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
