import Emarsys
import EventLoop
import Sandbox
import Testing

@Suite("The client against a live account")
struct ClientTests {
    @Test("lists fields with their kinds and names", arguments: SandboxStage.Auth.allCases)
    func fields(auth: SandboxStage.Auth) async throws {
        try await SandboxStage.run { stage in
            let fields = try await stage.client(auth).fields(language: "de")
            let byID = Dictionary(uniqueKeysWithValues: fields.map { ($0.id, $0) })
            #expect(byID[1]?.name == "Vorname")
            #expect(byID[37]?.kind == .shortText)
            #expect(byID[503]?.kind == .singleChoice)
            #expect(byID[504]?.kind == .multiChoice)
            #expect(byID[501]?.isCustom == true && byID[501]?.kind.isText == true)
            #expect(byID[505]?.kind.isText == false)
        }
    }

    @Test("reads fields and segments with ids as strings and types in two words")
    func swapped() async throws {
        try await SandboxStage.run({ $0.quirks.swappedIDTypes = true }) { stage in
            let fields = try await stage.client().fields()
            #expect(fields.first { $0.id == 503 }?.kind == .singleChoice)
            #expect(try await stage.client().segments().first { $0.id == 1003 }?.type == "standard")
        }
    }

    @Test("falls back to English fields where the language or the permission is missing")
    func fallback() async throws {
        try await SandboxStage.run { stage in
            let unknown = try await stage.client().fields(language: "xx")
            #expect(unknown.contains { $0.name == "First Name" })
            stage.account.setPermissions(revoke: ["field.list"])
            let fallen = try await stage.client().fields(language: "de")
            #expect(fallen.contains { $0.name == "First Name" })
        }
    }

    @Test("reads choices in one call, or field by field where that is not permitted")
    func choices() async throws {
        try await SandboxStage.run { stage in
            for revoked in [[], ["field.multichoice.get"], ["field.multichoice.get", "field.singlechoice.trans.list"]] {
                stage.account.setPermissions(grant: SandboxPermission.guide)
                stage.account.setPermissions(revoke: Set(revoked))
                let choices = try await stage.client().choices(of: [503, 504, 1], language: "de")
                #expect(choices[503]?.first { $0.id == "3" }?.label == "Gold")
                #expect(choices[504]?.count == 6)
                #expect(choices[1] == nil)
            }
        }
    }

    @Test("lists segments and combined segments with their types")
    func segments() async throws {
        try await SandboxStage.run { stage in
            let segments = try await stage.client().segments()
            #expect(segments.first { $0.id == 1007 }?.type == "combined")
            let combined = try await stage.client().combinedSegments()
            #expect(combined.map(\.id) == [21, 33] && combined.allSatisfy { $0.type == "combined" })
        }
    }

    @Test("waits for a segment that is being evaluated")
    func evaluation() async throws {
        try await SandboxStage.run({ $0.quirks.evaluationCalls = 2 }) { stage in
            let client = stage.client()
            async let ids = client.segmentContacts(1001)
            for _ in 0..<2 {
                await stage.time.waitForSleepers()
                stage.time.advance(by: .seconds(60))
            }
            let found = try await ids
            #expect(found.count == 2000)
            #expect(stage.account.statuses()[202] == 2)
        }
    }

    @Test("gives up on a segment after its patience, and says so")
    func patience() async throws {
        try await SandboxStage.run({ $0.quirks.evaluationCalls = 1000 }) { stage in
            let plan = SegmentPollPlan(patience: .zero)
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client().segmentContacts(1001, poll: plan)
            }
            #expect(error?.origin == .deadline && error?.failureClass == .retry)
        }
    }

    @Test("asks for one segment at a time, in this process and beside others")
    func oneAtATime() async throws {
        try await SandboxStage.run({ $0.quirks.evaluationCalls = 1 }) { stage in
            let client = stage.client()
            guard case .notReady(let first) = try await client.askForSegmentContacts(1001) else {
                Issue.record("evaluated at once")
                return
            }
            #expect(first.httpStatus == 202 && first.replyCode == 10001)
            let calls = stage.account.calls().values.reduce(0, +)
            guard case .notReady(let second) = try await client.askForSegmentContacts(1002) else {
                Issue.record("evaluated beside another one")
                return
            }
            #expect(second.httpStatus == 423)
            #expect(stage.account.calls().values.reduce(0, +) == calls)
            // Another process does not know of our turn; Emarsys tells it.
            guard case .notReady(let third) = try await stage.client(key: "elsewhere").askForSegmentContacts(1002)
            else {
                Issue.record("evaluated beside another one")
                return
            }
            #expect(third.httpStatus == 423 && third.replyCode == 10003)
            #expect(try await client.askForSegmentContacts(1001) != .notReady(first))
            #expect(try await client.segmentContacts(1006, poll: SegmentPollPlan(firstDelay: .zero)).isEmpty)
        }
    }

    @Test("learns that a segment was deleted while it was being evaluated")
    func deletedMidRun() async throws {
        try await SandboxStage.run({ $0.quirks.evaluationCalls = 5 }) { stage in
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client().segmentContacts(1003, poll: SegmentPollPlan(firstDelay: .zero)) { _ in
                    stage.account.removeSegment(1003)
                }
            }
            #expect(error?.code == "segment_not_found")
            stage.account.setQuirks { $0.evaluationCalls = 0 }
            let other = try await stage.client().segmentContacts(1010)
            #expect(other.count == 25)
        }
    }

    @Test("learns that a segment was deleted, too large, or asked for in pages")
    func segmentEnds() async throws {
        try await SandboxStage.run { stage in
            let client = stage.client()
            let large = try await client.segmentContacts(1005)
            #expect(large.count == 600_000)
            let page = try await client.segmentContacts(0, offset: 1990, limit: 50)
            #expect(page.count == 10)
            stage.account.removeSegment(1002)
            let error = await #expect(throws: EmarsysError.self) { try await client.segmentContacts(1002) }
            #expect(error?.code == "segment_not_found" && error?.failureClass == .stopJob)
        }
    }
}
