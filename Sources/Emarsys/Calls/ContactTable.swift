/// The value of one field of one contact.
public enum EmarsysValue: Sendable, Hashable {
    /// The answer did not mention the field.
    case absent
    /// The field is empty.
    case null
    /// Text, number, date or the id of a single choice, as Emarsys writes it.
    case text(String)
    /// The ids of the choices of a multi choice field.
    case choices([String])

    /// The text, unless empty.
    public var nonEmptyText: String? {
        if case .text(let text) = self, !text.isEmpty { return text }
        return nil
    }
}

/// One contact of a getdata answer.
public struct ContactRow: Sendable, Hashable {
    /// Emarsys' internal contact id.
    public var id: String
    /// One value for each field asked for, in that order.
    public var values: [EmarsysValue]
}

/// The answer to a getdata call.
///
/// Rows come in whatever order Emarsys likes: join them by `id`.
public struct ContactTable: Sendable, Hashable {
    /// A key for which there is no row.
    public struct Miss: Sendable, Hashable {
        /// The key that was asked for.
        public var key: String
        /// 2008: no such contact; 2010: several contacts have this key; 0 where Emarsys gave none.
        public var code: Int
        /// Emarsys' text; it may quote the key.
        public var text: String
    }

    /// The fields asked for.
    public var fields: [Int]
    /// The contacts found.
    public var rows: [ContactRow] = []
    /// The keys that found none.
    public var misses: [Miss] = []
}

/// By what a contact is addressed in a call.
public enum ContactKey: Sendable, Hashable {
    /// Emarsys' internal contact id: the one key that is never ambiguous.
    case id
    /// The random string beside the internal id.
    case uid
    /// A field, such as e-mail; a custom field must have been indexed by Emarsys support.
    case field(Int)

    /// As it stands in a request.
    public var text: String {
        switch self {
        case .id: "id"
        case .uid: "uid"
        case .field(let id): String(id)
        }
    }
}
