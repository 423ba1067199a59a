import EventLoop
import FoundationEssentials
import JSON
import Persistence

extension OptInExportStore {
    /// - Parameter batch: names this taking; only who knows it may settle its rows
    static func take(tenant: UUID, batch: UUID, limit: Int, now: Timestamp) -> Query {
        Query(
            """
            SELECT x.id, x.contact_id, x.status, x.consent_at, x.emarsys_contact_id, x.attempts, x.created_at, x.email,
                   x.phone, x.is_known
              FROM app.take_opt_in_exports($1, $2, $3, $4) x ORDER BY (x.status = 'granted'), x.created_at, x.id
            """, [.uuid(tenant), .int4(Int32(limit)), .timestamp(now), .uuid(batch)])
    }

    static func taken(_ row: Row) throws -> TakenOptIn {
        let ids: String? = try row.get(4)
        return try TakenOptIn(
            id: row.get(0), contactID: row.get(1), optIn: ExportedOptIn(rawValue: row.get(2)) ?? .withdrawn,
            consentAt: row.get(3), emarsysIDs: ids?.split(separator: ",").map(String.init) ?? [], attempts: row.get(5),
            createdAt: row.get(6), email: row.get(7), phone: row.get(8), isKnown: row.get(9))
    }

    /// Writes down what became of rows of a taking; one transaction for all of them. Rows that somebody else has taken
    /// since are told again: their call may have been carried out after a later one.
    ///
    /// - Parameter connection: which connection was called; what another one confirmed counts for nothing
    static func record(
        _ outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], batch: UUID, connection: UUID?, field: OptInField,
        tenant: UUID, now: Timestamp
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
        let sent = outcomes.filter { $0.outcome != .untouched }.map(\.row)
        if !sent.isEmpty {
            queries.append(
                Query(
                    "SELECT app.doubt_lost_opt_in_exports($1, $2, $3, $4, $5)",
                    [
                        .uuid(tenant), .uuid(batch), .uuidArray(sent.map(\.id)), .uuidArray(sent.map(\.contactID)),
                        .timestamp(now),
                    ]))
        }
        if !confirmed.ids.isEmpty {
            queries.append(
                Query(
                    "SELECT app.confirm_opt_in_exports($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    [
                        .uuid(tenant), .uuid(batch), .optional(uuid: connection), .uuidArray(confirmed.ids),
                        .textArray(confirmed.emarsysIDs),
                        .textArray(confirmed.values), .text(String(field.fieldID)),
                        .optional(text: field.timestampFieldID.map { String($0) }), .timestamp(now),
                    ]))
        }
        if !ended.ids.isEmpty {
            queries.append(
                Query(
                    """
                    UPDATE app.opt_in_exports x SET state = v.state, last_error = v.error, batch = NULL
                      FROM (SELECT unnest($2::uuid[]) AS id, unnest($3::text[]) AS state, unnest($4::jsonb[]) AS error) v
                     WHERE x.tenant_id = $1 AND x.id = v.id AND x.state = 'sent' AND x.batch = $5
                    """,
                    [
                        .uuid(tenant), .uuidArray(ended.ids), .textArray(ended.states), .jsonbArray(ended.errors),
                        .uuid(batch),
                    ]))
        }
        if !untouched.isEmpty {
            queries.append(
                Query(
                    """
                    UPDATE app.opt_in_exports SET attempts = attempts - 1
                     WHERE tenant_id = $1 AND id = ANY ($2) AND state = 'sent' AND batch = $3
                    """, [.uuid(tenant), .uuidArray(untouched), .uuid(batch)]))
        }
        if !again.ids.isEmpty {
            queries.append(
                Query(
                    "SELECT app.release_opt_in_exports($1, $2, $3, $4, $5, $6)",
                    [
                        .uuid(tenant), .uuid(batch), .uuidArray(again.ids), .jsonbArray(again.errors),
                        .timestampArray(again.at),
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
