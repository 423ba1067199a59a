/// The character classes of RFC 9110 section 5 and RFC 3986, as table look-ups.
enum HTTPGrammar {
    private static let token: UInt8 = 1
    private static let fieldValue: UInt8 = 2
    private static let target: UInt8 = 4
    private static let authority: UInt8 = 8
    private static let unreserved: UInt8 = 16

    /// `tchar`: what names of methods and fields consist of.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool { classes[Int(byte)] & token != 0 }

    /// `field-vchar`, space and tab: no other control character, no DEL.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool { classes[Int(byte)] & fieldValue != 0 }

    /// Printable ASCII without space. Wider than RFC 3986 (`"`, `|`, `\` pass, as in most servers), never beyond ASCII.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { classes[Int(byte)] & target != 0 }

    /// What a registered name, address or port may consist of; no `@`, `/`, `?`, `#`, backslash, space or `%`.
    @inline(__always)
    static func isAuthority(_ byte: UInt8) -> Bool { classes[Int(byte)] & authority != 0 }

    /// `unreserved` of RFC 3986 section 2.3.
    @inline(__always)
    static func isUnreserved(_ byte: UInt8) -> Bool { classes[Int(byte)] & unreserved != 0 }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// ASCII letters in lower case, every other byte as it is.
    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - 0x30 }
        let letter = byte | 0x20
        return letter &- 0x61 < 6 ? letter - 0x61 + 10 : nil
    }

    private static let classes: InlineArray<256, UInt8> = {
        var table = InlineArray<256, UInt8>(repeating: 0)
        let alphanumeric = { (byte: UInt8) in isDigit(byte) || (byte | 0x20) &- 0x61 < 26 }
        let inside = { (byte: UInt8, set: StaticString) in
            UnsafeBufferPointer(start: set.utf8Start, count: set.utf8CodeUnitCount).contains(byte)
        }
        for byte in UInt8.min...UInt8.max {
            var mark: UInt8 = 0
            if alphanumeric(byte) || inside(byte, "!#$%&'*+-.^_`|~") { mark |= token }
            if byte == 0x09 || (byte >= 0x20 && byte != 0x7F) { mark |= fieldValue }
            if byte > 0x20, byte < 0x7F { mark |= target }
            if alphanumeric(byte) || inside(byte, "-._~!$&'()*+,;=:[]") { mark |= authority }
            if alphanumeric(byte) || inside(byte, "-._~") { mark |= unreserved }
            table[Int(byte)] = mark
        }
        return table
    }()
}
