import EventLoop
import HTTP
import JSON

/// What tests and demonstrations steer the simulated account by: `/sandbox/…`, JSON in and out.
///
/// | call | does |
/// |---|---|
/// | `GET /sandbox` | how the account is set up |
/// | `GET`, `DELETE /sandbox/calls` | `{total, by_path, by_status, serving_seconds, <permission>: n}` |
/// | `POST`, `DELETE /sandbox/faults` | `{kind, path?, count?, after?}` |
/// | `GET`, `POST /sandbox/quirks` | `{json_as_text?, error_shape?, …}` |
/// | `POST /sandbox/permissions` | `{grant?: [], revoke?: []}` |
/// | `POST /sandbox/rate_limit` | `{calls_per_minute}` |
/// | `POST /sandbox/tokens/revoke` | all tokens become invalid |
/// | `GET`, `POST`, `DELETE /sandbox/contacts/{id}` | values by field id |
/// | `POST /sandbox/segments`, `DELETE /sandbox/segments/{id}` | `{id, name, type?, first}` |
/// | `POST /sandbox/churn` | `{per_mille, fields?}`: alters some fields of some contacts |
/// | `POST /sandbox/change` | `{share, fields?}`: the same with a share from 0 to 1 |
/// | `POST /sandbox/exports/{id}/expire` | its file disappears |
/// | `GET`, `POST /sandbox/webhooks` | deliveries so far; see ``SandboxWebhookOrder`` |
struct SandboxControl: Sendable {
    let account: SandboxAccount
    let sender: SandboxWebhookSender

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        let parts = SandboxTarget(path: request.path, query: request.query).parts.dropFirst().map(String.init)
        let body = request.body.isEmpty ? JSON.object([:]) : ((try? JSON.parse(request.body)) ?? .null)
        if parts.first == "webhooks", request.method == .post {
            return await orderWebhooks(body)
        }
        guard let answer = answer(request.method.rawValue, parts, body) else {
            return HTTPResponse.json(["error": "unknown control or invalid body"], status: .notFound)
        }
        return HTTPResponse.json(answer)
    }

    private func answer(_ method: String, _ parts: [String], _ body: JSON) -> JSON? {
        switch (method, parts.first ?? "", parts.count) {
        case ("GET", "", 0): return description
        case ("GET", "calls", 1): return calls
        case ("DELETE", "calls", 1): account.resetCalls()
        case ("POST", "faults", 1):
            guard let kind = body["kind"]?.string.flatMap(SandboxFault.Kind.init(rawValue:)) else { return nil }
            account.inject(
                SandboxFault(
                    kind, path: body["path"]?.string ?? "", count: body["count"]?.int ?? 1,
                    after: body["after"]?.int ?? 0))
        case ("DELETE", "faults", 1): account.clearFaults()
        case ("GET", "quirks", 1): return account.with { $0.quirks.json }
        case ("POST", "quirks", 1): account.setQuirks { $0.apply(body) }
        case ("POST", "permissions", 1):
            func names(_ key: String) -> Set<String> { Set((body[key]?.array ?? []).compactMap { $0.string }) }
            account.setPermissions(grant: names("grant"), revoke: names("revoke"))
        case ("POST", "rate_limit", 1):
            guard let calls = body["calls_per_minute"]?.int else { return nil }
            account.setCallsPerMinute(calls)
        case ("POST", "tokens", 2): account.revokeTokens()
        case ("GET", "contacts", 2): return contact(parts[1])
        case ("POST", "contacts", 2):
            for (field, value) in body.object ?? [:] {
                guard let field = Int(field), account.setValue(SandboxValue(value), field: field, of: parts[1]) else {
                    return nil
                }
            }
            return contact(parts[1])
        case ("DELETE", "contacts", 2): account.removeContact(parts[1])
        case ("POST", "segments", 1):
            guard let id = body["id"]?.int else { return nil }
            account.addSegment(
                id, name: body["name"]?.string ?? "Segment \(id)", type: body["type"]?.string ?? "standard",
                first: body["first"]?.int ?? 100)
        case ("DELETE", "segments", 2):
            guard let id = Int(parts[1]) else { return nil }
            account.removeSegment(id)
        case ("POST", "churn", 1), ("POST", "change", 1):
            let fields = (body["fields"]?.array ?? [1, 505, 515]).compactMap { $0.int }
            let share = body["share"]?.double.map { Int((min(max($0, 0), 1) * 1000).rounded()) }
            account.churn(perMille: share ?? body["per_mille"]?.int ?? 10, fields: Set(fields))
        case ("POST", "exports", 3):
            guard let id = Int(parts[1]), parts[2] == "expire" else { return nil }
            account.expireExport(id)
        case ("GET", "webhooks", 1): return .array(account.with { $0.webhooks.map(\.json) })
        default: return nil
        }
        return ["ok": true]
    }

    private var description: JSON {
        let (segments, permissions) = account.with { ($0.segments, $0.permissions) }
        return [
            "contacts": .int(account.options.contacts), "seed": .string(String(account.options.seed)),
            "first_contact_id": .string(SandboxAccount.contactID(at: 0)),
            "permissions": .array(permissions.sorted().map { .string($0) }),
            "segments": .array(segments.map { ["id": .int($0.id), "name": .string($0.name)] }),
        ]
    }

    private var calls: JSON {
        let (byPath, byStatus, byPermission, serving) = account.with {
            ($0.callsByPath, $0.callsByStatus, $0.callsByPermission, $0.serving)
        }
        let (seconds, attoseconds) = serving.components
        var calls: JSONObject = [
            "total": .int(byPath.values.reduce(0, +)), "by_path": SandboxControl.sorted(byPath),
            "by_status": SandboxControl.sorted(byStatus),
            "serving_seconds": JSONNumber(Double(seconds) + Double(attoseconds) * 1e-18).map(JSON.number) ?? 0,
        ]
        for (permission, count) in byPermission { calls[permission] = .int(count) }
        return .object(calls)
    }

    private static func sorted(_ counters: [some Comparable & Hashable: Int]) -> JSON {
        var object = JSONObject()
        for (name, count) in counters.sorted(by: { $0.key < $1.key }) { object["\(name)"] = .int(count) }
        return .object(object)
    }

    private func contact(_ id: String) -> JSON? {
        account.with { state in
            guard let index = state.contacts.index(ofID: id), state.exists(index) else { return nil }
            var object: JSONObject = ["id": .string(id), "uid": .string(SandboxKey.uid(of: index))]
            for field in SandboxField.all {
                let value = state.value(field.id, of: index)
                if value != .null { object[String(field.id)] = value.json }
            }
            return .object(object)
        }
    }

    private func orderWebhooks(_ body: JSON) async -> HTTPResponse {
        guard let order = SandboxWebhookOrder(body) else {
            return HTTPResponse.json(["error": "url and secret are needed"], status: .unprocessableContent)
        }
        if order.attempts > 1, let loop = EventLoop.current {
            // Eleven attempts take over an hour: the outcome is at GET /sandbox/webhooks.
            _ = loop.start { [sender, account] in _ = await sender.send(order, from: account) }
            return HTTPResponse.json(["started": true], status: .accepted)
        }
        let deliveries = await sender.send(order, from: account)
        return HTTPResponse.json(["deliveries": .array(deliveries.map(\.json))])
    }
}

