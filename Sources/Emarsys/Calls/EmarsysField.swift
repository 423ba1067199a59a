/// A field of the Emarsys account.
public struct EmarsysField: Sendable, Hashable {
    /// The id; system fields are below 500, customers' own ones begin there.
    public let id: Int
    /// The name in the asked language; empty where Emarsys has none.
    public let name: String
    /// What the field holds.
    public let kind: Kind
    /// `application_type` as Emarsys wrote it.
    public let applicationType: String
    /// Emarsys' stable text id, empty for most custom fields.
    public let stringID: String

    /// What a field holds.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case shortText, longText, largeText, url, fax
        case singleChoice, multiChoice
        case date, birthDate, numeric, voucher, special, other

        /// Reads an `application_type`: spelling varies in case and blanks, unknown types are `other`.
        public init(applicationType: String) {
            switch applicationType.lowercased().filter({ $0 != " " && $0 != "_" && $0 != "-" }) {
            case "shorttext", "simple", "text": self = .shortText
            case "longtext": self = .longText
            case "largetext": self = .largeText
            case "url": self = .url
            case "fax": self = .fax
            case "singlechoice", "singlechoicemulti": self = .singleChoice
            case "multichoice", "interests": self = .multiChoice
            case "date": self = .date
            case "birthdate": self = .birthDate
            case "numeric": self = .numeric
            case "voucher": self = .voucher
            case "special": self = .special
            default: self = .other
            }
        }

        /// Whether the field holds free text of any length: what an opt-in can be written to.
        public var isText: Bool {
            switch self {
            case .shortText, .longText, .largeText: true
            default: false
            }
        }

        /// Whether values are ids of choices.
        public var isChoice: Bool { self == .singleChoice || self == .multiChoice }
    }

    /// A field.
    public init(id: Int, name: String, applicationType: String, stringID: String = "") {
        self.id = id
        self.name = name
        self.kind = Kind(applicationType: applicationType)
        self.applicationType = applicationType
        self.stringID = stringID
    }

    /// Whether the account's owner made the field.
    public var isCustom: Bool { id >= 500 }
}

/// One choice of a single or multi choice field.
public struct EmarsysChoice: Sendable, Hashable {
    /// The id that contacts hold.
    public let id: String
    /// The label in the asked language.
    public let label: String

    /// A choice.
    public init(id: String, label: String) {
        self.id = id
        self.label = label
    }
}

/// Field ids that are the same in every account.
public enum EmarsysSystemField {
    /// First name.
    public static let firstName = 1
    /// Last name.
    public static let lastName = 2
    /// E-mail.
    public static let email = 3
    /// Phone (landline, as a rule).
    public static let phone = 15
    /// E-mail opt-in: `1`, `2` or empty.
    public static let optIn = 31
    /// Mobile phone.
    public static let mobile = 37
}
