import Crypto
import EventLoop
import HTTP
import Persistence
import Tenancy

/// Finds out who asks on the operators' host: the bootstrap token, or an operator's own, as a bearer token or in a cookie.
struct OperatorAuthentication: Sendable {
    static let cookieName = "charles_operator"

    let database: Database
    /// SHA-256 of `CHARLES_OPERATOR_TOKEN`; nil where there is none.
    let bootstrapHash: [UInt8]?
    let sessions: OperatorSessions

    func principal(_ request: HTTPRequest) async throws -> OperatorPrincipal {
        if let header = request.header("Authorization") {
            guard let token = Self.bearer(header), let principal = try await principal(token: token) else {
                throw Self.refusal
            }
            return principal
        }
        guard let cookie = Self.cookie(request), let session = sessions.open(cookie),
            let principal = try await principal(hash: session.tokenHash)
        else { throw Self.refusal }
        if !request.method.isSafe {
            guard let token = request.header("X-CSRF-Token"),
                constantTimeEqual(Array(token.utf8), Array(session.csrfToken.utf8))
            else { throw Problem.forbidden("csrf_token_invalid", "Send the session's csrf_token as X-CSRF-Token.") }
        }
        return principal
    }

    /// The operator of a token.
    func principal(token: String) async throws -> OperatorPrincipal? {
        guard (8...256).contains(token.utf8.count) else { return nil }
        return try await principal(hash: SHA256.hash(Array(token.utf8)))
    }

    private func principal(hash: [UInt8]) async throws -> OperatorPrincipal? {
        if let bootstrapHash, constantTimeEqual(hash, bootstrapHash) {
            return OperatorPrincipal(name: "bootstrap", role: .manager)
        }
        guard let stored = try await OperatorStore.find(tokenHash: hash, in: database),
            let role = OperatorPrincipal.Role(rawValue: stored.role)
        else { return nil }
        return OperatorPrincipal(name: stored.name, role: role)
    }

    static let refusal = Problem(
        .unauthorized, "unauthorized", detail: "Send an operator token: Authorization: Bearer …",
        headers: ["WWW-Authenticate": "Bearer"])

    static func bearer(_ header: String) -> String? {
        guard header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
        return String(header.dropFirst(7).drop { $0 == " " })
    }

    static func cookie(_ request: HTTPRequest) -> String? {
        Authentication.cookie(request, name: cookieName, limit: 1024)
    }
}
