import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@testable import API

@Suite("The OpenAPI document")
struct OpenAPITests {
    private let stage: APIStage

    init() throws { stage = try APIStage() }

    @Test("it is served on every host, without a credential")
    func served() async throws {
        _ = try await stage.instance()
        for host in ["acme.localhost", "operator.localhost"] {
            let answer = try await stage.call(.get, "/api/v0/openapi.json", host: host)
            #expect(answer.status == 200)
            #expect(answer.json["openapi"] == "3.1.0")
        }
    }

    @Test("every route is in it and nothing else, each with a summary, an id of its own and its placeholders")
    func complete() async throws {
        _ = try await stage.instance()
        try await check(stage.responder.tenantRoutes, host: "acme.localhost")
        try await check(stage.responder.operatorRoutes, host: "operator.localhost")
    }

    private func check<Context>(_ routes: Routes<Context>, host: String) async throws {
        let document = try await stage.call(.get, "/api/v0/openapi.json", host: host).json
        let paths = try #require(document["paths"]?.object)
        var documented: Set<String> = []
        var ids: Set<String> = []
        for (path, item) in paths.members {
            for (method, operation) in item.object?.members ?? [] where method != "parameters" {
                documented.insert("\(method.uppercased()) \(path)")
                #expect(operation["summary"]?.string?.isEmpty == false, "\(method) \(path)")
                #expect(operation["responses"]?.object?.count ?? 0 > 1)
                let id = try #require(operation["operationId"]?.string)
                #expect(ids.insert(id).inserted, "\(id) occurs twice")
            }
            let names = (item["parameters"]?.array ?? []).compactMap { $0["name"]?.string }
            for name in names { #expect(path.contains("{\(name)}")) }
            #expect(names.count == path.filter { $0 == "{" }.count)
        }
        #expect(documented == Set(routes.all.map { "\($0.method.rawValue) \($0.pattern)" }))
    }

    @Test("every route that is not open refuses who brings no credential, whatever its method")
    func guarded() async throws {
        _ = try await stage.instance()
        for route in stage.responder.tenantRoutes.all where route.access != .open {
            let path = route.pattern.replacing("{id}", with: UUID().uuidString)
            let answer = try await stage.call(route.method, path)
            #expect(answer.status == 401, "\(route.method) \(route.pattern)")
        }
        for route in stage.responder.operatorRoutes.all where route.access != .open {
            let answer = try await stage.call(route.method, route.pattern, host: "operator.localhost")
            #expect(answer.status == 401, "\(route.method) \(route.pattern)")
        }
    }
}
