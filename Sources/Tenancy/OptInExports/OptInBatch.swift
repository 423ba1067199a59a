import Emarsys
import EventLoop
import FoundationEssentials

/// A row taken from the outbox.
struct TakenOptIn: Sendable, Hashable {
    let id: UUID
    let contactID: UUID
    let optIn: ExportedOptIn
    let consentAt: Timestamp
    /// The Emarsys contacts of this person: mostly one, several after a merge by hand.
    var emarsysIDs: [String]
    /// How often it was sent, this time included.
    let attempts: Int
    let createdAt: Timestamp
    let email: String?
    let phone: String?
    /// Whether Emarsys has the value, for certain: it was confirmed, and nothing was sent since.
    let isKnown: Bool

    /// The ids as the outbox keeps them.
    var emarsysID: String? { emarsysIDs.isEmpty ? nil : emarsysIDs.joined(separator: ",") }
}

/// What to do with rows taken together: which Emarsys has already, which are written by id, which it does not know.
struct OptInBatch: Sendable, Hashable {
    /// Nothing to write: Emarsys confirmed the same value already.
    private(set) var told: [TakenOptIn] = []
    /// Written by Emarsys' internal id.
    private(set) var linked: [TakenOptIn] = []
    /// Without an id in Emarsys.
    private(set) var unlinked: [TakenOptIn] = []

    init(_ rows: [TakenOptIn]) {
        for row in rows {
            if row.emarsysIDs.isEmpty {
                unlinked.append(row)
            } else if row.isKnown {
                told.append(row)
            } else {
                linked.append(row)
            }
        }
    }

    /// The fields to write for a row.
    static func values(of row: TakenOptIn, field: OptInField, timeFormat: OptInTimeFormat) -> [(
        field: Int, value: String
    )] {
        var values = [(field: field.fieldID, value: field.value(of: row.optIn))]
        if let timestampField = field.timestampFieldID {
            values.append((timestampField, timeFormat.text(of: row.consentAt)))
        }
        return values
    }
}

/// What became of one row.
enum OptInOutcome: Sendable, Hashable {
    /// Emarsys holds the value, for this id.
    case confirmed(emarsysID: String)
    /// Emarsys does not know the person.
    case notInEmarsys(OptInFault?)
    /// Given up.
    case failed(OptInFault)
    /// Sent again later.
    case again(at: Timestamp, OptInFault)
    /// Not sent at all: as if never taken.
    case untouched
}

/// Why a row was not confirmed, as clients see it: codes and advice, none of the person's data.
struct OptInFault: Sendable, Hashable {
    var code: String
    var detail: String
    /// Emarsys' own code, if it gave one.
    var replyCode: Int?

    /// The Emarsys contact is linked to somebody else here.
    static let ofAnother = OptInFault(
        code: "emarsys_contact_of_another", detail: "The Emarsys contact belongs to another contact here.")

    /// Emarsys refused the row itself.
    static func refused(_ replyCode: Int) -> OptInFault {
        let (code, detail) =
            switch replyCode {
            case 2008: ("contact_not_found", "Emarsys has no contact with this key.")
            case 2010: ("contact_not_unique", "Emarsys has several contacts with this key.")
            case 2009: ("contact_exists", "Emarsys was creating the same contact at that moment.")
            case 2004: ("key_field_not_usable", "Emarsys does not accept this field as a key.")
            case 2005: ("key_missing", "Emarsys found no key value in the row.")
            case 2006: ("opt_in_field_not_found", "Emarsys does not know the opt-in field: choose another one.")
            case 2007: ("value_refused", "Emarsys does not accept the value for the opt-in field.")
            default: ("emarsys_refused", "Emarsys refused the row.")
            }
        return OptInFault(code: code, detail: detail, replyCode: replyCode)
    }

    /// The whole call failed.
    init(_ error: EmarsysError) {
        code = error.replyCode == 2006 ? "opt_in_field_not_found" : error.code
        detail = error.replyCode == 2006 ? OptInFault.refused(2006).detail : error.advice
        replyCode = error.replyCode
    }

    init(code: String, detail: String, replyCode: Int? = nil) {
        self.code = code
        self.detail = detail
        self.replyCode = replyCode
    }
}
