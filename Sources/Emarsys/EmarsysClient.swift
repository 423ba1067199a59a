import EventLoop
import HTTP
import JSON

/// Typed calls to one Emarsys account.
///
/// A client is a cheap value: make one for each piece of work, with the shared state of the process. Every attempt
/// asks the rate budget first, carries a fresh authorization, and is judged by ``EmarsysError/failureClass``: passing
/// failures are repeated by ``retry``, a 401 once with a new header or token, the rest is thrown.
public struct EmarsysClient: Sendable {
    /// Where and as whom.
    public let connection: EmarsysConnection
    /// When to repeat failed calls.
    public var retry = RetryPlan()
    /// Whether calls may use the reserve of the rate budget.
    public var urgency = RateBudget.Urgency.bulk
    /// How long one attempt may take.
    public var requestTimeout = Duration.seconds(60)
    /// How long to wait for the rate budget before giving up.
    public var longestBudgetWait = Duration.seconds(180)
    /// Called after every attempt.
    public var onCall: (@Sendable (EmarsysCallRecord) -> Void)?
    /// Called before every attempt, to take a call out of a budget that several processes share.
    public var lease: (@Sendable (EmarsysConnection) async throws -> Void)?

    let http: HTTPClient
    let shared: EmarsysSharedState
    let time: any TimeSource
    let policy: EmarsysEndpointPolicy

    /// A client for `connection`.
    public init(
        connection: EmarsysConnection, http: HTTPClient, shared: EmarsysSharedState, time: any TimeSource,
        policy: EmarsysEndpointPolicy = EmarsysEndpointPolicy()
    ) {
        self.connection = connection
        self.http = http
        self.shared = shared
        self.time = time
        self.policy = policy
    }

    /// Sends a call and returns the `data` of a good answer.
    func data(_ call: EmarsysCall) async throws(EmarsysError) -> JSON {
        try await send(call) { body throws(EmarsysError) in
            let answer: JSON
            do { answer = try JSON.parse(body) } catch {
                throw EmarsysError(.unreadable, httpStatus: 200, text: "the answer is not JSON")
            }
            try EmarsysClient.checkReply(code: answer["replyCode"]?.looseInt, text: answer["replyText"]?.string)
            return answer["data"] ?? .null
        }
    }

    /// Emarsys can say no inside HTTP 200.
    static func checkReply(code: Int?, text: String?) throws(EmarsysError) {
        if let code, code != 0 {
            throw EmarsysError(httpStatus: 200, replyCode: code, text: text ?? "")
        }
    }

    /// Sends a call, again if the failure is a passing one.
    ///
    /// - Parameters:
    ///   - call: the call
    ///   - read: makes sense of the body of a 2xx other than 202; what it throws counts like any other failure
    func send<T: Sendable>(_ call: EmarsysCall, _ read: ([UInt8]) throws(EmarsysError) -> T)
        async throws(EmarsysError) -> T
    {
        var plan = retry
        while true {
            do {
                return try read(try await attempt(call).body)
            } catch {
                if call.isPolled, error.httpStatus == 202 || error.httpStatus == 423 { throw error }
                switch plan.decide(after: error, jitter: .random(in: 0...1)) {
                case .giveUp: throw error
                case .again(let delay): try await sleep(until: time.now() + delay)
                }
            }
        }
    }

    /// Sends a call once, or twice if the first authorization is refused.
    private func attempt(_ call: EmarsysCall) async throws(EmarsysError) -> HTTPClientResponse {
        let first = try await authorization()
        let response = try await exchange(call, first)
        guard response.status.code == 401 else { return try judge(response, call) }
        if let token = first.token { tokens.refused(token, key: connection.key) }
        let second = try await exchange(call, authorization())
        do { return try judge(second, call) } catch {
            var error = error
            error.triedAgain = true
            if error.httpStatus == 401, first.token == nil {
                error.clockSkewSeconds = ClockSkew.seconds(date: second.headers["Date"], now: time.now())
            }
            throw error
        }
    }

    private func judge(_ response: HTTPClientResponse, _ call: EmarsysCall) throws(EmarsysError) -> HTTPClientResponse {
        let status = response.status.code
        guard status == 202 || !(200..<300).contains(status) else { return response }
        // The body may be JSON under any content type, an HTML page of a proxy, plain text, or nothing.
        let body = try? JSON.parse(response.body)
        let plain = String(decoding: response.body.prefix(300), as: UTF8.self)
        var error = EmarsysError(
            httpStatus: status, replyCode: body?["replyCode"]?.looseInt, text: body?["replyText"]?.string ?? plain,
            retryAfterSeconds: RateLimitHeaders { response.headers[$0] }.retryAfterSeconds)
        if status == 403 { error.permission = call.operation.permission }
        throw error
    }

    private func exchange(_ call: EmarsysCall, _ authorization: Authorization)
        async throws(EmarsysError) -> HTTPClientResponse
    {
        let base: HTTPURL
        do { base = try policy.permitted(connection.baseURL) } catch {
            throw EmarsysError(.notSent, text: "base URL not permitted: \(error.rawValue)")
        }
        guard let url = HTTPURL(connection.baseURL + connection.credential.apiPath + call.path) else {
            throw EmarsysError(.notSent, text: "the call has no valid address")
        }
        var request = HTTPClientRequest(method: call.method, url: url)
        request.headers.set(authorization.header, authorization.value)
        request.headers.set("Content-Type", "application/json")
        request.headers.set("Accept", "application/json")
        if let trace = TraceContext.current { request.headers.carry(trace) }
        request.body = call.body
        request.timeout = requestTimeout
        request.maxResponseBytes = call.maxResponseBytes
        request.addressPolicy = policy.addressPolicy(for: base)
        request.isIdempotent = call.operation != .exportSegment && call.operation != .exportContactChanged

        try await takeFromBudget()
        let begin = time.now()
        let response: HTTPClientResponse
        do { response = try await http.send(request) } catch {
            shared.withExisting(connection.key) { $0.budget.lost() }
            onCall?(EmarsysCallRecord(operation: call.operation, httpStatus: 0, duration: time.now() - begin))
            throw EmarsysError(error)
        }
        let end = time.now()
        let headers = RateLimitHeaders { response.headers[$0] }
        let status = response.status.code
        shared.withExisting(connection.key) { $0.budget.observe(headers, status: status, at: end) }
        onCall?(EmarsysCallRecord(operation: call.operation, httpStatus: status, duration: end - begin))
        return response
    }

    private func takeFromBudget() async throws(EmarsysError) {
        if let lease {
            do { try await lease(connection) } catch { throw EmarsysError(.cancelled, text: "no budget was leased") }
        }
        let deadline = time.now() + longestBudgetWait
        while true {
            let now = time.now()
            let urgency = urgency
            switch shared.with(connection.key, { $0.budget.take(at: now, urgency: urgency) }) {
            case .go: return
            case .wait(let until):
                guard until <= deadline else {
                    throw EmarsysError(
                        httpStatus: 429, text: "the API user's calls for this minute are used up",
                        retryAfterSeconds: Int(clamping: until.seconds - now.seconds + 1))
                }
                try await sleep(until: until)
            }
        }
    }

    func sleep(until moment: Timestamp) async throws(EmarsysError) {
        do { try await time.sleep(until: moment) } catch {
            throw EmarsysError(.cancelled, text: "cancelled while waiting")
        }
    }
}
