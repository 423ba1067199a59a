import EventLoop
import JSON
import Testing

@testable import Tenancy

@Suite("What an order event says")
struct OrderContentTests {
    private func order(_ data: JSON, currency: String? = "EUR") throws -> OrderContent {
        let event = EventContent(
            try #require(JSON.object(["event_name": "order_placed", "event_data": data]).object),
            policy: WebhookPolicy())
        return OrderContent(event, defaultCurrency: currency)
    }

    private let charles: JSON = [
        "order_id": "100000234", "order_number": "#10234", "type": "sale", "status": "open",
        "ordered_at": "2026-11-23T08:15:52Z", "updated_at": "2026-11-23T08:15:52Z", "currency": "EUR",
        "amount_total_gross": "114.90", "amount_total_net": "96.55", "amount_total_tax": "18.35",
        "amount_total_shipping_gross": "4.90", "discount_amount_total": "10.00",
        "discounts": [["name": "WA10", "code": "wa10", "amount": "10.00", "currency": "EUR"]],
        "items": [
            [
                "external_reference_id": "20", "sku": "MT07-XS-Gray", "name": "Argus Tank", "qty": 2,
                "price": ["amount": ["gross": "60.00", "net": "50.42"], "currency": "EUR", "vat_rate": 0.19],
            ]
        ],
    ]

    @Test("charles's own shape is read whole")
    func charlesShape() throws {
        let order = try order(charles)
        #expect(order.faults.isEmpty)
        #expect(order.orderID == "100000234")
        #expect(order.orderNumber == "#10234")
        #expect(order.gross?.text == "114.90")
        #expect(order.shipping?.text == "4.90")
        #expect(order.codes == ["WA10"])
        #expect(order.items?.first?.sku == "MT07-XS-Gray")
        #expect(order.items?.first?.priceNet?.text == "50.42")
        #expect(order.itemsGross?.text == "120.00")
        #expect(order.flags.isEmpty)
    }

    @Test("Magento's template is read by its own names")
    func magento() throws {
        let order = try order([
            "customerEmail": "erika@example.com", "billing": ["telephone": "015112345678"],
            "order": [
                "entity_id": 234, "increment_id": "000000234", "state": "processing",
                "created_at": "2026-11-23 08:15:52",
                "order_currency_code": "EUR", "grand_total": "114.9000", "tax_amount": 18.35, "shipping_incl_tax": 4.9,
                "discount_amount": "-10.0000", "coupon_code": "WA10",
                "items": [
                    ["sku": "A", "name": "Tank", "qty_ordered": "2.0000", "price": "50.42", "price_incl_tax": "60.00"]
                ],
            ],
        ])
        #expect(order.faults.isEmpty)
        #expect(order.orderID == "234")
        #expect(order.orderNumber == "000000234")
        #expect(order.status == "pending")
        #expect(order.gross?.text == "114.90")
        #expect(order.discount?.text == "10.00")
        #expect(order.codes == ["WA10"])
        #expect(order.email == "erika@example.com")
        #expect(order.guestPhone == "015112345678")
        #expect(order.orderedAt == Timestamp(rfc3339: "2026-11-23T08:15:52Z"))
        #expect(order.flags == ["ordered_at_without_zone"])
        #expect(order.items?.first?.priceGross?.text == "60.00")
        #expect(order.items?.first?.priceNet?.text == "50.42")
    }

    @Test("Web Extend has neither total nor currency: the items and the tenant's default stand in")
    func webExtend() throws {
        let order = try order([
            "orderId": "W1",
            "purchase": [
                "items": [
                    ["item_id": "p1", "price": 10.5, "quantity": 3], ["item_id": "p2", "price": "0.1", "quantity": 1],
                ]
            ],
        ])
        #expect(order.orderID == "W1")
        #expect(order.gross?.text == "31.60")
        #expect(order.currency == "EUR")
        #expect(order.isCurrencyAssumed)
        #expect(order.flags == ["total_derived_from_items"])
        #expect(order.items?.map(\.sku) == ["p1", "p2"])
    }

    @Test("Shopify and Klaviyo are read by their names")
    func shopify() throws {
        let shopify = try order([
            "id": 4_501, "name": "#1001", "created_at": "2026-11-23T08:15:52+01:00", "currency": "usd",
            "total_price": "20.00", "total_tax": "0.00", "total_discounts": "5.00", "financial_status": "paid",
            "discount_codes": [["code": "summer", "amount": "5.00"]],
            "line_items": [["sku": "S", "title": "Shirt", "quantity": 1, "price": "25.00"]],
            "refunds": [["transactions": [["amount": "3.00"], ["amount": "1.50"]]]],
        ])
        #expect(shopify.orderID == "4501")
        #expect(shopify.orderNumber == "#1001")
        #expect(shopify.currency == "USD")
        #expect(shopify.status == "completed")
        #expect(shopify.codes == ["SUMMER"])
        #expect(shopify.refund?.text == "4.50")
        #expect(shopify.flags.isEmpty)
        let klaviyo = try order([
            "OrderId": "K1", "value": 20, "value_currency": "EUR", "DiscountCode": "k10",
            "Items": [["SKU": "S", "ProductName": "Shirt", "Quantity": 2, "ItemPrice": 10]],
        ])
        #expect(klaviyo.orderID == "K1")
        #expect(klaviyo.items?.first?.name == "Shirt")
        #expect(klaviyo.codes == ["K10"])
    }

