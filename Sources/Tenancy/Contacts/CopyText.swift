import FoundationEssentials

/// Writes rows in the text format of COPY: tabs between columns, `\N` for NULL, backslash escapes.
struct CopyText {
    private(set) var bytes: [UInt8] = []
    private var isFirst = true

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    private mutating func column() {
        if !isFirst { bytes.append(0x09) }
        isFirst = false
    }

    mutating func null() {
        column()
        bytes.append(0x5C)
        bytes.append(0x4E)
    }

    mutating func text(_ value: String?) {
        guard let value else { return null() }
        column()
        escape(value.utf8)
    }

    mutating func json(_ value: [UInt8]?) {
        guard let value else { return null() }
        column()
        escape(value)
    }

    mutating func int(_ value: Int) {
        column()
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func bool(_ value: Bool) {
        column()
        bytes.append(value ? 0x74 : 0x66)
    }

    mutating func uuid(_ value: UUID?) {
        guard let value else { return null() }
        column()
        bytes.append(contentsOf: value.uuidString.utf8)
    }

    mutating func hex(_ value: [UInt8]?) {
        guard let value else { return null() }
        column()
        bytes.append(contentsOf: "\\\\x".utf8)
        for byte in value {
            bytes.append(CopyText.digits[Int(byte >> 4)])
            bytes.append(CopyText.digits[Int(byte & 15)])
        }
    }

    mutating func array(_ values: [String]) {
        column()
        bytes.append(0x7B)
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            bytes.append(0x22)
            var quoted: [UInt8] = []
            for byte in value.utf8 {
                if byte == 0x22 || byte == 0x5C { quoted.append(0x5C) }
                quoted.append(byte)
            }
            escape(quoted)
            bytes.append(0x22)
        }
        bytes.append(0x7D)
    }

    mutating func endRow() {
        bytes.append(0x0A)
        isFirst = true
    }

    /// U+0000 cannot be stored and is dropped.
    private mutating func escape(_ value: some Sequence<UInt8>) {
        for byte in value {
            switch byte {
            case 0: continue
            case 0x5C: bytes.append(contentsOf: [0x5C, 0x5C])
            case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
            case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
            case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
            default: bytes.append(byte)
            }
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
