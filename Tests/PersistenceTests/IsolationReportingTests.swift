import Foundation
import Persistence
import TestSupport
import Testing

@Suite("Reporting logins", .serialized)
struct IsolationReportingTests {
    /// Two tenants with rows in every table, of which those of variant 2 are the first one's alone, and a login of the second.
    private struct Stage {
        let database: TestDatabase
        let role: String
        var url: String {
            let keywords = database.ownerURL.split(separator: " ").filter { !$0.hasPrefix("user=") }
            return keywords.joined(separator: " ") + " user=\(role)"
        }

        init() throws {
            database = try TestDatabase()
            let connection = try PlainConnection(database.ownerURL)
            try connection.execute("BEGIN")
            try connection.execute(IsolationMatrix.sql)
            try connection.execute("SELECT pg_temp.seed()")
            try connection.execute("COMMIT")
            role =
                try connection.query(
                    "SELECT app.create_reporting_login($1::uuid, 'a password of some length', 'test')", [tenantB])[0][0]
                ?? ""
        }
    }

    private static let tenantA = "aaaaaaaa-0000-4000-8000-000000000000"
    private static let stage = Result { try Stage() }

    @Test("a login sees its own rows in every view, and nothing of anybody else")
    func views() throws {
        let stage = try Self.stage.get()
        let login = try PlainConnection(stage.url)
        let views = try login.query(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v'"
        ).compactMap { $0[0] }
        #expect(views.count == 15)
        for view in views {
            let tenants = try login.query("SELECT DISTINCT tenant_id::text FROM \(view)")
            // The contact of the seed has not been merged or erased in the second tenant only where the view shows it.
            #expect(tenants.allSatisfy { $0 == [tenantB] }, "\(view)")
        }
        #expect(try login.query("SELECT count(*) FROM reporting.features")[0][0] == "1")
        #expect(try login.query("SHOW statement_timeout")[0][0] == "30s")
        #expect(try login.query("SHOW temp_file_limit")[0][0] == "256MB")
        let limit = try stage.database.administer(
            "SELECT rolconnlimit, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = $1", [stage.role])
        #expect(limit == [["5", "f", "f", "f"]])
    }

