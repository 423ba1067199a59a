/// The character classes of RFC 9110 section 5 and RFC 3986: one bit for each ASCII character, so that a look-up is a
/// shift without any memory behind it.
enum HTTPGrammar {
    @inline(__always)
    private static func contains(_ low: UInt64, _ high: UInt64, _ byte: UInt8) -> Bool {
        byte < 0x80 && (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 != 0
    }

    /// `tchar`, what names of methods and fields consist of: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        contains(0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE, byte)
    }

    /// What a registered name, address or port may consist of: letters, digits and `-._~!$&'()*+,;=:[]`.
    @inline(__always)
    static func isAuthority(_ byte: UInt8) -> Bool {
        contains(0x2FFF_7FD2_0000_0000, 0x47FF_FFFE_AFFF_FFFE, byte)
    }

    /// `unreserved` of RFC 3986 section 2.3: letters, digits and `-._~`.
    @inline(__always)
    static func isUnreserved(_ byte: UInt8) -> Bool {
        contains(0x03FF_6000_0000_0000, 0x47FF_FFFE_87FF_FFFE, byte)
    }

    /// `field-vchar`, space and tab: no other control character, no DEL.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool { byte == 0x09 || (byte >= 0x20 && byte != 0x7F) }

    /// Printable ASCII without space. Wider than RFC 3986 (`"`, `|`, `\` pass, as in most servers), never beyond ASCII.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { byte &- 0x21 < 0x5E }

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
}
