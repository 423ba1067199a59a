import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The orders' SQL.
enum OrderStore {
    // MARK: Recording

    /// Orders that are known, locked in one order.
    static func lock(tenantID: UUID, orderIDs: [String]) -> Query {
        Query(
            """
            SELECT id, contact_id, status, type, currency, amount_total_gross, refund_amount_total_gross,
                   source_updated_at, last_event_id, discount_codes, outcome, flags, order_id, evidence, ordered_at, discounts,
                   coalesce(details -> 'credit_memos', '{}'), refund_sum, refund_sum_at
              FROM app.orders WHERE tenant_id = $1 AND source = 'emarsys' AND order_id = ANY ($2)
             ORDER BY order_id FOR UPDATE
            """, [.uuid(tenantID), .textArray(orderIDs)])
    }

    static func stored(_ row: Row) throws -> StoredOrder {
        try StoredOrder(
            id: row.get(0), orderID: row.get(12), contactID: row.get(1), evidence: row.get(13), orderedAt: row.get(14),
            discounts: JSON.stored(row.get(15)), status: row.get(2), type: row.get(3), currency: row.get(4),
            gross: Amount(row.get(5, as: String.self)) ?? .zero,
            refund: OrderRefund(
                total: Amount(row.get(6, as: String.self)) ?? .zero,
                sum: row.get(17, as: String?.self).flatMap { Amount($0) }, sumAt: row.get(18),
                singles: JSON.stored(row.get(16)).object ?? JSONObject(), updatedAt: row.get(7)),
            sourceUpdatedAt: row.get(7), lastEventID: row.get(8), codes: row.get(9), outcome: row.get(10),
            flags: row.get(11))
    }

    /// The holders of phones: (phone, contact).
    static func holders(ofPhones phones: [String], tenantID: UUID) -> Query {
        Query(
            """
            SELECT value, contact_id FROM app.contact_identifiers
             WHERE tenant_id = $1 AND kind = 'phone' AND value = ANY ($2) AND status = 'active'
            """, [.uuid(tenantID), .textArray(phones)])
    }

    /// Adds or changes orders; what an event does not say stays. No two of one order.
    static func write(_ rows: [OrderRow], tenantID: UUID) -> Query {
        Query(
            """
            INSERT INTO app.orders AS o (
                tenant_id, id, order_id, order_number, type, status, currency, amount_total_gross, amount_total_net,
                amount_total_tax, amount_total_shipping_gross, discount_amount_total, refund_amount_total_gross,
                computed_items_gross, discounts, discount_codes, details, flags, outcome, contact_id, first_event_id,
                last_event_id, source_updated_at, ordered_at, cancelled_at, evidence, created_at, updated_at,
                refund_sum, refund_sum_at)
            SELECT $1, u.id, u.order_id, u.order_number, u.type, u.status, u.currency, u.gross, u.net, u.tax, u.shipping, u.discount,
                   u.refund, u.items_gross, u.discounts, u.codes, u.details, u.flags, u.outcome, u.contact_id, u.event_id, u.event_id,
                   u.updated_at, u.ordered_at, CASE WHEN u.status = 'cancelled' THEN u.updated_at END, u.evidence, $3, $3,
                   u.refund_sum, u.refund_sum_at
              FROM jsonb_to_recordset($2) AS u (
                   id uuid, order_id text, order_number text, type text, status text, currency text, gross numeric, net numeric,
                   tax numeric, shipping numeric, discount numeric, refund numeric, items_gross numeric, discounts jsonb,
                   codes text[], details jsonb, flags text[], outcome text, contact_id uuid, event_id uuid,
                   updated_at timestamptz, ordered_at timestamptz, evidence text, refund_sum numeric, refund_sum_at timestamptz)
            ON CONFLICT (tenant_id, source, order_id) DO UPDATE SET
                order_number = coalesce(EXCLUDED.order_number, o.order_number), type = EXCLUDED.type,
                status = EXCLUDED.status, currency = EXCLUDED.currency,
                amount_total_gross = EXCLUDED.amount_total_gross,
                amount_total_net = coalesce(EXCLUDED.amount_total_net, o.amount_total_net),
                amount_total_tax = coalesce(EXCLUDED.amount_total_tax, o.amount_total_tax),
                amount_total_shipping_gross =
                    coalesce(EXCLUDED.amount_total_shipping_gross, o.amount_total_shipping_gross),
                discount_amount_total = coalesce(EXCLUDED.discount_amount_total, o.discount_amount_total),
                refund_amount_total_gross = EXCLUDED.refund_amount_total_gross,
                refund_sum = EXCLUDED.refund_sum, refund_sum_at = EXCLUDED.refund_sum_at,
                computed_items_gross = coalesce(EXCLUDED.computed_items_gross, o.computed_items_gross),
                discounts = EXCLUDED.discounts,
                discount_codes = CASE WHEN cardinality(EXCLUDED.discount_codes) > 0 THEN EXCLUDED.discount_codes
                                      ELSE o.discount_codes END,
                details = o.details || EXCLUDED.details, flags = EXCLUDED.flags, outcome = EXCLUDED.outcome,
                contact_id = EXCLUDED.contact_id, last_event_id = EXCLUDED.last_event_id,
                source_updated_at = EXCLUDED.source_updated_at, ordered_at = EXCLUDED.ordered_at,
                cancelled_at = coalesce(o.cancelled_at, EXCLUDED.cancelled_at), evidence = EXCLUDED.evidence,
                updated_at = EXCLUDED.updated_at
            """,
            [
                .uuid(tenantID), .jsonb(JSON.array(rows.map(\.json)).encoded()),
                .timestamp(rows.first?.now ?? Timestamp(seconds: 0)),
            ])
    }

