import Crypto
import FoundationEssentials

/// An incoming row with its identifiers normalised, or the reasons why they cannot be used.
struct PreparedRow: Sendable {
    /// Position in the batch.
    var index: Int
    var incoming: IncomingContact { box.contact }
    /// The row as it came lies apart: a batch is walked many times, and a copy of each row costs a count for each of its texts.
    private let box: Box
    /// The id a contact gets, should one be created. Ids of a batch rise, so that rows lie side by side in the indexes.
    let newID: UUID
    var externalID: String?
    var phone: NormalisedPhone?
    var email: NormalisedEmail?
    var phoneIsWeak: Bool
    /// The contact that holds the Emarsys id, where that is known already.
    var known: UUID?
    /// To be decided one by one.
    var isSlow = false
    /// Whether somebody holds the phone or the e-mail.
    var isHeld = false
    /// Why identifiers were left out.
    var notes: [String] = []

    init(_ incoming: IncomingContact, index: Int, newID: UUID, policy: IdentityPolicy) {
        box = Box(incoming)
        self.index = index
        self.newID = newID
        phoneIsWeak = incoming.phoneIsWeak
        if let raw = incoming.externalReferenceID { externalID = ExternalID.normalise(raw) }
        if let raw = incoming.phone {
            switch PhoneNumber.normalise(raw, defaultCountry: policy.defaultCountry, blocked: policy.blockedPhones) {
            case .success(let value): phone = value
            case .failure(.absent): break
            case .failure(let fault): notes.append(fault.rawValue)
            }
        }
        if let raw = incoming.email {
            switch EmailAddress.normalise(raw, blocked: policy.blockedEmails) {
            case .success(let value): email = value
            case .failure(.absent): break
            case .failure(let fault): notes.append(fault.rawValue)
            }
        }
    }

    private final class Box: Sendable {
        let contact: IncomingContact

        init(_ contact: IncomingContact) { self.contact = contact }
    }

    /// What the row is locked by.
    var lockValues: [String] {
        var values: [String] = []
        if let externalID { values.append("e" + externalID) }
        if let phone { values.append("p" + phone.value) }
        if let email { values.append("m" + email.value) }
        return values
    }
}

/// Ids that rise: version 7 of RFC 9562, milliseconds and random bits with a counter between them.
struct RisingIDs {
    private var milliseconds: UInt64
    private var counter: UInt16 = 0
    private var random: [UInt8] = []

    init(milliseconds: Int64) { self.milliseconds = UInt64(max(0, milliseconds)) }

    mutating func next() -> UUID {
        counter += 1
        if counter >= 0x1000 {
            counter = 0
            milliseconds += 1
        }
        if random.count < 8 { random = SecureRandom.bytes(4096) }
        let tail = random.suffix(8)
        random.removeLast(8)
        let t = milliseconds
        let b = Array(tail)
        return UUID(
            uuid: (
                UInt8(truncatingIfNeeded: t >> 40), UInt8(truncatingIfNeeded: t >> 32),
                UInt8(truncatingIfNeeded: t >> 24),
                UInt8(truncatingIfNeeded: t >> 16), UInt8(truncatingIfNeeded: t >> 8), UInt8(truncatingIfNeeded: t),
                0x70 | UInt8(truncatingIfNeeded: counter >> 8), UInt8(truncatingIfNeeded: counter),
                0x80 | (b[0] & 0x3F),
                b[1], b[2], b[3], b[4], b[5], b[6], b[7]
            ))
    }
}
