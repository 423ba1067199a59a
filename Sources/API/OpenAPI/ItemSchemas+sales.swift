extension ItemSchemas {
    static let sales: StaticString = #"""
        {
            "Order": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "order_id": {"type": "string"},
                    "order_number": {"type": ["string", "null"]},
                    "type": {"enum": ["sale", "cancellation"]},
                    "status": {"enum": ["open", "pending", "completed", "cancelled"]},
                    "currency": {"type": "string"},
                    "amount_total_gross": {"type": "string"},
                    "amount_total_net": {"type": ["string", "null"]},
                    "amount_total_tax": {"type": ["string", "null"]},
                    "amount_total_shipping_gross": {"type": ["string", "null"]},
                    "discount_amount_total": {"type": ["string", "null"]},
                    "refund_amount_total_gross": {"type": "string"},
                    "computed_items_gross": {"type": ["string", "null"]},
                    "discounts": {"type": "array", "items": {"type": "object"}},
                    "discount_codes": {"type": "array", "items": {"type": "string"}},
                    "details": {"type": "object"},
                    "flags": {"type": "array", "items": {"type": "string"}},
                    "outcome": {"enum": ["linked", "anonymous", "skipped"]},
                    "evidence": {"type": ["string", "null"]},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "attribution": {"type": ["object", "null"]},
                    "items": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "qty": {"type": ["string", "null"]},
                            "sku": {"type": ["string", "null"]},
                            "name": {"type": "string"},
                            "currency": {"type": "string"},
                            "price_net": {"type": ["string", "null"]},
                            "price_gross": {"type": ["string", "null"]},
                            "external_reference_id": {"type": ["string", "null"]}
                        },
                        "required": [
                            "qty", "sku", "name", "currency", "price_net", "price_gross",
                            "external_reference_id"
                        ]
                    }},
                    "ordered_at": {"type": "string", "format": "date-time"},
                    "cancelled_at": {"type": ["string", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"}
                },
                "required": [
                    "id", "order_id", "order_number", "type", "status", "currency",
                    "amount_total_gross", "amount_total_net", "amount_total_tax",
                    "amount_total_shipping_gross", "discount_amount_total", "refund_amount_total_gross",
                    "computed_items_gross", "discounts", "discount_codes", "details", "flags",
                    "outcome", "evidence", "contact_id", "attribution", "items", "ordered_at",
                    "cancelled_at", "created_at", "updated_at"
                ]
            },
            "OrderDetail": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "order_id": {"type": "string"},
                    "order_number": {"type": ["string", "null"]},
                    "type": {"enum": ["sale", "cancellation"]},
                    "status": {"enum": ["open", "pending", "completed", "cancelled"]},
                    "currency": {"type": "string"},
                    "amount_total_gross": {"type": "string"},
                    "amount_total_net": {"type": ["string", "null"]},
                    "amount_total_tax": {"type": ["string", "null"]},
                    "amount_total_shipping_gross": {"type": ["string", "null"]},
                    "discount_amount_total": {"type": ["string", "null"]},
                    "refund_amount_total_gross": {"type": "string"},
                    "computed_items_gross": {"type": ["string", "null"]},
                    "discounts": {"type": "array", "items": {"type": "object"}},
                    "discount_codes": {"type": "array", "items": {"type": "string"}},
                    "details": {"type": "object"},
                    "flags": {"type": "array", "items": {"type": "string"}},
                    "outcome": {"enum": ["linked", "anonymous", "skipped"]},
                    "evidence": {"type": ["string", "null"]},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "attribution": {"type": ["object", "null"]},
                    "items": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "qty": {"type": ["string", "null"]},
                            "sku": {"type": ["string", "null"]},
                            "name": {"type": "string"},
                            "currency": {"type": "string"},
                            "price_net": {"type": ["string", "null"]},
                            "price_gross": {"type": ["string", "null"]},
                            "external_reference_id": {"type": ["string", "null"]}
                        },
                        "required": [
                            "qty", "sku", "name", "currency", "price_net", "price_gross",
                            "external_reference_id"
                        ]
                    }},
                    "ordered_at": {"type": "string", "format": "date-time"},
                    "cancelled_at": {"type": ["string", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"},
                    "history": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "event_id": {"type": ["string", "null"], "format": "uuid"},
                            "applied": {"type": ["boolean", "null"]},
                            "reason": {"type": ["string", "null"]},
                            "source_updated_at": {"type": ["string", "null"], "format": "date-time"},
                            "at": {"type": "string", "format": "date-time"},
                            "snapshot": {"type": ["object", "null"]}
                        },
                        "required": ["event_id", "applied", "reason", "source_updated_at", "at", "snapshot"]
                    }}
                },
                "required": [
                    "id", "order_id", "order_number", "type", "status", "currency",
                    "amount_total_gross", "amount_total_net", "amount_total_tax",
                    "amount_total_shipping_gross", "discount_amount_total", "refund_amount_total_gross",
                    "computed_items_gross", "discounts", "discount_codes", "details", "flags",
                    "outcome", "evidence", "contact_id", "attribution", "items", "ordered_at",
                    "cancelled_at", "created_at", "updated_at", "history"
                ]
            },
            "Touch": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "kind": {"enum": ["flow", "read", "click", "reply"]},
                    "flow_id": {"type": ["string", "null"]},
                    "flow_run_id": {"type": ["string", "null"]},
                    "campaign": {"type": ["string", "null"]},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": ["id", "contact_id", "kind", "flow_id", "flow_run_id", "campaign", "occurred_at"]
            },
            "Attribution": {
                "type": "object",
                "properties": {
                    "window_days": {"type": "integer"},
                    "coupon_attribution": {"enum": ["unstitched", "all", "off"]},
                    "history": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "valid_from": {"type": ["string", "null"], "format": "date-time"},
                            "days": {"type": ["integer", "null"]},
                            "changed_by": {"type": ["string", "null"]}
                        },
                        "required": ["valid_from", "days", "changed_by"]
                    }}
                },
                "required": ["window_days", "coupon_attribution", "history"]
            },
            "CouponCode": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "flow_id": {"type": ["string", "null"]},
                    "campaign": {"type": ["string", "null"]},
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": ["code", "flow_id", "campaign", "created_at"]
            },
            "Audience": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "rules": {"type": "object"},
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": ["id", "name", "rules", "created_at"]
            },
            "Count": {
                "type": "object",
                "properties": {
                    "count": {"type": "integer"}
                },
                "required": ["count"]
            },
            "Report": {
                "type": "object",
                "required": ["report", "from", "to"],
                "properties": {
                    "report": {"enum": ["overview", "revenue", "opt_ins", "imports", "webhooks"]},
                    "from": {"type": "string", "format": "date-time"},
                    "to": {"type": "string", "format": "date-time"}
                },
                "additionalProperties": true
            }
        }
        """#
}