    /// Changes nothing of orders but what was given back.
    static func writeRefunds(_ rows: [OrderRow], tenantID: UUID) -> Query {
        Query(
            """
            UPDATE app.orders o
               SET refund_amount_total_gross = u.refund, refund_sum = u.refund_sum, refund_sum_at = u.refund_sum_at, flags = u.flags,
                   details = CASE WHEN u.credit_memos IS NULL THEN o.details
                                  ELSE o.details || jsonb_build_object('credit_memos', u.credit_memos) END,
                   updated_at = $3
              FROM jsonb_to_recordset($2) AS u (
                   id uuid, refund numeric, refund_sum numeric, refund_sum_at timestamptz, flags text[], credit_memos jsonb)
             WHERE o.tenant_id = $1 AND o.id = u.id
            """,
            [
                .uuid(tenantID), .jsonb(JSON.array(rows.map(\.refundJSON)).encoded()),
                .timestamp(rows.first?.now ?? Timestamp(seconds: 0)),
            ])
    }

    /// Replaces the items of the orders whose events name some.
    static func writeItems(of rows: [OrderRow], tenantID: UUID) -> [Query] {
        let orders = rows.filter { $0.content.items != nil }
        if orders.isEmpty { return [] }
        let lines = orders.flatMap { order in
            (order.content.items ?? []).enumerated().map { (order: order, position: $0 + 1, item: $1) }
        }
        return [
            Query(
                "DELETE FROM app.order_items WHERE tenant_id = $1 AND order_id = ANY ($2)",
                [.uuid(tenantID), .uuidArray(orders.map(\.id))]),
            Query(
                """
                INSERT INTO app.order_items (tenant_id, order_id, position, contact_id, external_reference_id, sku, name, qty,
                                             price_gross, price_net, currency, details)
                SELECT $1, u.order_id, u.position, u.contact_id, u.ref, u.sku, u.name, u.qty::numeric, u.gross::numeric,
                       u.net::numeric, u.currency, u.details
                  FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                              $10::text[], $11::text[], $12::jsonb[])
                       AS u (order_id, position, contact_id, ref, sku, name, qty, gross, net, currency, details)
                ON CONFLICT (tenant_id, order_id, position) DO NOTHING
                """,
                [
                    .uuid(tenantID), .uuidArray(lines.map(\.order.id)), .int4Array(lines.map { Int32($0.position) }),
                    .uuidArray(lines.map(\.order.contactID)), .textArray(lines.map(\.item.externalReferenceID)),
                    .textArray(lines.map(\.item.sku)), .textArray(lines.map(\.item.name)),
                    .textArray(lines.map(\.item.quantity.text)), .textArray(lines.map(\.item.priceGross?.text)),
                    .textArray(lines.map(\.item.priceNet?.text)),
                    .textArray(lines.map { $0.item.currency ?? $0.order.currency }),
                    .jsonbArray(lines.map { $0.item.details.encoded() }),
                ]),
        ]
    }

