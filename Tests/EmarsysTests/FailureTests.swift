import Emarsys
import EventLoop
import HTTP
import Sandbox
import Synchronization
import Testing

@Suite("When Emarsys fails")
struct FailureTests {
    @Test(
        "a passing failure is repeated",
        arguments: [
            SandboxFault.Kind.error500, .plain500, .html502, .overloaded503, .limited429, .plain429, .drop, .garbage,
            .unauthorized401,
        ])
    func passing(kind: SandboxFault.Kind) async throws {
        try await SandboxStage.run { stage in
            stage.account.inject(SandboxFault(kind))
            let client = stage.client()
            async let segments = client.segments()
            if kind == .limited429 || kind == .plain429 {
                // The budget stays closed for a minute, or for the second that Retry-After asks for.
                await stage.time.waitForSleepers()
                stage.time.advance(by: .seconds(61))
                await Task.yield()
            }
            let found = try await segments
            #expect(found.count == 10)
        }
    }

    @Test("a failure that stays is thrown after the last attempt")
    func lasting() async throws {
        try await SandboxStage.run { stage in
            stage.account.inject(SandboxFault(.overloaded503, count: 100))
            let error = await #expect(throws: EmarsysError.self) { try await stage.client().segments() }
            #expect(error?.httpStatus == 503 && error?.failureClass == .retry)
            #expect(stage.account.statuses()[503] == 3)
        }
    }

    @Test("a refusal inside HTTP 200 is none the less one")
    func inside() async throws {
        try await SandboxStage.run { stage in
            stage.account.inject(SandboxFault(.refusedInside200))
            let error = await #expect(throws: EmarsysError.self) { try await stage.client().segments() }
            #expect(error?.httpStatus == 200 && error?.replyCode == 1 && error?.failureClass == .stopJob)
        }
    }

    @Test("a wrong secret is final after a second try", arguments: SandboxStage.Auth.allCases)
    func wrongSecret(auth: SandboxStage.Auth) async throws {
        try await SandboxStage.run { stage in
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client(auth, secret: "wrong").segments()
            }
            #expect(error?.failureClass == .stopConnection && error?.code == "emarsys_credentials_invalid")
        }
    }

    @Test("a clock that is off is told apart from a wrong secret")
    func clock() async throws {
        try await SandboxStage.run({ $0.secret = "another" }) { stage in
            // The server's Date field is the real time, and the test's clock is not.
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client(secret: "wrong").segments()
            }
            #expect(error?.clockSkewSeconds != nil && error?.advice.contains("clock") == true)
        }
    }

    @Test("a missing permission is final at once")
    func missingPermission() async throws {
        try await SandboxStage.run { stage in
            stage.account.setPermissions(revoke: ["segment.get"])
            let error = await #expect(throws: EmarsysError.self) { try await stage.client().segments() }
            #expect(error?.failureClass == .stopConnection && error?.code == "emarsys_permission_missing")
            #expect(stage.account.statuses()[403] == 1)
        }
    }

    @Test("a dead host is a passing failure")
    func dead() async throws {
        try await SandboxStage.run { stage in
            var client = stage.client()
            client = EmarsysClient(
                connection: EmarsysConnection(
                    key: "dead", credential: client.connection.credential, baseURL: "http://127.0.0.1:1"),
                http: stage.http, shared: stage.shared, time: stage.time,
                policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]))
            client.retry = .never
            let dead = client
            let error = await #expect(throws: EmarsysError.self) { try await dead.segments() }
            #expect(error?.origin == .network && error?.failureClass == .retry)
        }
    }

    @Test("an address that is not permitted is never called")
    func notPermitted() async throws {
        try await SandboxStage.run { stage in
            let client = EmarsysClient(
                connection: stage.client().connection, http: stage.http, shared: stage.shared, time: stage.time)
            let error = await #expect(throws: EmarsysError.self) { try await client.segments() }
            #expect(error?.origin == .notSent)
            #expect(stage.account.calls().isEmpty)
        }
    }

    @Test("a token is shared by all calls, renewed before its end, and replaced when it is refused")
    func token() async throws {
        try await SandboxStage.run { stage in
            let client = stage.client(.oauth2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await client.segments() } }
                try await group.waitForAll()
            }
            #expect(stage.account.calls()["POST /oauth2/token"] == 1)
            stage.time.advance(by: .seconds(3541))
            _ = try await client.segments()
            #expect(stage.account.calls()["POST /oauth2/token"] == 2)
            stage.account.revokeTokens()
            _ = try await client.segments()
            #expect(stage.account.calls()["POST /oauth2/token"] == 3)
            #expect(stage.account.statuses()[401] == 1)
        }
    }

    @Test("the calls of a minute are never exceeded, and go on with the next")
    func budget() async throws {
        try await SandboxStage.run({ $0.callsPerMinute = 20 }) { stage in
            var client = stage.client()
            client.urgency = .urgent
            let urgent = client
            for _ in 0..<20 { _ = try await urgent.segments() }
            async let late = urgent.segments()
            await stage.time.waitForSleepers()
            #expect(stage.account.statuses() == [200: 20])
            stage.time.advance(by: .seconds(61))
            #expect(try await late.count == 10)
            #expect(stage.account.statuses() == [200: 21])
        }
    }

    @Test("a budget that stays closed too long is an error that says when to come back")
    func impatient() async throws {
        try await SandboxStage.run({ $0.callsPerMinute = 1 }) { stage in
            var client = stage.client()
            client.urgency = .urgent
            client.longestBudgetWait = .seconds(5)
            client.retry = .never
            let impatient = client
            _ = try await impatient.segments()
            let error = await #expect(throws: EmarsysError.self) { try await impatient.segments() }
            #expect(error?.code == "emarsys_rate_limited" && (error?.retryAfterSeconds ?? 0) >= 60)
        }
    }

    @Test("every attempt is reported and leased")
    func hooks() async throws {
        try await SandboxStage.run { stage in
            let seen = Mutex<[EmarsysCallRecord]>([])
            let leases = Atomic(0)
            var client = stage.client()
            client.onCall = { record in seen.withLock { $0.append(record) } }
            client.lease = { _ in leases.add(1, ordering: .relaxed) }
            stage.account.inject(SandboxFault(.overloaded503))
            _ = try await client.segments()
            #expect(seen.withLock { $0.map(\.httpStatus) } == [503, 200])
            #expect(seen.withLock { $0.allSatisfy { $0.operation == .segmentGet } })
            #expect(leases.load(ordering: .relaxed) == 2)
        }
    }
}
