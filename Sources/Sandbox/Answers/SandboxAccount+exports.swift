import HTTP
import JSON

extension SandboxAccount {
    /// `POST /export/filter`, `/contact/getchanges` and `/email/getcontacts`.
    func startExport(_ route: SandboxRoute, _ request: HTTPRequest) -> SandboxAnswer {
        guard let body = try? JSON.parse(request.body), body.object != nil else {
            return .refuse(400, 1010, "Invalid payload")
        }
        func missing(_ name: String) -> SandboxAnswer { .refuse(400, 10001, "Missing parameter: \(name)") }
        guard let method = body["distribution_method"]?.string else { return missing("distribution_method") }
        let fields = (body["contact_fields"]?.array ?? []).compactMap { SandboxValue($0).text.flatMap { Int($0) } }
        guard (1...20).contains(fields.count) else { return .refuse(400, 10001, "Invalid number of fields") }
        guard fields.allSatisfy({ SandboxField.byID[$0] != nil && ![27, 28, 29, 32, 33].contains($0) }) else {
            return .refuse(400, 10001, "Invalid value: `contact_fields`")
        }
        var segment: Int?
        var kind = "Registrations"
        switch route {
        case .exportSegment:
            segment = body["filter"].flatMap { SandboxValue($0).text.flatMap { Int($0) } }
            guard let segment, with({ $0.segments.contains { $0.id == segment } }) else {
                return .refuse(400, 10001, "Invalid value: `filter`")
            }
        case .exportChanges:
            kind = "Changes"
            guard let origin = body["origin"]?.string, ["form", "api", "all"].contains(origin) else {
                return .refuse(400, 10001, "Invalid origin")
            }
            let range = (body["time_range"]?.array ?? []).compactMap { $0.string }
            guard range.count == 2 else { return .refuse(400, 10001, "start and end date required") }
            guard range[0] <= range[1] else { return .refuse(400, 10001, "end date before start date") }
        default: return missing("contactlist")
        }
        let export = SandboxState.Export(
            kind: kind, fields: fields, delimiter: body["delimiter"]?.string == ";" ? 0x3B : 0x2C,
            hasHeader: body["add_field_names_header"].flatMap { SandboxValue($0).text } != "0",
            german: body["language"]?.string == "de", segment: segment, isLocal: method == "local",
            description: String(decoding: request.body, as: UTF8.self))
        let id = with { state -> Int? in
            let steps = state.quirks.exportSteps
            if state.exports.values.contains(where: { $0.description == export.description && $0.questions < steps }) {
                return nil
            }
            let id = 40_001 + state.exports.count
            state.exports[id] = export
            return id
        }
        guard let id else { return .refuse(400, 4001, "The same export is already running") }
        return .data(["id": .number(JSONNumber(Int64(id)))])
    }

    /// `GET /export/{id}`: scheduled, in progress, done.
    func exportStatus(_ id: Int) -> SandboxAnswer {
        let found = with { state -> (SandboxState.Export, Int)? in
            guard let export = state.exports[id] else { return nil }
            state.exports[id]?.questions += 1
            return (export, state.quirks.exportSteps)
        }
        guard let (export, steps) = found else { return .refuse(404, 4006, "Export not found") }
        let isDone = export.questions >= steps
        let status = isDone ? "done" : (export.questions == 0 ? "scheduled" : "in progress")
        return .data([
            "id": .string(String(id)), "created": "2026-11-24 09:00:00", "status": .string(status),
            "type": .string(export.kind), "file_name": isDone ? .string("export_\(id).csv") : .null,
            "ftp_host": "", "ftp_dir": "",
        ])
    }

    /// `GET /export/{id}/data`.
    func exportData(_ id: Int) -> SandboxAnswer {
        let found = with { state in state.exports[id].map { ($0, state.quirks.exportSteps) } }
        guard let (export, steps) = found else { return .refuse(404, 4006, "File not found") }
        guard export.isLocal else { return .refuse(404, 4004, "distribution_method wasn't local") }
        guard export.questions >= steps else { return .refuse(404, 4005, "Export still in progress") }
        guard !export.isExpired else { return .refuse(410, 4003, "Export is no longer available") }
        return SandboxAnswer(status: 200, body: csv(export), contentType: "text/csv;charset=UTF-8")
    }

    private func csv(_ export: SandboxState.Export) -> [UInt8] {
        let isChanges = export.segment == nil
        var out: [UInt8] = []
        if export.hasHeader {
            var names = isChanges ? ["user_id"] : []
            names += export.fields.map { id in
                SandboxField.byID[id].map { export.german ? $0.german : $0.name } ?? String(id)
            }
            SandboxCSV.append(names, export.delimiter, to: &out)
        }
        with { state in
            let members: [Int]
            if let id = export.segment {
                members = state.segments.first { $0.id == id }.map { state.members(of: $0) } ?? []
            } else {
                members = state.overlay.changedByAPI.filter { state.exists($0) }
            }
            for index in members {
                var values = isChanges ? [String(index + SandboxContacts.firstID)] : []
                values += export.fields.map {
                    SandboxCSV.label(state.value($0, of: index), SandboxField.byID[$0], export.german)
                }
                SandboxCSV.append(values, export.delimiter, to: &out)
            }
        }
        return out
    }
}

/// Writes export files: RFC 4180, choices as localised labels.
enum SandboxCSV {
    static func append(_ values: [String], _ delimiter: UInt8, to out: inout [UInt8]) {
        for (position, value) in values.enumerated() {
            if position > 0 { out.append(delimiter) }
            let needsQuotes = value.utf8.contains { $0 == delimiter || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
            guard needsQuotes else {
                out.append(contentsOf: value.utf8)
                continue
            }
            out.append(0x22)
            for byte in value.utf8 {
                if byte == 0x22 { out.append(0x22) }
                out.append(byte)
            }
            out.append(0x22)
        }
        out.append(contentsOf: [0x0D, 0x0A])
    }

    static func label(_ value: SandboxValue, _ field: SandboxField?, _ german: Bool) -> String {
        func label(_ id: String) -> String {
            field?.choices.first { $0.id == id }.map { german ? $0.german : $0.english } ?? id
        }
        switch value {
        case .null: return ""
        case .text(let text): return label(text)
        case .choices(let ids): return ids.map(label).joined(separator: ", ")
        }
    }
}
