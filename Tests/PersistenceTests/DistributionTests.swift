import Foundation
import Persistence
import TestSupport
import Testing

/// A statement that a distributed database refuses, and the rule that has to say so.
struct PlantedStatement: CustomTestStringConvertible, Sendable {
    let rule: Int
    let sql: String
    var testDescription: String { "rule \(rule): \(sql)" }

    static let all = [
        PlantedStatement(rule: 1, sql: "SELECT c.id FROM app.contacts c WHERE c.phone = $1"),
        PlantedStatement(
            rule: 1,
            sql: "SELECT o.id FROM app.orders o JOIN app.contacts c ON c.id = o.contact_id WHERE o.tenant_id = $1"),
        PlantedStatement(rule: 1, sql: "INSERT INTO app.touches (id, contact_id, kind) VALUES ($1, $2, 'click')"),
        PlantedStatement(rule: 1, sql: "DELETE FROM app.touches WHERE contact_id = $1"),
        PlantedStatement(rule: 3, sql: "SELECT set_config('app.tenant', $1, true)"),
        PlantedStatement(rule: 3, sql: "SET app.tenant = 'x'"),
        PlantedStatement(
            rule: 6, sql: "INSERT INTO app.touches (tenant_id, contact_id) SELECT $1, u FROM unnest($2::uuid[]) u"),
        PlantedStatement(
            rule: 6,
            sql:
                "INSERT INTO app.audiences AS a (tenant_id, id) VALUES ($1, $2) ON CONFLICT (tenant_id, id) DO UPDATE SET updated_at = now()"
        ),
        PlantedStatement(
            rule: 6, sql: "UPDATE app.imports SET finished_at = clock_timestamp() WHERE tenant_id = $1 AND id = $2"),
        PlantedStatement(rule: 6, sql: "COPY app.contacts (tenant_id, id) FROM STDIN"),
        PlantedStatement(
            rule: 7, sql: "SELECT e.id FROM app.events e WHERE e.status = 'accepted' FOR UPDATE SKIP LOCKED"),
        PlantedStatement(
            rule: 7,
            sql: "SELECT l.paused FROM app.lanes l JOIN app.connections c ON c.tenant_id = $1 WHERE l.tenant_id = $1"),
        PlantedStatement(rule: 7, sql: "SELECT app.works($1) FROM app.contacts c WHERE c.tenant_id = $1"),
        PlantedStatement(
            rule: 7,
            sql:
                "INSERT INTO app.touches (tenant_id, id) SELECT $1, s.id FROM staging s WHERE NOT EXISTS (SELECT 1 FROM staging x WHERE x.id = s.id) ON CONFLICT (tenant_id, id) DO NOTHING"
        ),
        PlantedStatement(
            rule: 8,
            sql:
                "UPDATE app.events SET attempts = 1 WHERE tenant_id = $1 AND id IN (SELECT id FROM app.events WHERE tenant_id = $1 ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED)"
        ),
        PlantedStatement(
            rule: 9,
            sql: "MERGE INTO app.contacts c USING app.orders o ON o.tenant_id = c.tenant_id WHEN MATCHED THEN DELETE"),
        PlantedStatement(
            rule: 9, sql: "SELECT pg_advisory_xact_lock(1) FROM app.contacts c WHERE c.tenant_id = $1"),
        PlantedStatement(
            rule: 9,
            sql:
                "SELECT t.id FROM app.contacts t LEFT JOIN LATERAL (SELECT o.id FROM app.orders o WHERE o.tenant_id = t.tenant_id) o ON true WHERE t.tenant_id = $1"
        ),
    ]
}

