import JSON

/// How a tenant wants identities to be decided.
public struct IdentityPolicy: Sendable, Hashable {
    /// When two contacts that a row links become one.
    public enum AutoMerge: String, Sendable, Hashable {
        /// Where everything fits and the names do not contradict each other.
        case safe
        /// Never: each case is parked for a person.
        case never
        /// Also beyond the limits of phones and e-mails, and with other names.
        case always
    }

    /// What becomes of a webhook whose Emarsys id is unknown and whose phone belongs to somebody with another id.
    public enum WebhookIDConflict: String, Sendable, Hashable {
        /// It goes to the holder of the phone: WhatsApp addresses the phone, and consent hangs on it.
        case phoneHolder = "phone_holder"
        /// It waits for a person.
        case park
    }

    /// When contacts are merged without asking.
    public var autoMerge = AutoMerge.safe
    /// Where a webhook with disagreeing keys goes.
    public var webhookIDConflict = WebhookIDConflict.phoneHolder
    /// ISO 3166-1 alpha-2 to complete national phone numbers with.
    public var defaultCountry: String?
    /// Whether rows without a usable phone are skipped by imports.
    public var onlyValidPhone = false
    /// Numbers that identify nobody, in E.164.
    public var blockedPhones: Set<String> = []
    /// Addresses that identify nobody, in small letters.
    public var blockedEmails: Set<String> = []

    /// Whether an import may bring back contacts that were deleted; those that were erased stay away.
    public var recreatesDeleted = false
    /// Whether addresses of Gmail that differ in dots alone are suggested as duplicates.
    public var foldsGmail = false

    /// The rules of the product.
    public init() {}

    /// The tenant's choices.
    public init(_ settings: TenantSettings, defaultCountry: String?) {
        self.defaultCountry = defaultCountry
        if let value = settings["auto_merge"]?.string.flatMap(AutoMerge.init) { autoMerge = value }
        if let value = settings["webhook_id_conflict"]?.string.flatMap(WebhookIDConflict.init) {
            webhookIDConflict = value
        }
        onlyValidPhone = settings["only_valid_phone"]?.bool ?? false
        recreatesDeleted = settings["recreate_deleted"]?.bool ?? false
        foldsGmail = settings["fold_gmail"]?.bool ?? false
        blockedPhones = Set((settings["blocked_phones"]?.array ?? []).compactMap(\.string))
        blockedEmails = Set((settings["blocked_emails"]?.array ?? []).compactMap { $0.string?.lowercased() })
    }

    /// How many phones a contact may have, and how many e-mails.
    public static let mostOfAKind = 5
    /// From this many distinct Emarsys ids on, a value is shared and identifies nobody in imports.
    public static let sharedFrom = 3
    /// Above this many distinct Emarsys ids a value is quarantined: a guard against mass merges.
    public static let quarantineAbove = 20
}
