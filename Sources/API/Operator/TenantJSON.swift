public import JSON
public import Tenancy

/// Tenants, keys and audit entries as operators see them.
public enum TenantJSON {
    /// A tenant.
    public static func object(_ record: TenantRecord) -> JSON {
        var connection = JSON.null
        if let known = record.connection {
            connection = [
                "status": .string(known.status.rawValue), "auth": .string(known.auth), "paused": .bool(known.isPaused),
                "last_error": known.lastError ?? .null,
            ]
        }
        var lastImport = JSON.null
        if let known = record.lastImport {
            lastImport = [
                "id": .id(known.id), "state": .string(known.state),
                "error_code": .optional(known.errorCode), "finished_at": .time(known.finishedAt),
            ]
        }
        return [
            "id": .id(record.id),
            "instance_name": .string(record.instanceName),
            "display_name": .string(record.displayName),
            "status": .string(record.status.rawValue),
            "time_zone": .string(record.timeZone),
            "default_currency": .optional(record.defaultCurrency),
            "default_country": .optional(record.defaultCountry),
            "features": .object(FeatureJSON.object(record.features)),
            "health": .string(record.health),
            "alerts": .array(record.alerts.map { .string($0.kind) }),
            "raised_alerts": .array(
                record.alerts.map {
                    ["kind": .string($0.kind), "detail": $0.detail, "raised_at": .time($0.raisedAt)]
                }),
            "connection": connection,
            "last_import": lastImport,
            "usage": ["api_calls_30d": .int(record.usage.apiCalls), "api_errors_30d": .int(record.usage.apiErrors)],
            "created_at": .time(record.createdAt),
        ]
    }

    /// What the removal of a tenant removed and left, by table.
    public static func object(_ proof: TenantErasure.Proof) -> JSON {
        [
            "id": .id(proof.tenantID), "instance_name": .string(proof.instanceName),
            "tables": .object(JSONObject(proof.tables.map { ($0.name, .int($0.removed)) })),
            "removed": .int(proof.removed), "left": .int(proof.left),
        ]
    }

    /// An audit entry.
    public static func object(_ entry: AuditEntry) -> JSON {
        [
            "id": .id(entry.id), "at": .time(entry.at),
            "actor": .string(entry.actor), "action": .string(entry.action), "feature": .optional(entry.feature),
            "before": entry.before ?? .null, "after": entry.after ?? .null, "note": .optional(entry.note),
        ]
    }

    /// A key, without the key.
    public static func object(_ key: TenantAdministration.KeyRecord) -> JSON {
        [
            "id": .id(key.id), "name": .string(key.name),
            "hint": .string("…" + key.hint),
            "permissions": .array(key.permissions.permissions.map { .string($0.rawValue) }),
            "created_by": .string(key.createdBy), "created_at": .time(key.createdAt),
            "last_used_at": .time(key.lastUsedAt), "revoked_at": .time(key.revokedAt),
        ]
    }

    static let schema: JSON = [
        "type": "object",
        "properties": [
            "id": ["type": "string", "format": "uuid"], "instance_name": ["type": "string"],
            "display_name": ["type": "string"], "status": ["enum": ["active", "suspended"]],
            "time_zone": ["type": "string"], "default_currency": ["type": ["string", "null"]],
            "default_country": ["type": ["string", "null"]],
            "features": [
                "type": "object",
                "properties": ["emarsys": ["type": "boolean"], "order_events": ["type": "boolean"]],
            ],
            "health": ["enum": ["ok", "not_connected", "paused", "failing", "suspended"]],
            "alerts": ["type": "array", "items": ["type": "string"]],
            "raised_alerts": [
                "type": "array",
                "items": [
                    "type": "object",
                    "properties": [
                        "kind": ["type": "string"], "detail": ["type": "object"],
                        "raised_at": ["type": "string", "format": "date-time"],
                    ],
                ],
            ],
            "connection": ["type": ["object", "null"]], "last_import": ["type": ["object", "null"]],
            "usage": ["type": "object"], "created_at": ["type": "string", "format": "date-time"],
        ],
    ]
}
