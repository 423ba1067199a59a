public import FoundationEssentials

/// Where a value of an Emarsys contact goes.
public struct FieldMapping: Sendable, Hashable {
    /// Whether an imported value replaces one that is there.
    public enum Overwrite: String, Sendable, Hashable, CaseIterable {
        /// Always.
        case always
        /// Only where there is none.
        case fillBlank = "fill_blank"
        /// Only when the contact is created.
        case never
    }

    /// What an empty value does.
    public enum OnEmpty: String, Sendable, Hashable, CaseIterable {
        /// Leaves the value that is there.
        case keep
        /// Clears it. An identifier is never cleared.
        case clear
    }

    /// What a value becomes.
    public enum Destination: Sendable, Hashable {
        /// The first name.
        case firstName
        /// The last name.
        case lastName
        /// The phone number, an identifier.
        case phone
        /// The e-mail address, an identifier.
        case email
        /// A custom property by its name.
        case customProperty(String)

        /// Reads `first_name`, `last_name`, `phone`, `email` or `custom_properties.<name>`.
        public init?(_ text: String) {
            switch text {
            case "first_name": self = .firstName
            case "last_name": self = .lastName
            case "phone": self = .phone
            case "email": self = .email
            default:
                let prefix = "custom_properties."
                guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count else { return nil }
                self = .customProperty(String(text.dropFirst(prefix.count)))
            }
        }

        /// The form that `init` reads.
        public var text: String {
            switch self {
            case .firstName: "first_name"
            case .lastName: "last_name"
            case .phone: "phone"
            case .email: "email"
            case .customProperty(let name): "custom_properties.\(name)"
            }
        }
    }

    /// The mapping's id; nil for the defaults while nothing was changed.
    public let id: UUID?
    /// The Emarsys field's id.
    public let source: Int
    /// The field that is read where `source` is empty.
    public let fallbackSource: Int?
    /// What the value becomes.
    public let destination: Destination
    /// Whether it replaces one that is there.
    public let overwrite: Overwrite
    /// What an empty value does.
    public let onEmpty: OnEmpty

    /// A mapping.
    public init(
        id: UUID? = nil, source: Int, fallbackSource: Int? = nil, destination: Destination,
        overwrite: Overwrite = .always, onEmpty: OnEmpty = .clear
    ) {
        self.id = id
        self.source = source
        self.fallbackSource = fallbackSource
        self.destination = destination
        self.overwrite = overwrite
        self.onEmpty = onEmpty
    }

    /// What the customer guide promises without any set-up: First Name, Last Name, Phone (Mobile, else Phone) and Email.
    public static let defaults = [
        FieldMapping(source: 1, destination: .firstName),
        FieldMapping(source: 2, destination: .lastName),
        FieldMapping(source: 37, fallbackSource: 15, destination: .phone),
        FieldMapping(source: 3, destination: .email),
    ]

    /// How many custom properties a mapping may fill, by the customer guide.
    public static let customLimit = 20
}
