import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The SQL of touches and of what attribution depends on.
enum TouchStore {
    static func insert(_ touch: Touch, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.touches (tenant_id, id, contact_id, kind, flow_id, flow_run_id, campaign, occurred_at, received_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, id) DO NOTHING
            """,
            [
                .uuid(tenantID), .uuid(touch.id), .uuid(touch.contactID), .text(touch.kind),
                .optional(uuid: touch.flowID), .optional(uuid: touch.flowRunID), .optional(text: touch.campaign),
                .timestamp(touch.occurredAt), .timestamp(now),
            ])
    }

    /// The flow of a run, so that a touch that names the run alone counts for its flow.
    static func flow(of run: UUID, tenantID: UUID) -> Query {
        Query("SELECT flow_id FROM app.flow_runs WHERE tenant_id = $1 AND id = $2", [.uuid(tenantID), .uuid(run)])
    }

    /// Attributes the orders anew that a touch may change: those placed after it, within the longest window.
    static func reattribute(contactID: UUID, from: Timestamp, coupons: String, tenantID: UUID, now: Timestamp) -> Query
    {
        Query(
            """
            SELECT app.attribute_orders($1, ARRAY(
                SELECT o.id FROM app.orders o
                 WHERE o.tenant_id = $1 AND o.contact_id = $2 AND o.ordered_at >= $3
                   AND o.ordered_at <= $3 + interval '90 days'), $4, $5)
            """, [.uuid(tenantID), .uuid(contactID), .timestamp(from), .text(coupons), .timestamp(now)])
    }

    /// Attributes the orders anew that carry a code.
    static func reattribute(code: String, coupons: String, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            SELECT app.attribute_orders($1, ARRAY(
                SELECT o.id FROM app.orders o WHERE o.tenant_id = $1 AND $2 = ANY (o.discount_codes)), $3, $4)
            """, [.uuid(tenantID), .text(code), .text(coupons), .timestamp(now)])
    }

    static func coupons(tenantID: UUID) -> Query {
        Query(
            "SELECT code, flow_id, campaign, created_at FROM app.coupon_codes WHERE tenant_id = $1 ORDER BY code LIMIT 1000",
            [.uuid(tenantID)])
    }

    static func coupon(_ row: Row) throws -> JSON {
        try [
            "code": .string(row.get(0)), "flow_id": .optional(row.get(1, as: UUID?.self)?.text),
            "campaign": .optional(row.get(2, as: String?.self)),
            "created_at": .string(row.get(3, as: Timestamp.self).rfc3339),
        ]
    }

    static func putCoupon(_ code: String, flowID: UUID?, campaign: String?, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.coupon_codes (tenant_id, code, flow_id, campaign, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, code) DO UPDATE SET flow_id = EXCLUDED.flow_id, campaign = EXCLUDED.campaign
            RETURNING code, flow_id, campaign, created_at
            """,
            [
                .uuid(tenantID), .text(code), .optional(uuid: flowID), .optional(text: campaign), .timestamp(now),
            ])
    }

    static func removeCoupon(_ code: String, tenantID: UUID) -> Query {
        Query(
            "DELETE FROM app.coupon_codes WHERE tenant_id = $1 AND code = $2 RETURNING code",
            [.uuid(tenantID), .text(code)])
    }

    static func windows(tenantID: UUID) -> Query {
        Query(
            """
            SELECT valid_from, days, changed_by FROM app.attribution_windows
             WHERE tenant_id = $1 ORDER BY valid_from DESC LIMIT 200
            """, [.uuid(tenantID)])
    }

    static func window(_ row: Row) throws -> JSON {
        try [
            "valid_from": .string(row.get(0, as: Timestamp.self).rfc3339), "days": .int(row.get(1, as: Int.self)),
            "changed_by": .string(row.get(2)),
        ]
    }

    static func putWindow(days: Int, actor: String, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.attribution_windows (tenant_id, valid_from, days, changed_by) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, valid_from) DO UPDATE SET days = EXCLUDED.days, changed_by = EXCLUDED.changed_by
            """, [.uuid(tenantID), .timestamp(now), .int4(Int32(days)), .text(actor)])
    }

    static func putCouponRule(_ rule: String, tenantID: UUID, now: Timestamp) -> [Query] {
        [
            Query(
                """
                UPDATE app.tenants SET settings = settings || jsonb_build_object('coupon_attribution', $2::text), updated_at = $3
                 WHERE tenant_id = $1
                """, [.uuid(tenantID), .text(rule), .timestamp(now)]),
            Query("SELECT app.touch_directory($1)", [.uuid(tenantID)]),
        ]
    }
}