extension SandboxQuirks {
    /// The quirks as the control endpoint shows them.
    var json: JSON {
        [
            "json_as_text": .bool(jsonAsText), "error_shape": .string(errorShape.rawValue),
            "hides_misses": .bool(hidesMisses), "numeric_ids": .bool(numericIDs),
            "swapped_id_types": .bool(swappedIDTypes),
            "shuffled_rows": .bool(shuffledRows), "plain_text_rate_limit": .bool(plainTextRateLimit),
            "evaluation_calls": .int(evaluationCalls), "update_without_reply_code": .bool(updateWithoutReplyCode),
            "latency_milliseconds": .int(latencyMilliseconds), "export_steps": .int(exportSteps),
        ]
    }

    /// Takes over what `json` names.
    mutating func apply(_ json: JSON) {
        jsonAsText = json["json_as_text"]?.bool ?? jsonAsText
        errorShape = json["error_shape"]?.string.flatMap(ErrorShape.init(rawValue:)) ?? errorShape
        hidesMisses = json["hides_misses"]?.bool ?? hidesMisses
        numericIDs = json["numeric_ids"]?.bool ?? numericIDs
        swappedIDTypes = json["swapped_id_types"]?.bool ?? swappedIDTypes
        shuffledRows = json["shuffled_rows"]?.bool ?? shuffledRows
        plainTextRateLimit = json["plain_text_rate_limit"]?.bool ?? plainTextRateLimit
        evaluationCalls = json["evaluation_calls"]?.int ?? evaluationCalls
        updateWithoutReplyCode = json["update_without_reply_code"]?.bool ?? updateWithoutReplyCode
        latencyMilliseconds = json["latency_milliseconds"]?.int ?? latencyMilliseconds
        exportSteps = json["export_steps"]?.int ?? exportSteps
    }
}
