import Crypto
import EventLoop
import HTTP
import JSON

extension SandboxAccount {
    /// The user of a valid `X-WSSE` header, which may have its attributes in any order and case.
    func wsseUser(_ request: HTTPRequest, _ now: Timestamp) -> String? {
        guard let header = request.header("X-WSSE") ?? request.header("WSSE"),
            header.lowercased().hasPrefix("usernametoken ")
        else { return nil }
        let attributes = SandboxAccount.attributes(header.dropFirst("usernametoken ".count))
        guard let user = attributes["username"], user == options.username, let nonce = attributes["nonce"],
            let created = attributes["created"], let digest = attributes["passworddigest"],
            let time = SandboxAccount.timestamp(created), abs(time.seconds - now.seconds) <= 300
        else { return nil }
        let hash = Hex.encode(SHA1.hash([UInt8]((nonce + created + options.secret).utf8)))
        return Base64.encode([UInt8](hash.utf8)) == digest ? user : nil
    }

    private static func attributes(_ text: Substring) -> [String: String] {
        var found: [String: String] = [:]
        for part in text.split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            let name = part[..<equals].filter { $0 != " " }.lowercased()
            var value = part[part.index(after: equals)...]
            while value.first == " " { value.removeFirst() }
            while value.last == " " { value.removeLast() }
            guard value.count >= 2, value.first == "\"", value.last == "\"" else { continue }
            found[name] = String(value.dropFirst().dropLast())
        }
        return found
    }

    /// RFC 3339, and the same with `+0000`, which Emarsys takes too.
    private static func timestamp(_ text: String) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        guard text.utf8.count > 5, text.hasSuffix("+0000") else { return nil }
        return Timestamp(rfc3339: text.dropLast(5) + "Z")
    }

    /// The client of a valid bearer token.
    func bearerClient(_ request: HTTPRequest, _ now: Timestamp) -> String? {
        guard let header = request.header("Authorization"), header.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let token = String(header.dropFirst("bearer ".count))
        return with { state in
            guard let end = state.tokens[token], now < end else { return nil }
            return options.clientID
        }
    }

    /// Answers `POST /oauth2/token`: client credentials by HTTP Basic, 50 a minute and 200 an hour.
    func tokenAnswer(_ request: HTTPRequest) -> SandboxAnswer {
        let now = time.now()
        with { $0.callsByPath["\(request.method.rawValue) /oauth2/token", default: 0] += 1 }
        func refuse(_ status: Int, _ error: String) -> SandboxAnswer {
            SandboxAnswer(status: status, body: JSON.object(["error": .string(error)]).encoded())
        }
        if let fault = with({ $0.takeFault("/oauth2/token") }) { return fault.answer }
        guard request.method == .post else { return refuse(405, "invalid_request") }
        let basic = Base64.encode([UInt8]("\(options.clientID):\(options.clientSecret)".utf8))
        guard request.header("Authorization") == "Basic \(basic)" else { return refuse(401, "invalid_client") }
        let body = String(decoding: request.body, as: UTF8.self)
        guard body.split(separator: "&").contains("grant_type=client_credentials") else {
            return refuse(400, "unsupported_grant_type")
        }
        let token = "\(SecureRandom.token(24)).\(SecureRandom.token(48)).\(SecureRandom.token(24))"
        let seconds = options.tokenSeconds
        let isLimited = with { state in
            state.tokenCalls.removeAll { $0 + .seconds(3600) <= now }
            let lastMinute = state.tokenCalls.count { $0 + .seconds(60) > now }
            guard lastMinute < 50, state.tokenCalls.count < 200 else { return true }
            state.tokenCalls.append(now)
            state.tokens[token] = now + .seconds(seconds)
            return false
        }
        if isLimited { return refuse(429, "too_many_requests") }
        return SandboxAnswer(
            status: 200,
            body: JSON.object([
                "access_token": .string(token), "token_type": "Bearer",
                "expires_in": .number(JSONNumber(Int64(seconds))),
            ]).encoded())
    }
}
