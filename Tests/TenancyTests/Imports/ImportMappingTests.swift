import EventLoop
import FoundationEssentials
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

/// What becomes of mapped values.
@Suite("Mapped values of imports", .serialized)
struct ImportMappingTests {
    private static let email = FieldMapping(source: 3, destination: .email)

    private func segment(_ world: ImportWorld, of count: Int = 5) throws {
        world.account.addSegment(9001, name: "A", first: count)
        try world.select("9001")
        for index in 0..<count {
            let id = SandboxAccount.contactID(at: index)
            world.account.setValue(.text("p\(index)@example.com"), field: 3, of: id)
            world.account.setValue(.text("+49151000001\(index)0"), field: 37, of: id)
        }
    }

    private func property(_ world: ImportWorld, _ name: String, of index: Int) throws -> String? {
        try world.value(
            """
            SELECT custom_properties ->> '\(name)' FROM app.contacts
             WHERE external_reference_id = '\(SandboxAccount.contactID(at: index))'
            """)
    }

    private func first(_ world: ImportWorld, of index: Int) throws -> String? {
        try world.value(
            "SELECT first_name FROM app.contacts WHERE external_reference_id = '\(SandboxAccount.contactID(at: index))'"
        )
    }

    @Test("a value that its property cannot hold is left out with its reason, the row comes in")
    func types() async throws {
        try await ImportWorld.run { world in
            try segment(world)
            try await world.map(
                [
                    Self.email, FieldMapping(source: 515, destination: .customProperty("age")),
                    FieldMapping(source: 516, destination: .customProperty("vip")),
                    FieldMapping(source: 517, destination: .customProperty("since")),
                    FieldMapping(source: 518, destination: .customProperty("note")),
                ], properties: ["age": "number", "vip": "boolean", "since": "date", "note": "string"])
            let good = SandboxAccount.contactID(at: 0)
            let bad = SandboxAccount.contactID(at: 1)
            for (field, value) in [(515, "42.50"), (516, "ja"), (517, "2026-02-28 10:00:00"), (518, "42")] {
                world.account.setValue(.text(value), field: field, of: good)
            }
            for (field, value) in [(515, "forty"), (516, "perhaps"), (517, "2026-02-30"), (518, "anything")] {
                world.account.setValue(.text(value), field: field, of: bad)
            }
            for index in 2..<5 {
                for field in 515...518 {
                    world.account.setValue(.null, field: field, of: SandboxAccount.contactID(at: index))
                }
            }
            let run = try await world.imported()
            #expect(run.counts.created == 5)
            #expect(run.counts.rejected == 0)
            #expect(run.counts.rejectedValues == 3)
            #expect(run.state == .succeededWithRejections)
            let stored = try world.value(
                "SELECT custom_properties::text FROM app.contacts WHERE external_reference_id = '\(good)'")
            #expect(stored == #"{"age": 42.50, "vip": true, "note": "42", "since": "2026-02-28"}"#)
            let rejections = try await world.service.rejections(world.tenantID, run.id, PageRequest(limit: 200)).items
            #expect(Set(rejections.map(\.code)) == ["invalid_number", "invalid_boolean", "invalid_date"])
            let number = try #require(rejections.first { $0.code == "invalid_number" })
            #expect(number.values["custom_properties.age"]?.string == "forty")
            #expect(number.values["external_reference_id"]?.string == bad)
            #expect(number.contactID != nil)
        }
    }

    @Test("overwrite: always replaces, fill_blank fills, never writes at creation alone")
    func overwrite() async throws {
        try await ImportWorld.run { world in
            try segment(world)
            try await world.map(
                [
                    Self.email, FieldMapping(source: 1, destination: .firstName, overwrite: .always),
                    FieldMapping(source: 2, destination: .lastName, overwrite: .fillBlank),
                    FieldMapping(source: 515, destination: .customProperty("always"), overwrite: .always),
                    FieldMapping(source: 516, destination: .customProperty("fill"), overwrite: .fillBlank),
                    FieldMapping(source: 517, destination: .customProperty("never"), overwrite: .never),
                ], properties: ["always": "string", "fill": "string", "never": "string"])
            let id = SandboxAccount.contactID(at: 0)
            func write(_ value: SandboxValue) {
                for field in [1, 2, 515, 516, 517] { world.account.setValue(value, field: field, of: id) }
            }
            func read() throws -> [String?] {
                try world.files.administer(
                    """
                    SELECT first_name, last_name, custom_properties ->> 'always', custom_properties ->> 'fill',
                           custom_properties ->> 'never' FROM app.contacts WHERE external_reference_id = $1
                    """, [id]
                ).first ?? []
            }
            write(.text("one"))
            try await world.imported()
            #expect(try read() == ["one", "one", "one", "one", "one"])
            write(.text("two"))
            #expect(try await world.imported().counts.updated == 1)
            #expect(try read() == ["two", "one", "two", "one", "one"])
            // Blank on charles, filled by the next import.
            try world.files.administer(
                "UPDATE app.contacts SET last_name = NULL, custom_properties = custom_properties - 'fill' - 'never'")
            write(.text("three"))
            try await world.imported()
            #expect(try read() == ["three", "three", "three", "three", nil])
        }
    }

