import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The orders' SQL.
enum OrderStore {
    // MARK: Recording

    static func lock(tenantID: UUID, orderID: String) -> Query {
        Query(
            """
            SELECT id, contact_id, status, type, currency, amount_total_gross, refund_amount_total_gross,
                   source_updated_at, last_event_id, discount_codes, outcome, flags
              FROM app.orders WHERE tenant_id = $1 AND source = 'emarsys' AND order_id = $2 FOR UPDATE
            """, [.uuid(tenantID), .text(orderID)])
    }

    static func stored(_ row: Row) throws -> StoredOrder {
        try StoredOrder(
            id: row.get(0), contactID: row.get(1), status: row.get(2), type: row.get(3), currency: row.get(4),
            gross: Amount(row.get(5, as: String.self)) ?? .zero, refund: Amount(row.get(6, as: String.self)) ?? .zero,
            sourceUpdatedAt: row.get(7), lastEventID: row.get(8), codes: row.get(9), outcome: row.get(10),
            flags: row.get(11))
    }

    /// The holder of a phone.
    static func contact(phone: String, tenantID: UUID) -> Query {
        Query(
            """
            SELECT contact_id FROM app.contact_identifiers
             WHERE tenant_id = $1 AND kind = 'phone' AND value = $2 AND status = 'active'
            """, [.uuid(tenantID), .text(phone)])
    }

    /// Adds or changes an order; what the event does not say stays.
    static func write(_ row: OrderRow, tenantID: UUID) -> Query {
        let content = row.content
        return Query(
            """
            INSERT INTO app.orders AS o (
                tenant_id, id, order_id, order_number, type, status, currency, amount_total_gross, amount_total_net,
                amount_total_tax, amount_total_shipping_gross, discount_amount_total, refund_amount_total_gross,
                computed_items_gross, discounts, discount_codes, details, flags, outcome, contact_id, first_event_id,
                last_event_id, source_updated_at, ordered_at, cancelled_at, evidence, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($13, 0), $14, coalesce($15, '[]'), $16, $17,
                    $18, $19, $20, $21, $21, $22, $23, CASE WHEN $6 = 'cancelled' THEN $22::timestamptz END, $24, $25, $25)
            ON CONFLICT (tenant_id, source, order_id) DO UPDATE SET
                order_number = coalesce(EXCLUDED.order_number, o.order_number), type = EXCLUDED.type,
                status = EXCLUDED.status, currency = EXCLUDED.currency,
                amount_total_gross = EXCLUDED.amount_total_gross,
                amount_total_net = coalesce(EXCLUDED.amount_total_net, o.amount_total_net),
                amount_total_tax = coalesce(EXCLUDED.amount_total_tax, o.amount_total_tax),
                amount_total_shipping_gross =
                    coalesce(EXCLUDED.amount_total_shipping_gross, o.amount_total_shipping_gross),
                discount_amount_total = coalesce(EXCLUDED.discount_amount_total, o.discount_amount_total),
                refund_amount_total_gross = coalesce($13, o.refund_amount_total_gross),
                computed_items_gross = coalesce(EXCLUDED.computed_items_gross, o.computed_items_gross),
                discounts = coalesce($15, o.discounts),
                discount_codes = CASE WHEN cardinality(EXCLUDED.discount_codes) > 0 THEN EXCLUDED.discount_codes
                                      ELSE o.discount_codes END,
                details = o.details || EXCLUDED.details, flags = EXCLUDED.flags, outcome = EXCLUDED.outcome,
                contact_id = EXCLUDED.contact_id, last_event_id = EXCLUDED.last_event_id,
                source_updated_at = EXCLUDED.source_updated_at,
                ordered_at = CASE WHEN $26 THEN EXCLUDED.ordered_at ELSE o.ordered_at END,
                cancelled_at = coalesce(o.cancelled_at, EXCLUDED.cancelled_at), evidence = EXCLUDED.evidence,
                updated_at = EXCLUDED.updated_at
            """,
            [
                .uuid(tenantID), .uuid(row.id), .text(row.orderID), .optional(text: content.orderNumber),
                .text(row.type), .text(row.status), .text(row.currency), .numeric(row.gross.text),
                .optional(numeric: content.net?.text), .optional(numeric: content.tax?.text),
                .optional(numeric: content.shipping?.text), .optional(numeric: content.discount?.text),
                .optional(numeric: content.refund?.text), .optional(numeric: content.itemsGross?.text),
                .optional(jsonb: content.discounts?.encoded()), .textArray(content.codes),
                .jsonb(JSON.object(content.details).encoded()), .textArray(row.flags), .text(row.outcome),
                .optional(uuid: row.contactID), .uuid(row.eventID), .timestamp(row.updatedAt),
                .timestamp(row.orderedAt), .text(row.evidence), .timestamp(row.now),
                .bool(content.orderedAt != nil),
            ])
    }

