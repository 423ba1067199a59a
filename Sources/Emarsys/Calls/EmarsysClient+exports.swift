import HTTP
import JSON

extension EmarsysClient {
    /// The most fields one export carries.
    public static let mostExportFields = 20

    /// Starts an export of a segment to a file that stays at Emarsys, and returns its id.
    public func startSegmentExport(_ segment: Int64, fields: [Int], language: String = "en")
        async throws(EmarsysError) -> Int64
    {
        var body = exportBody(fields, language)
        body["filter"] = .number(JSONNumber(segment))
        return try await startExport(.exportSegment, "/export/filter", body)
    }

    /// Starts an export of contacts that changed, and returns its id.
    ///
    /// Not a feed to rely on: imports never appear in it and other changes not always.
    public func startChangesExport(_ range: EmarsysChangeRange, fields: [Int], language: String = "en")
        async throws(EmarsysError) -> Int64
    {
        var body = exportBody(fields, language)
        body["origin"] = .string(range.origin.rawValue)
        body["origin_id"] = "0"
        body["time_range"] = .array([.string(range.days.lowerBound), .string(range.days.upperBound)])
        return try await startExport(.exportContactChanged, "/contact/getchanges", body)
    }

    private func exportBody(_ fields: [Int], _ language: String) -> JSONObject {
        var body = JSONObject()
        body["distribution_method"] = "local"
        body["contact_fields"] = .array(fields.map { .number(JSONNumber(Int64($0))) })
        body["delimiter"] = ","
        body["add_field_names_header"] = 1
        body["language"] = .string(language)
        return body
    }

    private func startExport(_ operation: EmarsysOperation, _ path: String, _ body: JSONObject)
        async throws(EmarsysError) -> Int64
    {
        guard let fields = body["contact_fields"]?.array, (1...EmarsysClient.mostExportFields).contains(fields.count)
        else { throw EmarsysError(.notSent, text: "an export carries 1 to \(EmarsysClient.mostExportFields) fields") }
        let data = try await data(
            EmarsysCall(operation: operation, method: .post, path: path, body: JSON.object(body).encoded()))
        guard let id = data["id"]?.looseInt else {
            throw EmarsysError(.unreadable, httpStatus: 200, text: "no export id in the answer")
        }
        return Int64(id)
    }

    /// How far an export is.
    public func export(_ id: Int64) async throws(EmarsysError) -> EmarsysExport {
        let data = try await data(EmarsysCall(operation: .exportStatus, method: .get, path: "/export/\(id)"))
        return EmarsysExport(
            id: id, state: EmarsysExport.State(data["status"]?.string ?? ""), fileName: data["file_name"]?.string)
    }

    /// The bytes of a finished export: CSV, for ``CSVReader``.
    ///
    /// - Parameters:
    ///   - id: the export
    ///   - maxBytes: the most to take into memory
    public func downloadExport(_ id: Int64, maxBytes: Int = 256 << 20) async throws(EmarsysError) -> [UInt8] {
        // Without offset and limit: with them the answer is said to become JSON.
        let call = EmarsysCall(
            operation: .exportDownload, method: .get, path: "/export/\(id)/data", maxResponseBytes: maxBytes)
        return try await send(call) { body throws(EmarsysError) in
            guard body.first == 0x7B, let answer = try? JSON.parse(body), let code = answer["replyCode"]?.looseInt
            else {
                return body
            }
            try EmarsysClient.checkReply(code: code, text: answer["replyText"]?.string)
            return [UInt8]((answer["data"]?.string ?? "").utf8)
        }
    }
}
