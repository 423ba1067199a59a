import EventLoop
import JSON

/// One line of an order.
struct OrderItem: Sendable, Hashable {
    var externalReferenceID: String?
    var sku: String?
    var name: String?
    var quantity: Amount
    var priceGross: Amount?
    var priceNet: Amount?
    var currency: String?
    var details: JSON
}

/// An order event, read. What is nil was not said: an update may say very little.
struct OrderContent: Sendable {
    var orderID: String?
    var orderNumber: String?
    var type: String?
    var status: String?
    var currency: String?
    var isCurrencyAssumed = false
    var gross: Amount?
    var net: Amount?
    var tax: Amount?
    var shipping: Amount?
    var discount: Amount?
    /// The shop's sum of all refunds so far.
    var refund: Amount?
    var discounts: JSON?
    /// In upper case.
    var codes: [String] = []
    /// nil: none were sent; an update without items leaves them.
    var items: [OrderItem]?
    var orderedAt: Timestamp?
    var updatedAt: Timestamp?
    /// Credit memos and single refunds by number, "" where one has none: each counts once, and they add up.
    var singleRefunds: [String: Amount] = [:]
    var details: JSONObject = JSONObject()
    /// The customer's e-mail inside the order; as good as a contact key.
    var email: String?
    /// A phone typed into an address: good for a look-up, never attached.
    var guestPhone: String?
    var flags: [String] = []
    var faults: [EventFault] = []

    /// Whether there is something besides the contact keys that the order can be traced by.
    var isTraceable: Bool { !codes.isEmpty || email != nil || guestPhone != nil }

    /// Σ quantity · price of the items; nil where a price is missing.
    var itemsGross: Amount? {
        guard let items, !items.isEmpty else { return nil }
        var sum = Amount.zero
        for item in items {
            guard let price = item.priceGross, let line = item.quantity.times(price), let next = sum.plus(line) else {
                return nil
            }
            sum = next
        }
        return sum
    }
}

extension OrderContent {
    init(_ event: EventContent, defaultCurrency: String?) {
        let keys = OrderKeys(event.data, beside: event.additional)
        readIdentity(keys)
        readMoney(keys, defaultCurrency: defaultCurrency)
        readCodes(keys, event)
        readTimes(keys, event)
        email = Self.customerEmail(keys)
        guestPhone = AbsentValue.text(
            keys.value(
                "billing.telephone", "billing_address.telephone", "billing_address.phone", "shipping.telephone",
                "shipping_address.telephone", "shipping_address.phone", "phone", "customer.phone"))
        for name in [
            "shipping_methods", "shipping_address", "billing_address", "taxes_summary", "order_url", "tracking_url",
            "note",
        ] {
            if let value = keys.value(name) { details[name] = value }
        }
    }

    /// The customer's e-mail inside an order event: as good as a contact key.
    static func customerEmail(_ event: EventContent) -> String? {
        customerEmail(OrderKeys(event.data, beside: event.additional))
    }

    private static func customerEmail(_ keys: OrderKeys) -> String? {
        AbsentValue.text(keys.value("customerEmail", "customer_email", "email", "customer.email", "contact.email"))
    }

    private mutating func readIdentity(_ keys: OrderKeys) {
        orderID =
            AbsentValue.text(keys.value("order_id", "orderId", "OrderId"))
            ?? AbsentValue.text(keys.innerFirst("entity_id", "id", "external_reference_id"))
        if orderID == nil {
            faults.append(EventFault("event_data.order_id", "order_id_missing", "An order needs an order_id."))
        } else if let id = orderID, id.utf8.count > WebhookLimits.identifier {
            faults.append(EventFault("event_data.order_id", "too_long", "Longer than 255 characters."))
        }
        orderNumber =
            AbsentValue.text(keys.value("order_number", "increment_id", "orderNumber", "OrderNumber"))
            ?? AbsentValue.text(keys.innerFirst("name"))
        if let text = keys.value("type")?.string?.lowercased(), text == "sale" || text == "cancellation" { type = text }
        status =
            Self.status(keys.value("status", "state", "order_status", "Order_status")?.string)
            ?? Self.status(keys.value("fulfillment_status")?.string)
            ?? Self.status(keys.value("financial_status")?.string)
        if type == "cancellation" || keys.value("cancelled_at", "canceled_at") != nil { status = "cancelled" }
    }

