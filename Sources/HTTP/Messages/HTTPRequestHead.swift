/// The head of a request as it came: its bytes once, and where in them everything stands.
///
/// Strings are made only when asked for. The parser guarantees the framing rules of RFC 9112 and, for HTTP/1.1, exactly
/// one valid `Host`.
public struct HTTPRequestHead: Sendable {
    /// Where a field line stands in the bytes of the head.
    struct Field: Sendable {
        var name: Range<UInt32>
        var value: Range<UInt32>
    }

    /// How the body is delimited (RFC 9112 section 6.3).
    public enum Framing: Sendable, Hashable {
        /// A body of so many bytes; 0 where the head announces none.
        case length(Int)
        /// `Transfer-Encoding: chunked`.
        case chunked
    }

    /// The head from the first byte of the request line to the empty line, both included.
    public let bytes: [UInt8]
    /// The method.
    public let method: HTTPMethod
    /// The minor version: 0 or 1.
    public let minorVersion: Int
    /// How the body is delimited.
    public let framing: Framing
    /// Whether the connection may serve another request after this one, as far as the client is concerned.
    public let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    public let expectsContinue: Bool

    let fields: [Field]
    let targetRange: Range<UInt32>
    /// The path without the query: starts with `/`, or is `*`.
    let pathRange: Range<UInt32>
    let queryRange: Range<UInt32>?
    let hostRange: Range<UInt32>?

    init(
        bytes: [UInt8], method: HTTPMethod, minorVersion: Int, framing: Framing, keepsAlive: Bool,
        expectsContinue: Bool, fields: [Field], targetRange: Range<UInt32>, pathRange: Range<UInt32>,
        queryRange: Range<UInt32>?, hostRange: Range<UInt32>?
    ) {
        self.bytes = bytes
        self.method = method
        self.minorVersion = minorVersion
        self.framing = framing
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
        self.fields = fields
        self.targetRange = targetRange
        self.pathRange = pathRange
        self.queryRange = queryRange
        self.hostRange = hostRange
    }
}

extension HTTPRequestHead {
    /// The request target as it came.
    public var target: String { text(targetRange) }

    /// The path, still percent-encoded; dot segments stand as they came. Empty paths of absolute targets are `/`.
    public var path: String { pathRange.isEmpty ? "/" : text(pathRange) }

    /// What follows the first `?`, still percent-encoded.
    public var query: String? { queryRange.map(text) }

    /// The value of `Host` as it came; nil only where an HTTP/1.0 client sent none.
    public var host: String? { hostRange.map(text) }

    /// The value of `Host` as bytes of `bytes`, for look-ups that need no string.
    public var hostBytes: ArraySlice<UInt8>? { hostRange.map(slice) }

    /// The path as bytes of `bytes`.
    public var pathBytes: ArraySlice<UInt8> { slice(pathRange) }

    /// The number of field lines.
    public var fieldCount: Int { fields.count }

    /// The value of the first field line of the name.
    public func header(_ name: String) -> String? {
        headerRange(name).map(text)
    }

    /// The value of the first field line of the name, as a slice of `bytes`.
    public func headerBytes(_ name: String) -> ArraySlice<UInt8>? {
        headerRange(name).map(slice)
    }

    /// Every value of the name in order.
    public func headerValues(_ name: String) -> [String] {
        fields.filter { equals($0.name, name) }.map { text($0.value) }
    }

    /// All fields as strings; costs an allocation for each.
    public var headers: HTTPHeaders {
        HTTPHeaders(fields.map { HTTPHeaders.Field(name: text($0.name), value: text($0.value)) })
    }

    private func headerRange(_ name: String) -> Range<UInt32>? {
        fields.first { equals($0.name, name) }?.value
    }

    private func equals(_ range: Range<UInt32>, _ name: String) -> Bool {
        guard range.count == name.utf8.count else { return false }
        var place = Int(range.lowerBound)
        for byte in name.utf8 {
            guard HTTPGrammar.lowercased(bytes[place]) == HTTPGrammar.lowercased(byte) else { return false }
            place += 1
        }
        return true
    }

    func slice(_ range: Range<UInt32>) -> ArraySlice<UInt8> {
        bytes[Int(range.lowerBound)..<Int(range.upperBound)]
    }

    /// Values may hold bytes beyond ASCII in any encoding; what is no UTF-8 becomes U+FFFD.
    func text(_ range: Range<UInt32>) -> String {
        String(decoding: slice(range), as: UTF8.self)
    }
}
