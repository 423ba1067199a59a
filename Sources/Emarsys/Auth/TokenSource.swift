import Crypto
import EventLoop
import HTTP
import JSON

/// Fetches OAuth tokens and shares them with every call of the process over the same connection.
struct TokenSource: Sendable {
    let http: HTTPClient
    let shared: EmarsysSharedState
    let time: any TimeSource
    let policy: EmarsysEndpointPolicy

    /// A usable token; calls that arrive during a fetch wait for it instead of fetching another.
    func token(key: String, clientID: String, clientSecret: String, tokenURL: String)
        async throws(EmarsysError) -> String
    {
        while true {
            let now = time.now()
            switch shared.with(key, { $0.token.decide(at: now) }) {
            case .use(let token): return token
            case .join: await waitForFetch(key)
            case .refuse(let until):
                let seconds = Int(max(1, until.seconds - now.seconds))
                throw EmarsysError(
                    .tokenAnswer, httpStatus: 429, text: "the token endpoint's limit is used up",
                    retryAfterSeconds: seconds)
            case .fetch:
                do {
                    let grant = try await fetch(clientID, clientSecret, tokenURL)
                    settle(key) { $0.fetched(grant.token, expiresIn: grant.seconds, at: now) }
                    return grant.token
                } catch {
                    settle(key) { $0.failed() }
                    throw error
                }
            }
        }
    }

    /// Drops a token that the API refused.
    func refused(_ token: String, key: String) {
        shared.withExisting(key) { $0.token.refused(token) }
    }

    private func waitForFetch(_ key: String) async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let now = time.now()
            let wait = shared.with(key) { entry in
                // The fetch may have ended between the decision and here.
                guard entry.token.isFetching(at: now) else { return false }
                entry.tokenWaiters.append(waiter)
                return true
            }
            if !wait { waiter.resume() }
        }
    }

    private func settle(_ key: String, _ change: (inout TokenPlan) -> Void) {
        let waiters = shared.withExisting(key) { entry in
            change(&entry.token)
            let waiters = entry.tokenWaiters
            entry.tokenWaiters = []
            return waiters
        }
        for waiter in waiters ?? [] { waiter.resume() }
    }

    private func fetch(_ clientID: String, _ clientSecret: String, _ tokenURL: String)
        async throws(EmarsysError) -> (token: String, seconds: Int)
    {
        let url: HTTPURL
        do { url = try policy.permitted(tokenURL) } catch {
            throw EmarsysError(.notSent, text: "token URL not permitted: \(error.rawValue)")
        }
        let basic = Base64.encode([UInt8]("\(clientID):\(clientSecret)".utf8))
        var request = HTTPClientRequest(method: .post, url: url)
        request.headers.set("Authorization", "Basic \(basic)")
        request.headers.set("Content-Type", "application/x-www-form-urlencoded")
        request.headers.set("Accept", "application/json")
        request.body = [UInt8]("grant_type=client_credentials".utf8)
        request.isIdempotent = true
        request.timeout = .seconds(30)
        request.maxResponseBytes = 1 << 20
        request.addressPolicy = policy.addressPolicy(for: url)
        let response: HTTPClientResponse
        do { response = try await http.send(request) } catch {
            throw EmarsysError(error)
        }
        let limits = RateLimitHeaders { response.headers[$0] }
        let body = try? JSON.parse(response.body)
        guard response.status.code == 200 else {
            throw EmarsysError(
                .tokenAnswer, httpStatus: response.status.code,
                text: body?["error"]?.string ?? "the token endpoint refused the client",
                retryAfterSeconds: limits.retryAfterSeconds)
        }
        guard let token = body?["access_token"]?.string, !token.isEmpty,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw EmarsysError(.unreadable, httpStatus: 200, text: "no access token in the token answer") }
        let seconds = body?["expires_in"].flatMap { $0.int64 ?? $0.string.flatMap { Int64($0) } } ?? 3600
        return (token, Int(clamping: seconds))
    }
}
