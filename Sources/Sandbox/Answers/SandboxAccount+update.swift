import HTTP
import JSON

extension SandboxAccount {
    /// `PUT /contact/?create_if_not_exists=0|1`: a batch, or one contact at the top level.
    func updateContacts(_ request: HTTPRequest, _ target: SandboxTarget) -> SandboxAnswer {
        guard request.body.count <= 8 << 20 else { return .refuse(400, 1010, "Payload too large") }
        guard let body = try? JSON.parse(request.body), let object = body.object else {
            return .refuse(400, 1010, "Invalid payload")
        }
        let keyText = body["key_id"].flatMap { SandboxValue($0).text } ?? "3"
        let creates = target.number("create_if_not_exists") == 1
        let isSingle = body["contacts"] == nil
        var rows: [JSONObject] = []
        if isSingle {
            var row = object
            row["key_id"] = nil
            rows = [row]
        } else {
            guard let list = body["contacts"]?.array else { return .refuse(400, 2003, "Array expected: contacts") }
            rows = list.map { $0.object ?? [:] }
        }
        guard rows.count <= 1000 else { return .refuse(400, 1000, "Too many contacts. Maximum is 1000.") }
        let outcome = with { state in
            guard let key = SandboxKey(keyText) else {
                return SandboxUpdate(wholeError: "Invalid key field id: \(keyText)")
            }
            var outcome = SandboxUpdate()
            for row in rows { outcome.apply(row, key, keyText, creates, to: &state) }
            return outcome
        }
        let quirks = with { $0.quirks }
        return outcome.answer(isSingle: isSingle, quirks)
    }
}

/// An update under way: what was written and what was refused.
struct SandboxUpdate {
    private var ids: [JSON] = []
    private var errors: [(key: String, code: Int, text: String)] = []

    init() {}

    init(wholeError text: String) {
        errors = [("<NO_KEY_ID>", 2004, text)]
    }

    mutating func apply(
        _ row: JSONObject, _ key: SandboxKey, _ keyText: String, _ creates: Bool, to state: inout SandboxState
    ) {
        guard let text = row[keyText].flatMap({ SandboxValue($0).text }), !text.isEmpty else {
            errors.append(("", 2005, "No value provided for key field: \(keyText)"))
            return
        }
        if let (code, reason) = SandboxUpdate.firstFault(row, keyText) {
            errors.append((text, code, reason))
            return
        }
        let matches = state.find(key, text)
        switch (matches.count, creates, key) {
        case (0, true, .field(let field)):
            let index = state.overlay.create(after: state.contacts.virtualCount)
            state.overlay.set(field, of: index, to: .text(text))
            write(row, keyText, index, to: &state)
            // Created ids are numbers, updated ones strings.
            ids.append(.number(JSONNumber(Int64(index + SandboxContacts.firstID))))
        case (0, _, _): errors.append((text, 2008, "No contact found with the external id: \(keyText)"))
        case (1, _, _):
            write(row, keyText, matches[0], to: &state)
            ids.append(.string(String(matches[0] + SandboxContacts.firstID)))
        default: errors.append((text, 2010, "More contacts found with the external id: \(keyText)"))
        }
    }

    private func write(_ row: JSONObject, _ keyText: String, _ index: Int, to state: inout SandboxState) {
        for (name, value) in row {
            guard name != keyText, let field = Int(name) else { continue }
            let value = SandboxValue(value)
            state.overlay.set(field, of: index, to: value.text == "" ? .null : value)
        }
        state.overlay.noteChange(index)
    }

    private static func firstFault(_ row: JSONObject, _ keyText: String) -> (Int, String)? {
        for (name, value) in row where name != keyText && name != "contact_list_id" && name != "source_id" {
            guard let id = Int(name), let field = SandboxField.byID[id] else {
                return (2006, "Invalid field id: \(name)")
            }
            if field.isReadOnly { return (2007, "Read-only field: \(name)") }
            if case .bool = value { return (2007, "Invalid value for field: \(name)") }
            let given = SandboxValue(value)
            switch (field.type, given) {
            case (_, .null), (_, .text("")): continue
            case ("singlechoice", .text(let choice)):
                if !field.choices.contains(where: { $0.id == choice }) { return (2007, "Invalid choice: \(name)") }
            case ("multichoice", .choices(let chosen)):
                if !chosen.allSatisfy({ id in field.choices.contains { $0.id == id } }) {
                    return (2007, "Invalid choice: \(name)")
                }
            case ("multichoice", _): return (2007, "Array expected: \(name)")
            case (_, .choices): return (2007, "Scalar expected: \(name)")
            case ("date", .text(let date)), ("birthdate", .text(let date)):
                let digits = date.utf8.map { $0 >= 0x30 && $0 <= 0x39 ? UInt8(0x30) : $0 }
                if digits != [UInt8]("0000-00-00".utf8) { return (2007, "Invalid date: \(name)") }
            case (_, .text(let text)):
                if let capacity = field.capacity, text.count > capacity { return (2007, "Value too long: \(name)") }
                if field.type == "numeric", Double(text) == nil { return (2007, "Invalid number: \(name)") }
            }
        }
        return nil
    }

    func answer(isSingle: Bool, _ quirks: SandboxQuirks) -> SandboxAnswer {
        if isSingle, let error = errors.first { return .refuse(400, error.code, error.text) }
        var data = JSONObject()
        if isSingle {
            data["id"] = ids.first ?? .null
        } else {
            data["ids"] = .array(ids)
            if errors.isEmpty {
                switch quirks.errorShape {
                case .list, .listOfStrings: data["errors"] = .object([:])
                case .map: data["errors"] = []
                case .null: data["errors"] = .null
                case .missing: break
                }
            } else {
                var map = JSONObject()
                for error in errors { map[error.key] = .object([String(error.code): .string(error.text)]) }
                data["errors"] = .object(map)
            }
        }
        guard quirks.updateWithoutReplyCode else { return .data(.object(data)) }
        return SandboxAnswer(status: 200, body: JSON.object(["data": .object(data)]).encoded())
    }
}
