import FoundationEssentials
import Persistence
import TestSupport
import Testing

/// A way to break the isolation, and who has to notice.
struct PlantedFault: Sendable, CustomTestStringConvertible {
    let name: String
    let sql: String
    var isSeenByMatrix = true
    var isSeenByGate = true

    var testDescription: String { name }

    static let all: [PlantedFault] = [
        PlantedFault(name: "a dropped policy", sql: "DROP POLICY tenant ON app.contacts"),
        PlantedFault(name: "a dropped FORCE", sql: "ALTER TABLE app.orders NO FORCE ROW LEVEL SECURITY"),
        PlantedFault(name: "row-level security switched off", sql: "ALTER TABLE app.events DISABLE ROW LEVEL SECURITY"),
        PlantedFault(
            name: "a plain view",
            sql: "CREATE VIEW app.leak AS SELECT * FROM app.contacts; GRANT SELECT ON app.leak TO charles_app"),
        PlantedFault(
            name: "OR true in a policy",
            sql: """
                DROP POLICY tenant ON app.contacts;
                CREATE POLICY tenant ON app.contacts TO charles_app USING (tenant_id = (SELECT app.tenant()) OR true)
                """),
        PlantedFault(name: "a second policy", sql: "CREATE POLICY more ON app.orders TO charles_app USING (true)"),
        PlantedFault(
            name: "people opened to the dispatcher",
            sql: "SELECT app.open_to_dispatch('app.contacts'); GRANT SELECT ON app.contacts TO charles_dispatch"),
        PlantedFault(
            name: "a unique index over all tenants",
            sql: "CREATE UNIQUE INDEX leak ON app.contact_identifiers (kind, value)"),
        PlantedFault(
            name: "a foreign key without the tenant",
            sql: """
                CREATE UNIQUE INDEX leak ON app.orders (id);
                ALTER TABLE app.order_items ADD FOREIGN KEY (order_id) REFERENCES app.orders (id)
                """),
        PlantedFault(
            name: "no tenant means no rows instead of an error",
            sql: """
                CREATE OR REPLACE FUNCTION app.tenant() RETURNS uuid LANGUAGE sql STABLE
                    AS 'SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid'
                """, isSeenByGate: false),
        PlantedFault(name: "TRUNCATE granted", sql: "GRANT TRUNCATE ON app.contacts TO charles_app"),
        PlantedFault(
            name: "a policy that checks reads only",
            sql: """
                DROP POLICY tenant ON app.orders;
                CREATE POLICY tenant ON app.orders TO charles_app USING (tenant_id = (SELECT app.tenant())) WITH CHECK (true)
                """),
        PlantedFault(
            name: "a reporting policy that does not look at the login",
            sql: """
                DROP POLICY report ON app.contacts;
                CREATE POLICY report ON app.contacts FOR SELECT TO charles_report USING (true)
                """),
        PlantedFault(
            name: "a table granted to everybody", sql: "GRANT SELECT ON app.contacts TO PUBLIC", isSeenByMatrix: false),
        PlantedFault(
            name: "a table granted to reporting as a whole", sql: "GRANT SELECT ON app.contacts TO charles_report",
            isSeenByMatrix: false),
        PlantedFault(
            name: "a definer's function for everybody",
            sql: """
                CREATE FUNCTION app.leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
                    AS 'SELECT count(*) FROM app.tenants'
                """, isSeenByMatrix: false),
        PlantedFault(
            name: "a materialized view",
            sql: "CREATE MATERIALIZED VIEW reporting.leak AS SELECT id FROM app.contacts", isSeenByMatrix: false),
        PlantedFault(
            name: "a view over all tenants without barrier",
            sql: "ALTER VIEW reporting_all.contacts RESET (security_barrier)", isSeenByMatrix: false),
        PlantedFault(
            name: "a reporting view with its owner's rights",
            sql: "ALTER VIEW reporting.orders RESET (security_invoker)", isSeenByMatrix: false),
    ]
}

@Suite("Isolation of tenants", .serialized)
struct IsolationTests {
    private static let stage = Result { try TestDatabase() }

