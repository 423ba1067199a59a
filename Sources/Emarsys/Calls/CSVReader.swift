/// Reads CSV by RFC 4180, record by record, from chunks of bytes.
///
/// Emarsys' quoting rules are not documented: quoted fields with doubled quotes, `\r\n` or `\n`, and a byte order mark
/// at the beginning are all taken. Header names are localised, so columns count by position.
public struct CSVReader: Sendable {
    private enum State { case fieldStart, unquoted, quoted, quoteInQuoted }

    private let delimiter: UInt8
    private var state = State.fieldStart
    private var field: [UInt8] = []
    private var record: [String] = []
    private var records: [[String]] = []
    private var markBytes = 0
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// - Parameter delimiter: `,` or `;` as asked for in the export
    public init(delimiter: UInt8 = 0x2C) {
        self.delimiter = delimiter
    }

    /// Takes more bytes and returns the records that are complete.
    public mutating func feed(_ bytes: some Sequence<UInt8>) -> [[String]] {
        for byte in bytes { take(byte) }
        defer { records = [] }
        return records
    }

    /// Ends the input and returns the last record, if it had no line end.
    public mutating func finish() -> [String]? {
        guard !record.isEmpty || !field.isEmpty || state != .fieldStart else { return nil }
        endField()
        defer { record = [] }
        return record
    }

    private mutating func take(_ byte: UInt8) {
        if markBytes < CSVReader.mark.count {
            if byte == CSVReader.mark[markBytes] {
                markBytes += 1
                return
            }
            // Not a byte order mark after all: what was held back belongs to the first field.
            let held = CSVReader.mark.prefix(markBytes)
            markBytes = CSVReader.mark.count
            for byte in held { field.append(byte) }
            if !held.isEmpty { state = .unquoted }
        }
        switch (state, byte) {
        case (.quoted, 0x22): state = .quoteInQuoted
        case (.quoted, _): field.append(byte)
        case (.quoteInQuoted, 0x22):
            field.append(byte)
            state = .quoted
        case (.fieldStart, 0x22): state = .quoted
        case (_, delimiter): endField()
        case (_, 0x0A):
            endField()
            if record.count > 1 || record.first?.isEmpty == false { records.append(record) }
            record = []
        case (_, 0x0D): break
        default:
            field.append(byte)
            state = .unquoted
        }
    }

    private mutating func endField() {
        record.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }
}
