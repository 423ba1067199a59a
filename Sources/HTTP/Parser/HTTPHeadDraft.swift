/// What the lines of a request head have said so far. Ranges are places in the input.
struct HTTPHeadDraft: Sendable {
    private(set) var fields: [HTTPRequestHead.Field] = []
    private var method = HTTPMethod.get
    private var minorVersion = 1
    private var target = 0..<0
    private var path = 0..<0
    private var query: Range<Int>?
    /// The authority of an absolute target with the port of its scheme.
    private var authority: Range<Int>?
    private var authorityPort = 80
    private var host: Range<Int>?
    private var contentLength: Int?
    private var isChunked = false
    private var saysClose = false
    private var saysKeepAlive = false
    private var expectsContinue = false

    init() {}

    // MARK: Request line

    mutating func readRequestLine(
        _ bytes: RawSpan, _ line: Range<Int>, _ limits: HTTPRequestParser.Limits
    ) throws(HTTPParseError) {
        var place = line.lowerBound
        while place < line.upperBound, HTTPGrammar.isToken(HTTPScanner.byte(bytes, place)) { place += 1 }
        guard place > line.lowerBound, place < line.upperBound, HTTPScanner.byte(bytes, place) == 0x20 else {
            throw .malformedHead
        }
        guard let known = HTTPMethod(bytes, line.lowerBound..<place) else { throw .unknownMethod }
        method = known
        let start = place + 1
        place = HTTPScanner.targetEnd(bytes, start, line.upperBound)
        guard place > start, place < line.upperBound else { throw .malformedHead }
        guard HTTPScanner.byte(bytes, place) == 0x20 else { throw .invalidTarget }
        if place - start > limits.targetBytes { throw .targetTooLong }
        target = start..<place
        try readVersion(bytes, place + 1..<line.upperBound)
        try readTarget(bytes)
    }

    private mutating func readVersion(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPParseError) {
        let start = range.lowerBound
        guard range.count >= 8, HTTPScanner.equalsExactly(bytes, start..<start + 5, "HTTP/") else {
            throw .malformedHead
        }
        try Self.checkMajorVersion(bytes, start + 5)
        guard range.count == 8 else { throw .malformedHead }
        // A higher minor version is read as the highest one known (RFC 9110 section 2.5).
        minorVersion = HTTPScanner.byte(bytes, start + 7) == UInt8(ascii: "0") ? 0 : 1
    }

    /// Checks `digit "." digit` and that the first is 1.
    private static func checkMajorVersion(_ bytes: RawSpan, _ start: Int) throws(HTTPParseError) {
        guard HTTPGrammar.isDigit(HTTPScanner.byte(bytes, start)),
            HTTPScanner.byte(bytes, start + 1) == UInt8(ascii: "."),
            HTTPGrammar.isDigit(HTTPScanner.byte(bytes, start + 2))
        else { throw .malformedHead }
        guard HTTPScanner.byte(bytes, start) == UInt8(ascii: "1") else { throw .unsupportedVersion }
    }

    private mutating func readTarget(_ bytes: RawSpan) throws(HTTPParseError) {
        var start = target.lowerBound
        let first = HTTPScanner.byte(bytes, start)
        if first == UInt8(ascii: "*"), target.count == 1 {
            path = target
            return
        }
        if first != UInt8(ascii: "/") {
            start = try readAuthority(bytes)
        }
        var place = HTTPScanner.pathEnd(bytes, start, target.upperBound)
        path = start..<place
        guard place < target.upperBound, HTTPScanner.byte(bytes, place) == UInt8(ascii: "?") else { return }
        start = place + 1
        while place < target.upperBound, HTTPScanner.byte(bytes, place) != UInt8(ascii: "#") { place += 1 }
        query = start..<place
    }

    /// Reads scheme and authority of an absolute target.
    /// - Returns: where the path begins.
    private mutating func readAuthority(_ bytes: RawSpan) throws(HTTPParseError) -> Int {
        let start = target.lowerBound
        let authorityStart: Int
        if target.count > 7, HTTPScanner.equals(bytes, start..<start + 7, "http://") {
            authorityStart = start + 7
        } else if target.count > 8, HTTPScanner.equals(bytes, start..<start + 8, "https://") {
            authorityStart = start + 8
            authorityPort = 443
        } else {
            throw .invalidTarget
        }
        var place = authorityStart
        while place < target.upperBound {
            let byte = HTTPScanner.byte(bytes, place)
            if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") { break }
            place += 1
        }
        authority = authorityStart..<place
        return place
    }