    static func writeItems(_ items: [OrderItem], order: OrderRow, tenantID: UUID) -> [Query] {
        [
            Query(
                "DELETE FROM app.order_items WHERE tenant_id = $1 AND order_id = $2",
                [.uuid(tenantID), .uuid(order.id)]),
            Query(
                """
                INSERT INTO app.order_items (tenant_id, order_id, position, contact_id, external_reference_id, sku, name, qty,
                                             price_gross, price_net, currency, details)
                SELECT $1, $2, u.n, $3, u.ref, u.sku, u.name, u.qty::numeric, u.gross::numeric, u.net::numeric,
                       coalesce(u.currency, $4), u.details
                  FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[])
                       WITH ORDINALITY AS u (ref, sku, name, qty, gross, net, currency, details, n)
                ON CONFLICT (tenant_id, order_id, position) DO NOTHING
                """,
                [
                    .uuid(tenantID), .uuid(order.id), .optional(uuid: order.contactID), .text(order.currency),
                    .textArray(items.map(\.externalReferenceID)), .textArray(items.map(\.sku)),
                    .textArray(items.map(\.name)), .textArray(items.map(\.quantity.text)),
                    .textArray(items.map(\.priceGross?.text)), .textArray(items.map(\.priceNet?.text)),
                    .textArray(items.map(\.currency)), .jsonbArray(items.map { $0.details.encoded() }),
                ]),
        ]
    }

    static func history(
        id: UUID, eventID: UUID, isApplied: Bool, reason: String?, updatedAt: Timestamp, snapshot: JSON, tenantID: UUID,
        now: Timestamp
    ) -> Query {
        Query(
            """
            INSERT INTO app.order_history (tenant_id, order_id, event_id, applied, reason, source_updated_at, snapshot, at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (tenant_id, order_id, event_id) DO NOTHING
            """,
            [
                .uuid(tenantID), .uuid(id), .uuid(eventID), .bool(isApplied), .optional(text: reason),
                .timestamp(updatedAt), .jsonb(snapshot.encoded()), .timestamp(now),
            ])
    }

    static func attribute(_ orders: [UUID], coupons: String, tenantID: UUID) -> Query {
        Query(
            "SELECT app.attribute_orders($1, $2, $3)", [.uuid(tenantID), .uuidArray(orders), .text(coupons)])
    }

    static func total(_ contacts: [UUID], tenantID: UUID) -> Query {
        Query("SELECT app.total_orders($1, $2)", [.uuid(tenantID), .uuidArray(contacts)])
    }

    /// Has the daily facts brought up to date soon, once for many orders.
    static func wakeDailyFacts(tenantID: UUID, now: Timestamp) -> Query {
        JobStore.enqueue(
            tenantID, queue: "maintenance", kind: "revenue_daily", uniqueKey: "revenue_daily",
            runAt: now + .seconds(15),
            now: now)
    }

    /// Recomputes the days whose orders changed since a time.
    static func refreshDailyFacts(tenantID: UUID, since: Timestamp) -> Query {
        Query("SELECT app.refresh_revenue_daily($1, $2)", [.uuid(tenantID), .timestamp(since)])
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

    static func find(tenantID: UUID, id: UUID) -> Query {
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
              FROM app.orders o WHERE o.tenant_id = $1 AND o.id = $2
            """, [.uuid(tenantID), .uuid(id)])
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
