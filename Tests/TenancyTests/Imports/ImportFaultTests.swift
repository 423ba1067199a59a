import Emarsys
import EventLoop
import FoundationEssentials
import JSON
import Persistence
import TestSupport
import Testing

@testable import Sandbox
@testable import Tenancy

/// Emarsys as it really is: whatever goes wrong in between, the end is that of an undisturbed run.
@Suite("Imports under faults", .serialized)
struct ImportFaultTests {
    /// What an undisturbed run of the same segment leaves behind.
    private static let undisturbed = Task { () -> [[String?]] in
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            try await world.imported()
            return try world.contacts()
        }
    }

    @Test(
        "passing failures in the middle of the rows",
        arguments: SandboxFault.Kind.allCases.filter { $0 != .refusedInside200 && $0 != .unauthorized401 })
    func passing(_ kind: SandboxFault.Kind) async throws {
        let expected = try await Self.undisturbed.value
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            // Once for a repeated call, often enough for a run that gives up and is taken up again.
            world.account.inject(SandboxFault(kind, path: "getdata", count: 1))
            world.account.inject(SandboxFault(kind, path: "getdata", count: 25, after: 1))
            world.account.inject(SandboxFault(kind, path: "filter", count: 7))
            let run = try await world.ended(try await world.started().id)
            #expect(run.state == .succeededWithRejections)
            #expect(run.counts.read == 2300)
            #expect(try world.contacts() == expected)
            #expect(run.apiCalls > 30)
        }
    }

    @Test("a refused header or token in the middle is replaced")
    func refusedOnce() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            world.account.inject(SandboxFault(.unauthorized401, path: "getdata", count: 1, after: 1))
            #expect(try await world.imported().counts.read == 2300)
        }
    }

    @Test("tokens that expire or are revoked in the middle of a run are fetched anew", arguments: [true, false])
    func expiringTokens(_ isRevoked: Bool) async throws {
        try await ImportWorld.run({ $0.tokenSeconds = 30 }, oauth: true) { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 2, after: 1))
            world.hurried.atNextWait { [world] in
                if isRevoked { world.account.revokeTokens() } else { world.time.advance(by: .seconds(60)) }
            }
            let run = try await world.ended(try await world.started().id)
            #expect(run.counts.read == 2300)
            #expect((world.account.statuses()[401] ?? 0 >= 1) == isRevoked)
        }
    }

    @Test(
        "a segment is asked for until it has been evaluated, also while another one is, and the run says that it waits")
    func evaluation() async throws {
        try await ImportWorld.run({ $0.quirks.evaluationCalls = 6 }) { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            // Another program has a segment evaluated: 423 until that one is done.
            let other = EmarsysClient(
                connection: EmarsysConnection(
                    key: "other",
                    credential: .wsse(username: world.server.info.username, secret: world.server.info.secret),
                    baseURL: world.server.info.baseURL), http: world.http, shared: EmarsysSharedState(),
                time: world.hurried, policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]))
            guard case .notReady = try await other.askForSegmentContacts(1002) else {
                Issue.record("the other segment is ready at once")
                return
            }
            let run = try await world.started()
            let state = Noted("")
            world.hurried.atNextWait { [world] in
                state.note(try world.value("SELECT state FROM app.imports") ?? "")
            }
            let end = try await world.ended(run.id)
            #expect(state.value == "waiting")
            #expect(end.counts.read == 40)
            #expect(world.account.statuses()[423] ?? 0 >= 1)
            #expect(world.account.statuses()[202] ?? 0 >= 6)
        }
    }

    @Test("a run that was interrupted goes on with the segment that is being evaluated")
    func segmentCheckpoint() async throws {
        try await ImportWorld.run({ $0.quirks.evaluationCalls = 2 }) { world in
            world.account.addSegment(9001, name: "A", first: 40)
            world.account.addSegment(9002, name: "B", first: 60)
            try world.select("9001", "9002")
            let run = try await world.started()
            world.account.inject(SandboxFault(.error500, path: "filter", count: 10, after: 4))
            #expect(try await world.step()?.hasPrefix("again") == true)
            world.account.clearFaults()
            #expect(try world.value("SELECT string_agg(segment_id, ',') FROM app.import_segment_ids") == "9001")
            let end = try await world.ended(run.id)
            #expect(end.total == 60)
            #expect(world.account.statuses()[423] == nil)
        }
    }

    @Test(
        "every shape of answer reads the same; a contact that is gone is skipped, marked, and said to be gone",
        arguments: [
            #"{"json_as_text": true}"#, #"{"error_shape": "map"}"#, #"{"error_shape": "list_of_strings"}"#,
            #"{"error_shape": "null"}"#, #"{"error_shape": "missing"}"#, #"{"numeric_ids": true}"#,
            #"{"swapped_id_types": true}"#, #"{"shuffled_rows": true}"#, #"{"plain_text_rate_limit": true}"#,
        ])
    func shapes(_ quirk: String) async throws {
        let quirks = try JSON.parse(Array(quirk.utf8))
        let expected = try await Self.undisturbed.value
        try await ImportWorld.run({ $0.quirks.apply(quirks) }) { world in
            world.account.addSegment(9001, name: "A", first: 2300)
            try world.select("9001")
            try await world.imported()
            let before = try world.contacts()
            #expect(before == expected)
            let id = SandboxAccount.contactID(at: 5)
            // The ids are known, then the contact is deleted, then the rows are read.
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 1))
            world.hurried.atNextWait { [world] in world.account.removeContact(id) }
            let run = try await world.ended(try await world.started(mode: .full).id)
            #expect(run.counts.skipped == 1)
            #expect(run.counts.read == 2299)
            #expect(
                try world.value("SELECT status FROM app.contact_identifiers WHERE value = '\(id)'") == "gone")
            let page = try await world.service.rejections(world.tenantID, run.id, PageRequest(limit: 200))
            let rejection = page.items.first { $0.code == "not_in_emarsys" }
            #expect(rejection?.values["external_reference_id"]?.string == id)
            #expect(try world.contacts().count == before.count, "leaving Emarsys deletes nobody")
        }
    }

    @Test("result:false: a segment whose people are all gone by now is an import that skips them")
    func everybodyGone() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 3)
            try world.select("9001")
            try await world.imported()
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 1))
            world.hurried.atNextWait { [world] in
                for index in 0..<3 { world.account.removeContact(SandboxAccount.contactID(at: index)) }
            }
            let run = try await world.ended(try await world.started(mode: .full).id)
            #expect(run.state == .succeeded)
            #expect(run.counts.skipped == 3)
            #expect(run.counts.read == 0)
            #expect(try world.contacts().count == 3)
        }
    }

    @Test("zero rows without a word of why are a failed run that writes nothing")
    func unexplained() async throws {
        try await ImportWorld.run({ $0.quirks.errorShape = .missing }) { world in
            world.account.addSegment(9001, name: "A", first: 3)
            try world.select("9001")
            try await world.imported()
            world.account.setQuirks { $0.hidesMisses = true }
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 1))
            world.hurried.atNextWait { [world] in
                for index in 0..<3 { world.account.removeContact(SandboxAccount.contactID(at: index)) }
            }
            let run = try await world.ended(try await world.started(mode: .full).id)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "no_rows")
            #expect(
                try world.value("SELECT count(*)::text FROM app.contact_identifiers WHERE status = 'gone'") == "0")
        }
    }

    @Test(
        "zero rows and a 4xx is a failed run; the missing permission is named",
        arguments: ["contact.getdata", "segment.contact.list"])
    func permission(_ permission: String) async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            world.account.setPermissions(revoke: [permission])
            let run = try await world.imported()
            #expect(run.state == .failed)
            #expect(run.failure?.code == "emarsys_permission_missing")
            #expect(run.failure?.detail.contains(permission) == true)
            #expect(run.failure?.advice.contains(permission) == true)
            #expect(try world.value("SELECT last_error::text FROM app.connections")?.contains(permission) == true)
            #expect(try world.contacts().isEmpty)
        }
    }

    @Test("a refusal inside HTTP 200 fails the run")
    func refusal() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            world.account.inject(SandboxFault(.refusedInside200, path: "getdata", count: 9))
            let run = try await world.imported()
            #expect(run.state == .failed)
            #expect(run.failure?.code == "emarsys_refused")
        }
    }

    @Test("a segment that is deleted while it is evaluated fails its run, and has its next slot alone")
    func deletedSegment() async throws {
        try await ImportWorld.run({ $0.quirks.evaluationCalls = 2 }) { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            world.hurried.atNextWait { [world] in world.account.removeSegment(9001) }
            let run = try await world.imported()
            #expect(run.state == .failed)
            #expect(run.failure?.code == "segment_not_found")
            let next = try world.value("SELECT args ->> 'alone' FROM app.jobs WHERE kind = 'import_due'")
            #expect(next == "true")
        }
    }

    @Test("an outage of hours fails the run in the end, and the next slot stands")
    func outage() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            world.account.inject(SandboxFault(.overloaded503, path: "getdata", count: 1_000_000))
            let begin = world.time.now()
            let run = try await world.ended(try await world.started().id)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "emarsys_unavailable")
            #expect(world.time.now() - begin > .seconds(7200))
            #expect(try world.value("SELECT next_import_at IS NOT NULL FROM app.selected_segments") == "t")
        }
    }
}
