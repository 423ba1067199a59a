import EventLoop
import FoundationEssentials

/// The parameters of one statement, encoded one after the other into a single reusable buffer.
///
/// libpq copies the bytes into its own output buffer when the statement is sent, so one buffer serves a connection for good.
struct ParameterBuffer {
    /// Where a parameter lies in `bytes`; NULL has no place.
    struct Field {
        var start: Int
        var length: Int
        var isNull: Bool
        var isBinary: Bool
    }

    /// Microseconds between 1970-01-01 and PostgreSQL's epoch, 2000-01-01.
    static let epochOffset: Int64 = 946_684_800_000_000

    private(set) var bytes: [UInt8] = [0]
    private(set) var fields: [Field] = []

    /// Forgets the last statement's parameters and keeps the memory, unless one huge statement made it grow.
    mutating func reset() {
        if bytes.capacity > 1 << 20 { bytes = [0] }
        // One byte stays, so that an empty value still has an address: a null pointer would mean NULL.
        bytes.removeSubrange(1...)
        fields.removeAll(keepingCapacity: true)
    }

    /// Appends a parameter.
    mutating func append(_ value: SQLValue) {
        let start = bytes.count
        var isNull = false
        var isBinary = true
        switch value {
        case .null: isNull = true
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int2(let value): integer(value)
        case .int4(let value): integer(value)
        case .int8(let value): integer(value)
        case .float8(let value): integer(value.bitPattern)
        case .text(let value): bytes.append(contentsOf: value.utf8)
        case .uuid(let value): uuid(value)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .jsonb(let value): jsonb(value)
        case .timestamp(let value): timestamp(value)
        case .date(let value), .numeric(let value):
            // The text form is read up to a NUL byte.
            isBinary = false
            bytes.append(contentsOf: value.utf8)
            bytes.append(0)
        case .boolArray(let values): array(values, of: .bool) { $0.bytes.append($1 ? 1 : 0) }
        case .int2Array(let values): array(values, of: .int2) { $0.integer($1) }
        case .int4Array(let values): array(values, of: .int4) { $0.integer($1) }
        case .int8Array(let values): array(values, of: .int8) { $0.integer($1) }
        case .float8Array(let values): array(values, of: .float8) { $0.integer($1.bitPattern) }
        case .textArray(let values): array(values, of: .text) { $0.bytes.append(contentsOf: $1.utf8) }
        case .uuidArray(let values): array(values, of: .uuid) { $0.uuid($1) }
        case .byteaArray(let values): array(values, of: .bytea) { $0.bytes.append(contentsOf: $1) }
        case .jsonbArray(let values): array(values, of: .jsonb) { $0.jsonb($1) }
        case .timestampArray(let values): array(values, of: .timestamptz) { $0.timestamp($1) }
        }
        fields.append(Field(start: start, length: bytes.count - start, isNull: isNull, isBinary: isBinary))
    }

    private mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func uuid(_ value: UUID) {
        withUnsafeBytes(of: value.uuid) { bytes.append(contentsOf: $0) }
    }

    /// `jsonb_recv` reads a version byte, 1, and then the text.
    private mutating func jsonb(_ text: [UInt8]) {
        bytes.append(1)
        bytes.append(contentsOf: text)
    }

    private mutating func timestamp(_ value: Timestamp) {
        integer(value.microseconds &- Self.epochOffset)
    }

    /// `array_recv`: dimensions, has-null flag, element type, then per dimension size and lower bound, then the elements
    /// with their lengths. An empty array has no dimension.
    private mutating func array<Element>(
        _ elements: [Element?], of type: SQLType, _ encode: (inout ParameterBuffer, Element) -> Void
    ) {
        guard !elements.isEmpty else {
            integer(Int32(0))
            integer(Int32(0))
            integer(type.rawValue)
            return
        }
        integer(Int32(1))
        integer(Int32(elements.contains { $0 == nil } ? 1 : 0))
        integer(type.rawValue)
        integer(Int32(elements.count))
        integer(Int32(1))
        for element in elements {
            guard let element else {
                integer(Int32(-1))
                continue
            }
            let lengthAt = bytes.count
            integer(Int32(0))
            encode(&self, element)
            let length = UInt32(truncatingIfNeeded: bytes.count - lengthAt - 4)
            bytes[lengthAt] = UInt8(truncatingIfNeeded: length >> 24)
            bytes[lengthAt + 1] = UInt8(truncatingIfNeeded: length >> 16)
            bytes[lengthAt + 2] = UInt8(truncatingIfNeeded: length >> 8)
            bytes[lengthAt + 3] = UInt8(truncatingIfNeeded: length)
        }
    }
}
