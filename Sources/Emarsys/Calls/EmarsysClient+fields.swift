import HTTP
import JSON

extension EmarsysClient {
    /// All fields of the account with names in `language`, an Emarsys code such as `en` or `de`.
    ///
    /// Uses `GET /field/translate/{language}`; where that is not permitted or the language is unknown, the English
    /// names of `GET /field`.
    public func fields(language: String = "en") async throws(EmarsysError) -> [EmarsysField] {
        let data: JSON
        do {
            let code = language.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A } ? language : "en"
            data = try await self.data(
                EmarsysCall(operation: .fieldList, method: .get, path: "/field/translate/\(code)"))
        } catch  where error.httpStatus == 403 || error.httpStatus == 400 || error.httpStatus == 404 {
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
        var found: [Int: [EmarsysChoice]] = [:]
        let list = fieldIDs.map(String.init).joined(separator: ",")
        do {
            let data = try await data(
                EmarsysCall(
                    operation: .fieldMultiChoiceGet, method: .get,
                    path: "/field/choices?fields=\(list)&language=\(language)"))
            for (key, value) in data.object ?? [:] {
                if let id = Int(key), let choices = EmarsysClient.choices(value) { found[id] = choices }
            }
        } catch  where [400, 403, 404].contains(error.httpStatus) {}
        for id in fieldIDs where found[id] == nil {
            if let choices = try await choices(ofField: id, language: language) { found[id] = choices }
        }
        return found
    }

    private func choices(ofField id: Int, language: String) async throws(EmarsysError) -> [EmarsysChoice]? {
        do {
            return EmarsysClient.choices(
                try await data(
                    EmarsysCall(
                        operation: .fieldSingleChoiceTransList, method: .get,
                        path: "/field/\(id)/choice/translate/\(language)")))
        } catch  where [400, 403, 404].contains(error.httpStatus) {}
        do {
            return EmarsysClient.choices(
                try await data(
                    EmarsysCall(operation: .fieldSingleChoiceList, method: .get, path: "/field/\(id)/choice")))
        } catch  where error.httpStatus == 400 || error.httpStatus == 404 {
            return nil
        }
    }

    private static func choices(_ value: JSON) -> [EmarsysChoice]? {
        guard let array = value.array, !array.isEmpty else { return nil }
        return array.compactMap { item in
            item["id"]?.looseText.map { EmarsysChoice(id: $0, label: item["choice"]?.looseText ?? "") }
        }
    }
}