    /// Items belong to whom their order belongs, also where an event without items has linked or cancelled it.
    static func alignItems(of orders: [UUID], tenantID: UUID) -> Query {
        Query("SELECT app.align_order_items($1, $2)", [.uuid(tenantID), .uuidArray(orders)])
    }

    /// Keeps every event of an order, applied or not. A replay of one that is kept changes nothing.
    static func history(
        _ decided: [(row: OrderRow, decision: OrderDecision)], tenantID: UUID, now: Timestamp
    ) -> Query {
        Query(
            """
            INSERT INTO app.order_history (tenant_id, order_id, event_id, applied, reason, source_updated_at, snapshot, at)
            SELECT $1, u.order_id, u.event_id, u.applied, u.reason, u.updated_at, u.snapshot, $8
              FROM unnest($2::uuid[], $3::uuid[], $4::bool[], $5::text[], $6::timestamptz[], $7::jsonb[])
                   AS u (order_id, event_id, applied, reason, updated_at, snapshot)
            ON CONFLICT (tenant_id, order_id, event_id) DO NOTHING
            """,
            [
                .uuid(tenantID), .uuidArray(decided.map(\.row.id)), .uuidArray(decided.map(\.row.eventID)),
                .boolArray(decided.map(\.decision.changesOrder)), .textArray(decided.map(\.decision.reason)),
                .timestampArray(decided.map(\.row.updatedAt)), .jsonbArray(decided.map { $0.row.snapshot.encoded() }),
                .timestamp(now),
            ])
    }

