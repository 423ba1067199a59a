extension ItemSchemas {
    static let happenings: StaticString = #"""
        {
            "Event": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "source": {"enum": ["custom", "order"]},
                    "status": {"enum": ["accepted", "processed", "rejected", "held", "failed"]},
                    "event_name": {"type": ["string", "null"]},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                    "received_at": {"type": "string", "format": "date-time"},
                    "processed_at": {"type": ["string", "null"], "format": "date-time"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "errors": {"type": ["array", "null"], "items": {"type": "object"}},
                    "trace": {"type": ["object", "null"]},
                    "failures": {"type": "integer"},
                    "next_attempt_at": {"type": ["string", "null"]},
                    "body": {"type": "object"}
                },
                "required": [
                    "id", "source", "status", "event_name", "occurred_at", "received_at",
                    "processed_at", "contact_id", "errors", "trace", "failures", "next_attempt_at",
                    "body"
                ]
            },
            "EventDetail": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "source": {"enum": ["custom", "order"]},
                    "status": {"enum": ["accepted", "processed", "rejected", "held", "failed"]},
                    "event_name": {"type": ["string", "null"]},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                    "received_at": {"type": "string", "format": "date-time"},
                    "processed_at": {"type": ["string", "null"], "format": "date-time"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "errors": {"type": ["array", "null"], "items": {"type": "object"}},
                    "trace": {"type": ["object", "null"]},
                    "failures": {"type": "integer"},
                    "next_attempt_at": {"type": ["string", "null"]},
                    "body": {"type": "object"},
                    "attempts": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "string", "format": "uuid"},
                            "reason": {"type": "string"},
                            "flow_id": {"type": ["string", "null"]},
                            "requested_by": {"type": ["string", "null"]},
                            "at": {"type": "string", "format": "date-time"},
                            "outcome": {"type": ["string", "null"]},
                            "trace": {"type": ["object", "null"]}
                        },
                        "required": ["id", "reason", "flow_id", "requested_by", "at", "outcome", "trace"]
                    }},
                    "deliveries": {"type": ["array", "null"], "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "string", "format": "uuid"},
                            "type": {"type": "string"},
                            "state": {"type": "string"},
                            "attempts": {"type": "integer"},
                            "flow_run_id": {"type": ["string", "null"], "format": "uuid"},
                            "created_at": {"type": "string", "format": "date-time"},
                            "delivered_at": {"type": ["string", "null"], "format": "date-time"}
                        },
                        "required": [
                            "id", "type", "state", "attempts", "flow_run_id", "created_at",
                            "delivered_at"
                        ]
                    }}
                },
                "required": [
                    "id", "source", "status", "event_name", "occurred_at", "received_at",
                    "processed_at", "contact_id", "errors", "trace", "failures", "next_attempt_at",
                    "body", "attempts", "deliveries"
                ]
            },
            "Replayed": {
                "type": "object",
                "properties": {
                    "replayed": {"type": "integer"}
                },
                "required": ["replayed"]
            },
            "WebhookResult": {
                "type": "object",
                "properties": {
                    "id": {"type": ["string", "null"], "format": "uuid"},
                    "status": {"enum": ["accepted", "duplicate", "rejected", "held"]},
                    "errors": {"type": "array", "items": {
                        "type": "object",
                        "required": ["field", "code", "message"],
                        "properties": {
                            "field": {"type": "string"},
                            "code": {"type": "string"},
                            "message": {"type": "string"}
                        }
                    }}
                },
                "required": ["id", "status"]
            },
            "Flow": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "trigger": {"enum": ["emarsys_event", "emarsys_order"]},
                    "event_name": {"type": ["string", "null"]},
                    "payload": {"type": "object"},
                    "enabled": {"type": "boolean"},
                    "require_consent": {"type": "boolean"},
                    "frequency_cap": {
                        "type": ["object", "null"],
                        "properties": {
                            "max": {"type": "integer"},
                            "hours": {"type": "integer"}
                        }
                    },
                    "version": {"type": "integer"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"}
                },
                "required": [
                    "id", "name", "trigger", "event_name", "payload", "enabled", "require_consent",
                    "frequency_cap", "version", "created_at", "updated_at"
                ]
            },
            "FlowRun": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "flow_id": {"type": ["string", "null"], "format": "uuid"},
                    "flow_version": {"type": "integer"},
                    "event_id": {"type": ["string", "null"], "format": "uuid"},
                    "event_name": {"type": ["string", "null"]},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "contact": {"anyOf": [{"$ref": "#/components/schemas/Contact"}, {"type": "null"}]},
                    "state": {"enum": ["queued", "delivered", "failed", "no_phone", "no_consent", "capped", "cancelled"]},
                    "test": {"type": "boolean"},
                    "payload": {"type": "object"},
                    "missing_keys": {"type": "array", "items": {"type": "string"}},
                    "attempts": {"type": "integer"},
                    "last_error": {"type": ["object", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "delivered_at": {"type": ["string", "null"], "format": "date-time"},
                    "acknowledged_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "id", "flow_id", "flow_version", "event_id", "event_name", "contact_id", "contact",
                    "state", "test", "payload", "missing_keys", "attempts", "last_error", "created_at",
                    "delivered_at", "acknowledged_at"
                ]
            },
            "Delivery": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "type": {"type": "string"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "flow_run_id": {"type": ["string", "null"], "format": "uuid"},
                    "state": {"enum": ["queued", "delivered", "failed", "dead"]},
                    "attempts": {"type": "integer"},
                    "next_attempt_at": {"type": ["string", "null"]},
                    "last_error": {"type": ["object", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "delivered_at": {"type": ["string", "null"], "format": "date-time"},
                    "body": {"type": "object"}
                },
                "required": [
                    "id", "type", "contact_id", "flow_run_id", "state", "attempts", "next_attempt_at",
                    "last_error", "created_at", "delivered_at", "body"
                ]
            },
            "DeliveryDetail": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "type": {"type": "string"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "flow_run_id": {"type": ["string", "null"]},
                    "state": {"enum": ["queued", "delivered", "failed", "dead"]},
                    "attempts": {"type": "integer"},
                    "next_attempt_at": {"type": ["string", "null"], "format": "date-time"},
                    "last_error": {"type": ["object", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "delivered_at": {"type": ["string", "null"], "format": "date-time"},
                    "body": {"type": "object"},
                    "log": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "attempt": {"type": "integer"},
                            "at": {"type": "string", "format": "date-time"},
                            "duration_ms": {"type": "integer"},
                            "status": {"type": "integer"},
                            "error": {"type": ["string", "null"]},
                            "response_excerpt": {"type": ["string", "null"]}
                        },
                        "required": ["attempt", "at", "duration_ms", "status", "error", "response_excerpt"]
                    }}
                },
                "required": [
                    "id", "type", "contact_id", "flow_run_id", "state", "attempts", "next_attempt_at",
                    "last_error", "created_at", "delivered_at", "body", "log"
                ]
            },
            "DeliveryEndpoint": {
                "type": "object",
                "properties": {
                    "url": {"type": "string"},
                    "enabled": {"type": "boolean"},
                    "disabled_reason": {"type": ["string", "null"]},
                    "consecutive_failures": {"type": "integer"},
                    "paused_until": {"type": ["string", "null"]},
                    "previous_secret_valid_until": {"type": ["string", "null"], "format": "date-time"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"},
                    "secret": {"type": ["string", "null"]}
                },
                "required": [
                    "url", "enabled", "disabled_reason", "consecutive_failures", "paused_until",
                    "previous_secret_valid_until", "created_at", "updated_at"
                ]
            },
            "DeliveryTest": {
                "type": "object",
                "properties": {
                    "ok": {"type": "boolean"},
                    "delivery_id": {"type": ["string", "null"], "format": "uuid"},
                    "status": {"type": "integer"},
                    "error": {"type": ["string", "null"]},
                    "duration_ms": {"type": "integer"},
                    "response_excerpt": {"type": ["string", "null"]}
                },
                "required": ["ok", "delivery_id", "status", "error", "duration_ms", "response_excerpt"]
            }
        }
        """#
}
