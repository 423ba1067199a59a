/// The head of an answer that a client received.
public struct HTTPResponseHead: Sendable {
    /// How the body is delimited (RFC 9112 section 6.3).
    public enum Framing: Sendable, Hashable {
        /// A body of so many bytes; 0 where there is none.
        case length(Int)
        /// `Transfer-Encoding: chunked`.
        case chunked
        /// Everything until the connection ends.
        case untilClose
    }

    /// The status.
    public let status: HTTPStatus
    /// The fields in order.
    public let headers: HTTPHeaders
    /// How the body is delimited.
    public let framing: Framing
    /// Whether the connection may be used again after the body.
    public let keepsAlive: Bool
}

/// Reads the heads of answers from a growing buffer by RFC 9112, as strictly as those of requests: a client that
/// guesses where an answer ends hands one tenant's answer to another.
///
///     statusLine ──line──▶ fields ──empty line──▶ (head) ──▶ statusLine
///        any state ──fault──▶ thrown; the connection closes
///
/// Interim answers (1xx) are heads of their own; the caller skips them.
public struct HTTPResponseParser: Sendable {
    /// What a look at the input gave.
    public enum Progress: Sendable {
        /// The head is not complete yet.
        case needsMore
        /// A head; the body begins `length` bytes behind the start of the input.
        case head(HTTPResponseHead, length: Int)
    }

    private enum State: Sendable {
        case statusLine
        case fields
    }

    private let headBytes: Int
    private let maxFields: Int
    private var state = State.statusLine
    private var lineStart = 0
    private var position = 0
    private var draft = Draft()

    /// What the lines so far have said.
    private struct Draft: Sendable {
        var status = HTTPStatus.ok
        var minorVersion = 1
        var fields: [HTTPHeaders.Field] = []
        var contentLength: Int?
        var isChunked = false
        var saysClose = false
        var saysKeepAlive = false
    }

    /// A parser at the start of an answer.
    /// - Parameters:
    ///   - headBytes: bytes that a head may have.
    ///   - maxFields: field lines that a head may have.
    public init(headBytes: Int = 65_536, maxFields: Int = 200) {
        self.headBytes = headBytes
        self.maxFields = maxFields
    }

    /// Looks at the input.
    /// - Parameters:
    ///   - bytes: the unconsumed input, from the same first byte on as in the call before.
    ///   - method: the method of the request, because answers to HEAD have no body.
    public mutating func head(of bytes: RawSpan, to method: HTTPMethod) throws(HTTPParseError) -> Progress {
        while try HTTPScanner.lineEnd(bytes, &position) {
            let line = lineStart..<position
            position += 2
            if position > headBytes { throw .headTooLarge }
            lineStart = position
            if state == .statusLine {
                try readStatusLine(bytes, line)
                state = .fields
            } else if line.isEmpty {
                return try .head(finish(method), length: reset())
            } else {
                try readField(bytes, line)
            }
        }
        if bytes.byteCount > headBytes { throw .headTooLarge }
        return .needsMore
    }

    private mutating func reset() -> Int {
        let length = position
        state = .statusLine
        lineStart = 0
        position = 0
        draft = Draft()
        return length
    }

    /// `HTTP/1.1 200 OK`; the phrase may be empty, the space before it is asked of the server but not needed.
    private mutating func readStatusLine(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) {
        let start = line.lowerBound
        guard line.count >= 12, HTTPScanner.equalsExactly(bytes, start..<start + 5, "HTTP/") else {
            throw .malformedHead
        }
        guard HTTPScanner.equalsExactly(bytes, start + 5..<start + 7, "1.") else { throw .unsupportedVersion }
        let minor = HTTPScanner.byte(bytes, start + 7)
        guard HTTPGrammar.isDigit(minor), HTTPScanner.byte(bytes, start + 8) == 0x20,
            line.count == 12 || HTTPScanner.byte(bytes, start + 12) == 0x20
        else { throw .malformedHead }
        var code = 0
        for place in start + 9..<start + 12 {
            let digit = HTTPScanner.byte(bytes, place)
            guard HTTPGrammar.isDigit(digit) else { throw .malformedHead }
            code = code * 10 + Int(digit - 0x30)
        }
        guard (100...599).contains(code) else { throw .malformedHead }
        draft.status = HTTPStatus(code)
        draft.minorVersion = minor == UInt8(ascii: "0") ? 0 : 1
    }

    private mutating func readField(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) {
        if draft.fields.count == maxFields { throw .headTooLarge }
        let (name, value) = try HTTPScanner.field(bytes, line)
        draft.fields.append(HTTPHeaders.Field(name: Self.text(bytes, name), value: Self.text(bytes, value)))
        switch name.count {
        case 10 where HTTPScanner.equals(bytes, name, "connection"):
            HTTPScanner.forEachElement(bytes, value) { element in
                if HTTPScanner.equals(bytes, element, "close") { draft.saysClose = true }
                if HTTPScanner.equals(bytes, element, "keep-alive") { draft.saysKeepAlive = true }
            }
        case 14 where HTTPScanner.equals(bytes, name, "content-length"):
            let length = try HTTPScanner.contentLength(bytes, value)
            if draft.contentLength != nil { throw .invalidContentLength }
            draft.contentLength = length
        case 17 where HTTPScanner.equals(bytes, name, "transfer-encoding"):
            guard !draft.isChunked, draft.minorVersion > 0, HTTPScanner.equals(bytes, value, "chunked") else {
                throw .invalidTransferEncoding
            }
            draft.isChunked = true
        default: break
        }
        if draft.isChunked, draft.contentLength != nil { throw .conflictingFraming }
    }

    private func finish(_ method: HTTPMethod) throws(HTTPParseError) -> HTTPResponseHead {
        let framing: HTTPResponseHead.Framing
        if method == .head || draft.status.isBodiless {
            framing = .length(0)
        } else if draft.isChunked {
            framing = .chunked
        } else if let length = draft.contentLength {
            framing = .length(length)
        } else {
            framing = .untilClose
        }
        return HTTPResponseHead(
            status: draft.status, headers: HTTPHeaders(draft.fields), framing: framing,
            keepsAlive: framing != .untilClose && !draft.saysClose && (draft.minorVersion > 0 || draft.saysKeepAlive))
    }

    private static func text(_ bytes: RawSpan, _ range: Range<Int>) -> String {
        bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
