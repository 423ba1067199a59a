import EventLoop
import HTTP

/// What an attempt came to.
enum DeliveryResult: Sendable {
    /// An answer of any status, and the first kilobyte of it.
    case answered(status: Int, retryAfter: Duration?, excerpt: String)
    /// No answer: a stable code, e.g. `timed_out`, `address_not_allowed`.
    case failed(code: String)

    /// How the attempt log names it.
    var error: String? {
        switch self {
        case .answered(let status, _, _): (200..<300).contains(status) ? nil : "http_\(status)"
        case .failed(let code): code
        }
    }
}

extension DeliveryResult {
    /// The status of the answer, if there was one.
    var status: Int? { if case .answered(let status, _, _) = self { status } else { nil } }
    /// The first kilobyte of the answer.
    var excerpt: String? { if case .answered(_, _, let excerpt) = self { excerpt } else { nil } }
}

/// What follows from an attempt.
enum DeliveryVerdict: Sendable, Hashable {
    /// Taken.
    case delivered
    /// Not taken: try again by the plan.
    case retry(after: Duration?)
    /// Not now: the whole endpoint is given the quiet it asked for.
    case quiet(Duration)
    /// 410: the endpoint is gone; it is switched off, the delivery waits for a new one.
    case gone

    /// The Standard Webhooks rules: 2xx is success, 410 disables, 429, 502, 503 and 504 throttle, anything else, redirects
    /// included, is a failure.
    init(_ result: DeliveryResult) {
        guard case .answered(let status, let retryAfter, _) = result else {
            self = .retry(after: nil)
            return
        }
        switch status {
        case 200..<300: self = .delivered
        case 410: self = .gone
        case 429: self = .quiet(retryAfter ?? .seconds(30))
        case 502, 503, 504: self = retryAfter.map { .quiet($0) } ?? .retry(after: nil)
        default: self = .retry(after: retryAfter)
        }
    }

    /// Reads `Retry-After` (RFC 9110 10.2.3): seconds, or a date; a day at most.
    static func retryAfter(_ value: String?, now: Timestamp) -> Duration? {
        guard let value = value?.trimmed else { return nil }
        let day = Duration.seconds(86_400)
        if let seconds = Int64(value) { return seconds < 0 ? nil : min(.seconds(min(seconds, 86_400)), day) }
        guard let date = date(value) else { return nil }
        return min(max(date - now, .zero), day)
    }

    /// The preferred form of dates in HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].utf8.count == 2,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        return Timestamp(rfc3339: "\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
    }
}