/// What a database distributed by tenant_id demands: db/distributed/README.md.
@Suite("Distribution by tenant", .serialized)
struct DistributionTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let stage = Result { try TestDatabase() }

    private func file(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    }

    // MARK: Statements

    @Test("every statement of the stores and of db/ could run distributed, but for the listed ones")
    func statements() throws {
        let output = try runCommand([Self.root.path + "/tools/distributable"])
        #expect(output.contains(" 0 violations"))
        // It has read something: a reader that finds nothing would be content, too.
        let count = output.split(separator: " ").first.flatMap { Int($0) } ?? 0
        #expect(count > 600)
    }

    @Test("each planted statement is refused by its rule", arguments: PlantedStatement.all)
    func planted(statement: PlantedStatement) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("planted-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, text) in [
            ("Sources/PlantedStore.swift", "let query = Query(\n\"\"\"\n\(statement.sql)\n\"\"\")\n"),
            ("db/migrations/0001_tables.sql", Self.tables), ("db/distributed/generate.sql", Self.lists),
        ] {
            let target = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: target, atomically: false, encoding: .utf8)
        }
        let failure = #expect(throws: CommandFailure.self) {
            try runCommand([Self.root.path + "/tools/distributable", folder.path])
        }
        #expect(failure?.output.contains("rule \(statement.rule): Sources/PlantedStore.swift") == true)
    }

    private static let tables =
        [
            "contacts", "orders", "touches", "audiences", "imports", "events", "lanes", "connections",
        ].map { "CREATE TABLE app.\($0) (\n    tenant_id uuid NOT NULL\n);\n" }.joined()
        + "CREATE FUNCTION app.works(p_tenant uuid) RETURNS int LANGUAGE sql AS $$ SELECT 1 FROM app.orders WHERE tenant_id = p_tenant $$;\n"
    private static let lists = "-- LOCAL TABLES: lanes\n-- REFERENCE TABLES: tenants\n"

    // MARK: The catalogue

    @Test("no trigger, no key that is set to NULL, no unique key without the tenant")
    func catalogue() throws {
        let connection = try PlainConnection(Self.stage.get().ownerURL)
        #expect(try connection.query(Self.refused) == [])
        for fault in [
            "CREATE TRIGGER t BEFORE INSERT ON app.contacts FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "ALTER TABLE app.touches ADD FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts ON DELETE SET NULL (contact_id)",
            "CREATE UNIQUE INDEX ON app.orders (order_id)",
        ] {
            try connection.execute("BEGIN; \(fault)")
            #expect(try connection.query(Self.refused).count == 1, "\(fault)")
            try connection.execute("ROLLBACK")
        }
    }

    private static let refused = """
        SELECT 'trigger', g.tgrelid::regclass::text FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
         WHERE NOT g.tgisinternal AND c.relnamespace = 'app'::regnamespace
        UNION ALL
        SELECT 'key', k.conrelid::regclass::text FROM pg_constraint k
         WHERE k.contype = 'f' AND k.connamespace = 'app'::regnamespace AND k.confdeltype IN ('n', 'd')
        UNION ALL
        SELECT 'unique', i.indexrelid::regclass::text FROM pg_index i
          JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'app'::regnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE i.indisunique AND c.relname <> 'tenants' AND a.attnum <> ALL (i.indkey::int2[])
        """

    // MARK: The switched file

    @Test("the switched file is the one of these migrations")
    func current() throws {
        let connection = try PlainConnection(Self.stage.get().ownerURL)
        let lines = try connection.query(file("db/distributed/generate.sql")).map { $0[0] ?? "" }
        #expect(
            lines.joined(separator: "\n") + "\n" == (try file("db/distributed/switch.sql")),
            "db/distributed/switch.sql is out of date: run tools/distribute")
    }

    /// The engine itself is not at hand: its functions are stood in for, everything else of the file is what runs there.
    private func switched() throws -> PlainConnection {
        let connection = try PlainConnection(Self.stage.get().ownerURL)
        try connection.execute("BEGIN")
        try connection.execute(
            """
            CREATE FUNCTION public.create_reference_table(regclass) RETURNS void LANGUAGE sql AS '';
            CREATE FUNCTION public.create_distributed_table(regclass, text, shard_count int DEFAULT 0, colocate_with text DEFAULT '')
                RETURNS void LANGUAGE sql AS '';
            """)
        try connection.execute(try file("db/distributed/switch.sql"))
        return connection
    }

    @Test("the switched file leaves no forced table and no policy with a sub-select")
    func policies() throws {
        let connection = try switched()
        defer { try? connection.execute("ROLLBACK") }
        let local = "'lanes', 'jobs', 'directory_changes'"
        #expect(
            try connection.query(
                "SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relforcerowsecurity AND relname NOT IN (\(local))"
            ) == [])
        #expect(
            try connection.query(
                """
                SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                 WHERE c.relname NOT IN (\(local))
                   AND concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ILIKE '%select%'
                """) == [])
    }

    @Test("tenants are kept apart by the switched policies, too")
    func isolation() throws {
        let connection = try switched()
        defer { try? connection.execute("ROLLBACK") }
        try connection.execute(IsolationMatrix.sql)
        try connection.execute("SELECT pg_temp.matrix()")
        // Without FORCE the owner sees everything there; it serves nobody.
        let findings = try connection.query(
            "SELECT object || ': ' || rule || ' -> ' || detail FROM pg_temp.finding WHERE rule <> 'the owner sees rows'"
        )
        #expect(findings.isEmpty)
        // The look can fail: a policy that is wide open is found.
        try connection.execute("ALTER POLICY tenant ON app.contacts USING (true); TRUNCATE pg_temp.finding")
        try connection.execute("SELECT pg_temp.matrix()")
        #expect(try connection.query("SELECT 1 FROM pg_temp.finding WHERE rule <> 'the owner sees rows'") != [])
    }

    @Test("a reporting login of the switched form sees its own rows, and goes without a trace")
    func reporting() throws {
        let connection = try switched()
        defer { try? connection.execute("ROLLBACK") }
        try connection.execute(IsolationMatrix.sql)
        try connection.execute("SELECT pg_temp.seed()")
        let tenant = "bbbbbbbb-0000-4000-8000-000000000000"
        let role = try #require(
            try connection.query(
                "SELECT app.create_reporting_login($1::uuid, 'a password of some length', 'test')", [tenant])[0][0])
        try connection.execute("SET LOCAL SESSION AUTHORIZATION \(role)")
        let views = try connection.query(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v'"
        ).compactMap { $0[0] }
        for view in views {
            let tenants = try connection.query("SELECT DISTINCT tenant_id::text FROM \(view)")
            #expect(tenants.allSatisfy { $0 == [tenant] }, "\(view)")
        }
        #expect(try connection.query("SELECT count(*) FROM reporting.features")[0][0] == "1")
        try connection.execute("RESET SESSION AUTHORIZATION")
        #expect(try connection.query("SELECT app.drop_reporting_logins($1::uuid, NULL)", [tenant])[0][0] == "1")
        #expect(try connection.query("SELECT 1 FROM pg_policy WHERE polname = $1", [role]) == [])
    }
}
