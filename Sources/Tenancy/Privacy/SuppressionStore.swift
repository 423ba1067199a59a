import FoundationEssentials
import Persistence

/// The statements of suppressions.
enum SuppressionStore {
    /// Which of these hashes belong to erased people.
    static func find(_ tenant: UUID, _ hashes: [[UInt8]]) -> Query {
        Query(
            "SELECT value_hash FROM app.suppressions WHERE tenant_id = $1 AND value_hash = ANY ($2)",
            [.uuid(tenant), .byteaArray(hashes)])
    }
}