    @Test("on_empty: clear empties the value, keep leaves it, an identifier is never cleared")
    func onEmpty() async throws {
        try await ImportWorld.run { world in
            try segment(world)
            try await world.map(
                [
                    Self.email, FieldMapping(source: 37, destination: .phone),
                    FieldMapping(source: 1, destination: .firstName, onEmpty: .clear),
                    FieldMapping(source: 2, destination: .lastName, onEmpty: .keep),
                    FieldMapping(source: 515, destination: .customProperty("clear"), onEmpty: .clear),
                    FieldMapping(source: 516, destination: .customProperty("keep"), onEmpty: .keep),
                ], properties: ["clear": "string", "keep": "string"])
            let id = SandboxAccount.contactID(at: 0)
            for field in [1, 2, 515, 516] { world.account.setValue(.text("one"), field: field, of: id) }
            try await world.imported()
            for field in [1, 2, 515, 516] { world.account.setValue(.text(""), field: field, of: id) }
            world.account.setValue(.null, field: 37, of: id)
            world.account.setValue(.null, field: 15, of: id)
            world.account.setValue(.text(""), field: 3, of: id)
            #expect(try await world.imported().counts.updated == 1)
            let row = try world.files.administer(
                """
                SELECT first_name, last_name, custom_properties ->> 'clear', custom_properties ->> 'keep', email, phone
                  FROM app.contacts WHERE external_reference_id = $1
                """, [id]
            ).first
            #expect(row == [nil, "one", nil, "one", "p0@example.com", "+4915100000100"])
        }
    }

    @Test("choices arrive as labels in the instance's language", arguments: ["en", "de"])
    func labels(_ language: String) async throws {
        try await ImportWorld.run { world in
            try segment(world)
            try world.set(["language": .string(language)])
            try await world.map(
                [
                    Self.email, FieldMapping(source: 5, destination: .customProperty("gender")),
                    FieldMapping(source: 504, destination: .customProperty("likes")),
                ], properties: ["gender": "string", "likes": "string"])
            let id = SandboxAccount.contactID(at: 0)
            world.account.setValue(.text("2"), field: 5, of: id)
            world.account.setValue(.choices(["13", "11"]), field: 504, of: id)
            try await world.imported()
            #expect(try property(world, "gender", of: 0) == (language == "de" ? "Weiblich" : "Female"))
            #expect(try property(world, "likes", of: 0) == (language == "de" ? "Schuhe, Taschen" : "Shoes, Bags"))
        }
    }

    @Test("the phone is the mobile one, else the other; only people with a valid one where that is asked for")
    func phones() async throws {
        try await ImportWorld.run { world in
            try segment(world)
            try world.set(["only_valid_phone": true])
            world.account.setValue(.null, field: 37, of: SandboxAccount.contactID(at: 1))
            world.account.setValue(.text("+49 30 12345678"), field: 15, of: SandboxAccount.contactID(at: 1))
            for index in [2, 3] { world.account.setValue(.null, field: 15, of: SandboxAccount.contactID(at: index)) }
            world.account.setValue(.text("n/a"), field: 37, of: SandboxAccount.contactID(at: 2))
            world.account.setValue(.text("0151 1"), field: 37, of: SandboxAccount.contactID(at: 3))
            let run = try await world.imported()
            #expect(run.counts.created == 3)
            #expect(run.counts.skipped == 2)
            #expect(run.counts.rejected == 0)
            #expect(run.counts.invalidPhones == 1)
            #expect(run.state == .succeeded)
            #expect(try world.value("SELECT phone FROM app.contacts WHERE email = 'p1@example.com'") == "+493012345678")
            let codes = try await world.service.rejections(world.tenantID, run.id, PageRequest(limit: 200)).items.map(
                \.code)
            #expect(codes.filter { $0 == "no_valid_phone" }.count == 2)
            let phones = try world.value(
                """
                SELECT string_agg("values" ->> 'phone', ',') FROM app.import_rejections WHERE code = 'no_valid_phone'
                """)
            #expect(phones?.contains("0151 1") == true)
        }
    }

    @Test("a dry run counts what a run would do, shows twenty rows, and leaves every table as it was")
    func dryRun() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            func rows() throws -> [String: String] {
                var rows: [String: String] = [:]
                for table in try world.files.administer(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r'")
                {
                    guard let name = table[0] else { continue }
                    rows[name] = try world.value(
                        "SELECT count(*) || ' ' || coalesce(sum(hashtext(t::text)::bigint), 0) FROM app.\(name) t")
                }
                return rows
            }
            var before = try rows()
            let dry = try await world.imported(dryRun: true)
            var after = try rows()
            // The run itself, and the job that clears away what is kept for a time only.
            for own in ["imports", "jobs", "lanes", "connections"] {
                before[own] = nil
                after[own] = nil
            }
            #expect(before == after)
            #expect(before.count > 30)
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE kind <> 'retention'") == "0")
            #expect(dry.sample?.array?.count == 20)
            #expect(dry.sample?[0]?["action"]?.string == "create")
            #expect(dry.counts.invalidPhones > 10)
            let real = try await world.imported()
            #expect(dry.counts == real.counts)
            #expect(
                try world.value("SELECT count(*)::text FROM app.contacts WHERE merged_into IS NULL")
                    == String(real.counts.created))
        }
    }
}
