/// What to write to one contact.
public struct ContactUpdate: Sendable, Hashable {
    /// The value of the key field that names the contact.
    public var key: String
    /// New values by field id: text, a number, a date `YYYY-MM-DD` or a choice's id; `""` clears the field.
    public var values: [(field: Int, value: String)]

    /// An update.
    public init(key: String, values: [(field: Int, value: String)]) {
        self.key = key
        self.values = values
    }

    /// Same key, same values in the same order.
    public static func == (a: ContactUpdate, b: ContactUpdate) -> Bool {
        a.key == b.key && a.values.elementsEqual(b.values, by: ==)
    }

    /// By key and values.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        for (field, value) in values {
            hasher.combine(field)
            hasher.combine(value)
        }
    }

    /// An upper bound of the bytes this row takes in a request (each byte may need six as an escape).
    var encodedSize: Int {
        values.reduce(32 + key.utf8.count * 2) { $0 + 24 + ContactUpdate.escapedSize($1.value) }
    }

    private static func escapedSize(_ text: String) -> Int {
        var size = 0
        for byte in text.utf8 { size += byte < 0x20 ? 6 : (byte == 0x22 || byte == 0x5C || byte == 0x2F ? 2 : 1) }
        return size
    }
}

/// What became of the rows of an update, in the order of the rows.
public struct ContactUpdateOutcome: Sendable, Hashable {
    /// What became of one row.
    public enum Row: Sendable, Hashable {
        /// Emarsys took it.
        case done
        /// Emarsys refused it: its code and text (the text may quote the key).
        case failed(code: Int, text: String)
    }

    /// One outcome for each row given.
    public var rows: [Row]
    /// Ids of the contacts updated or created; not aligned with the rows once there are errors.
    public var contactIDs: [String]
    /// Calls that were made.
    public var calls: Int
    /// Errors that name none of the keys given: as many rows that count as done may not be.
    public var unmatchedErrors = 0

    /// How many rows Emarsys took.
    public var doneCount: Int { rows.count { $0 == .done } }
}