    /// Runs the matrix and the gate in a transaction that is rolled back.
    private func look(after sql: String?) throws -> (findings: [String], violations: [String]) {
        let connection = try PlainConnection(Self.stage.get().ownerURL)
        try connection.execute("BEGIN")
        if let sql { try connection.execute(sql) }
        let violations = try connection.query(EmbeddedSQL.embedded.gate)
        try connection.execute(IsolationMatrix.sql)
        try connection.execute("SELECT pg_temp.matrix()")
        let findings = try connection.query("SELECT object || ': ' || rule || ' -> ' || detail FROM pg_temp.finding")
        try connection.execute("ROLLBACK")
        return (
            findings.compactMap { $0[0] },
            violations.map { $0.map { $0 ?? "" }.joined(separator: ": ") }
        )
    }

    @Test("every table, every verb: nothing of another tenant is read, written, linked to or given away")
    func matrix() throws {
        let (findings, violations) = try look(after: nil)
        #expect(findings.isEmpty)
        #expect(violations.isEmpty)
    }

    @Test("each planted fault turns the test or the gate red", arguments: PlantedFault.all)
    func planted(fault: PlantedFault) throws {
        let (findings, violations) = try look(after: fault.sql)
        if fault.isSeenByMatrix { #expect(!findings.isEmpty) }
        if fault.isSeenByGate { #expect(!violations.isEmpty) }
        #expect(fault.isSeenByMatrix || fault.isSeenByGate)
    }

    @Test("COPY into a tenant's table is refused, whoever's rows it carries")
    func copy() throws {
        let stage = try Self.stage.get()
        let tables = try stage.administer(
            """
            SELECT c.oid::regclass::text FROM pg_class c
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r'
            """
        ).compactMap { $0[0] }
        #expect(tables.count > 50)
        let service = try PlainConnection(stage.serviceURL)
        for table in tables {
            let error = #expect(throws: DatabaseError.self) { try service.execute("COPY \(table) FROM STDIN") }
            #expect(["0A000", "42501"].contains(error?.sqlState ?? ""), "\(table)")
        }
    }

    @Test("after a rollback, a failed statement and a killed connection the next transaction has no tenant")
    func leftovers() async throws {
        let stage = try Self.stage.get()
        let database = try stage.open { $0.connectionsPerLoop = 1 }
        let tenant = UUID()
        // The policy asks for the tenant where there is a row to decide about.
        try stage.administer(
            """
            WITH t AS (INSERT INTO app.tenants (tenant_id, instance_name, display_name)
                       VALUES (gen_random_uuid(), 'left-over', 'Left over') RETURNING tenant_id)
            INSERT INTO app.contacts (tenant_id, id) SELECT tenant_id, gen_random_uuid() FROM t
            """)
        func tenantNow() async throws -> String? {
            // Every connection of every loop, several times.
            for _ in 0..<8 {
                let rows = try await database.run(
                    .resolver, Query("SELECT nullif(current_setting('app.tenant', true), '')"))
                if let left: String = try rows[0].get(0, as: String?.self) { return left }
            }
            return nil
        }
        _ = try await database.run(.tenant(tenant), Query("SELECT app.tenant()"))
        #expect(try await tenantNow() == nil)
        struct Undo: Error {}
        await #expect(throws: Undo.self) {
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(Query("SELECT app.tenant()"))
                throw Undo()
            }
        }
        #expect(try await tenantNow() == nil)
        await #expect(throws: DatabaseError.self) {
            try await database.run(.tenant(tenant), Query("SELECT 1 / 0"))
        }
        #expect(try await tenantNow() == nil)
        await #expect(throws: DatabaseError.self) {
            try await database.run(.tenant(tenant), Query("SELECT pg_terminate_backend(pg_backend_pid())"))
        }
        #expect(try await tenantNow() == nil)
        await #expect(throws: DatabaseError.self) {
            try await database.run(.resolver, Query("SELECT tenant_id FROM app.contacts"))
        }
        await database.close()
    }
}
