import JSON

extension SandboxAccount {
    private static let languages: Set<String> = [
        "ar", "bg", "bp", "cn", "cz", "de", "dk", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu", "it",
        "jp",
        "ko", "lt", "lv", "mk", "mo", "mx", "nl", "no", "pl", "pr", "ro", "ru", "sc", "sk", "sl", "sr", "sv", "th",
        "tr",
        "uk", "vi",
    ]

    /// `GET /field` and `GET /field/translate/{language}`.
    func fields(language: String?) -> SandboxAnswer {
        if let language, !SandboxAccount.languages.contains(language) {
            return .refuse(400, 1002, "Invalid language")
        }
        let swapped = with { $0.quirks.swappedIDTypes }
        return .data(
            .array(
                SandboxField.all.map { field in
                    [
                        "id": swapped ? .string(String(field.id)) : .number(JSONNumber(Int64(field.id))),
                        "name": .string(language == "de" ? field.german : field.name),
                        "application_type": .string(swapped ? SandboxAccount.spaced(field.type) : field.type),
                        "string_id": .string(field.stringID),
                    ]
                }))
    }

    private static func spaced(_ type: String) -> String {
        switch type {
        case "singlechoice": "single choice"
        case "multichoice": "multi choice"
        default: type
        }
    }

    /// `GET /field/{id}/choice` and its translations.
    func choices(_ id: Int, _ language: String?) -> SandboxAnswer {
        if let language, !SandboxAccount.languages.contains(language) {
            return .refuse(400, 10001, "Invalid language")
        }
        guard let field = SandboxField.byID[id], !field.choices.isEmpty else {
            return .refuse(400, 2006, "Invalid field id: \(id)")
        }
        return .data(SandboxAccount.choices(of: field, language))
    }

    /// `GET /field/choices?fields=9,46&language=en`.
    func choices(_ target: SandboxTarget) -> SandboxAnswer {
        let language = target.parameters["language"] ?? "en"
        guard SandboxAccount.languages.contains(language) else { return .refuse(400, 10001, "Invalid language") }
        var data = JSONObject()
        let list = target.parameters["fields"] ?? ""
        for part in list.split(whereSeparator: { $0 == "," || $0 == "%" }) {
            // %2C leaves "2C" glued to the next id when a client encodes the comma.
            let digits = part.hasPrefix("2C") || part.hasPrefix("2c") ? part.dropFirst(2) : part
            guard let id = Int(digits), let field = SandboxField.byID[id], !field.choices.isEmpty else { continue }
            data[String(id)] = SandboxAccount.choices(of: field, language)
        }
        return .data(.object(data))
    }

    private static func choices(of field: SandboxField, _ language: String?) -> JSON {
        let isMulti = field.type == "multichoice" || field.type == "interests"
        return .array(
            field.choices.enumerated().map { bit, choice in
                [
                    "id": .string(choice.id),
                    "choice": .string(language == "de" ? choice.german : choice.english),
                    "bit_position": isMulti ? .number(JSONNumber(Int64(bit))) : .null,
                ]
            })
    }
}
