/// Takes the chunked transfer coding apart (RFC 9112 section 7.1), strictly, as a value that does no I/O.
///
///     size ──"1f" CRLF──▶ data ──all bytes──▶ dataEnd ──CRLF──▶ size
///     size ──"0" CRLF──▶ trailers ──field line──▶ trailers ──empty line──▶ done
///        any state ──fault──▶ thrown; the connection closes
///
/// Extensions are checked and dropped, trailers too; trailers that would change framing, routing or identity are refused.
public struct HTTPChunkedDecoder: Sendable {
    private enum State: Sendable {
        /// At the line with the size of the next chunk.
        case size
        /// Inside a chunk; so many bytes are missing.
        case data(Int)
        /// At the CRLF behind a chunk.
        case dataEnd
        /// At a line of the trailer section.
        case trailers
        /// Behind the last empty line.
        case done
    }

    /// Bytes of a line with size and extensions.
    private static let longestSizeLine = 512
    /// Bytes of all lines that are no content, beyond 64 for each chunk.
    private static let overhead = 16_384

    private let limit: Int
    private var state = State.size
    private var length = 0
    private var overheadLeft = HTTPChunkedDecoder.overhead

    /// A decoder at the start of a body.
    /// - Parameter limit: bytes that the body may have without its coding.
    public init(limit: Int) {
        self.limit = limit
    }

    /// Whether the whole body has been read.
    public var isDone: Bool {
        if case .done = state { true } else { false }
    }

    /// Reads as much as there is.
    /// - Parameters:
    ///   - bytes: the input behind what was read before.
    ///   - body: where content is appended.
    /// - Returns: how many bytes were read. Those left are the beginning of a line, or come after the body.
    /// - Throws: `malformedChunk`, `bodyTooLarge`, and what is wrong with a line.
    public mutating func decode(_ bytes: RawSpan, into body: inout [UInt8]) throws(HTTPParseError) -> Int {
        var place = 0
        while true {
            switch state {
            case .done: return place
            case .data(let missing):
                let count = min(missing, bytes.byteCount - place)
                bytes.extracting(place..<place + count).withUnsafeBytes { body.append(contentsOf: $0) }
                place += count
                guard count == missing else {
                    state = .data(missing - count)
                    return place
                }
                state = .dataEnd
            case .dataEnd:
                let left = bytes.byteCount - place
                if left > 0, HTTPScanner.byte(bytes, place) != 0x0D { throw .malformedChunk }
                if left > 1, HTTPScanner.byte(bytes, place + 1) != 0x0A { throw .malformedChunk }
                guard left > 1 else { return place }
                place += 2
                state = .size
            case .size, .trailers:
                guard let line = try nextLine(bytes, place) else { return place }
                if case .size = state {
                    try readSize(bytes, line)
                } else if line.isEmpty {
                    state = .done
                } else {
                    try Self.checkTrailer(bytes, line)
                }
                place = line.upperBound + 2
            }
        }
    }

    /// The line from `start` on, nil where its end has not come yet.
    private mutating func nextLine(_ bytes: RawSpan, _ start: Int) throws(HTTPParseError) -> Range<Int>? {
        var place = start
        guard try HTTPScanner.lineEnd(bytes, &place) else {
            try checkUnfinishedLine(bytes, start)
            return nil
        }
        overheadLeft -= place - start + 2
        if overheadLeft < 0 { throw .malformedChunk }
        return start..<place
    }

    private func checkUnfinishedLine(_ bytes: RawSpan, _ start: Int) throws(HTTPParseError) {
        let count = bytes.byteCount - start
        if count > overheadLeft { throw .malformedChunk }
        guard case .size = state, count > 0 else { return }
        if count > Self.longestSizeLine || HTTPGrammar.hexValue(HTTPScanner.byte(bytes, start)) == nil {
            throw .malformedChunk
        }
    }

    private mutating func readSize(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) {
        if line.count > Self.longestSizeLine { throw .malformedChunk }
        var size = 0
        var place = line.lowerBound
        while place < line.upperBound, let digit = HTTPGrammar.hexValue(HTTPScanner.byte(bytes, place)) {
            // Sixteen digits could overflow; a size that needs fifteen is too large anyway.
            guard place - line.lowerBound < 15 else { throw .malformedChunk }
            size = size << 4 | Int(digit)
            place += 1
        }
        guard place > line.lowerBound else { throw .malformedChunk }
        try Self.checkExtensions(bytes, place..<line.upperBound)
        if size == 0 {
            state = .trailers
            return
        }
        guard size <= limit - length else { throw .bodyTooLarge }
        length += size
        overheadLeft += 64
        state = .data(size)
    }

    /// Checks `*( ";" name [ "=" value ] )` without the white space that RFC 9112 section 7.1.1 calls bad.
    private static func checkExtensions(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPParseError) {
        var place = range.lowerBound
        while place < range.upperBound {
            guard HTTPScanner.byte(bytes, place) == UInt8(ascii: ";") else { throw .malformedChunk }
            place += 1
            try skipToken(bytes, &place, range.upperBound)
            guard place < range.upperBound, HTTPScanner.byte(bytes, place) == UInt8(ascii: "=") else { continue }
            place += 1
            if place < range.upperBound, HTTPScanner.byte(bytes, place) == UInt8(ascii: "\"") {
                try skipQuoted(bytes, &place, range.upperBound)
            } else {
                try skipToken(bytes, &place, range.upperBound)
            }
        }
    }

    private static func skipToken(_ bytes: RawSpan, _ place: inout Int, _ end: Int) throws(HTTPParseError) {
        let start = place
        while place < end, HTTPGrammar.isToken(HTTPScanner.byte(bytes, place)) { place += 1 }
        if place == start { throw .malformedChunk }
    }

    private static func skipQuoted(_ bytes: RawSpan, _ place: inout Int, _ end: Int) throws(HTTPParseError) {
        place += 1
        while place < end {
            let byte = HTTPScanner.byte(bytes, place)
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw .malformedChunk
    }

    private static func checkTrailer(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) {
        let (name, _) = try HTTPScanner.field(bytes, line)
        for forbidden in forbiddenTrailers where HTTPScanner.equals(bytes, name, forbidden) {
            throw .forbiddenTrailer
        }
    }

    /// Fields that decide how a message is framed, where it goes or who sent it (RFC 9110 section 6.5.1).
    private static let forbiddenTrailers: [StaticString] = [
        "transfer-encoding", "content-length", "content-encoding", "host", "trailer", "te", "connection", "upgrade",
        "expect", "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-csrf-token",
        "idempotency-key", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    ]
}
