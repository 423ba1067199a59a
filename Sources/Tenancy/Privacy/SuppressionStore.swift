import EventLoop
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

    /// Frees the people to whom these hashes belong, if they were erased before a grant. Answers how many hashes.
    static func lift(_ tenant: UUID, _ hashes: [[UInt8]], grantedAt: Timestamp, actor: String, now: Timestamp) -> Query
    {
        Query(
            "SELECT app.lift_suppressions($1, $2, $3, $4, $5)",
            [.uuid(tenant), .byteaArray(hashes), .timestamp(grantedAt), .text(actor), .timestamp(now)])
    }

    /// Lets contacts come back that were deleted, not erased.
    static func liftDeleted(_ tenant: UUID, _ hashes: [[UInt8]]) -> Query {
        Query(
            "DELETE FROM app.suppressions WHERE tenant_id = $1 AND value_hash = ANY ($2) AND deleted",
            [.uuid(tenant), .byteaArray(hashes)])
    }

    /// Notes that an erasure was a deletion.
    static func markDeleted(_ tenant: UUID, erasure: UUID) -> Query {
        Query(
            "UPDATE app.suppressions SET deleted = true WHERE tenant_id = $1 AND erasure_id = $2",
            [.uuid(tenant), .uuid(erasure)])
    }

    static func key(_ tenant: UUID) -> Query {
        Query("SELECT key FROM app.privacy_keys WHERE tenant_id = $1", [.uuid(tenant)])
    }

    static func insertKey(_ tenant: UUID, _ sealed: [UInt8], now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.privacy_keys (tenant_id, key, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant_id) DO NOTHING
            """, [.uuid(tenant), .bytes(sealed), .timestamp(now)])
    }
}
