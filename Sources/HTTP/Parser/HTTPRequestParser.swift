/// Reads the heads of requests from a growing buffer by RFC 9112, strictly, as a value that does no I/O.
///
/// The caller shows it the unconsumed input from the same first byte again and again while it grows; the parser
/// remembers how far it has looked. With `.head` it is ready for the next request, whose input begins after the body.
///
///     start ──CRLF?──▶ requestLine ──line──▶ fields ──empty line──▶ (head) ──▶ start
///        any state ──fault──▶ thrown; the connection closes, the parser is not used again
public struct HTTPRequestParser: Sendable {
    /// Bounds on heads.
    public struct Limits: Sendable, Hashable {
        /// Bytes from the request line to the empty line; beyond: 431.
        public var headBytes: Int
        /// Field lines; beyond: 431.
        public var fields: Int
        /// Bytes of the target; beyond: 414.
        public var targetBytes: Int

        /// Bounds; the defaults suit an API behind browsers and proxies.
        public init(headBytes: Int = 16_384, fields: Int = 100, targetBytes: Int = 8_192) {
            self.headBytes = headBytes
            self.fields = fields
            self.targetBytes = targetBytes
        }
    }

    /// What a look at the input gave.
    public enum Progress: Sendable {
        /// The head is not complete yet.
        case needsMore
        /// A head; the body begins `length` bytes behind the start of the input.
        case head(HTTPRequestHead, length: Int)
    }

    private enum State {
        /// Nothing but perhaps an empty line has come; one is skipped (RFC 9112 section 2.2).
        case start
        /// Inside the request line.
        case requestLine
        /// Inside the field lines.
        case fields
    }

    private let limits: Limits
    private let requiresHost: Bool
    private var state = State.start
    /// Where the head begins: 0, or 2 behind an empty line.
    private var headStart = 0
    private var lineStart = 0
    /// How far the line has been looked through.
    private var position = 0
    private var draft = HTTPHeadDraft()

    /// A parser at the start of a connection.
    public init(limits: Limits = Limits()) {
        self.init(limits: limits, requiresHost: true)
    }

    /// For test vectors that know nothing of `Host`.
    init(limits: Limits = Limits(), requiresHost: Bool) {
        self.limits = limits
        self.requiresHost = requiresHost
    }

    /// Whether a part of a head has been seen, so that a client which is silent now is slow rather than idle.
    public var isInsideHead: Bool { state != .start || position > headStart }

    /// Looks at the input.
    /// - Parameter bytes: the unconsumed input, from the same first byte on as in the call before.
    /// - Throws: what is wrong; the connection must close.
    public mutating func head(of bytes: RawSpan) throws(HTTPParseError) -> Progress {
        if state == .start, try !skipEmptyLine(bytes) { return .needsMore }
        while try HTTPScanner.lineEnd(bytes, &position) {
            let line = lineStart..<position
            position += 2
            if position - headStart > limits.headBytes { throw .headTooLarge }
            lineStart = position
            if state == .requestLine {
                try draft.readRequestLine(bytes, line, limits)
                state = .fields
            } else if line.isEmpty {
                return try finish(bytes)
            } else {
                if draft.fields.count == limits.fields { throw .headTooLarge }
                try draft.readField(bytes, line)
            }
        }
        try checkUnfinishedLine(bytes)
        return .needsMore
    }

    /// - Returns: whether a request line has begun.
    private mutating func skipEmptyLine(_ bytes: RawSpan) throws(HTTPParseError) -> Bool {
        guard bytes.byteCount > 0 else { return false }
        if HTTPScanner.byte(bytes, 0) == 0x0D {
            guard bytes.byteCount > 1 else { return false }
            guard HTTPScanner.byte(bytes, 1) == 0x0A else { throw .bareCR }
            headStart = 2
            lineStart = 2
            position = 2
            guard bytes.byteCount > 2 else { return false }
        }
        state = .requestLine
        return true
    }

    /// Refuses early what can become no valid line, so that garbage does not wait for its end.
    private func checkUnfinishedLine(_ bytes: RawSpan) throws(HTTPParseError) {
        guard lineStart < bytes.byteCount else { return }
        if state == .requestLine {
            try HTTPHeadDraft.checkUnfinishedRequestLine(bytes, lineStart, limits)
        } else if HTTPScanner.isBlank(HTTPScanner.byte(bytes, lineStart)) {
            throw .foldedField
        }
        if bytes.byteCount - headStart > limits.headBytes { throw .headTooLarge }
    }

    private mutating func finish(_ bytes: RawSpan) throws(HTTPParseError) -> Progress {
        let head = try draft.head(bytes, headStart..<position, requiresHost: requiresHost)
        let length = position
        state = .start
        headStart = 0
        lineStart = 0
        position = 0
        draft = HTTPHeadDraft()
        return .head(head, length: length)
    }
}
