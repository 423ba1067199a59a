import HTTP
import JSON

extension OptInRoutes {
    private static let status: JSON = ["type": "string", "enum": ["granted", "denied", "withdrawn", "pending"]]
    private static let text: JSON = ["type": "string"]
    private static let time: JSON = ["type": "string", "format": "date-time"]
    private static let id: JSON = ["type": "string", "format": "uuid"]

    static let recording = RouteDescription(
        "Record a decision about being messaged", tag: "Opt-ins",
        body: [
            "type": "object", "required": ["contact", "status"],
            "properties": [
                "contact": [
                    "type": "object",
                    "description": "The contact, by at least one key. Unknown phones and e-mails create it.",
                    "properties": ["id": id, "external_reference_id": text, "phone": text, "email": text],
                ],
                "status": status,
                "occurred_at": ["type": "string", "format": "date-time", "description": "When; now if left out."],
                "subscription_type": ["type": "string", "default": "whatsapp"],
                "source": ["type": "string", "default": "api"],
                "by_user": ["type": "boolean"], "evidence": ["type": ["object", "string"]],
            ],
        ],
        item: entry, status: .accepted,
        problems: [
            (.notFound, "contact_not_found"), (.gone, "contact_erased"), (.unprocessableContent, "validation_failed"),
        ])

    static let ledger = RouteDescription(
        "List recorded decisions with their evidence", tag: "Opt-ins",
        query: RouteDescription.paging + [
            .init("contact_id", "Only of this contact."), .init("external_reference_id", "Only of this contact."),
            .init("phone", "Only of this contact."), .init("email", "Only of this contact."),
        ], item: entry, problems: [(.notFound, "contact_not_found")])

    static let listing = RouteDescription(
        "List exports of opt-ins to Emarsys", tag: "Opt-ins",
        query: RouteDescription.paging + [
            .init(
                "state", "Only in this state.",
                schema: ["type": "string", "enum": ["queued", "sent", "confirmed", "failed", "not_in_emarsys"]]),
            .init("contact_id", "Only of this contact.", schema: id),
        ], item: export)

    static let reading = RouteDescription(
        "Read an export", tag: "Opt-ins", item: export, problems: [(.notFound, "export_not_found")])

    static let retrying = RouteDescription(
        "Send an export again that failed or was not in Emarsys", tag: "Opt-ins", item: export, status: .accepted,
        problems: [
            (.notFound, "export_not_found"), (.conflict, "export_not_failed"), (.conflict, "export_superseded"),
            (.conflict, "nothing_to_export"),
        ])

    static let retryingAll = RouteDescription(
        "Send all failed exports again", tag: "Opt-ins",
        body: [
            "type": "object",
            "properties": ["code": ["type": "string", "description": "Only those with this last_error.code."]],
        ],
        item: ["type": "object", "properties": ["queued": ["type": "integer"]]], status: .accepted)

    private static let entry: JSON = [
        "type": "object",
        "properties": [
            "id": id, "contact_id": id, "phone": text, "subscription_type": text, "status": status, "occurred_at": time,
            "received_at": time, "source": text, "by_user": ["type": "boolean"], "evidence": ["type": "object"],
            "actor": text, "request_id": text, "is_current": ["type": "boolean"],
        ],
    ]

    private static let export: JSON = [
        "type": "object",
        "properties": [
            "id": id, "contact_id": id, "status": ["type": "string", "enum": ["granted", "withdrawn"]], "state": text,
            "external_reference_id": text, "external_reference_ids": ["type": "array", "items": text], "reason": text,
            "attempts": ["type": "integer"],
            "last_error": ["type": ["object", "null"]], "age_seconds": ["type": "integer"], "occurred_at": time,
            "created_at": time, "next_attempt_at": time, "sent_at": time, "confirmed_at": time,
        ],
    ]
}
