import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Idempotency keys")
struct IdempotencyTests {
    private let stage: APIStage

    init() throws { stage = try APIStage() }

    @Test("a copy gets the first answer, another request under the key is refused")
    func replay() async throws {
        let key = try await stage.instance().key
        let headers: HTTPHeaders = ["X-API-Key": key, "Idempotency-Key": "one"]
        let path = "/api/v0/custom_properties"
        let body: JSON = ["name": "birthday", "type": "date"]
        let first = try await stage.call(.post, path, headers: headers, body: body)
        let second = try await stage.call(.post, path, headers: headers, body: body)
        #expect(first.status == 201)
        #expect(second.status == 201)
        #expect(second.response.bodyBytes == first.response.bodyBytes)
        #expect(second.response.headers["Idempotency-Replayed"] == "true")
        let other = try await stage.call(.post, path, headers: headers, body: ["name": "x", "type": "date"])
        #expect(other.status == 422)
        #expect(other.code == "idempotency_key_reused")
        // Without the key it is a second property of the name.
        let plain = try await stage.call(.post, path, headers: ["X-API-Key": key], body: body)
        #expect(plain.code == "custom_property_exists")
    }

    @Test("of many copies at once exactly one does the work")
    func concurrent() async throws {
        let key = try await stage.instance().key
        let headers: HTTPHeaders = ["X-API-Key": key, "Idempotency-Key": "race"]
        let stage = stage
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try await stage.call(
                        .post, "/api/v0/custom_properties", headers: headers, body: ["name": "race", "type": "string"]
                    ).status
                }
            }
            var statuses: [Int] = []
            for try await status in group { statuses.append(status) }
            return statuses
        }
        // 201 for the first and for copies that came after it, 409 for copies that came while it was under way.
        #expect(statuses.allSatisfy { $0 == 201 || $0 == 409 })
        #expect(statuses.contains(201))
        let codes = try stage.test.administer("SELECT count(*) FROM app.custom_properties WHERE name = 'race'")
        #expect(codes[0][0] == "1")
    }

    @Test("a key that is shown once is replayed, and stands in the database only sealed")
    func sealed() async throws {
        _ = try await stage.instance()
        let path = "/api/v0/tenants/acme/api_keys"
        let body: JSON = ["name": "n", "permissions": ["read"]]
        let first = try await stage.operate(.post, path, body, headers: ["Idempotency-Key": "k"])
        let second = try await stage.operate(.post, path, body, headers: ["Idempotency-Key": "k"])
        let secret = try #require(first.first["key"]?.string)
        #expect(second.first["key"]?.string == secret)
        let rows = try stage.test.administer("SELECT encode(response, 'escape') FROM app.operator_idempotency_keys")
        #expect(rows.count == 1)
        #expect(rows[0][0]?.contains(secret) == false)
        let hashes = try stage.test.administer("SELECT key_hint FROM app.api_keys")
        #expect(hashes.allSatisfy { ($0[0] ?? "").count == 4 })
    }

    @Test("a refused request gives its key back; a key of odd characters is refused")
    func faults() async throws {
        let key = try await stage.instance().key
        let headers: HTTPHeaders = ["X-API-Key": key, "Idempotency-Key": "two"]
        let path = "/api/v0/custom_properties"
        #expect(try await stage.call(.post, path, headers: headers, body: ["name": "1", "type": "date"]).status == 422)
        // Thrown answers give the key back: nothing was done.
        #expect(try await stage.call(.post, path, headers: headers, body: ["name": "a", "type": "date"]).status == 201)
        let long: HTTPHeaders = ["X-API-Key": key, "Idempotency-Key": String(repeating: "x", count: 256)]
        #expect(try await stage.call(.post, path, headers: long, body: [:]).code == "invalid_idempotency_key")
    }
}
