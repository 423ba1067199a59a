import Crypto
import EventLoop
import Tenancy

/// Sessions of operators in their browsers. The cookie holds them, sealed with the master key: every replica can open it,
/// and since each request looks the token's hash up anew, a revoked operator's session ends at once.
struct OperatorSessions: Sendable {
    struct Session: Sendable {
        let tokenHash: [UInt8]
        let csrfToken: String
        let expiresAt: Timestamp
    }

    static let lifetime = Duration.seconds(8 * 3600)

    let secrets: SecretBox
    let time: any TimeSource

    /// The cookie's value and the session of a token.
    func make(tokenHash: [UInt8]) throws -> (cookie: String, session: Session) {
        let session = Session(
            tokenHash: tokenHash, csrfToken: SecureRandom.token(24), expiresAt: time.now() + Self.lifetime)
        let text = "\(Hex.encode(tokenHash)).\(session.csrfToken).\(session.expiresAt.seconds)"
        return (Base64URL.encode(try secrets.sealCookie(Array(text.utf8))), session)
    }

    /// The session in a cookie, if it is ours and has not ended.
    func open(_ cookie: String) -> Session? {
        guard let sealed = Base64URL.decode(cookie), let bytes = try? secrets.openCookie(sealed) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ".")
        guard parts.count == 3, let hash = Hex.decode(String(parts[0])), let seconds = Int64(parts[2]) else {
            return nil
        }
        let expiresAt = Timestamp(seconds: seconds)
        guard time.now() < expiresAt else { return nil }
        return Session(tokenHash: hash, csrfToken: String(parts[1]), expiresAt: expiresAt)
    }
}