    private static func status(_ text: String?) -> String? {
        switch text?.lowercased() {
        case "open", "new", "pending_payment", "payment_review", "authorized", "holded", "unfulfilled": "open"
        case "pending", "processing", "partially_paid", "partial", "shipped", "in_progress": "pending"
        case "completed", "complete", "closed", "paid", "fulfilled", "refunded", "partially_refunded", "delivered":
            "completed"
        case "cancelled", "canceled", "voided": "cancelled"
        default: nil
        }
    }

    private mutating func amount(_ field: String, _ value: JSON?) -> Amount? {
        guard let value, AbsentValue.text(value) != nil || value.number != nil else { return nil }
        if let amount = Amount(value) { return amount }
        faults.append(EventFault("event_data." + field, "invalid_amount", "Not a decimal amount."))
        return nil
    }

    private mutating func readMoney(_ keys: OrderKeys, defaultCurrency: String?) {
        items = Self.items(keys.value("items", "line_items", "Items", "products", "order_items"), flags: &flags)
        let named = AbsentValue.text(
            keys.value(
                "currency", "order_currency_code", "value_currency", "currency_code", "$currency",
                "presentment_currency"))
        currency = (named ?? items?.lazy.compactMap(\.currency).first)?.uppercased()
        if let found = currency, found.utf8.count != 3 || !found.utf8.allSatisfy({ (65...90).contains($0) }) {
            faults.append(EventFault("event_data.currency", "invalid_currency", "Not an ISO 4217 code."))
            currency = nil
        }
        if currency == nil, let defaultCurrency {
            currency = defaultCurrency
            isCurrencyAssumed = true
        }
        gross = amount(
            "amount_total_gross",
            keys.value("amount_total_gross", "grand_total", "total_price", "value", "$value", "total"))
        net = amount("amount_total_net", keys.value("amount_total_net", "total_net"))
        tax = amount("amount_total_tax", keys.value("amount_total_tax", "tax_amount", "total_tax"))
        shipping = amount(
            "amount_total_shipping_gross",
            keys.value(
                "amount_total_shipping_gross", "shipping_incl_tax", "shipping_amount", "total_shipping_price",
                "total_shipping_price_set.shop_money.amount"))
        discount =
            amount(
                "discount_amount_total", keys.value("discount_amount_total", "discount_amount", "total_discounts"))?
            .magnitude
        readRefunds(keys)
        if gross == nil, let items = itemsGross {
            gross = items
            flags.append("total_derived_from_items")
        }
        if let gross, gross < .zero, status != "cancelled" {
            faults.append(
                EventFault("event_data.amount_total_gross", "negative_amount", "Negative only in a cancellation."))
        }
        if let gross, let items = itemsGross { checkTotal(gross, items) }
    }

    /// The items may or may not carry shipping and discount in the total; any of these sums is taken as right.
    private mutating func checkTotal(_ gross: Amount, _ items: Amount) {
        let cent = Amount("0.02") ?? .zero
        let shipped = items.plus(shipping ?? .zero)
        let sums = [
            items, shipped, items.minus(discount ?? .zero), shipped?.minus(discount ?? .zero),
            shipped?.minus(discount ?? .zero)?.plus(tax ?? .zero),
        ]
        let fits = sums.contains { sum in
            guard let difference = sum?.minus(gross) else { return false }
            return difference.magnitude < cent
        }
        if !fits { flags.append("total_differs_from_items") }
    }

