import EventLoop
import FoundationEssentials
import JSON
import Persistence

extension OptInExportStore {
    static func take(tenant: UUID, limit: Int, now: Timestamp) -> Query {
        Query(
            """
            SELECT x.id, x.contact_id, x.status, x.consent_at, x.emarsys_contact_id, x.attempts, x.created_at, x.email,
                   x.phone, x.known_value, x.known_at
              FROM app.take_opt_in_exports($1, $2, $3) x ORDER BY (x.status = 'granted'), x.created_at, x.id
            """, [.uuid(tenant), .int4(Int32(limit)), .timestamp(now)])
    }

    static func taken(_ row: Row) throws -> TakenOptIn {
        try TakenOptIn(
            id: row.get(0), contactID: row.get(1), optIn: ExportedOptIn(rawValue: row.get(2)) ?? .withdrawn,
            consentAt: row.get(3), emarsysID: row.get(4), attempts: row.get(5), createdAt: row.get(6),
            email: row.get(7),
            phone: row.get(8), knownValue: row.get(9), knownAt: row.get(10))
    }

    /// Writes down what became of rows; one transaction for all of them.
    static func record(
        _ outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], field: OptInField, tenant: UUID, now: Timestamp
    ) -> [Query] {
        var confirmed: (ids: [UUID?], emarsysIDs: [String?], values: [String?]) = ([], [], [])
        var ended: (ids: [UUID?], states: [String?], errors: [[UInt8]?]) = ([], [], [])
        var again: (ids: [UUID?], errors: [[UInt8]?], at: [Timestamp?]) = ([], [], [])
        var untouched: [UUID?] = []
        for (row, outcome) in outcomes {
            switch outcome {
            case .confirmed(let emarsysID):
                confirmed.ids.append(row.id)
                confirmed.emarsysIDs.append(emarsysID)
                confirmed.values.append(field.value(of: row.optIn))
            case .notInEmarsys(let fault):
                ended.ids.append(row.id)
                ended.states.append("not_in_emarsys")
                ended.errors.append(fault?.json)
            case .failed(let fault):
                ended.ids.append(row.id)
                ended.states.append("failed")
                ended.errors.append(fault.json)
            case .again(let at, let fault):
                again.ids.append(row.id)
                again.errors.append(fault.json)
                again.at.append(at)
            case .untouched:
                untouched.append(row.id)
                again.ids.append(row.id)
                again.errors.append(nil)
                again.at.append(now)
            }
        }
        var queries: [Query] = []
        if !confirmed.ids.isEmpty {
            queries.append(
                Query(
                    "SELECT app.confirm_opt_in_exports($1, $2, $3, $4, $5, $6, $7)",
                    [
                        .uuid(tenant), .uuidArray(confirmed.ids), .textArray(confirmed.emarsysIDs),
                        .textArray(confirmed.values), .text(String(field.fieldID)),
                        .optional(text: field.timestampFieldID.map { String($0) }), .timestamp(now),
                    ]))
        }
        if !ended.ids.isEmpty {
            queries.append(
                Query(
                    """
                    UPDATE app.opt_in_exports x SET state = v.state, last_error = v.error
                      FROM (SELECT unnest($2::uuid[]) AS id, unnest($3::text[]) AS state, unnest($4::jsonb[]) AS error) v
                     WHERE x.tenant_id = $1 AND x.id = v.id AND x.state = 'sent'
                    """,
                    [.uuid(tenant), .uuidArray(ended.ids), .textArray(ended.states), .jsonbArray(ended.errors)]))
        }
        if !untouched.isEmpty {
            queries.append(
                Query(
                    """
                    UPDATE app.opt_in_exports SET attempts = attempts - 1
                     WHERE tenant_id = $1 AND id = ANY ($2) AND state = 'sent'
                    """, [.uuid(tenant), .uuidArray(untouched)]))
        }
        if !again.ids.isEmpty {
            queries.append(
                Query(
                    "SELECT app.release_opt_in_exports($1, $2, $3, $4, $5)",
                    [
                        .uuid(tenant), .uuidArray(again.ids), .jsonbArray(again.errors), .timestampArray(again.at),
                        .timestamp(now),
                    ]))
        }
        return queries
    }
}

extension OptInFault {
    /// As stored and shown.
    var json: [UInt8] {
        var object: JSONObject = ["code": .string(code), "detail": .string(detail)]
        if let replyCode { object["reply_code"] = .number(JSONNumber(Int64(replyCode))) }
        return JSON.object(object).encoded()
    }
}
