import Emarsys
import Sandbox
import Testing

@Suite("Exports")
struct ExportTests {
    @Test("run through their states and come as CSV with localised heads and labels")
    func segment() async throws {
        try await SandboxStage.run { stage in
            let client = stage.client()
            let id = try await client.startSegmentExport(1010, fields: [1, 3, 503, 508], language: "de")
            let early = await #expect(throws: EmarsysError.self) { try await client.downloadExport(id) }
            #expect(early?.code == "export_not_ready")
            let again = await #expect(throws: EmarsysError.self) {
                var once = client
                once.retry = .never
                _ = try await once.startSegmentExport(1010, fields: [1, 3, 503, 508], language: "de")
            }
            #expect(again?.code == "export_already_running")
            #expect(try await client.export(id).state == .scheduled)
            #expect(try await client.export(id).state == .inProgress)
            #expect(try await client.export(id).state == .done)
            var reader = CSVReader()
            let records = reader.feed(try await client.downloadExport(id))
            #expect(records.first == ["Vorname", "E-Mail", "Treuestufe", "Stilprofil"])
            #expect(records.count == 26)
            stage.account.expireExport(Int(id))
            let late = await #expect(throws: EmarsysError.self) { try await client.downloadExport(id) }
            #expect(late?.code == "export_expired" && late?.failureClass == .stopJob)
        }
    }

    @Test("of changes begin with the contact's id")
    func changes() async throws {
        try await SandboxStage.run({ $0.quirks.exportSteps = 0 }) { stage in
            let client = stage.client()
            let row = [ContactUpdate(key: stage.id(5), values: [(field: 1, value: "Änderung")])]
            _ = try await client.updateContacts(row, by: .id)
            let range = EmarsysChangeRange(days: "2026-11-23"..."2026-11-24")
            let id = try await client.startChangesExport(range, fields: [1])
            var reader = CSVReader()
            let records = reader.feed(try await client.downloadExport(id))
            #expect(records == [["user_id", "First Name"], [stage.id(5), "Änderung"]])
        }
    }

    @Test("carry at most 20 fields")
    func tooMany() async throws {
        try await SandboxStage.run { stage in
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client().startSegmentExport(1001, fields: Array(1...21))
            }
            #expect(error?.origin == .notSent)
        }
    }
}
