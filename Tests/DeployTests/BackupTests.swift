import Foundation
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

/// Backup, restore and the replica for reports: with the scripts and settings of `deploy/`.
@Suite("A cluster with archived WAL", .serialized)
struct BackupTests {
    /// A migrated database of a cluster, and the service on it.
    private struct Stage {
        let cluster: PrimaryCluster
        let product: RunningProduct
        let key: String

        static func make() async throws -> Stage {
            let cluster = try PrimaryCluster()
            try PlainConnection(cluster.superuser + " dbname=postgres").execute("CREATE DATABASE charles")
            _ = try MigrationRunner(
                ownerURL: cluster.superuser + " dbname=charles", serviceURL: Stage.service(cluster.superuser)
            ).migrateNow()
            let product = try await RunningProduct.start(["DATABASE_URL": Stage.service(cluster.superuser)])
            return try await Stage(cluster: cluster, product: product, key: product.makeInstance("acme"))
        }

        static func service(_ superuser: String) -> String {
            superuser.replacingOccurrences(of: "user=postgres", with: "user=charles_test password=charles_test")
                + " dbname=charles"
        }

        func optIn(_ phone: String) async throws {
            let answer = try await product.call(
                .post, host: "acme", "/api/v0/opt_ins",
                ["contact": ["phone": .string(phone)], "status": "granted", "source": "rehearsal"],
                headers: ["X-API-Key": key])
            #expect(answer.status.code == 202, "\(answer.json)")
        }

        static func answers(_ product: RunningProduct, _ key: String) async throws -> [JSON] {
            var answers: [JSON] = []
            for path in ["contacts", "opt_ins", "opt_ins/exports", "imports", "integrations/emarsys/webhook"] {
                let answer = try await product.call(
                    .get, host: "acme", "/api/v0/\(path)", headers: ["X-API-Key": key])
                #expect(answer.status.code == 200, "\(path)")
                answers.append(answer.json)
            }
            return answers
        }
    }

    @Test("what is restored to a moment gives the answers of that moment, secrets included")
    func pointInTime() async throws {
        let stage = try await Stage.make()
        try await stage.optIn("+4915112345601")
        try stage.cluster.backUp()
        // After the base backup: from the archived WAL alone.
        try await stage.optIn("+4915112345602")
        let before = try await Stage.answers(stage.product, stage.key)
        let database = stage.cluster.superuser + " dbname=charles"
        let moment = try #require(try PlainConnection(database).query("SELECT clock_timestamp()::text")[0][0])
        // The accident: somebody deletes the instance.
        try await Task.sleep(for: .milliseconds(20))
        try PlainConnection(database).execute("DELETE FROM app.tenants")
        let lost = try #require(try PlainConnection(database).query("SELECT pg_walfile_name(pg_switch_wal())")[0][0])
        try stage.cluster.waitUntil(
            "last_archived_wal >= '\(lost)' FROM pg_stat_archiver", stage.cluster.superuser)
        stage.product.stop()

        let restored = try stage.cluster.restored(to: moment, port: 5433)
        let product = try await RunningProduct.start(["DATABASE_URL": Stage.service(restored)])
        let after = try await Stage.answers(product, stage.key)
        for (one, other) in zip(before, after) { #expect(one == other) }
    }

    @Test("a streaming replica answers reports of its instance alone, and takes no write")
    func replica() async throws {
        let stage = try await Stage.make()
        try await stage.optIn("+4915112345603")
        let operators = stage.product
        _ = try await operators.makeInstance("globex")
        let login = try await operators.callOperator(.post, "/api/v0/tenants/acme/reporting_access")
        let role = try #require(login["role"]?.string)
        let password = try #require(login["password"]?.string)
        let replica = try stage.cluster.replica(port: 5434)
        let position = try #require(
            try PlainConnection(stage.cluster.superuser + " dbname=postgres").query("SELECT pg_current_wal_lsn()")[0][0]
        )
        try stage.cluster.waitUntil("pg_last_wal_replay_lsn() >= '\(position)'", replica)
        let report = try PlainConnection(
            replica.replacingOccurrences(of: "user=postgres", with: "user=\(role) password=\(password)")
                + " dbname=charles")
        #expect(try report.query("SELECT pg_is_in_recovery()")[0][0] == "t")
        #expect(try report.query("SELECT phone, opt_in FROM reporting.contacts") == [["+4915112345603", "granted"]])
        #expect(try report.query("SELECT count(DISTINCT tenant_id) FROM reporting.features")[0][0] == "1")
        // What happens on the primary is there soon.
        try await stage.optIn("+4915112345604")
        for _ in 0..<200 where try report.query("SELECT count(*) FROM reporting.contacts")[0][0] != "2" {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try report.query("SELECT count(*) FROM reporting.contacts")[0][0] == "2")
        let error = #expect(throws: DatabaseError.self) {
            try report.execute("SET default_transaction_read_only = off; CREATE TABLE reporting.t (n int)")
        }
        #expect(["25006", "42501"].contains(error?.sqlState ?? ""))
    }
}
