import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@Suite("migrations")
struct MigrationTests {
    let url: String

    init() throws {
        let name = TestPostgres.shared.uniqueName("migration")
        try PlainConnection(TestPostgres.shared.superuser + " dbname=postgres").execute("CREATE DATABASE \(name)")
        url = TestPostgres.shared.superuser + " dbname=\(name)"
    }

    private func files(_ texts: [(String, String)], reporting: [(String, String)] = []) -> EmbeddedSQL {
        EmbeddedSQL(
            migrations: texts.map { .init(path: "db/migrations/" + $0.0, text: $0.1) },
            reporting: reporting.map { .init(path: "db/reporting/" + $0.0, text: $0.1) })
    }

    private func runner(_ files: EmbeddedSQL) -> MigrationRunner {
        MigrationRunner(ownerURL: url, serviceURL: nil, files: files)
    }

    private let first = ("0001_one.sql", "CREATE TABLE public.one (n int); INSERT INTO public.one VALUES (1)")
    private let second = ("0002_two.sql", "INSERT INTO public.one VALUES (2)")

    @Test("they run once, in order, and the reporting files every time")
    func order() async throws {
        let files = files([second, first], reporting: [("10_a.sql", "INSERT INTO public.one VALUES (10)")])
        #expect(try await runner(files).status().pending == ["0001_one.sql", "0002_two.sql"])
        #expect(try await runner(files).migrate() == ["0001_one.sql", "0002_two.sql"])
        #expect(try await runner(files).migrate() == [])
        #expect(
            try PlainConnection(url).query("SELECT n FROM public.one ORDER BY n") == [["1"], ["2"], ["10"], ["10"]])
        let status = try await runner(files).status()
        #expect(status.applied == ["0001_one.sql", "0002_two.sql"])
        #expect(status.pending == [])
    }

    @Test("a database with opt-ins under way is brought up to date: nothing is lost, everything is still isolated")
    func upgrade() async throws {
        let all = EmbeddedSQL.embedded
        let former = EmbeddedSQL(migrations: all.migrations.filter { ($0.number ?? 0) < 63 })
        try await runner(former).migrate()
        let plain = try PlainConnection(url)
        try plain.execute(
            """
            INSERT INTO app.tenants (instance_name, display_name) VALUES ('acme', 'Acme');
            INSERT INTO app.contacts (tenant_id, first_name) SELECT tenant_id, 'Ann' FROM app.tenants;
            INSERT INTO app.opt_in_exports (tenant_id, contact_id, status, consent_at, next_attempt_at, created_at)
            SELECT tenant_id, id, 'withdrawn', '2026-01-01Z', '2026-01-01Z', '2026-01-02Z' FROM app.contacts
            """)
        try await runner(all).migrate()
        #expect(
            try plain.query("SELECT status, state, waiting_since = created_at FROM app.opt_in_exports")
                == [["withdrawn", "queued", "t"]])
        #expect(try plain.query(all.gate).isEmpty)
    }

    @Test("several at once apply each file once")
    func concurrent() async throws {
        let slow = ("0001_one.sql", first.1 + "; SELECT pg_sleep(0.2)")
        let runner = runner(files([slow, second]))
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 { group.addTask { try await runner.migrate() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied.sorted() == ["0001_one.sql", "0002_two.sql"])
    }

    private func refused(_ files: EmbeddedSQL) async -> String? {
        do {
            try await runner(files).migrate()
            return nil
        } catch {
            guard let error = error as? DatabaseError, error.code == .migration else { return "\(error)" }
            return error.context
        }
    }

    @Test("a changed file, a renamed one, a gap and an unknown one are refused")
    func drift() async throws {
        try await runner(files([first, ("0003_three.sql", "SELECT 3")])).migrate()
        let third = ("0003_three.sql", "SELECT 3")
        #expect(await refused(files([(first.0, first.1 + " "), third]))?.contains("0001_one.sql differs") == true)
        #expect(await refused(files([("0001_uno.sql", first.1), third]))?.contains("differs") == true)
        #expect(await refused(files([first, second, third]))?.contains("0002_two.sql is missing before") == true)
        #expect(await refused(files([first]))?.contains("0003_three.sql is applied but") == true)
        #expect(await refused(files([first, third, ("0003_drei.sql", "")]))?.contains("another file's number") == true)
        #expect(await refused(files([first, third, ("four.sql", "")]))?.contains("no number") == true)
    }

    @Test("a failing file leaves no trace of itself and all of those before it")
    func failing() async throws {
        let broken = files([first, ("0002_two.sql", "INSERT INTO public.one VALUES (2); SELECT 1 / 0")])
        await #expect {
            try await runner(broken).migrate()
        } throws: { error in
            guard let error = error as? DatabaseError else { return false }
            return error.sqlState == "22012" && error.context == "db/migrations/0002_two.sql"
        }
        #expect(try PlainConnection(url).query("SELECT n FROM public.one") == [["1"]])
        #expect(try await runner(files([first, second])).migrate() == ["0002_two.sql"])
    }
}

