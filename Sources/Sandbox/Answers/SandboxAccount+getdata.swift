import HTTP
import JSON

extension SandboxAccount {
    /// `POST /contact/getdata`.
    func getData(_ request: HTTPRequest) -> SandboxAnswer {
        guard let body = try? JSON.parse(request.body), body.object != nil else {
            return .refuse(400, 1010, "Invalid payload")
        }
        guard let values = body["keyValues"]?.array else { return .refuse(400, 2003, "Array expected: keyValues") }
        guard values.count <= 1000 else { return .refuse(400, 2002, "Too many ids. Maximum is 1000.") }
        guard let keyText = body["keyId"].flatMap({ SandboxValue($0).text }), let key = SandboxKey(keyText) else {
            return .refuse(400, 2004, "Invalid key field id")
        }
        var fields: [Int] = []
        for item in body["fields"]?.array ?? [] {
            guard let text = SandboxValue(item).text else { continue }
            if text == "id" || text == "uid" { continue }
            guard let field = Int(text), SandboxField.byID[field] != nil else {
                return .refuse(400, 2006, "Invalid field id: \(text)")
            }
            fields.append(field)
        }
        return getData(values.map { SandboxValue($0).text ?? "" }, key, fields)
    }

    private func getData(_ keys: [String], _ key: SandboxKey, _ fields: [Int]) -> SandboxAnswer {
        var found: [Int] = []
        found.reserveCapacity(keys.count)
        var misses: [(key: String, code: Int, text: String)] = []
        // Only what was changed is copied out under the lock; the computed values are written without it.
        let (contacts, changed, quirks) = with { state in
            for text in keys {
                let matches = state.find(key, text)
                switch matches.count {
                case 0: misses.append((text, 2008, "No contact found with the external id: \(text)"))
                case 1: found.append(matches[0])
                default: misses.append((text, 2010, "More contacts found with the external id: \(text)"))
                }
            }
            var changed: [Int: [Int: SandboxValue]] = [:]
            if !state.overlay.values.isEmpty {
                for index in found { if let values = state.overlay.values[index] { changed[index] = values } }
            }
            return (state.contacts, changed, state.quirks)
        }
        if quirks.hidesMisses { misses = [] }
        if quirks.shuffledRows { found.sort { contacts.dice($0, 1) < contacts.dice($1, 1) } }
        var out: [UInt8] = []
        out.reserveCapacity(64 + found.count * (48 + fields.count * 24))
        out.append(0x7B)
        if SandboxAccount.append(misses, shape: quirks.errorShape, to: &out) { out.append(0x2C) }
        SandboxContacts.append("\"result\":", to: &out)
        if found.isEmpty {
            SandboxContacts.append("false", to: &out)
        } else {
            let row = SandboxRow(contacts: contacts, fields: fields, hasNumericID: quirks.numericIDs)
            out.append(0x5B)
            for (position, index) in found.enumerated() {
                if position > 0 { out.append(0x2C) }
                row.append(index, changed: changed[index], to: &out)
            }
            out.append(0x5D)
        }
        out.append(0x7D)
        return .data(raw: out)
    }

    /// Appends `"errors":…` in one of the shapes that were seen; false if nothing is to be said.
    private static func append(
        _ misses: [(key: String, code: Int, text: String)], shape: SandboxQuirks.ErrorShape, to out: inout [UInt8]
    ) -> Bool {
        if misses.isEmpty {
            switch shape {
            case .missing: return false
            case .null: SandboxContacts.append("\"errors\":null", to: &out)
            default: SandboxContacts.append("\"errors\":[]", to: &out)
            }
            return true
        }
        let errors: JSON
        if shape == .map {
            var map = JSONObject()
            for miss in misses { map[miss.key] = .object([String(miss.code): .string(miss.text)]) }
            errors = .object(map)
        } else {
            errors = .array(
                misses.map { miss in
                    [
                        "key": .string(miss.key),
                        "errorCode": shape == .listOfStrings
                            ? .string(String(miss.code)) : .number(JSONNumber(Int64(miss.code))),
                        "errorMsg": .string(miss.text),
                    ]
                })
        }
        SandboxContacts.append("\"errors\":", to: &out)
        out.append(contentsOf: errors.encoded())
        return true
    }
}

/// Writes the rows of a getdata answer.
struct SandboxRow {
    let contacts: SandboxContacts
    let fields: [Int]
    let hasNumericID: Bool

    func append(_ index: Int, changed: [Int: SandboxValue]?, to out: inout [UInt8]) {
        SandboxContacts.append("{\"id\":", to: &out)
        if !hasNumericID { out.append(0x22) }
        SandboxContacts.appendDigits(index + SandboxContacts.firstID, to: &out)
        if !hasNumericID { out.append(0x22) }
        SandboxContacts.append(",\"uid\":\"", to: &out)
        out.append(contentsOf: SandboxKey.uid(of: index).utf8)
        out.append(0x22)
        for field in fields {
            out.append(contentsOf: [0x2C, 0x22])
            SandboxContacts.appendDigits(field, to: &out)
            out.append(contentsOf: [0x22, 0x3A])
            if let value = changed?[field] {
                out.append(contentsOf: value.json.encoded())
            } else if index < contacts.virtualCount {
                contacts.append(field, of: index, to: &out)
            } else {
                SandboxContacts.appendNull(to: &out)
            }
        }
        out.append(0x7D)
    }
}
