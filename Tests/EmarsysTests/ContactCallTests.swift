import EventLoop
import Sandbox
import Testing

@testable import Emarsys

@Suite("Reading and writing contacts")
struct ContactCallTests {
    private static let fields = [1, 2, 3, 37, 504, 508]

    @Test(
        "reads the same contacts from every shape of answer",
        arguments: SandboxQuirks.ErrorShape.allCases, [false, true])
    func shapes(shape: SandboxQuirks.ErrorShape, odd: Bool) async throws {
        let change: @Sendable (inout SandboxOptions) -> Void = {
            $0.quirks.errorShape = shape
            $0.quirks.numericIDs = odd
            $0.quirks.shuffledRows = odd
            $0.quirks.jsonAsText = odd
        }
        try await SandboxStage.run(change) { stage in
            let keys = (0..<50).map { stage.id($0) }
            let table = try await stage.client().getData(keys + ["99", "abc"], fields: ContactCallTests.fields)
            #expect(table.rows.map(\.id).sorted() == keys)
            #expect(Set(table.misses.map(\.key)) == ["99", "abc"])
            #expect(table.misses.allSatisfy { $0.code == 2008 })
            for row in table.rows {
                for (field, value) in zip(table.fields, row.values) {
                    let expected = stage.account.value(field, of: row.id)
                    switch value {
                    case .absent: Issue.record("field \(field) is missing")
                    case .null: #expect(expected == .null)
                    case .text(let text): #expect(expected == .text(text))
                    case .choices(let ids): #expect(expected == .choices(ids))
                    }
                }
            }
            let clean = try await stage.client().getData(keys, fields: [1])
            #expect(clean.rows.count == 50 && clean.misses.isEmpty)
        }
    }

    @Test("takes result:false for no contact, and no keys for no call")
    func nobody() async throws {
        try await SandboxStage.run { stage in
            let table = try await stage.client().getData(["1", "2"], fields: [1])
            #expect(table.rows.isEmpty && table.misses.count == 2)
            let calls = stage.account.calls().values.reduce(0, +)
            #expect(try await stage.client().getData([], fields: [1]).rows.isEmpty)
            #expect(stage.account.calls().values.reduce(0, +) == calls)
        }
    }

    @Test("misses a contact that was deleted after its segment was read")
    func gone() async throws {
        try await SandboxStage.run { stage in
            let ids = try await stage.client().segmentContacts(1010)
            stage.account.removeContact(ids[3])
            let table = try await stage.client().getData(ids, fields: [1])
            #expect(table.rows.count == 24 && table.misses.map(\.key) == [ids[3]])
        }
    }

    @Test("calls every cut-off answer unreadable, and survives damaged ones")
    func damaged() throws {
        let text =
            #"{"replyCode":0,"replyText":"OK","data":{"errors":[{"key":"9","errorCode":"2008","errorMsg":"x"}],"#
            + #""result":[{"id":"7","uid":"u","1":"Zo\u00eb \"x\"","37":null,"504":["11",12],"5":1}]}}"#
        let whole = [UInt8](text.utf8)
        let table = try ContactTableReader.table(whole, fields: [1, 37, 504, 5, 6])
        #expect(table.rows.first?.values == [.text("Zoë \"x\""), .null, .choices(["11", "12"]), .text("1"), .absent])
        for end in 0..<whole.count {
            #expect(throws: EmarsysError.self) { try ContactTableReader.table(Array(whole[..<end]), fields: [1]) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? ContactTableReader.table(bytes, fields: [1, 37])
            _ = try? SegmentContactsReader.ids(bytes)
        }
    }

    @Test("says which e-mail belongs to several contacts")
    func ambiguous() async throws {
        try await SandboxStage.run { stage in
            stage.account.setValue(.text("twice@example.com"), field: 3, of: stage.id(3))
            stage.account.setValue(.text("Twice@example.com"), field: 3, of: stage.id(8))
            let table = try await stage.client().getData(["twice@example.com"], by: .field(3), fields: [1])
            #expect(table.misses.map(\.code) == [2010])
        }
    }

