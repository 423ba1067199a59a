import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Tenants on the operators' host")
struct TenantTests {
    private let stage: APIStage

    init() throws { stage = try APIStage() }

    @Test("an instance is created, listed, shown and changed, and every change is audited")
    func lifecycle() async throws {
        let made = try await stage.operate(
            .post, "/api/v0/tenants",
            [
                "instance_name": "acme", "display_name": "Acme", "default_currency": "eur", "default_country": "DE",
            ])
        #expect(made.status == 201)
        #expect(made.json["count"] == 1)
        #expect(made.first["default_currency"] == "EUR")
        #expect(made.first["status"] == "active")
        #expect(made.first["features"] == ["emarsys": false, "order_events": false])
        #expect(made.first["health"] == "not_connected")

        let feature = try await stage.operate(
            .put, "/api/v0/tenants/acme/features/order_events", ["enabled": true, "note": "beta"])
        #expect(feature.status == 200)
        #expect(feature.first["features"]?["order_events"] == true)
        let changed = try await stage.operate(.patch, "/api/v0/tenants/acme", ["display_name": "Acme Ltd"])
        #expect(changed.first["display_name"] == "Acme Ltd")
        #expect(changed.first["default_country"] == "DE")

        let audit = try await stage.operate(.get, "/api/v0/tenants/acme/audit")
        #expect(audit.list.map { $0["action"] } == ["tenant.changed", "feature.enabled", "tenant.created"])
        let entry = audit.list[1]
        #expect(entry["actor"] == "operator:bootstrap")
        #expect(entry["feature"] == "order_events")
        #expect(entry["note"] == "beta")
        #expect(entry["before"] == ["enabled": false])
        #expect(entry["after"] == ["enabled": true])
        #expect(try await stage.operate(.get, "/api/v0/tenants").list.count == 1)
        #expect(try await stage.operate(.get, "/api/v0/tenants?q=ltd").list.count == 1)
        #expect(try await stage.operate(.get, "/api/v0/tenants?q=xyz").list.isEmpty)
    }

    @Test(
        "a name that cannot be one is refused with its code",
        arguments: [
            ("Acme", "invalid_instance_name"), ("a.b", "invalid_instance_name"), ("-a", "invalid_instance_name"),
            ("www", "reserved_instance_name"), ("operator", "reserved_instance_name"), ("", "validation_failed"),
        ])
    func names(name: String, code: String) async throws {
        let answer = try await stage.operate(
            .post, "/api/v0/tenants", ["instance_name": .string(name), "display_name": "X"])
        #expect(answer.status == 422)
        #expect(answer.code == code)
        #expect(answer.json["errors"]?[0]?["field"] == "instance_name")
    }

    @Test("a taken name, a wrong time zone, currency and type are told, and nothing is stored")
    func faults() async throws {
        let body: JSON = ["instance_name": "acme", "display_name": "Acme"]
        #expect(try await stage.operate(.post, "/api/v0/tenants", body).status == 201)
        let again = try await stage.operate(.post, "/api/v0/tenants", body)
        #expect(again.status == 409)
        #expect(again.code == "instance_name_taken")
        for (field, value) in [
            ("time_zone", "Mars/Base"), ("default_currency", "EURO"), ("default_country", "Germany"),
        ] {
            var wrong: JSON = ["instance_name": "other", "display_name": "Other"]
            wrong[field] = .string(value)
            let answer = try await stage.operate(.post, "/api/v0/tenants", wrong)
            #expect(answer.status == 422)
            #expect(answer.json["errors"]?[0]?["field"] == .string(field))
        }
        #expect(try await stage.operate(.post, "/api/v0/tenants", ["instance_name": 1]).status == 422)
        #expect(try await stage.operate(.get, "/api/v0/tenants/other").code == "tenant_not_found")
        #expect(try await stage.operate(.put, "/api/v0/tenants/acme/features/nix", ["enabled": true]).status == 404)
        #expect(try await stage.operate(.put, "/api/v0/tenants/acme/features/emarsys", ["enabled": 1]).status == 422)
    }

    @Test("deleting needs the name again, and takes every row of the instance and none of another")
    func deletion() async throws {
        _ = try await stage.instance("acme")
        _ = try await stage.instance("other")
        let refused = try await stage.operate(.delete, "/api/v0/tenants/acme?confirm=other")
        #expect(refused.code == "confirmation_required")
        let id = try #require(try await stage.operate(.get, "/api/v0/tenants/acme").first["id"]?.string)
        try stage.test.administer("INSERT INTO app.contacts (tenant_id, first_name) VALUES ($1::uuid, 'A')", [id])
        let gone = try await stage.operate(.delete, "/api/v0/tenants/acme?confirm=acme")
        #expect(gone.status == 200)
        let tables = try #require(gone.first["tables"]?.object)
        #expect(tables["contacts"] == 1)
        #expect(tables["api_keys"] == 1)
        #expect(tables["webhook_secrets"] == 1)
        #expect(gone.first["left"] == 0)
        #expect(gone.first["removed"]?.int64 == tables.reduce(0) { $0 + ($1.value.int64 ?? 0) })
        #expect(try await stage.operate(.get, "/api/v0/tenants/acme").status == 404)
        let names = try stage.test.administer(
            """
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND c.relname <> 'directory_changes'
             ORDER BY 1
            """)
        #expect(tables.map(\.key) == names.compactMap { $0[0] })
        for name in names.compactMap({ $0[0] }) {
            let left = try stage.test.administer(
                "SELECT count(*) FROM app.\(name) WHERE tenant_id = $1::uuid", [id])
            #expect(left[0][0] == "0", "\(name)")
        }
        #expect(try await stage.operate(.get, "/api/v0/tenants/other").status == 200)
        #expect(try await stage.within { try await stage.call(.get, "/").code == "unknown_instance" })
    }

    @Test("who is no operator gets nothing; a viewer looks and changes nothing; a revoked one is out")
    func operators() async throws {
        #expect(try await stage.call(.get, "/api/v0/tenants", host: "operator.localhost").status == 401)
        #expect(try await stage.operate(.get, "/api/v0/tenants", token: "wrong-token-entirely").status == 401)
        #expect(try await stage.operate(.get, "/api/v0/nix").status == 404)
        let unknown = try await stage.call(.get, "/api/v0/nix", host: "operator.localhost")
        #expect(unknown.status == 401)
    }

    @Test("a reporting login comes with its address, and is gone when it is revoked")
    func reporting() async throws {
        _ = try await stage.instance("acme")
        let made = try await stage.operate(.post, "/api/v0/tenants/acme/reporting_access")
        #expect(made.status == 201)
        let role = try #require(made.first["role"]?.string)
        #expect(!role.contains("acme"))
        #expect(made.first["dsn"]?.string?.hasPrefix("postgresql://\(role):") == true)
        let attributes = try stage.test.administer(
            "SELECT rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = $1",
            [role])
        #expect(attributes == [["t", "f"]])
        #expect(try await stage.operate(.get, "/api/v0/tenants/acme/reporting_access").list.count == 1)
        #expect(try await stage.operate(.delete, "/api/v0/tenants/acme/reporting_access/postgres").status == 404)
        #expect(try await stage.operate(.delete, "/api/v0/tenants/acme/reporting_access/\(role)").status == 204)
        #expect(try stage.test.administer("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]).isEmpty)
    }
}