    static func attribute(_ orders: [UUID], coupons: String, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            "SELECT app.attribute_orders($1, $2, $3, $4)",
            [.uuid(tenantID), .uuidArray(orders), .text(coupons), .timestamp(now)])
    }

    /// The days of orders as they are are computed anew, whatever day they move to.
    static func noteDays(of orders: [UUID], tenantID: UUID, now: Timestamp) -> Query {
        Query(
            "SELECT app.note_revenue_days($1, $2, $3)", [.uuid(tenantID), .uuidArray(orders), .timestamp(now)])
    }

    static func total(_ contacts: [UUID], tenantID: UUID) -> Query {
        Query("SELECT app.total_orders($1, $2)", [.uuid(tenantID), .uuidArray(contacts)])
    }

    /// Computes the stale days of the daily facts anew, or all of them when the time zone changed.
    static func refreshDailyFacts(tenantID: UUID) -> Query {
        Query("SELECT app.refresh_revenue_daily($1)", [.uuid(tenantID)])
    }

    /// Tenants whose daily facts were computed for another time zone than theirs. Scope: operator.
    static let movedZones: StaticString = """
        SELECT z.tenant_id FROM app.revenue_zones z JOIN app.tenants t ON t.tenant_id = z.tenant_id
         WHERE t.time_zone <> z.time_zone
        """

    /// Has the daily facts computed.
    static func wakeDailyFacts(tenantID: UUID, now: Timestamp) -> Query {
        JobStore.enqueue(
            tenantID, queue: "maintenance", kind: "revenue_daily", uniqueKey: "revenue_daily", runAt: now, now: now)
    }

    // MARK: Reading

    static func list(tenantID: UUID, contactID: UUID?, outcome: String?, request: PageRequest) -> Query {
        Query(
            """
            SELECT o.id, o.order_id, o.order_number, o.type, o.status, o.currency, o.amount_total_gross, o.amount_total_net,
                   o.amount_total_tax, o.amount_total_shipping_gross, o.discount_amount_total, o.refund_amount_total_gross,
                   o.computed_items_gross, o.discounts, o.discount_codes, o.details, o.flags, o.outcome, o.contact_id,
                   o.attribution, o.ordered_at, o.cancelled_at, o.created_at, o.updated_at, o.evidence,
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'external_reference_id', i.external_reference_id, 'sku', i.sku, 'name', i.name,
                        'qty', i.qty::text, 'price_gross', i.price_gross::text, 'price_net', i.price_net::text,
                        'currency', i.currency) ORDER BY i.position), '[]')
                      FROM app.order_items i WHERE i.tenant_id = $1 AND i.order_id = o.id)
              FROM app.orders o
             WHERE o.tenant_id = $1 AND (o.ordered_at, o.id) < ($2, $3) AND ($5::uuid IS NULL OR o.contact_id = $5)
               AND ($6::text IS NULL OR o.outcome = $6)
             ORDER BY o.ordered_at DESC, o.id DESC LIMIT $4
            """,
            [
                .uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID), .int4(request.fetchCount),
                .optional(uuid: contactID), .optional(text: outcome),
            ])
    }

    static func find(tenantID: UUID, ids: [UUID]) -> Query {
        Query(
            """
            SELECT o.id, o.order_id, o.order_number, o.type, o.status, o.currency, o.amount_total_gross, o.amount_total_net,
                   o.amount_total_tax, o.amount_total_shipping_gross, o.discount_amount_total, o.refund_amount_total_gross,
                   o.computed_items_gross, o.discounts, o.discount_codes, o.details, o.flags, o.outcome, o.contact_id,
                   o.attribution, o.ordered_at, o.cancelled_at, o.created_at, o.updated_at, o.evidence,
                   (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'external_reference_id', i.external_reference_id, 'sku', i.sku, 'name', i.name,
                        'qty', i.qty::text, 'price_gross', i.price_gross::text, 'price_net', i.price_net::text,
                        'currency', i.currency) ORDER BY i.position), '[]')
                      FROM app.order_items i WHERE i.tenant_id = $1 AND i.order_id = o.id)
              FROM app.orders o WHERE o.tenant_id = $1 AND o.id = ANY ($2)
            """, [.uuid(tenantID), .uuidArray(ids)])
    }

    static func history(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT event_id, applied, reason, source_updated_at, at, snapshot FROM app.order_history
             WHERE tenant_id = $1 AND order_id = $2 ORDER BY at, event_id
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func historyEntry(_ row: Row) throws -> JSON {
        try [
            "event_id": .string(row.get(0, as: UUID.self).text), "applied": .bool(row.get(1)),
            "reason": .optional(row.get(2, as: String?.self)),
            "source_updated_at": .optional(row.get(3, as: Timestamp?.self)?.rfc3339),
            "at": .string(row.get(4, as: Timestamp.self).rfc3339), "snapshot": JSON.stored(row.get(5)),
        ]
    }

    /// An order as clients see it.
    static func view(_ row: Row) throws -> JSON {
        func money(_ column: Int) throws -> JSON {
            .optional(try row.get(column, as: String?.self).flatMap { Amount($0)?.text })
        }
        func texts(_ column: Int) throws -> JSON { .array(try row.get(column, as: [String].self).map(JSON.string)) }
        let attribution: [UInt8]? = try row.get(19)
        return try [
            "id": .string(row.get(0, as: UUID.self).text), "order_id": .string(row.get(1)),
            "order_number": .optional(row.get(2, as: String?.self)), "type": .string(row.get(3)),
            "status": .string(row.get(4)), "currency": .string(row.get(5)), "amount_total_gross": money(6),
            "amount_total_net": money(7), "amount_total_tax": money(8), "amount_total_shipping_gross": money(9),
            "discount_amount_total": money(10), "refund_amount_total_gross": money(11),
            "computed_items_gross": money(12), "discounts": JSON.stored(row.get(13)), "discount_codes": texts(14),
            "details": JSON.stored(row.get(15)), "flags": texts(16), "outcome": .string(row.get(17)),
            "evidence": .string(row.get(24)), "contact_id": .optional(row.get(18, as: UUID?.self)?.text),
            "attribution": attribution.map(JSON.stored) ?? .null, "items": items(JSON.stored(row.get(25))),
            "ordered_at": .string(row.get(20, as: Timestamp.self).rfc3339),
            "cancelled_at": .optional(row.get(21, as: Timestamp?.self)?.rfc3339),
            "created_at": .string(row.get(22, as: Timestamp.self).rfc3339),
            "updated_at": .string(row.get(23, as: Timestamp.self).rfc3339),
        ]
    }

    /// Amounts in the form in which all amounts are written.
    private static func items(_ stored: JSON) -> JSON {
        .array(
            (stored.array ?? []).map { item in
                var item = item
                for key in ["qty", "price_gross", "price_net"] {
                    if let amount = Amount(item[key]) { item[key] = .string(amount.text) }
                }
                return item
            })
    }

    static func cursor(_ row: Row) throws -> PageCursor {
        try PageCursor(time: row.get(20), id: row.get(0))
    }
}
