import Emarsys
import EventLoop
import HTTP
import JSON
import Sandbox
import Testing

@Suite("Steering the simulated account")
struct SandboxControlTests {
    private func ask(_ stage: SandboxStage, _ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws
        -> JSON
    {
        let url = try #require(HTTPURL(stage.server.info.baseURL + path))
        var request = HTTPClientRequest(method: method, url: url)
        if let body { request.body = body.encoded() }
        request.addressPolicy = .any
        return try JSON.parse(try await stage.http.send(request).body)
    }

    @Test("changes contacts, permissions, quirks and faults over HTTP")
    func control() async throws {
        try await SandboxStage.run { stage in
            let contact = try await ask(stage, .post, "/sandbox/contacts/\(stage.id(2))", ["1": "Eva", "504": ["11"]])
            #expect(contact["1"]?.string == "Eva" && contact["504"] == ["11"])
            _ = try await ask(stage, .post, "/sandbox/permissions", ["revoke": ["segment.get"]])
            await #expect(throws: (any Error).self) { try await stage.client().segments() }
            _ = try await ask(stage, .post, "/sandbox/permissions", ["grant": ["segment.get"]])
            _ = try await ask(stage, .post, "/sandbox/quirks", ["evaluation_calls": 7])
            #expect(try await ask(stage, .get, "/sandbox/quirks")["evaluation_calls"]?.int == 7)
            _ = try await ask(stage, .post, "/sandbox/faults", ["kind": "503", "path": "/filter"])
            _ = try await stage.client().segments()
            let calls = try await ask(stage, .get, "/sandbox/calls")
            #expect(calls["by_path"]?["GET /filter"]?.int == 3)
            #expect(calls["by_status"]?["503"]?.int == 1)
            #expect(calls["segment.get"]?.int == 2)
            #expect((calls["serving_seconds"]?.double ?? 0) > 0)
        }
    }

    @Test("alters about as many contacts as asked for, and only in those fields")
    func churn() async throws {
        try await SandboxStage.run { stage in
            let ids = (0..<1000).map { stage.id($0) }
            let before = try await stage.client().getData(ids, fields: [1, 2, 3, 37, 505])
            _ = try await ask(stage, .post, "/sandbox/change", ["share": 0.1, "fields": [505]])
            let after = try await stage.client().getData(ids, fields: [1, 2, 3, 37, 505])
            let changed = zip(before.rows, after.rows).filter { $0 != $1 }
            #expect((60...140).contains(changed.count))
            #expect(changed.allSatisfy { $0.values.dropLast() == $1.values.dropLast() })
        }
    }

    @Test("is the same account for the same seed")
    func seed() async throws {
        let first = SandboxAccount()
        let second = SandboxAccount()
        var options = SandboxOptions()
        options.seed = 1
        let other = SandboxAccount(options)
        let ids = (0..<200).map { SandboxAccount.contactID(at: $0) }
        let values = { (account: SandboxAccount) in
            ids.flatMap { id in [1, 2, 3, 37].map { account.value($0, of: id) } }
        }
        #expect(values(first) == values(second))
        #expect(values(first) != values(other))
    }

    @Test("has shared phones and e-mails, blanks and odd formats")
    func lively() {
        let account = SandboxAccount()
        let phones = (0..<20_000).compactMap { account.value(37, of: SandboxAccount.contactID(at: $0))?.plain }
        #expect(phones.count < 19_500)
        #expect(phones.count - Set(phones).count > 100)
        #expect(phones.contains { $0.hasPrefix("00") } && phones.contains { $0.contains("(0)") })
        let emails = (0..<20_000).compactMap { account.value(3, of: SandboxAccount.contactID(at: $0))?.plain }
        #expect(emails.count - Set(emails).count > 100)
    }
}

extension SandboxValue {
    fileprivate var plain: String? { if case .text(let text) = self, !text.isEmpty { text } else { nil } }
}
