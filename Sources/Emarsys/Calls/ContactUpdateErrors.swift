import JSON

/// The `errors` of an update answer, read by key value.
///
/// Partial failure is HTTP 200 with reply code 0. `errors` is a map from key value to a map from code to text, and
/// `{}`, `[]`, `null` or missing when all went well. `<NO_KEY_ID>` stands for the whole call, `""` for rows without a
/// key value. Numeric key values become strings by being JSON keys, so all keys are compared as strings.
struct ContactUpdateErrors {
    private var byKey: [String: ContactUpdateOutcome.Row] = [:]
    private var byFoldedKey: [String: ContactUpdateOutcome.Row] = [:]
    /// What befell the call as a whole.
    private(set) var whole: ContactUpdateOutcome.Row?

    init(_ errors: JSON?) {
        guard let errors else { return }
        if let object = errors.object {
            for (key, value) in object {
                let row = ContactUpdateErrors.row(value)
                if key == "<NO_KEY_ID>" { whole = row } else { add(key, row) }
            }
        } else if let list = errors.array {
            // Not documented for updates; getdata answers like this.
            for item in list {
                guard let key = item["key"]?.looseText else { continue }
                let code = item["errorCode"]?.looseInt ?? 0
                add(key, .failed(code: code, text: item["errorMsg"]?.string ?? ""))
            }
        }
    }

    /// How many errors name a key that none of `keys` is: Emarsys knows the contact by another spelling.
    func unmatched(_ keys: some Sequence<String>) -> Int {
        if byFoldedKey.isEmpty { return 0 }
        var rest = Set(byFoldedKey.keys)
        for key in keys { rest.remove(ContactUpdateErrors.folded(key)) }
        return rest.count
    }

    private static func folded(_ key: String) -> String {
        String(key.lowercased().drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private mutating func add(_ key: String, _ row: ContactUpdateOutcome.Row) {
        byKey[key] = row
        byFoldedKey[ContactUpdateErrors.folded(key)] = row
    }

    /// What became of the row with this key value.
    func outcome(of key: String) -> ContactUpdateOutcome.Row {
        if let whole { return whole }
        if byKey.isEmpty { return .done }
        return byKey[key] ?? byFoldedKey[ContactUpdateErrors.folded(key)] ?? .done
    }

    private static func row(_ value: JSON) -> ContactUpdateOutcome.Row {
        if let (code, text) = value.object?.members.first {
            return .failed(code: Int(code) ?? 0, text: text.looseText ?? "")
        }
        return .failed(code: 0, text: value.looseText ?? "")
    }
}
