extension ItemSchemas {
    static let settings: StaticString = #"""
        {
            "Connection": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "auth": {"enum": ["wsse", "oauth2"]},
                    "username": {"type": ["string", "null"]},
                    "sunset": {"type": ["string", "null"], "format": "date"},
                    "base_url": {"type": ["string", "null"]},
                    "status": {"enum": ["connected", "failing", "disconnected"]},
                    "paused": {"type": "boolean"},
                    "last_error": {"type": ["object", "null"]},
                    "last_ok_at": {"type": ["string", "null"], "format": "date-time"},
                    "permissions": {"type": ["array", "null"], "items": {
                        "type": "object",
                        "properties": {
                            "detail": {"type": ["string", "null"]},
                            "status": {"type": "string"},
                            "permission": {"type": "string"}
                        },
                        "required": ["detail", "status", "permission"]
                    }},
                    "created_at": {"type": "string", "format": "date-time"},
                    "updated_at": {"type": "string", "format": "date-time"},
                    "client_id": {"type": ["string", "null"]},
                    "token_url": {"type": ["string", "null"]}
                },
                "required": [
                    "id", "name", "auth", "base_url", "status", "paused", "last_error", "last_ok_at",
                    "permissions", "created_at", "updated_at"
                ]
            },
            "ConnectionTest": {
                "type": "object",
                "properties": {
                    "ok": {"type": "boolean"},
                    "permissions": {"type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "permission": {"type": "string"},
                            "status": {"type": "string"},
                            "detail": {"type": ["string", "null"]}
                        },
                        "required": ["permission", "status", "detail"]
                    }},
                    "error": {
                        "type": "object",
                        "required": ["code", "detail", "advice"],
                        "properties": {
                            "code": {"type": "string"},
                            "detail": {"type": "string"},
                            "advice": {"type": "string"}
                        }
                    }
                },
                "required": ["ok", "permissions"]
            },
            "ConnectDraft": {
                "type": "object",
                "properties": {
                    "step": {"type": "integer"},
                    "draft": {"type": "object"}
                },
                "required": ["step", "draft"]
            },
            "Field": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "type": {"type": "string"},
                    "is_text": {"type": "boolean"},
                    "is_custom": {"type": "boolean"},
                    "choices": {"type": ["array", "null"], "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "string"},
                            "label": {"type": ["string", "null"]}
                        },
                        "required": ["id", "label"]
                    }}
                },
                "required": ["id", "name", "type", "is_text", "is_custom", "choices"]
            },
            "Segment": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "type": {"type": "string"},
                    "size": {"type": ["integer", "null"]}
                },
                "required": ["id", "name", "type", "size"]
            },
            "SelectedSegment": {
                "type": "object",
                "properties": {
                    "segment_id": {"type": "string"},
                    "name": {"type": ["string", "null"]},
                    "type": {"type": ["string", "null"]},
                    "interval_hours": {"type": ["number", "null"]},
                    "size": {"type": ["integer", "null"]},
                    "selected_at": {"type": "string", "format": "date-time"},
                    "last_import_id": {"type": ["string", "null"]},
                    "last_imported_at": {"type": ["string", "null"]},
                    "next_import_at": {"type": ["string", "null"]}
                },
                "required": [
                    "segment_id", "name", "type", "interval_hours", "size", "selected_at",
                    "last_import_id", "last_imported_at", "next_import_at"
                ]
            },
            "Mapping": {
                "type": "object",
                "properties": {
                    "id": {"type": ["string", "null"], "format": "uuid"},
                    "source": {"type": "string"},
                    "fallback_source": {"type": ["string", "null"]},
                    "destination": {"type": "string"},
                    "overwrite": {"enum": ["always", "fill_blank", "never"]},
                    "on_empty": {"enum": ["keep", "clear"]}
                },
                "required": ["id", "source", "fallback_source", "destination", "overwrite", "on_empty"]
            },
            "OptInSetting": {
                "type": "object",
                "properties": {
                    "field_id": {"type": "string"},
                    "granted_value": {"type": "string"},
                    "withdrawn_value": {"type": "string"},
                    "timestamp_field_id": {"type": ["string", "null"]},
                    "create_missing": {"type": "boolean"}
                },
                "required": [
                    "field_id", "granted_value", "withdrawn_value", "timestamp_field_id",
                    "create_missing"
                ]
            },
            "Webhook": {
                "type": "object",
                "properties": {
                    "custom_event_url": {"type": "string"},
                    "order_event_url": {"type": "string"},
                    "secret": {"type": ["string", "null"]},
                    "algorithms": {"type": "array", "items": {"type": "string"}},
                    "previous_secret_valid_until": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "custom_event_url", "order_event_url", "secret", "algorithms",
                    "previous_secret_valid_until"
                ]
            },
            "CustomProperty": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "type": {"enum": ["string", "number", "boolean", "date"]},
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": ["id", "name", "type", "created_at"]
            },
            "Instance": {
                "type": "object",
                "properties": {
                    "instance_name": {"type": "string"},
                    "display_name": {"type": "string"},
                    "time_zone": {"type": "string"},
                    "default_currency": {"type": ["string", "null"]},
                    "default_country": {"type": ["string", "null"]},
                    "features": {
                        "type": "object",
                        "properties": {
                            "emarsys": {"type": "boolean"},
                            "order_events": {"type": "boolean"}
                        },
                        "required": ["emarsys", "order_events"]
                    },
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": [
                    "instance_name", "display_name", "time_zone", "default_currency", "default_country",
                    "features", "created_at"
                ]
            },
            "Session": {
                "type": "object",
                "properties": {
                    "instance_name": {"type": "string"},
                    "display_name": {"type": "string"},
                    "name": {"type": ["string", "null"]},
                    "time_zone": {"type": "string"},
                    "default_currency": {"type": ["string", "null"]},
                    "permissions": {"type": "array", "items": {"type": "string"}},
                    "features": {
                        "type": "object",
                        "properties": {
                            "emarsys": {"type": "boolean"},
                            "order_events": {"type": "boolean"}
                        },
                        "required": ["emarsys", "order_events"]
                    },
                    "csrf_token": {"type": ["string", "null"]},
                    "expires_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "instance_name", "display_name", "name", "time_zone", "default_currency",
                    "permissions", "features", "csrf_token", "expires_at"
                ]
            }
        }
        """#
}
