import HTTP
import JSON

extension EmarsysClient {
    /// All fields of the account with names in `language`, an Emarsys code such as `en` or `de`.
    ///
    /// Uses `GET /field/translate/{language}`; where that is not permitted or the language is unknown, the English
    /// names of `GET /field`.
    public func fields(language: String = "en") async throws(EmarsysError) -> [EmarsysField] {
        let code = EmarsysClient.code(of: language)
        let translated = try await dataIfAvailable(
            EmarsysCall(operation: .fieldList, method: .get, path: "/field/translate/\(code)"))
        let data: JSON
        if let translated {
            data = translated
        } else {
            data = try await self.data(EmarsysCall(operation: .fieldGet, method: .get, path: "/field"))
        }
        return (data.array ?? []).compactMap { item in
            guard let id = item["id"]?.looseInt else { return nil }
            return EmarsysField(
                id: id, name: item["name"]?.string ?? "", applicationType: item["application_type"]?.string ?? "",
                stringID: item["string_id"]?.string ?? "")
        }
    }

    /// The choices of single and multi choice fields by field id.
    ///
    /// One call for all fields where `GET /field/choices` is permitted and answers, otherwise one for each field. A
    /// field that has no choices, or no longer exists, has no entry.
    public func choices(of fieldIDs: [Int], language: String = "en")
        async throws(EmarsysError) -> [Int: [EmarsysChoice]]
    {
        guard !fieldIDs.isEmpty else { return [:] }
        let code = EmarsysClient.code(of: language)
        var found: [Int: [EmarsysChoice]] = [:]
        let list = fieldIDs.map(String.init).joined(separator: ",")
        let many = try await dataIfAvailable(
            EmarsysCall(
                operation: .fieldMultiChoiceGet, method: .get, path: "/field/choices?fields=\(list)&language=\(code)"))
        for (key, value) in many?.object ?? [:] {
            if let id = Int(key), let choices = EmarsysClient.choices(value) { found[id] = choices }
        }
        for id in fieldIDs where found[id] == nil {
            let translated = try await dataIfAvailable(
                EmarsysCall(
                    operation: .fieldSingleChoiceTransList, method: .get, path: "/field/\(id)/choice/translate/\(code)")
            )
            if let choices = translated.flatMap(EmarsysClient.choices) {
                found[id] = choices
                continue
            }
            let plain = try await dataIfAvailable(
                EmarsysCall(operation: .fieldSingleChoiceList, method: .get, path: "/field/\(id)/choice"))
            found[id] = plain.flatMap(EmarsysClient.choices)
        }
        return found
    }

    /// The data of an answer, or nil where Emarsys does not have it or does not permit it: another call may do.
    private func dataIfAvailable(_ call: EmarsysCall) async throws(EmarsysError) -> JSON? {
        do { return try await data(call) } catch {
            if error.origin == .answer, [400, 403, 404].contains(error.httpStatus) { return nil }
            throw error
        }
    }

    /// Emarsys' language codes are two lower-case letters; anything else would change the path.
    private static func code(of language: String) -> String {
        language.utf8.count == 2 && language.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A } ? language : "en"
    }

    private static func choices(_ value: JSON) -> [EmarsysChoice]? {
        guard let array = value.array, !array.isEmpty else { return nil }
        return array.compactMap { item in
            item["id"]?.looseText.map { EmarsysChoice(id: $0, label: item["choice"]?.looseText ?? "") }
        }
    }
}