@Suite("the embedded schema")
struct SchemaTests {
    @Test("a migrated database passes its gate as the service's login")
    func gate() async throws {
        let test = try TestDatabase()
        #expect(try await GateCheck(serviceURL: test.serviceURL).violations() == [])
        let again = try await MigrationRunner(ownerURL: test.ownerURL, serviceURL: test.serviceURL).migrate()
        #expect(again == [])
        #expect(try await GateCheck(serviceURL: test.serviceURL).violations() == [])
    }

    @Test("the gate refuses a superuser, a stale schema and a hole in row security")
    func refusals() async throws {
        let test = try TestDatabase()
        let asSuperuser = try await GateCheck(serviceURL: test.ownerURL).violations().map(\.rule)
        #expect(asSuperuser.contains("the login is a superuser"))
        #expect(asSuperuser.contains("the session does not start as charles_app"))
        var newer = EmbeddedSQL.embedded
        newer.migrations.append(.init(path: "db/migrations/9999_next.sql", text: ""))
        let stale = try await GateCheck(serviceURL: test.serviceURL, files: newer).violations()
        #expect(stale.map(\.object) == ["9999_next.sql"])
        try test.administer("ALTER TABLE app.jobs NO FORCE ROW LEVEL SECURITY")
        #expect(try await GateCheck(serviceURL: test.serviceURL).violations().map(\.object) == ["app.jobs"])
        let empty = TestPostgres.shared.uniqueName("empty")
        try test.administer("CREATE DATABASE \(empty)")
        let url = test.serviceURL.replacing("dbname=\(test.name)", with: "dbname=\(empty)")
        #expect(try await GateCheck(serviceURL: url).violations().map(\.rule) == ["the schema is not there"])
    }

    @Test("a role with CREATEROLE that owns the database can migrate it, no superuser needed")
    func withoutSuperuser() async throws {
        _ = try TestDatabase()
        let name = TestPostgres.shared.uniqueName("modest")
        let cluster = try PlainConnection(TestPostgres.shared.superuser + " dbname=postgres")
        try cluster.execute("CREATE ROLE \(name) LOGIN CREATEROLE")
        try cluster.execute("CREATE DATABASE \(name) OWNER \(name)")
        let url = TestPostgres.shared.superuser.replacing("user=postgres", with: "user=\(name)") + " dbname=\(name)"
        let service = url.replacing("user=\(name)", with: "user=\(name)_service")
        for _ in 0..<2 { try await MigrationRunner(ownerURL: url, serviceURL: service).migrate() }
        #expect(try await GateCheck(serviceURL: service).violations() == [])
    }

    @Test("each scope enters its role or tenant on the real schema")
    func scopes() async throws {
        let test = try TestDatabase()
        let database = try test.open()
        let query = Query("SELECT current_user, session_user")
        func user(_ scope: Scope) async throws -> String { try await database.run(scope, query)[0].get(0) }
        let id = UUID()
        #expect(try await user(.tenant(id)) == "charles_app")
        #expect(try await user(.tenants([id])) == "charles_inbox")
        #expect(try await user(.dispatch) == "charles_dispatch")
        #expect(try await user(.operator) == "charles_operator")
        #expect(try await user(.resolver) == "charles_app")
    }
}
