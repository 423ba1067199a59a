import EventLoop
import FoundationEssentials
import Persistence
import TestSupport

/// An empty database with a stand-in for the schema: a login role that starts as `scratch_app`, two tenant tables under row
/// security and the functions that enter a scope.
final class ScratchDatabase: Sendable {
    let name: String
    let group: EventLoopGroup

    init(loops: Int = 1) throws {
        name = TestPostgres.shared.uniqueName("scratch")
        group = EventLoopGroup(loops: loops)
        let cluster = try PlainConnection(TestPostgres.shared.superuser + " dbname=postgres")
        try cluster.execute("SELECT pg_advisory_lock(1)")
        try cluster.execute(Self.roles)
        try cluster.execute("CREATE DATABASE \(name)")
        try plain().execute(Self.schema)
    }

    deinit { group.shutDown() }

    /// As the superuser, blocking.
    func plain() throws -> PlainConnection { try PlainConnection(ownerURL) }

    var ownerURL: String { TestPostgres.shared.superuser + " dbname=\(name)" }

    var configuration: DatabaseConfiguration {
        let url = TestPostgres.shared.superuser.replacing("user=postgres", with: "user=scratch_login")
        return DatabaseConfiguration(url: url + " dbname=\(name)")
    }

    func database(_ change: (inout DatabaseConfiguration) -> Void = { _ in }) throws -> Database {
        var configuration = configuration
        change(&configuration)
        return try Database(configuration, group: group)
    }

    private static let roles = """
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scratch_app') THEN
            CREATE ROLE scratch_app NOLOGIN;
            CREATE ROLE scratch_inbox NOLOGIN;
            CREATE ROLE scratch_login LOGIN NOINHERIT IN ROLE scratch_app, scratch_inbox;
            ALTER ROLE scratch_login SET role = 'scratch_app';
          END IF;
        END $$
        """

    private static let schema = """
        CREATE SCHEMA app;
        GRANT USAGE ON SCHEMA app TO scratch_app, scratch_inbox;
        CREATE FUNCTION app.tenant() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
        DECLARE v text := current_setting('app.tenant', true);
        BEGIN
          IF v IS NULL OR v = '' THEN
            RAISE EXCEPTION 'no tenant in this transaction' USING ERRCODE = 'invalid_authorization_specification';
          END IF;
          RETURN v::uuid;
        END $$;
        CREATE FUNCTION app.enter_tenant(p uuid) RETURNS text LANGUAGE sql AS $$
          SELECT set_config('app.tenant', p::text, true) $$;
        CREATE FUNCTION app.enter_tenants(p uuid[]) RETURNS text LANGUAGE sql AS $$
          SELECT CASE WHEN set_config('app.tenant_ids', p::text, true) <> '' THEN set_config('role', 'scratch_inbox', true) END $$;
        CREATE TABLE app.note(
          tenant_id uuid NOT NULL, id bigint NOT NULL, body text, parent bigint,
          PRIMARY KEY (tenant_id, id),
          CONSTRAINT note_body_not_bad CHECK (body <> 'bad'),
          CONSTRAINT note_parent FOREIGN KEY (tenant_id, parent) REFERENCES app.note DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;
        ALTER TABLE app.note FORCE ROW LEVEL SECURITY;
        CREATE POLICY rows ON app.note TO scratch_app
          USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()));
        CREATE POLICY inbox ON app.note TO scratch_inbox
          USING (tenant_id = ANY ((SELECT current_setting('app.tenant_ids')::uuid[])::uuid[]));
        GRANT SELECT, INSERT, UPDATE, DELETE ON app.note TO scratch_app;
        GRANT SELECT, INSERT ON app.note TO scratch_inbox;
        """
}
