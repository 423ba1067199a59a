/// Writes JSON text straight into bytes; commas and colons come by themselves.
///
/// The caller keeps the order right (`key` before each value inside an object); nothing is checked.
public struct JSONWriter: Sendable {
    /// The text so far.
    public private(set) var bytes: [UInt8]
    /// Whether the next key or value needs a comma before it.
    private var needsComma = false

    /// An empty text.
    /// - Parameter capacity: bytes to reserve.
    public init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Starts anew in the same memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// `{`
    public mutating func beginObject() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    /// `}`
    public mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// `[`
    public mutating func beginArray() {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    /// `]`
    public mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// A key written in the source: it must need no escaping.
    public mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key known at run time only.
    public mutating func key(dynamic name: String) {
        separate()
        quoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string; nil is `null`.
    public mutating func string(_ value: String?) {
        guard let value else { return null() }
        separate()
        quoted(value)
        needsComma = true
    }

    /// An integer.
    public mutating func int(_ value: Int) {
        separate()
        digits(Int64(value))
        needsComma = true
    }

    /// An integer; nil is `null`.
    public mutating func int(_ value: (some BinaryInteger)?) {
        guard let value else { return null() }
        separate()
        if let small = Int64(exactly: value) {
            digits(small)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
        needsComma = true
    }

    /// A truth value; nil is `null`.
    public mutating func bool(_ value: Bool?) {
        guard let value else { return null() }
        literal(value ? "true" : "false")
    }

    /// `null`
    public mutating func null() {
        literal("null")
    }

    /// Text that is JSON already, such as a stored `jsonb` or a number.
    public mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// A tree.
    public mutating func value(_ json: JSON) {
        write(json, sorted: false)
    }

    mutating func write(_ json: JSON, sorted: Bool) {
        switch json {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): raw(value.text.utf8)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { write(element, sorted: sorted) }
            endArray()
        case .object(let object):
            beginObject()
            // UTF-16 order is that of RFC 8785 section 3.2.3.
            let members =
                sorted ? object.members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) } : object.members
            for member in members {
                key(dynamic: member.key)
                write(member.value, sorted: sorted)
            }
            endObject()
        }
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        needsComma = true
    }

    private mutating func digits(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest != 0
        bytes[start...].reverse()
    }

    private mutating func quoted(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { text in
            let view = text.span.bytes
            var plain = 0
            while true {
                let next = JSONGrammar.nextToEscape(view, plain)
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<next]))
                if next == text.count { break }
                escape(text[next])
                plain = next + 1
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5C: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            let hex = "0123456789abcdef".utf8
            bytes.append(contentsOf: [0x75, 0x30, 0x30])
            bytes.append(hex[hex.index(hex.startIndex, offsetBy: Int(byte >> 4))])
            bytes.append(hex[hex.index(hex.startIndex, offsetBy: Int(byte & 15))])
        }
    }
}

extension JSON {
    /// The compact text in UTF-8.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self, sorted: false)
        return writer.bytes
    }

    /// The compact text with the keys of each object in order (RFC 8785 for keys and strings; numbers keep their text).
    public func canonical() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self, sorted: true)
        return writer.bytes
    }
}
