import EventLoop
import JSON
import Tenancy

/// The connection as the API shows it: no secret, ever.
enum ConnectionJSON {
    /// The day on which Emarsys stops accepting WSSE.
    static let sunset = "2026-12-31"

    static func object(_ connection: StoredConnection) -> JSON {
        var object: JSON = [
            "id": .id(connection.id), "name": .string(connection.name), "auth": .string(connection.auth.rawValue),
        ]
        switch connection.auth {
        case .wsse:
            object["username"] = .string(connection.principal)
            object["sunset"] = .string(sunset)
        case .oauth2:
            object["client_id"] = .string(connection.principal)
            object["token_url"] = .string(connection.tokenURL ?? "https://auth.emarsys.net/oauth2/token")
        }
        object["base_url"] = .string(connection.baseURL ?? "https://api.emarsys.net")
        object["status"] = .string(connection.status.rawValue)
        object["paused"] = .bool(connection.isPaused)
        object["last_error"] = connection.lastError ?? .null
        object["last_ok_at"] = .time(connection.lastOKAt)
        object["permissions"] = connection.permissions ?? .array([])
        object["created_at"] = .time(connection.createdAt)
        object["updated_at"] = .time(connection.updatedAt)
        return object
    }

    static let inputSchema: JSON = [
        "type": "object", "required": ["auth"],
        "properties": [
            "name": ["type": "string", "maxLength": 100], "auth": ["enum": ["wsse", "oauth2"]],
            "username": ["type": "string"], "secret": ["type": "string", "writeOnly": true],
            "client_id": ["type": "string"], "client_secret": ["type": "string", "writeOnly": true],
            "token_url": ["type": "string", "format": "uri"], "base_url": ["type": "string", "format": "uri"],
        ],
    ]

    static let schema: JSON = [
        "type": "object",
        "properties": [
            "id": ["type": "string", "format": "uuid"], "name": ["type": "string"],
            "auth": ["enum": ["wsse", "oauth2"]], "username": ["type": "string"], "client_id": ["type": "string"],
            "token_url": ["type": "string"], "base_url": ["type": "string"],
            "status": ["enum": ["connected", "failing", "disconnected"]], "paused": ["type": "boolean"],
            "sunset": ["type": "string", "format": "date"], "last_error": ["type": ["object", "null"]],
            "last_ok_at": ["type": ["string", "null"], "format": "date-time"],
            "permissions": ["type": "array", "items": permissionSchema],
            "created_at": ["type": "string", "format": "date-time"],
            "updated_at": ["type": "string", "format": "date-time"],
        ],
    ]

    static let testSchema: JSON = [
        "type": "object",
        "properties": ["ok": ["type": "boolean"], "permissions": ["type": "array", "items": permissionSchema]],
    ]

    private static let permissionSchema: JSON = [
        "type": "object",
        "properties": [
            "permission": ["type": "string"], "status": ["enum": ["granted", "missing", "unverified"]],
            "detail": ["type": "string"],
        ],
    ]
}
