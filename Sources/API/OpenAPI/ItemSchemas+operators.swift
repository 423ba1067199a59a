extension ItemSchemas {
    static let operators: StaticString = #"""
        {
            "APIKey": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "hint": {"type": "string"},
                    "permissions": {"type": "array", "items": {"type": "string"}},
                    "created_by": {"type": "string"},
                    "created_at": {"type": "string", "format": "date-time"},
                    "last_used_at": {"type": ["string", "null"]},
                    "revoked_at": {"type": ["string", "null"], "format": "date-time"}
                },
                "required": [
                    "id", "name", "hint", "permissions", "created_by", "created_at", "last_used_at",
                    "revoked_at"
                ]
            },
            "MadeAPIKey": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "key": {"type": "string"},
                    "name": {"type": "string"},
                    "permissions": {"type": "array", "items": {"type": "string"}}
                },
                "required": ["id", "key", "name", "permissions"]
            },
            "Tenant": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "instance_name": {"type": "string"},
                    "display_name": {"type": "string"},
                    "status": {"enum": ["active", "suspended"]},
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
                    "health": {"enum": ["ok", "not_connected", "paused", "failing", "suspended"]},
                    "alerts": {"type": "array", "items": {"type": "string"}},
                    "raised_alerts": {"type": "array", "items": {
                        "type": "object",
                        "required": ["kind", "raised_at"],
                        "properties": {
                            "kind": {"type": "string"},
                            "state": {"type": "string"},
                            "detail": {"type": "object"},
                            "raised_at": {"type": "string", "format": "date-time"},
                            "recovered_at": {"type": ["string", "null"], "format": "date-time"}
                        }
                    }},
                    "connection": {
                        "type": ["object", "null"],
                        "properties": {
                            "status": {"enum": ["connected", "failing", "disconnected"]},
                            "auth": {"enum": ["wsse", "oauth2"]},
                            "paused": {"type": "boolean"},
                            "last_error": {"type": ["object", "null"]}
                        }
                    },
                    "last_import": {
                        "type": ["object", "null"],
                        "properties": {
                            "id": {"type": "string", "format": "uuid"},
                            "state": {"type": "string"},
                            "error_code": {"type": ["string", "null"]},
                            "finished_at": {"type": ["string", "null"], "format": "date-time"}
                        }
                    },
                    "usage": {
                        "type": "object",
                        "properties": {
                            "api_calls_30d": {"type": "integer"},
                            "api_errors_30d": {"type": "integer"}
                        },
                        "required": ["api_calls_30d", "api_errors_30d"]
                    },
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": [
                    "id", "instance_name", "display_name", "status", "time_zone", "default_currency",
                    "default_country", "features", "health", "alerts", "raised_alerts", "connection",
                    "last_import", "usage", "created_at"
                ]
            },
            "RemovedTenant": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "instance_name": {"type": "string"},
                    "tables": {"type": "object"},
                    "removed": {"type": "integer"},
                    "left": {"type": "integer"}
                },
                "required": ["id", "instance_name", "tables", "removed", "left"]
            },
            "AuditEntry": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "at": {"type": "string", "format": "date-time"},
                    "actor": {"type": "string"},
                    "action": {"type": "string"},
                    "feature": {"type": ["string", "null"]},
                    "before": {"type": ["object", "array", "null"]},
                    "after": {"type": ["object", "array", "null"]},
                    "note": {"type": ["string", "null"]}
                },
                "required": ["id", "at", "actor", "action", "feature", "before", "after", "note"]
            },
            "ReportingLogin": {
                "type": "object",
                "properties": {
                    "role": {"type": "string"},
                    "created_by": {"type": "string"},
                    "created_at": {"type": "string", "format": "date-time"}
                },
                "required": ["role", "created_by", "created_at"]
            },
            "MadeReportingLogin": {
                "type": "object",
                "properties": {
                    "role": {"type": "string"},
                    "password": {"type": "string"},
                    "dsn": {"type": "string"}
                },
                "required": ["role", "password", "dsn"]
            },
            "Lane": {
                "type": "object",
                "properties": {
                    "instance_name": {"type": "string"},
                    "queue": {"enum": ["imports", "exports", "events", "deliveries", "maintenance"]},
                    "paused": {"type": "boolean"},
                    "ready": {"type": "integer"},
                    "running": {"type": "integer"},
                    "scheduled": {"type": "integer"},
                    "dead": {"type": "integer"},
                    "oldest_seconds": {"type": ["integer", "null"]}
                },
                "required": [
                    "instance_name", "queue", "paused", "ready", "running", "scheduled", "dead",
                    "oldest_seconds"
                ]
            },
            "OperatorSession": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "role": {"enum": ["viewer", "manager"]},
                    "csrf_token": {"type": ["string", "null"]}
                },
                "required": ["name", "role", "csrf_token"]
            }
        }
        """#
}
