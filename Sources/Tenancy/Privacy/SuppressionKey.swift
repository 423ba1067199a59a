import Crypto
import FoundationEssentials

/// The tenant's key for hashing what erased people were known by: the hash keeps an import or a webhook from bringing them
/// back, and tells nobody who they were.
public struct SuppressionKey: Sendable {
    private let key: HMACKey

    /// - Parameter bytes: 32 random bytes, the tenant's own
    public init(_ bytes: [UInt8]) { key = HMACKey(bytes) }

    /// The hash of a normalised value of a kind (`phone`, `email`, `emarsys_contact_id`).
    public func hash(_ kind: String, _ value: String) -> [UInt8] {
        key.authenticate(Array(kind.utf8) + [0] + Array(value.utf8))
    }

    func hashes(of row: PreparedRow) -> RowHashes {
        RowHashes(
            externalID: row.externalID.map { hash("emarsys_contact_id", $0) },
            phone: row.phone.map { hash("phone", $0.value) }, email: row.email.map { hash("email", $0.value) })
    }
}

struct RowHashes: Sendable {
    var externalID: [UInt8]?
    var phone: [UInt8]?
    var email: [UInt8]?

    var all: [[UInt8]] { [externalID, phone, email].compactMap { $0 } }
}
