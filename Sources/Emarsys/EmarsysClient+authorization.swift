import EventLoop

extension EmarsysClient {
    /// The header that identifies us, for one attempt.
    struct Authorization: Sendable {
        var header: String
        var value: String
        /// The bearer token, so that it can be dropped when refused.
        var token: String?
    }

    var tokens: TokenSource { TokenSource(http: http, shared: shared, time: time, policy: policy) }

    /// A fresh header: WSSE headers are never reused, tokens are.
    func authorization() async throws(EmarsysError) -> Authorization {
        guard connection.credential.isWellFormed else {
            throw EmarsysError(.notSent, text: "the credential contains characters that cannot be sent")
        }
        switch connection.credential {
        case .wsse(let username, let secret):
            let value = WSSEHeader.value(username: username, secret: secret, now: time.now())
            return Authorization(header: WSSEHeader.name, value: value)
        case .oauth2(let clientID, let clientSecret, let tokenURL):
            let token = try await tokens.token(
                key: connection.key, clientID: clientID, clientSecret: clientSecret, tokenURL: tokenURL)
            return Authorization(header: "Authorization", value: "Bearer \(token)", token: token)
        }
    }
}