    /// Refuses a beginning of a request line that no rest can make valid.
    static func checkUnfinishedRequestLine(
        _ bytes: RawSpan, _ start: Int, _ limits: HTTPRequestParser.Limits
    ) throws(HTTPParseError) {
        let end = bytes.byteCount
        var place = start
        while place < end, HTTPGrammar.isToken(HTTPScanner.byte(bytes, place)) { place += 1 }
        if place - start > HTTPMethod.longestName { throw .unknownMethod }
        guard place < end else { return }
        guard place > start, HTTPScanner.byte(bytes, place) == 0x20 else { throw .malformedHead }
        let target = place + 1
        place = target
        while place < end, HTTPGrammar.isTarget(HTTPScanner.byte(bytes, place)) { place += 1 }
        if place - target > limits.targetBytes { throw .targetTooLong }
        guard place < end, HTTPScanner.byte(bytes, place) != 0x0D else { return }
        guard HTTPScanner.byte(bytes, place) == 0x20 else { throw .invalidTarget }
        let version = place + 1
        for place in version..<max(version, min(end, version + 5)) {
            let expected = "HTTP/" as StaticString
            guard HTTPScanner.byte(bytes, place) == expected.utf8Start[place - version] else { throw .malformedHead }
        }
        if end >= version + 8 { try checkMajorVersion(bytes, version + 5) }
    }

    // MARK: Fields

    mutating func readField(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) {
        let (name, value) = try HTTPScanner.field(bytes, line)
        if fields.isEmpty { fields.reserveCapacity(16) }
        fields.append(
            HTTPRequestHead.Field(
                name: UInt32(name.lowerBound)..<UInt32(name.upperBound),
                value: UInt32(value.lowerBound)..<UInt32(value.upperBound)))
        // The few names that the framing depends on differ in length.
        switch name.count {
        case 4 where HTTPScanner.equals(bytes, name, "host"):
            if host != nil { throw .repeatedHost }
            host = value
        case 6 where HTTPScanner.equals(bytes, name, "expect"):
            guard HTTPScanner.equals(bytes, value, "100-continue") else { throw .unknownExpectation }
            expectsContinue = true
        case 10 where HTTPScanner.equals(bytes, name, "connection"):
            HTTPScanner.forEachElement(bytes, value) { element in
                if HTTPScanner.equals(bytes, element, "close") { saysClose = true }
                if HTTPScanner.equals(bytes, element, "keep-alive") { saysKeepAlive = true }
            }
        case 14 where HTTPScanner.equals(bytes, name, "content-length"):
            if contentLength != nil { throw .invalidContentLength }
            contentLength = try HTTPScanner.contentLength(bytes, value)
            if isChunked { throw .conflictingFraming }
        case 17 where HTTPScanner.equals(bytes, name, "transfer-encoding"):
            if contentLength != nil { throw .conflictingFraming }
            guard !isChunked, minorVersion > 0, HTTPScanner.equals(bytes, value, "chunked") else {
                throw .invalidTransferEncoding
            }
            isChunked = true
        default: break
        }
    }

    // MARK: The whole

    /// The head, once its empty line has come.
    func head(
        _ bytes: RawSpan, _ range: Range<Int>, requiresHost: Bool
    ) throws(HTTPParseError) -> HTTPRequestHead {
        try checkHost(bytes, isRequired: requiresHost)
        let offset = range.lowerBound
        return HTTPRequestHead(
            bytes: bytes.extracting(range).withUnsafeBytes { Array($0) }, method: method, minorVersion: minorVersion,
            framing: isChunked ? .chunked : .length(contentLength ?? 0),
            keepsAlive: !saysClose && (minorVersion > 0 || saysKeepAlive),
            expectsContinue: expectsContinue && minorVersion > 0, fields: shifted(by: offset),
            targetRange: shift(target, offset), pathRange: shift(path, offset),
            queryRange: query.map { shift($0, offset) },
            hostRange: host.map { shift($0, offset) })
    }

    /// The tenant depends on `Host`, so HTTP/1.0 must send one as well.
    private func checkHost(_ bytes: RawSpan, isRequired: Bool) throws(HTTPParseError) {
        guard let host else {
            if isRequired { throw .missingHost }
            return
        }
        guard let named = HTTPAuthority.parts(bytes, host) else { throw .invalidHost }
        guard let authority else { return }
        guard let target = HTTPAuthority.parts(bytes, authority) else { throw .invalidTarget }
        guard HTTPAuthority.agree(bytes, named, target, defaultPort: authorityPort) else { throw .hostMismatch }
    }

    private func shifted(by offset: Int) -> [HTTPRequestHead.Field] {
        guard offset > 0 else { return fields }
        let offset = UInt32(offset)
        return fields.map { field in
            HTTPRequestHead.Field(
                name: field.name.lowerBound - offset..<field.name.upperBound - offset,
                value: field.value.lowerBound - offset..<field.value.upperBound - offset)
        }
    }

    private func shift(_ range: Range<Int>, _ offset: Int) -> Range<UInt32> {
        UInt32(range.lowerBound - offset)..<UInt32(range.upperBound - offset)
    }
}
