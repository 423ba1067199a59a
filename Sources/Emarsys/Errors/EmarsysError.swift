import HTTP

/// Why a call to Emarsys did not give what was asked for.
public struct EmarsysError: Error, Sendable, Hashable {
    /// Where the failure happened.
    public enum Origin: Sendable, Hashable {
        /// Emarsys answered, and not as hoped.
        case answer
        /// The token endpoint answered, and not as hoped.
        case tokenAnswer
        /// No (whole) answer: name look-up, connection, TLS, time out.
        case network
        /// An answer came that is not what Emarsys documents.
        case unreadable
        /// The call was not sent: its address is not permitted or its input is out of bounds.
        case notSent
        /// We gave up waiting for our own deadline.
        case deadline
        /// The surrounding task was cancelled.
        case cancelled
    }

    /// Where the failure happened.
    public var origin: Origin
    /// The HTTP status, or 0 when there was no answer.
    public var httpStatus: Int
    /// Emarsys' own code from the body, if there was a readable one. Codes are reused with different meanings:
    /// only the pair with `httpStatus` says anything.
    public var replyCode: Int?
    /// Emarsys' text or ours, at most 300 characters and on one line.
    public var text: String
    /// How long the answer asked us to wait, in seconds.
    public var retryAfterSeconds: Int?
    /// The permission of the call that was forbidden (403).
    public var permission: String?
    /// Whether a fresh header or token has been tried already: a further 401 is then final.
    public var triedAgain = false
    /// For a refused WSSE header, by how many seconds our clock is ahead of Emarsys', if that explains the refusal.
    public var clockSkewSeconds: Int?

    /// An error of an answer.
    public init(
        _ origin: Origin = .answer, httpStatus: Int = 0, replyCode: Int? = nil, text: String,
        retryAfterSeconds: Int? = nil
    ) {
        self.origin = origin
        self.httpStatus = httpStatus
        self.replyCode = replyCode
        self.text = EmarsysError.oneLine(text)
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// An error of a call that brought no answer.
    init(_ error: HTTPClientError) {
        let origin: Origin =
            switch error.code {
            case .addressRefused, .invalidRequest: .notSent
            case .cancelled: .cancelled
            case .invalidResponse, .responseTooLarge: .unreadable
            default: .network
            }
        self.init(origin, text: error.description)
    }

    private static func oneLine(_ text: String) -> String {
        String(text.unicodeScalars.prefix(300).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    }
}

extension EmarsysError: CustomStringConvertible {
    /// Status and codes only: Emarsys' text can quote a contact's data and has no place in a log.
    public var description: String {
        let reply = replyCode.map { ", reply code \($0)" } ?? ""
        return httpStatus == 0 ? "Emarsys: \(code)" : "Emarsys: \(code) (HTTP \(httpStatus)\(reply))"
    }
}