    @Test("refunds with a number of their own are told apart from a sum of all")
    func refunds() throws {
        let shopify = try order([
            "id": 4_501, "currency": "EUR",
            "refunds": [
                ["id": 1, "transactions": [["amount": "3.00"], ["amount": "1.50"]]], ["id": 2, "amount": "-2.00"],
                ["id": 3, "transactions": []],
            ],
        ])
        #expect(shopify.refund == nil)
        #expect(shopify.singleRefunds.mapValues(\.text) == ["1": "4.50", "2": "2.00"])
        let single = try order(["order_id": "1", "refund_id": "r7", "refund_amount": "5.50"])
        #expect(single.refund == nil)
        #expect(single.singleRefunds.mapValues(\.text) == ["r7": "5.50"])
        let sum = try order(["order_id": "1", "refund_amount": "5.50"])
        #expect(sum.refund?.text == "5.50")
        #expect(sum.singleRefunds.isEmpty)
    }

    @Test("what was given back is the same in whatever order the word of it arrives")
    func refundsInAnyOrder() throws {
        let words = try [
            (10, order(["order_id": "1", "refund_amount_total_gross": "0.00"])),
            (20, order(["order_id": "1", "creditmemo": ["increment_id": "100", "grand_total": "5.00"]])),
            (30, order(["order_id": "1", "refund_amount_total_gross": "5.00"])),
            (40, order(["order_id": "1", "creditmemo": ["increment_id": "101", "grand_total": "2.50"]])),
            (50, order(["order_id": "1", "status": "completed"])),
        ]
        for first in words.indices {
            for second in words.indices where second != first {
                let rest = words.indices.filter { $0 != first && $0 != second }
                var refund = OrderRefund()
                var latest = 0
                for index in [first, second] + rest + [second] {
                    let (minute, content) = words[index]
                    refund = refund.adding(
                        content, key: "k", at: Timestamp(seconds: Int64(minute * 60)), isLate: minute < latest)
                    latest = max(latest, minute)
                }
                #expect(refund.total.text == "7.50", "\(first), \(second)")
            }
        }
    }

    @Test("items may come as a JSON string")
    func itemsAsText() throws {
        let order = try order(["order_id": "1", "items": #"[{"sku":"A","qty":2,"price":"3.00"}]"#])
        #expect(order.gross?.text == "6.00")
    }

    @Test("a total that nothing explains is flagged, not corrected")
    func differingTotal() throws {
        var data = charles
        data["amount_total_gross"] = "60.00"
        let order = try order(data)
        #expect(order.gross?.text == "60.00")
        #expect(order.itemsGross?.text == "120.00")
        #expect(order.flags == ["total_differs_from_items"])
    }

    @Test("what cannot be an order says why")
    func faults() throws {
        #expect(try order(["amount_total_gross": "1"]).faults.map(\.code) == ["order_id_missing"])
        #expect(try order(["order_id": "1", "amount_total_gross": "ten"]).faults.map(\.code) == ["invalid_amount"])
        #expect(try order(["order_id": "1", "amount_total_gross": -5]).faults.map(\.code) == ["negative_amount"])
        #expect(try order(["order_id": "1", "amount_total_gross": -5, "type": "cancellation"]).faults.isEmpty)
        #expect(
            try order(["order_id": "1", "currency": "Euro", "total": 1]).faults.map(\.code) == ["invalid_currency"])
    }

    @Test("an order's fields may stand flat, beside event_data or without one")
    func flat() throws {
        let body: JSON = [
            "event_name": "order_placed", "external_reference_id": 812, "name": "Erika", "order_id": 55,
            "total_price": "20.00", "currency": "EUR", "customerEmail": "erika@example.com",
            "items": #"[{"sku":"S","quantity":2,"price":"10.00"}]"#, "coupon_code": "wa10",
        ]
        let event = EventContent(try #require(body.object), policy: WebhookPolicy())
        let order = OrderContent(event, defaultCurrency: nil)
        #expect(order.faults.isEmpty)
        #expect(order.orderID == "55")
        #expect(order.orderNumber == nil)
        #expect(order.gross?.text == "20.00")
        #expect(order.items?.count == 1)
        #expect(order.codes == ["WA10"])
        #expect(order.email == "erika@example.com")
        var nested = body
        nested["event_data"] = ["order_id": "56"]
        let other = EventContent(try #require(nested.object), policy: WebhookPolicy())
        #expect(OrderContent(other, defaultCurrency: nil).orderID == "56")
    }
}
