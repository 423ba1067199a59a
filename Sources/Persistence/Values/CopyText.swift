public import EventLoop
public import FoundationEssentials

/// Rows in COPY's text format, built field by field
/// (https://www.postgresql.org/docs/15/sql-copy.html, "Text Format").
public struct CopyText: Sendable {
    /// What has been built so far; hand it to `Transaction.copyIn` and `removeAll`.
    public private(set) var bytes: [UInt8] = []
    private var isFirst = true

    /// No row yet.
    public init() {}

    /// Forgets the rows and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        isFirst = true
    }

    /// Appends a text; nil is NULL. Must not contain U+0000.
    public mutating func add(_ text: String?) {
        guard var text else { return addNull() }
        separate()
        text.withUTF8 { escape($0) }
    }

    /// Appends JSON text, or other text given as UTF-8; nil is NULL.
    public mutating func add(utf8: [UInt8]?) {
        guard let utf8 else { return addNull() }
        separate()
        utf8.withUnsafeBufferPointer { escape($0) }
    }

    /// Appends a number; nil is NULL.
    public mutating func add(_ number: Int64?) {
        guard let number else { return addNull() }
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    /// Appends a truth value; nil is NULL.
    public mutating func add(_ flag: Bool?) {
        guard let flag else { return addNull() }
        separate()
        bytes.append(flag ? UInt8(ascii: "t") : UInt8(ascii: "f"))
    }

    /// Appends an identifier; nil is NULL.
    public mutating func add(_ id: UUID?) {
        guard let id else { return addNull() }
        separate()
        withUnsafeBytes(of: id.uuid) { hex($0) }
    }

    /// Appends bytes for a `bytea` column; nil is NULL.
    public mutating func add(bytea: [UInt8]?) {
        guard let bytea else { return addNull() }
        separate()
        bytes.append(contentsOf: #"\\x"#.utf8)
        bytea.withUnsafeBytes { hex($0) }
    }

    /// Appends a time; nil is NULL.
    public mutating func add(_ time: Timestamp?) {
        guard let time else { return addNull() }
        separate()
        bytes.append(contentsOf: time.rfc3339.utf8)
    }

    /// Ends the row.
    public mutating func endRow() {
        bytes.append(UInt8(ascii: "\n"))
        isFirst = true
    }

    private mutating func addNull() {
        separate()
        bytes.append(contentsOf: #"\N"#.utf8)
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: "\t")) }
        isFirst = false
    }

    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in text.indices {
            let letter: UInt8
            switch text[index] {
            case UInt8(ascii: "\\"): letter = UInt8(ascii: "\\")
            case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
            case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
            default: continue
            }
            bytes.append(contentsOf: text[start..<index])
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(letter)
            start = index + 1
        }
        bytes.append(contentsOf: text[start...])
    }

    private mutating func hex(_ data: UnsafeRawBufferPointer) {
        for byte in data {
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 15)])
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
