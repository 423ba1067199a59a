extension ItemSchemas {
    static let people: StaticString = #"""
        {
            "Contact": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "first_name": {"type": ["string", "null"]},
                    "last_name": {"type": ["string", "null"]},
                    "phone": {"type": ["string", "null"]},
                    "phones": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "value": {"type": "string"},
                            "primary": {"type": "boolean"}
                        },
                        "required": ["value", "primary"]
                    }},
                    "email": {"type": ["string", "null"]},
                    "emails": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "value": {"type": "string"},
                            "primary": {"type": "boolean"}
                        },
                        "required": ["value", "primary"]
                    }},
                    "external_reference_id": {"type": ["string", "null"]},
                    "custom_properties": {"type": "object"},
                    "opt_in": {"enum": ["granted", "denied", "withdrawn", "pending", null]},
                    "segments": {"type": "array", "items": {"type": "string"}},
                    "orders": {
                        "type": "object",
                        "properties": {
                            "count": {"type": "integer"},
                            "totals": {"type": "object"},
                            "last_order_at": {"type": ["string", "null"], "format": "date-time"}
                        },
                        "required": ["count", "totals", "last_order_at"]
                    },
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"}
                },
                "required": [
                    "id", "first_name", "last_name", "phone", "phones", "email", "emails",
                    "external_reference_id", "custom_properties", "opt_in", "segments", "orders",
                    "created_at", "updated_at"
                ]
            },
            "ContactExport": {
                "type": "object",
                "properties": {
                    "contact": {"$ref": "#/components/schemas/Contact"},
                    "records": {"type": "object"}
                },
                "required": ["contact", "records"]
            },
            "TimelineEntry": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "at": {"type": "string", "format": "date-time"},
                    "type": {"type": "string"},
                    "data": {"type": "object"}
                },
                "required": ["id", "at", "type", "data"]
            },
            "Merge": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "survivor_id": {"type": "string", "format": "uuid"},
                    "loser_id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "reason": {"type": "string"},
                    "actor": {"type": "string"},
                    "import_id": {"type": ["string", "null"]},
                    "merged_at": {"type": "string", "format": "date-time"},
                    "undone_at": {"type": ["string", "null"], "format": "date-time"},
                    "undone_by": {"type": ["string", "null"]},
                    "undo_until": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "id", "survivor_id", "loser_id", "contact_id", "reason", "actor", "import_id",
                    "merged_at", "undone_at", "undone_by", "undo_until"
                ]
            },
            "Conflict": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "code": {"type": "string"},
                    "contact_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                    "values": {"type": "object"},
                    "source": {"type": "string"},
                    "import_id": {"type": ["string", "null"], "format": "uuid"},
                    "status": {"enum": ["open", "merged", "not_same"]},
                    "resolved_by": {"type": ["string", "null"]},
                    "created_at": {"type": "string", "format": "date-time"},
                    "resolved_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "id", "code", "contact_ids", "values", "source", "import_id", "status",
                    "resolved_by", "created_at", "resolved_at"
                ]
            },
            "Erasure": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "contact_id": {"type": ["string", "null"], "format": "uuid"},
                    "state": {"enum": ["received", "running", "partial", "finished", "failed"]},
                    "requested_by": {"type": "string"},
                    "requested_at": {"type": "string", "format": "date-time"},
                    "finished_at": {"type": ["string", "null"], "format": "date-time"},
                    "proof": {"type": ["object", "null"]}
                },
                "required": [
                    "id", "contact_id", "state", "requested_by", "requested_at", "finished_at", "proof"
                ]
            },
            "IdentityRules": {
                "type": "object",
                "properties": {
                    "auto_merge": {"enum": ["safe", "never", "always"]},
                    "default_country": {"type": ["string", "null"]},
                    "only_valid_phone": {"type": "boolean"},
                    "webhook_id_conflict": {"enum": ["phone_holder", "park"]},
                    "recreate_deleted": {"type": "boolean"},
                    "fold_gmail": {"type": "boolean"},
                    "blocked_phones": {"type": "array", "items": {"type": "string"}},
                    "blocked_emails": {"type": "array", "items": {"type": "string"}}
                },
                "required": [
                    "auto_merge", "default_country", "only_valid_phone", "webhook_id_conflict",
                    "recreate_deleted", "fold_gmail", "blocked_phones", "blocked_emails"
                ]
            },
            "IdentityRulesPreview": {
                "type": "object",
                "required": ["rules", "existing_contacts_changed"],
                "properties": {
                    "rules": {"$ref": "#/components/schemas/IdentityRules"},
                    "existing_contacts_changed": {"type": "integer"}
                },
                "additionalProperties": {"type": "object"}
            },
            "PossibleDuplicate": {
                "type": "object",
                "required": ["id", "reason", "mailbox", "contact_ids", "emails"],
                "properties": {
                    "id": {"type": "string"},
                    "reason": {"enum": ["same_mailbox"]},
                    "mailbox": {"type": "string"},
                    "contact_ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                    "emails": {"type": "array", "items": {"type": "string"}}
                }
            }
        }
        """#
}