    @Test("contacts carry their segments and orders, opt-ins say which one holds")
    func derived() throws {
        let stage = try Stage()
        let one = "dddddddd-0000-4000-8000-000000000001"
        let other = "dddddddd-0000-4000-8000-000000000002"
        try PlainConnection(stage.database.ownerURL).execute(
            """
            INSERT INTO app.contacts (tenant_id, id, order_count, last_order_at) VALUES
                ('\(tenantB)', '\(one)', 3, '2026-02-01Z'), ('\(tenantB)', '\(other)', 0, NULL);
            INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at, left_at) VALUES
                ('\(tenantB)', '20', '\(one)', now(), NULL), ('\(tenantB)', '10', '\(one)', now(), NULL),
                ('\(tenantB)', '30', '\(one)', now(), now());
            INSERT INTO app.consent_entries (tenant_id, id, contact_id, status, occurred_at, source, actor) VALUES
                ('\(tenantB)', '\(one)', '\(one)', 'granted', '2026-01-01Z', 'api', 'test'),
                ('\(tenantB)', '\(other)', '\(one)', 'withdrawn', '2026-02-01Z', 'api', 'test');
            INSERT INTO app.consents (tenant_id, contact_id, subscription_type, status, occurred_at, entry_id) VALUES
                ('\(tenantB)', '\(one)', 'whatsapp', 'withdrawn', '2026-02-01Z', '\(other)');
            """)
        let login = try PlainConnection(stage.url)
        try login.execute("SET TimeZone = 'UTC'")
        let row = "segments::text, order_count::text, last_order_at::date::text"
        #expect(
            try login.query("SELECT \(row) FROM reporting.contacts WHERE id = '\(one)'")
                == [["{10,20}", "3", "2026-02-01"]])
        #expect(try login.query("SELECT \(row) FROM reporting.contacts WHERE id = '\(other)'") == [["{}", "0", nil]])
        #expect(
            try login.query("SELECT status, is_current FROM reporting.opt_ins WHERE contact_id = '\(one)' ORDER BY 1")
                == [["granted", "f"], ["withdrawn", "t"]])
        // A list can begin at its index: nothing of the view stands between them.
        try login.execute("SET enable_sort = off")
        let plan = try login.query("EXPLAIN SELECT id FROM reporting.contacts ORDER BY created_at DESC LIMIT 5")
        #expect(plan.contains { $0[0]?.contains("contacts_live") == true })
    }

    @Test("every view and every column is described")
    func comments() throws {
        let silent = try Self.stage.get().database.administer(
            """
            SELECT c.oid::regclass || '.' || a.attname FROM pg_class c
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
             WHERE c.relnamespace::regnamespace::text IN ('reporting', 'reporting_all') AND c.relkind = 'v'
               AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
            """)
        #expect(silent.isEmpty)
    }

    @Test("a corpus of hostile SQL finds no foreign row and writes nothing")
    func redTeam() throws {
        let stage = try Self.stage.get()
        let before = try fingerprint(stage.database)
        var leaks: [String] = []
        for attack in try HostileSQL.scripts(for: stage.database, foreign: Self.tenantA) {
            let login = try PlainConnection(stage.url)
            for statement in attack {
                guard let rows = try? login.query(statement) else { continue }
                let shown = rows.flatMap { $0.compactMap { $0 } }
                // A plan shows the constants of its own statement.
                if !statement.hasPrefix("EXPLAIN"), shown.contains(where: HostileSQL.isForeign) {
                    leaks.append(statement)
                }
            }
        }
        #expect(leaks.isEmpty)
        #expect(try fingerprint(stage.database) == before)
    }

    @Test("the role over all tenants sees pseudonyms, and reaches nothing but its views")
    func allTenants() throws {
        let connection = try PlainConnection(try Self.stage.get().database.ownerURL)
        try connection.execute(
            "UPDATE app.contacts SET phone = '+491701234567', first_name = 'Ann', merged_into = NULL, erased_at = NULL")
        try connection.execute("SET ROLE reporting_all")
        let rows = try connection.query("SELECT instance_name, phone, first_name FROM reporting_all.contacts")
        #expect(Set(rows.compactMap { $0[0] }).count == 2)
        for row in rows {
            #expect(row[1]?.hasPrefix("phone_") == true)
            #expect(row[2]?.hasPrefix("name_") == true)
        }
        // Two tenants, two pseudonyms of the same phone.
        #expect(Set(rows.compactMap { $0[1] }).count == 2)
        for statement in [
            "SELECT phone FROM app.contacts", "SELECT phone FROM reporting.contacts",
            "SELECT * FROM app.pseudonym_salt",
        ] {
            #expect(throws: DatabaseError.self) { try connection.query(statement) }
        }
        let views = try connection.query(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'reporting_all'::regnamespace AND c.relkind = 'v'"
        )
        #expect(views.count == 15)
        for view in views { try connection.query("SELECT instance_name FROM \(view[0] ?? "") LIMIT 1") }
    }

    @Test("the worked queries of the manual run")
    func manual() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/reporting.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        let queries = text.components(separatedBy: "```sql").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(queries.count == 10)
        let login = try PlainConnection(try Self.stage.get().url)
        for query in queries { try login.query(query) }
    }

    @Test("a dropped login sees nothing at once and cannot come back; others stay")
    func dropped() throws {
        let stage = try Stage()
        let login = try PlainConnection(stage.url)
        #expect(try login.query("SELECT count(*) FROM reporting.features")[0][0] == "1")
        let dropped = try stage.database.administer(
            "SELECT app.drop_reporting_logins($1::uuid, NULL)", [tenantB])
        #expect(dropped == [["1"]])
        #expect(throws: DatabaseError.self) { try login.query("SELECT count(*) FROM reporting.features") }
        #expect(throws: DatabaseError.self) { try PlainConnection(stage.url) }
    }

    /// How many rows there are, what roles and large objects.
    private func fingerprint(_ database: TestDatabase) throws -> [[String?]] {
        let tables = try database.administer(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace::regnamespace::text = 'app' AND c.relkind = 'r' ORDER BY 1"
        )
        var sums = try tables.map { table in
            [
                table[0],
                try database.administer(
                    "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \(table[0] ?? "") t")[0][
                        0],
            ]
        }
        sums += try database.administer("SELECT 'objects', count(*)::text FROM pg_largeobject_metadata")
        sums += try database.administer(
            "SELECT 'relations', count(*)::text FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_'")
        return sums
    }
}

private let tenantB = "bbbbbbbb-0000-4000-8000-000000000000"

