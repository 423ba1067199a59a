import Emarsys
import Sandbox
import Testing

@Suite("The permission test")
struct PermissionProbeTests {
    @Test("names all 18 permissions of the customer guide and finds them granted")
    func all() async throws {
        try await SandboxStage.run { stage in
            let findings = try await stage.client().probePermissions()
            #expect(Set(findings.map(\.permission)) == SandboxPermission.guide)
            #expect(findings.allSatisfy { $0.status == .granted })
        }
    }

    @Test("finds each missing permission, and no other", arguments: EmarsysOperation.allCases)
    func missing(operation: EmarsysOperation) async throws {
        try await SandboxStage.run { stage in
            stage.account.setPermissions(revoke: [operation.permission])
            let findings = try await stage.client(.oauth2).probePermissions()
            let missing = findings.filter { $0.status == .missing }
            #expect(missing.map(\.permission) == [operation.permission])
            #expect(missing.first?.detail.contains(operation.permission) == true)
        }
    }

    @Test("changes nothing and starts nothing")
    func harmless() async throws {
        try await SandboxStage.run({ $0.quirks.evaluationCalls = 3 }) { stage in
            _ = try await stage.client().probePermissions()
            let segment = try await stage.client().askForSegmentContacts(1002)
            guard case .notReady(let error) = segment else {
                Issue.record("a probe had the segment evaluated")
                return
            }
            #expect(error.httpStatus == 202)
            let export = await #expect(throws: EmarsysError.self) { try await stage.client().export(40_001) }
            #expect(export?.httpStatus == 404)
        }
    }

    @Test("throws for a wrong secret instead of listing 18 unknowns")
    func wrongSecret() async throws {
        try await SandboxStage.run { stage in
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client(secret: "wrong").probePermissions()
            }
            #expect(error?.httpStatus == 401)
        }
    }

    @Test("accepts a good credential without any permission, and no other", arguments: SandboxStage.Auth.allCases)
    func credential(auth: SandboxStage.Auth) async throws {
        try await SandboxStage.run { stage in
            stage.account.setPermissions(revoke: SandboxPermission.guide)
            try await stage.client(auth).checkCredential()
            let error = await #expect(throws: EmarsysError.self) {
                try await stage.client(auth, key: "other", secret: "wrong").checkCredential()
            }
            #expect(error?.code == "emarsys_credentials_invalid")
        }
    }

    @Test("leaves a permission open that Emarsys gives no clear answer for")
    func unclear() async throws {
        try await SandboxStage.run { stage in
            stage.account.inject(SandboxFault(.overloaded503, path: "/combinedsegments", count: 100))
            let findings = try await stage.client().probePermissions()
            #expect(findings.first { $0.permission == "combinedsegment.list" }?.status == .unverified)
        }
    }
}
