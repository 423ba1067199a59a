import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The statements of stitching; the rules are in ``Stitching`` and ``IdentityDecision``.
enum StitchStore {
    static let begin = Query("SELECT app.begin_stitching()")

    static let copy: StaticString = """
        COPY stitch_rows (n, new_id, known, ext, source_hash, phone, phone_raw, phone_flags, phone_mode, email, email_shown,
                          email_mode, first_name, first_mode, last_name, last_mode, custom, custom_fill, custom_new,
                          custom_clear, entering, belongs, slow) FROM STDIN
        """

    static let copyNew: StaticString = """
        COPY stitch_new (id, ext, source_hash, phone, phone_raw, phone_flags, email, email_shown, first_name, last_name, custom,
                         custom_fill, custom_new, belongs) FROM STDIN
        """

    static func insertNew(_ tenant: UUID, source: String, now: Timestamp) -> Query {
        Query("SELECT app.stitch_new($1, $2, $3)", [.uuid(tenant), .text(source), .timestamp(now)])
    }

    /// Which of these values somebody holds.
    static func held(_ tenant: UUID, phones: [String], emails: [String]) -> Query {
        Query(
            "SELECT kind, value FROM app.held_values($1, $2, $3)",
            [.uuid(tenant), .textArray(phones), .textArray(emails)])
    }

    static func lock(_ tenant: UUID, values: [String]?) -> Query {
        Query("SELECT app.lock_stitching($1, $2)", [.uuid(tenant), values.map { .textArray($0) } ?? .null(.textArray)])
    }

    static func knownSources(_ tenant: UUID, ids: [String], hashes: [[UInt8]?]) -> Query {
        Query(
            "SELECT states, contacts FROM app.known_sources($1, $2, $3)",
            [.uuid(tenant), .textArray(ids), .byteaArray(hashes)])
    }

    static func flagged(_ tenant: UUID, phones: [String], emails: [String]) -> Query {
        Query(
            "SELECT kind, value, status FROM app.flagged_values($1, $2, $3)",
            [.uuid(tenant), .textArray(phones), .textArray(emails)])
    }

    static func claim(_ tenant: UUID, _ claims: [ValueClaim], importID: UUID?, now: Timestamp) -> Query {
        Query(
            "SELECT kind, value, status FROM app.claim_values($1, $2, $3, $4, $5, $6)",
            [
                .uuid(tenant), .textArray(claims.map(\.kind.rawValue)), .textArray(claims.map(\.value)),
                .textArray(claims.map(\.externalID)), .optional(uuid: importID), .timestamp(now),
            ])
    }

    static func staged(_ tenant: UUID, source: String, now: Timestamp) -> Query {
        Query("SELECT app.stitch_staged($1, $2, $3)", [.uuid(tenant), .text(source), .timestamp(now)])
    }

    static func facts(_ tenant: UUID, _ rows: [PreparedRow]) -> Query {
        Query(
            """
            SELECT n, role, matched, contact_id, external_id, first_name, last_name, phones, emails, whatsapp, protected,
                   created_at
              FROM app.identity_facts($1, $2, $3, $4, $5, $6)
            """,
            [
                .uuid(tenant), .int4Array(rows.map { Int32($0.index) }), .textArray(rows.map(\.externalID)),
                .textArray(rows.map(\.phone?.value)), .textArray(rows.map { $0.phone?.variants.first }),
                .textArray(rows.map(\.email?.value)),
            ])
    }

    static func notSame(_ tenant: UUID, contacts: [UUID]) -> Query {
        Query(
            """
            SELECT contact_a, contact_b FROM app.not_same
             WHERE tenant_id = $1 AND contact_a = ANY ($2) AND contact_b = ANY ($2)
            """, [.uuid(tenant), .uuidArray(contacts)])
    }

    static func merge(
        _ tenant: UUID, survivor: UUID, loser: UUID, reason: String, actor: String, importID: UUID?, now: Timestamp
    ) -> Query {
        Query(
            "SELECT app.merge_contacts($1, $2, $3, $4, $5, $6, $7)",
            [
                .uuid(tenant), .uuid(survivor), .uuid(loser), .text(reason), .text(actor), .optional(uuid: importID),
                .timestamp(now),
            ])
    }

    static func decided(_ tenant: UUID, _ rows: [DecidedRow], dropped: [Int], source: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.stitch_decided($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            [
                .uuid(tenant), .int4Array(rows.map { Int32($0.index) }), .boolArray(rows.map(\.keepsExternalID)),
                .boolArray(rows.map(\.keepsPhone)), .boolArray(rows.map(\.keepsEmail)), .uuidArray(rows.map(\.known)),
                .boolArray(rows.map(\.isForced)), .int4Array(dropped.map { Int32($0) }), .text(source), .timestamp(now),
            ])
    }

    /// Takes another spelling of a phone that is stored already.
    static func respell(_ indexes: [Int], phones: [String]) -> Query {
        Query(
            """
            UPDATE stitch_rows r SET phone = q.phone FROM unnest($1::int[], $2::text[]) AS q(n, phone) WHERE r.n = q.n
            """, [.int4Array(indexes.map { Int32($0) }), .textArray(phones)])
    }

    static func park(_ tenant: UUID, _ conflicts: JSON, source: String, importID: UUID?, now: Timestamp) -> Query {
        Query(
            "SELECT n, id, is_new FROM app.park_conflicts($1, $2, $3, $4, $5)",
            [
                .uuid(tenant), .jsonb(conflicts.encoded()), .text(source), .optional(uuid: importID), .timestamp(now),
            ])
    }

    static let outcomes = Query("SELECT n, action, contact_id, linked FROM stitch_outcomes")

    static func finish(_ tenant: UUID, reason: String, now: Timestamp) -> Query {
        Query(
            "SELECT created, updated, unchanged, rejected FROM app.finish_stitching($1, $2, $3)",
            [.uuid(tenant), .text(reason), .timestamp(now)])
    }
}

/// An Emarsys id that claims a value.
struct ValueClaim: Sendable, Hashable {
    enum Kind: String, Sendable { case phone, email }
    var kind: Kind
    var value: String
    var externalID: String
}

/// A decision in the form that the database carries out.
struct DecidedRow: Sendable {
    var index: Int
    var keepsExternalID: Bool
    var keepsPhone: Bool
    var keepsEmail: Bool
    var known: UUID?
    var isForced: Bool
}