/// What somebody with a login might try.
enum HostileSQL {
    /// Whether a shown value is of the first tenant alone.
    static func isForeign(_ text: String) -> Bool {
        text.contains("aaaaaaaa-0000") || text.contains("00000002-0000-4000") || text == "v2" || text == "ia2"
    }

    static func scripts(for database: TestDatabase, foreign: String) throws -> [[String]] {
        let unlock = ["SET default_transaction_read_only = off", "SET statement_timeout = 0"]
        var scripts: [[String]] = [
            ["SELECT set_config('app.tenant', '\(foreign)', false)", "SELECT tenant_id FROM app.contacts"],
            [
                "SET app.tenant = '\(foreign)'", "SELECT tenant_id FROM app.contacts",
                "SELECT tenant_id FROM reporting.events",
            ],
            ["SET app.tenant_ids = '{\(foreign)}'", "SELECT tenant_id FROM app.events"],
            [
                "WITH s AS MATERIALIZED (SELECT set_config('app.tenant', '\(foreign)', true)) SELECT tenant_id FROM s, app.contacts"
            ],
            [
                "SET ROLE charles_report", "SELECT tenant_id FROM reporting.orders",
                "SELECT reporting.tenant_of_login()",
            ],
            ["SET ROLE charles_app", "SELECT tenant_id FROM app.contacts"],
            ["SET ROLE charles_owner", "SELECT tenant_id FROM app.tenants"],
            ["SET ROLE reporting_all", "SELECT * FROM reporting_all.contacts"],
            ["SET ROLE charles_dispatch", "SELECT * FROM app.jobs"],
            ["SET ROLE postgres", "SELECT * FROM app.contacts"],
            ["SET SESSION AUTHORIZATION postgres", "SELECT * FROM app.contacts"],
            ["SET row_security = off", "SELECT id FROM app.contacts", "SELECT tenant_id FROM reporting.contacts"],
            [
                "BEGIN", "DECLARE c CURSOR FOR SELECT tenant_id FROM app.contacts",
                "SET LOCAL app.tenant = '\(foreign)'", "FETCH ALL FROM c",
            ],
            ["SELECT tenant_id FROM reporting.contacts WHERE tenant_id = '\(foreign)' OR true"],
            [
                "SELECT count(*) FROM reporting.contacts WHERE 1 / (CASE WHEN tenant_id = '\(foreign)' THEN 0 ELSE 1 END) = 1"
            ],
            ["SELECT query_to_xml('SELECT tenant_id, id FROM app.contacts', true, true, '')"],
            ["SELECT table_to_xml('app.contacts', true, true, '')", "SELECT schema_to_xml('app', true, true, '')"],
            ["SELECT database_to_xml(true, true, '')", "SELECT cursor_to_xml('c', 1, true, true, '')"],
            ["EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM reporting.contacts WHERE tenant_id = '\(foreign)'"],
            ["EXPLAIN SELECT id FROM app.contacts WHERE tenant_id = '\(foreign)'"],
            ["SELECT most_common_vals::text FROM pg_stats WHERE schemaname = 'app'", "SELECT * FROM pg_statistic"],
            ["SELECT * FROM pg_stats_ext", "SELECT query FROM pg_stat_activity", "SELECT * FROM pg_prepared_xacts"],
            [
                "SELECT * FROM pg_authid", "SELECT * FROM pg_shadow", "SELECT * FROM pg_user_mappings",
                "SELECT * FROM app.reporting_logins",
            ],
            [
                "SELECT pg_read_file('pg_hba.conf')", "SELECT pg_ls_dir('.')",
                "SELECT pg_read_binary_file('PG_VERSION')",
            ],
            [
                "COPY app.contacts TO STDOUT", "COPY (SELECT * FROM app.contacts) TO PROGRAM 'cat'",
                "COPY (SELECT 1) TO '/tmp/leak'",
            ],
            ["CREATE EXTENSION dblink", "SELECT dblink('host=/tmp', 'SELECT 1')", "CREATE EXTENSION postgres_fdw"],
            ["LOAD 'auto_explain'", "SET session_preload_libraries = 'x'", "SET log_statement = 'all'"],
            ["SET temp_file_limit = -1", "SHOW temp_file_limit", "SET session_replication_role = replica"],
            [
                "ALTER ROLE CURRENT_USER CONNECTION LIMIT 100", "ALTER ROLE CURRENT_USER SUPERUSER",
                "GRANT charles_app TO CURRENT_USER",
            ],
            ["SELECT pg_export_snapshot()", "SELECT pg_notify('x', 'y')", "SELECT pg_terminate_backend(1)"],
            [
                "SELECT pg_advisory_lock(7238615529013)", "SELECT pg_try_advisory_xact_lock(1)",
                "LOCK TABLE app.contacts",
            ],
            ["SELECT * FROM app.contacts FOR UPDATE", "SELECT id FROM app.contacts FOR SHARE"],
            ["SELECT app.create_reporting_login('\(foreign)', 'a password of some length', 'me')"],
            [
                "SELECT app.drop_reporting_logins('\(foreign)', NULL)",
                "SELECT reporting_all.pseudonym('\(foreign)', 'phone', '+49')",
            ],
            ["SELECT current_setting('app.tenant', true)", "SELECT app.tenant()"],
            ["SELECT contact_id FROM reporting.opt_ins WHERE contact_id = '00000002-0000-4000-8000-000000000003'"],
            [
                "SELECT tenant_id FROM reporting.orders TABLESAMPLE SYSTEM (100)",
                "SELECT tenant_id FROM app.orders TABLESAMPLE SYSTEM (100)",
            ],
            ["SELECT tenant_id FROM ONLY app.contacts", "TABLE app.contacts", "SELECT ctid FROM app.contacts"],
            ["SELECT c FROM app.contacts c", "SELECT row_to_json(c) FROM app.contacts c"],
            ["PREPARE p AS SELECT tenant_id FROM app.contacts", "SET app.tenant = '\(foreign)'", "EXECUTE p"],
        ]
        scripts += [
            "CREATE TEMP TABLE t (a int)", "CREATE TABLE public.t (a int)", "CREATE TABLE reporting.t (a int)",
            "CREATE FUNCTION pg_temp.f(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
            "CREATE FUNCTION reporting.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA s",
            "CREATE VIEW reporting.v AS SELECT 1",
            "SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')", "SELECT lo_creat(-1)",
            "SELECT lo_import('/etc/passwd')",
            "DO $$ BEGIN PERFORM set_config('app.tenant', '\(foreign)', false); END $$",
            "SELECT pg_logical_emit_message(false, 'a', 'b')", "SELECT nextval('app.jobs_id_seq')",
            "SELECT setval('app.jobs_id_seq', 1)",
            "INSERT INTO app.contacts (tenant_id) VALUES (reporting.tenant_of_login())",
            "UPDATE reporting.flows SET name = 'x'",
            "DELETE FROM reporting.contacts", "TRUNCATE app.contacts", "DROP VIEW reporting.contacts",
            "CREATE OR REPLACE FUNCTION reporting.tenant_of_login() RETURNS uuid LANGUAGE sql AS 'SELECT ''\(foreign)''::uuid'",
            "ALTER TABLE app.contacts DISABLE ROW LEVEL SECURITY", "DROP POLICY report ON app.contacts",
            "COMMENT ON VIEW reporting.flows IS 'x'",
            "REFRESH MATERIALIZED VIEW x", "VACUUM app.contacts", "ANALYZE app.contacts",
            "CREATE PUBLICATION p FOR ALL TABLES",
            "SELECT pg_create_logical_replication_slot('s', 'pgoutput')", "ALTER SYSTEM SET x = 1", "CREATE ROLE r",
        ].map { unlock + [$0] }
        // Every table, every function of ours.
        for row in try database.administer(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace::regnamespace::text IN ('app', 'app_migrations') AND c.relkind = 'r'"
        ) {
            scripts.append(["SELECT * FROM \(row[0] ?? "")", "SELECT tenant_id FROM \(row[0] ?? "")"])
        }
        for row in try database.administer(
            """
            SELECT format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(
                       CASE WHEN t = 'uuid'::regtype THEN format('%L::uuid', $1::text) WHEN t = 'uuid[]'::regtype THEN format('ARRAY[%L]::uuid[]', $1::text)
                            ELSE format('NULL::%s', format_type(t, NULL)) END, ', ' ORDER BY n)
                       FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u(t, n)))
              FROM pg_proc p WHERE p.pronamespace::regnamespace::text IN ('app', 'reporting', 'reporting_all')
            """, [foreign])
        {
            scripts.append(unlock + [row[0] ?? "", "SELECT tenant_id FROM app.contacts"])
        }
        return scripts
    }
}
