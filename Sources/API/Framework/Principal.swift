public import FoundationEssentials
public import Tenancy

/// Who asks.
public struct Principal: Sendable, Hashable {
    /// How the principal proved itself.
    public enum Kind: Sendable, Hashable {
        /// `X-API-Key`, with the key's id.
        case apiKey(UUID)
        /// A session, with the id of the key that opened it.
        case session(UUID)
        /// A webhook; its token is the handler's to verify.
        case webhook
        /// Nobody, on a route that is open to all.
        case anonymous
    }

    /// How the principal proved itself.
    public let kind: Kind
    /// What it may do.
    public let permissions: PermissionSet

    /// A principal.
    public init(kind: Kind, permissions: PermissionSet) {
        self.kind = kind
        self.permissions = permissions
    }

    /// The principal in the audit log and beside what it changed.
    public var actor: String {
        switch kind {
        case .apiKey(let id): "api_key:\(id.uuidString.lowercased())"
        case .session(let id): "session:\(id.uuidString.lowercased())"
        case .webhook: "webhook"
        case .anonymous: "anonymous"
        }
    }

    /// The key behind the principal, if any.
    public var keyID: UUID? {
        switch kind {
        case .apiKey(let id), .session(let id): id
        case .webhook, .anonymous: nil
        }
    }
}
