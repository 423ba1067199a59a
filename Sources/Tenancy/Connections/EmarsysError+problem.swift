public import Emarsys
public import EventLoop
public import HTTP
public import JSON

extension EmarsysError: ProblemConvertible {
    /// What a client of ours learns of a failed call: 502, or 503 where waiting helps.
    public var problem: Problem {
        let detail = "\(advice)"
        if let seconds = retryAfterSeconds, httpStatus == 429 {
            return .unavailable(code, detail, retryAfter: max(1, seconds))
        }
        return Problem(httpStatus == 429 ? .serviceUnavailable : .badGateway, code, detail: detail)
    }

    /// What the connection shows as `last_error`.
    ///
    /// - Parameter permission: what the call needs; named where it is missing
    public func report(at now: Timestamp, needing permission: EmarsysOperation? = nil) -> JSON {
        var report: JSON = [
            "code": .string(code), "detail": .string(text), "advice": .string(advice), "at": .string(now.rfc3339),
            "http_status": httpStatus == 0 ? .null : .int(httpStatus), "reply_code": .optional(replyCode),
        ]
        if code == "emarsys_permission_missing", let permission {
            report["permission"] = .string(permission.permission)
        }
        return report
    }
}
