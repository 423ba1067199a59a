import Crypto
import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("The secret box")
struct SecretBoxTests {
    private let test: TestDatabase
    private let database: Database

    init() throws {
        test = try TestDatabase()
        database = try test.open()
    }

    private func box(_ masters: String) throws -> SecretBox {
        SecretBox(database: database, masterKeys: try MasterKeys(parsing: masters), time: SystemTime())
    }

    @Test("a new master key takes over every data key, after which the old one is not needed")
    func rotation() async throws {
        let (old, new) = (SealedValueTests.master("old", 1), SealedValueTests.master("new", 2))
        let before = try box(old)
        let administration = TenantAdministration(database: database, secrets: before, time: SystemTime())
        var sealed: [(UUID, [UInt8])] = []
        for number in 0..<3 {
            let tenant = try await administration.create(
                instanceName: "t\(number)", displayName: "T", timeZone: nil, defaultCurrency: nil, defaultCountry: nil,
                actor: "test")
            let value = try await before.seal([1, 2, 3], table: "t", column: "c", tenant: tenant.id, row: tenant.id)
            sealed.append((tenant.id, value))
        }
        let both = try box("\(new),\(old)")
        let report = try await both.rewrapAll(database: database)
        #expect(report.rewrapped == 3)
        #expect(report.unreadable == 0)
        let after = try box(new)
        for (tenant, value) in sealed {
            #expect(try await after.open(value, table: "t", column: "c", tenant: tenant, row: tenant) == [1, 2, 3])
        }
        let again = try await both.rewrapAll(database: database)
        #expect(again.rewrapped == 0)
    }

    @Test("a data key whose master key is missing is reported, and the others are rotated")
    func unreadable() async throws {
        let (lost, new) = (SealedValueTests.master("lost", 1), SealedValueTests.master("new", 2))
        let administration = TenantAdministration(database: database, secrets: try box(lost), time: SystemTime())
        _ = try await administration.create(
            instanceName: "lost", displayName: "T", timeZone: nil, defaultCurrency: nil, defaultCountry: nil,
            actor: "test")
        let report = try await box(new).rewrapAll(database: database)
        #expect(report.unreadable == 1)
    }

    @Test("deleting a tenant's data key destroys its secrets")
    func destroyed() async throws {
        let first = try box(SealedValueTests.master("a", 1))
        let administration = TenantAdministration(database: database, secrets: first, time: SystemTime())
        let tenant = try await administration.create(
            instanceName: "gone", displayName: "T", timeZone: nil, defaultCurrency: nil, defaultCountry: nil,
            actor: "test"
        ).id
        let sealed = try await first.seal([9], table: "t", column: "c", tenant: tenant, row: tenant)
        let proof = try await TenantErasure(administration: administration).erase("gone", confirm: "gone")
        #expect(proof.tables.first { $0.name == "tenant_keys" }?.removed == 1)
        #expect(proof.left == 0)
        await #expect(throws: SecretError.unknownDataKey) {
            try await first.open(sealed, table: "t", column: "c", tenant: tenant, row: tenant)
        }
    }
}
