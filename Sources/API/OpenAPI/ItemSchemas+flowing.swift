extension ItemSchemas {
    static let flowing: StaticString = #"""
        {
            "ConsentEntry": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "phone": {"type": ["string", "null"]},
                    "subscription_type": {"type": "string"},
                    "status": {"enum": ["pending", "granted", "denied", "withdrawn"]},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                    "received_at": {"type": "string", "format": "date-time"},
                    "source": {"type": "string"},
                    "by_user": {"type": ["boolean", "null"]},
                    "evidence": {"type": ["object", "null"]},
                    "actor": {"type": "string"},
                    "request_id": {"type": ["string", "null"]},
                    "is_current": {"type": "boolean"}
                },
                "required": [
                    "id", "contact_id", "phone", "subscription_type", "status", "occurred_at",
                    "received_at", "source", "by_user", "evidence", "actor", "request_id", "is_current"
                ]
            },
            "RecordedConsent": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "phone": {"type": ["string", "null"]},
                    "subscription_type": {"type": "string"},
                    "status": {"enum": ["pending", "granted", "denied", "withdrawn"]},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                    "received_at": {"type": "string", "format": "date-time"},
                    "source": {"type": "string"},
                    "by_user": {"type": ["boolean", "null"]},
                    "evidence": {"type": ["object", "null"]},
                    "actor": {"type": "string"},
                    "request_id": {"type": ["string", "null"]},
                    "is_current": {"type": "boolean"},
                    "opt_in": {"type": ["string", "null"]},
                    "export": {"type": ["object", "null"]}
                },
                "required": [
                    "id", "contact_id", "phone", "subscription_type", "status", "occurred_at",
                    "received_at", "source", "by_user", "evidence", "actor", "request_id", "is_current",
                    "opt_in", "export"
                ]
            },
            "OptInExport": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "status": {"enum": ["granted", "withdrawn"]},
                    "state": {"enum": ["queued", "sent", "confirmed", "failed", "not_in_emarsys"]},
                    "external_reference_id": {"type": ["string", "null"]},
                    "external_reference_ids": {"type": "array", "items": {"type": "string"}},
                    "reason": {"type": "string"},
                    "attempts": {"type": "integer"},
                    "last_error": {"type": ["object", "null"]},
                    "age_seconds": {"type": "integer"},
                    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "next_attempt_at": {"type": ["string", "null"], "format": "date-time"},
                    "sent_at": {"type": ["string", "null"]},
                    "confirmed_at": {"type": ["string", "null"]}
                },
                "required": [
                    "id", "contact_id", "status", "state", "external_reference_id",
                    "external_reference_ids", "reason", "attempts", "last_error", "age_seconds",
                    "occurred_at", "created_at", "next_attempt_at", "sent_at", "confirmed_at"
                ]
            },
            "Queued": {
                "type": "object",
                "properties": {
                    "queued": {"type": "integer"}
                },
                "required": ["queued"]
            },
            "Import": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "state": {"enum": ["queued", "running", "waiting", "succeeded", "succeeded_with_rejections", "failed", "cancelled"]},
                    "trigger": {"enum": ["initial", "schedule", "manual"]},
                    "mode": {"enum": ["incremental", "full"]},
                    "dry_run": {"type": "boolean"},
                    "segment_ids": {"type": "array", "items": {"type": "string"}},
                    "total": {"type": ["integer", "null"]},
                    "progress": {"type": "number", "minimum": 0, "maximum": 1},
                    "eta_seconds": {"type": ["integer", "null"]},
                    "counts": {"type": "object", "required": ["read", "created", "updated", "unchanged", "merged", "conflicts", "rejected", "skipped"], "additionalProperties": {"type": "integer"}},
                    "api_calls": {"type": "integer"},
                    "sample": {"type": ["object", "array", "null"]},
                    "error": {
                        "type": ["object", "null"],
                        "required": ["code", "detail", "advice"],
                        "properties": {
                            "code": {"type": "string"},
                            "detail": {"type": "string"},
                            "advice": {"type": ["string", "null"]}
                        }
                    },
                    "cancel_requested": {"type": "boolean"},
                    "queued_at": {"type": "string", "format": "date-time"},
                    "started_at": {"type": ["string", "null"], "format": "date-time"},
                    "finished_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "id", "state", "trigger", "mode", "dry_run", "segment_ids", "total", "progress",
                    "eta_seconds", "counts", "api_calls", "sample", "error", "cancel_requested",
                    "queued_at", "started_at", "finished_at"
                ]
            },
            "ImportRejection": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "code": {"type": "string"},
                    "values": {"type": "object"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": ["id", "code", "values", "contact_id", "created_at"]
            }
        }
        """#
}
