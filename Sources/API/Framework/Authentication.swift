import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import Tenancy

/// Finds out who asks on a tenant's host: a key in `X-API-Key`, else a session's cookie.
struct Authentication: Sendable {
    static let cookieName = "charles_session"
    static let keyPrefix = "cek_"

    let database: Database
    let time: any TimeSource
    var keyUse: KeyUse?

    /// The principal, or nil without a credential. Throws 401 for a credential that is not known here, 403 for a write by
    /// cookie without the session's CSRF token.
    func principal(_ request: HTTPRequest, _ tenant: Tenant) async throws -> Principal? {
        if let key = request.head.headerBytes("X-API-Key") {
            guard let known = Self.key(key, of: tenant) else { throw Problem.unauthorized }
            keyUse?.note(known.id, tenant: tenant.id)
            return Principal(kind: .apiKey(known.id), permissions: known.permissions)
        }
        guard let token = Self.cookie(request) else { return nil }
        guard let session = try await session(token, tenant) else { throw Problem.unauthorized }
        if !request.method.isSafe { try Self.checkCSRF(request, session) }
        keyUse?.note(session.keyID, tenant: tenant.id)
        return Principal(kind: .session(session.keyID), permissions: session.permissions)
    }

    /// The session of a cookie's token, if it lives.
    func session(_ token: String, _ tenant: Tenant) async throws(DatabaseError) -> StoredSession? {
        try await SessionStore.find(
            SHA256.hash(Array(token.utf8)), tenant: tenant.id, now: time.now(), in: database)
    }

    /// The tenant's key that reads like `bytes`.
    static func key(_ bytes: ArraySlice<UInt8>, of tenant: Tenant) -> Tenant.Key? {
        guard bytes.count <= 128, bytes.starts(with: keyPrefix.utf8) else { return nil }
        return tenant.key(hash: SHA256.hash(bytes))
    }

    /// The token in the session's cookie.
    static func cookie(_ request: HTTPRequest) -> String? { cookie(request, name: cookieName, limit: 128) }

    /// The value of a cookie, if it has at most `limit` bytes.
    static func cookie(_ request: HTTPRequest, name: String, limit: Int) -> String? {
        guard let header = request.header("Cookie") else { return nil }
        for pair in header.split(separator: ";") {
            let trimmed = pair.drop { $0 == " " }
            guard trimmed.hasPrefix(name), trimmed.dropFirst(name.count).first == "=" else { continue }
            let value = trimmed.dropFirst(name.count + 1)
            return (1...limit).contains(value.utf8.count) ? String(value) : nil
        }
        return nil
    }

    private static func checkCSRF(_ request: HTTPRequest, _ session: StoredSession) throws(Problem) {
        guard let token = request.header("X-CSRF-Token"),
            constantTimeEqual(Array(token.utf8), Array(session.csrfToken.utf8))
        else { throw .forbidden("csrf_token_invalid", "Send the session's csrf_token as X-CSRF-Token.") }
    }
}