    private mutating func readRefunds(_ keys: OrderKeys) {
        let number = AbsentValue.text(keys.value("refund_id", "refund.id"))
        refund =
            amount(
                "refund_amount_total_gross", keys.value("refund_amount_total_gross", "total_refunded"))?.magnitude
        if let single = amount("refund_amount", keys.value("refund_amount", "refund.amount"))?.magnitude {
            if let number { singleRefunds[number] = single } else if refund == nil { refund = single }
        }
        if let memo = keys.value("creditmemo"), let total = amount("creditmemo.grand_total", memo["grand_total"]) {
            let number = ["increment_id", "entity_id", "id"].lazy.compactMap { AbsentValue.text(memo[$0]) }.first
            singleRefunds[number ?? ""] = total.magnitude
        }
        guard let list = keys.value("refunds")?.array, !list.isEmpty else { return }
        let refunds = list.map { (number: AbsentValue.text($0["id"]), amount: Self.amount(ofRefund: $0)) }
        if refunds.allSatisfy({ $0.number != nil }) {
            for (number, amount) in refunds where amount > .zero { singleRefunds[number ?? ""] = amount }
        } else if refund == nil {
            refund = refunds.reduce(.zero) { $0.plus($1.amount) ?? $0 }
        }
    }

    private static func amount(ofRefund refund: JSON) -> Amount {
        let parts = refund["transactions"]?.array ?? [refund]
        return parts.reduce(.zero) { sum, part in Amount(part["amount"]).flatMap { sum.plus($0.magnitude) } ?? sum }
    }

    private static func items(_ json: JSON?, flags: inout [String]) -> [OrderItem]? {
        let list: [JSON]
        switch json {
        case .array(let elements)?: list = elements
        case .string(let text)?:
            guard let parsed = (try? JSON.parse(Array(text.utf8)))?.array else {
                flags.append("items_unreadable")
                return nil
            }
            list = parsed
        default: return nil
        }
        return list.compactMap { element in
            guard case .object(let object) = element else { return nil }
            let keys = OrderKeys(object)
            let inclusive = Amount(keys.value("price.amount.gross", "price_incl_tax", "price_gross"))
            let plain = Amount(keys.value("price", "ItemPrice", "unit_price", "item_price"))
            return OrderItem(
                externalReferenceID: AbsentValue.text(
                    keys.value("external_reference_id", "item_id", "product_id", "ProductID", "id")),
                sku: AbsentValue.text(keys.value("sku", "SKU", "item_id", "variant_id")),
                name: AbsentValue.text(keys.value("name", "title", "ProductName")),
                quantity: Amount(keys.value("qty", "quantity", "qty_ordered", "Quantity")) ?? Amount("1") ?? .zero,
                priceGross: inclusive ?? plain,
                priceNet: Amount(keys.value("price.amount.net", "price_net")) ?? (inclusive == nil ? nil : plain),
                currency: AbsentValue.text(keys.value("price.currency", "currency")), details: element)
        }
    }

    private mutating func readCodes(_ keys: OrderKeys, _ event: EventContent) {
        discounts = keys.value("discounts", "discount_codes").flatMap { $0.array.map(JSON.array) }
        var found: [String] = []
        for entry in discounts?.array ?? [] {
            if let code = AbsentValue.text(entry) ?? AbsentValue.text(entry["code"]) ?? AbsentValue.text(entry["name"])
            {
                found.append(code)
            }
        }
        let single = keys.value("coupon_code", "discount_code", "DiscountCode", "discount_description", "coupon")
        if let code = AbsentValue.text(single) ?? AbsentValue.text(event.additional["discount_code"]) {
            found.append(code)
        }
        for code in found.map({ $0.uppercased() }) where !codes.contains(code) && code.utf8.count <= 100 {
            codes.append(code)
        }
    }

    private mutating func readTimes(_ keys: OrderKeys, _ event: EventContent) {
        if let text = AbsentValue.text(keys.value("ordered_at", "created_at", "processed_at")) {
            orderedAt = EventContent.time(text)
            if orderedAt == nil {
                flags.append("ordered_at_unreadable")
            } else if Timestamp(rfc3339: text) == nil {
                flags.append("ordered_at_without_zone")
            }
        }
        updatedAt = AbsentValue.text(keys.value("updated_at")).flatMap(EventContent.time) ?? event.occurredAt
    }
}