    @Test("refuses more than 1000 keys before calling, and a key field that is not indexed after")
    func limits() async throws {
        try await SandboxStage.run { stage in
            let keys = (0..<1001).map { stage.id($0) }
            let many = await #expect(throws: EmarsysError.self) { try await stage.client().getData(keys, fields: [1]) }
            #expect(many?.origin == .notSent)
            let table = try await stage.client().getData(Array(keys.dropLast()), fields: [1])
            #expect(table.rows.count == 1000)
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client().getData(["x"], by: .field(515), fields: [1])
            }
            #expect(error?.replyCode == 2004 && error?.code == "key_field_not_usable")
        }
    }

    @Test("reads many contacts a thousand a call, and hands them over in order", arguments: [1, 4])
    func many(inFlight: Int) async throws {
        try await SandboxStage.run({ $0.contacts = 6500 }) { stage in
            let client = stage.client()
            let ids = try await client.segmentContacts(1001)
            stage.account.inject(SandboxFault(.overloaded503, path: "/getdata", after: 2))
            var next = 0
            try await client.readContacts(ids, fields: [1], inFlight: inFlight) { range, table in
                #expect(range.lowerBound == next && table.rows.count == range.count)
                #expect(table.rows.first?.id == ids[range.lowerBound])
                next = range.upperBound
            }
            #expect(next == 6500)
            #expect(stage.account.calls()["POST /contact/getdata"] == 8)
        }
    }

    @Test(
        "writes row by row, whatever the answer looks like", arguments: SandboxQuirks.ErrorShape.allCases,
        [false, true])
    func update(shape: SandboxQuirks.ErrorShape, bare: Bool) async throws {
        let change: @Sendable (inout SandboxOptions) -> Void = {
            $0.quirks.errorShape = shape
            $0.quirks.updateWithoutReplyCode = bare
        }
        try await SandboxStage.run(change) { stage in
            let good = (0..<5).map { ContactUpdate(key: stage.id($0), values: [(field: 501, value: "granted")]) }
            let clean = try await stage.client().updateContacts(good, by: .id)
            #expect(clean.doneCount == 5 && clean.contactIDs.count == 5 && clean.calls == 1)
            #expect(stage.account.value(501, of: stage.id(4)) == .text("granted"))

            stage.account.removeContact(stage.id(7))
            let mixed = [
                ContactUpdate(key: stage.id(0), values: [(field: 501, value: "")]),
                ContactUpdate(key: stage.id(7), values: [(field: 501, value: "granted")]),
                ContactUpdate(key: "", values: [(field: 501, value: "granted")]),
                ContactUpdate(key: stage.id(1), values: [(field: 503, value: "Gold")]),
            ]
            let outcome = try await stage.client().updateContacts(mixed, by: .id)
            let codes = outcome.rows.map { row in if case .failed(let code, _) = row { code } else { 0 } }
            #expect(codes == [0, 2008, 2005, 2007])
            #expect(stage.account.value(501, of: stage.id(0)) == .null)
        }
    }

    @Test("fails all rows for a key field that cannot be one")
    func noKey() async throws {
        try await SandboxStage.run { stage in
            let rows = (0..<3).map { ContactUpdate(key: "k\($0)", values: [(field: 501, value: "granted")]) }
            let outcome = try await stage.client().updateContacts(rows, by: .field(515))
            #expect(outcome.doneCount == 0)
            #expect(
                outcome.rows.allSatisfy { row in
                    if case .failed(let code, _) = row { EmarsysError.rowClass(code) == .stopJob } else { false }
                })
        }
    }

    @Test("creates missing contacts only when told to")
    func create() async throws {
        try await SandboxStage.run { stage in
            let row = [ContactUpdate(key: "new@example.com", values: [(field: 1, value: "Neu")])]
            #expect(try await stage.client().updateContacts(row, by: .field(3)).doneCount == 0)
            let made = try await stage.client().updateContacts(row, by: .field(3), createMissing: true)
            #expect(made.doneCount == 1)
            let id = try #require(made.contactIDs.first)
            #expect(stage.account.value(1, of: id) == .text("Neu"))
            #expect(try await stage.client().getData(["new@example.com"], by: .field(3), fields: [1]).rows.count == 1)
        }
    }

    @Test("sends 2500 changes in three calls, and of two for one contact the last")
    func batches() async throws {
        try await SandboxStage.run({ $0.contacts = 3000 }) { stage in
            var rows = (0..<2500).map { ContactUpdate(key: stage.id($0), values: [(field: 501, value: "granted")]) }
            rows.append(ContactUpdate(key: stage.id(0), values: [(field: 501, value: "withdrawn")]))
            let outcome = try await stage.client().updateContacts(rows, by: .id)
            #expect(outcome.calls == 3 && outcome.doneCount == 2501)
            #expect(stage.account.value(501, of: stage.id(0)) == .text("withdrawn"))
        }
    }

    @Test("keeps each call below 8 MB")
    func bytes() {
        let long = String(repeating: "ü\"", count: 20_000)
        let rows = (0..<600).map { ContactUpdate(key: "\($0)", values: [(field: 508, value: long)]) }
        let batches = ContactUpdateBatches(rows)
        #expect(batches.calls.count > 4)
        #expect(batches.calls.joined().elementsEqual(0..<600))
        let most = long.utf8.count + 20_000 + 100
        #expect(batches.calls.allSatisfy { $0.count * most < 8_000_000 })
    }
}
