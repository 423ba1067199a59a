extension HTTPMethod {
    /// The IANA registry of methods without CONNECT and PRI, and those in wide use beside it. Others get 501.
    private static let others: [HTTPMethod] = [
        "TRACE", "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE",
        "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND",
        "PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE",
        "UPDATEREDIRECTREF", "VERSION-CONTROL", "M-SEARCH", "NOTIFY", "PURGE", "SOURCE", "SUBSCRIBE", "UNSUBSCRIBE",
    ]

    /// The length of UPDATEREDIRECTREF.
    static let longestName = 17

    /// The method of a token, nil where it is unknown.
    init?(_ bytes: RawSpan, _ range: Range<Int>) {
        switch range.count {
        case 3 where HTTPScanner.equalsExactly(bytes, range, "GET"): self = .get
        case 3 where HTTPScanner.equalsExactly(bytes, range, "PUT"): self = .put
        case 4 where HTTPScanner.equalsExactly(bytes, range, "POST"): self = .post
        case 4 where HTTPScanner.equalsExactly(bytes, range, "HEAD"): self = .head
        case 5 where HTTPScanner.equalsExactly(bytes, range, "PATCH"): self = .patch
        case 6 where HTTPScanner.equalsExactly(bytes, range, "DELETE"): self = .delete
        case 7 where HTTPScanner.equalsExactly(bytes, range, "OPTIONS"): self = .options
        default:
            let name = bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            guard let known = Self.others.first(where: { $0.rawValue == name }) else { return nil }
            self = known
        }
    }
}

extension HTTPScanner {
    /// Whether the bytes of a range are `name`, case and all.
    @inline(__always)
    static func equalsExactly(_ bytes: RawSpan, _ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            guard byte(bytes, range.lowerBound + index) == name.utf8Start[index] else { return false }
        }
        return true
    }
}
