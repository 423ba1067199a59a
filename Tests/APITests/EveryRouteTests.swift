import EventLoop
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// Walks every route of the running product and holds each answer against the documents it serves of itself.
@Suite("Every route, as the OpenAPI documents say")
struct EveryRouteTests {
    @Test("each documented route answers as documented, and each answer is documented, field by field")
    func walk() async throws {
        let walk = try await RouteWalk()
        try await walk.everything()
        try await walk.refusals()
        #expect(walk.instance.keys.subtracting(walk.seen).sorted() == [], "not walked on an instance's host")
        #expect(
            walk.operators.keys.subtracting(walk.seenByOperators).sorted() == [], "not walked on the operators' host")
        if let path = ProcessInfo.processInfo.environment["CHARLES_OBSERVED"] {
            try JSON.object(JSONObject(walk.observed.map { ($0.key, .array($0.value)) })).encoded().withUnsafeBytes {
                try Data($0).write(to: URL(fileURLWithPath: path))
            }
        }
    }

    @Test("every schema stands by itself: types are known, what is required exists, references lead somewhere")
    func schemas() async throws {
        let walk = try await RouteWalk(isConnected: false)
        for contract in [walk.instance, walk.operators] {
            for key in contract.keys {
                let operation = try #require(contract.operation(key))
                for (status, response) in operation["responses"]?.object?.members ?? [] {
                    guard let content = response["content"]?.object else { continue }
                    for (type, media) in content.members {
                        check(media["schema"] ?? .null, contract, "\(key) \(status) \(type)")
                    }
                }
                if let content = operation["requestBody"]?["content"]?.object {
                    for (_, media) in content.members { check(media["schema"] ?? .null, contract, "\(key) body") }
                }
            }
        }
    }

    private func check(_ schema: JSON, _ contract: OpenAPIContract, _ place: String) {
        if schema["$ref"] != nil {
            #expect(
                contract.faults(.null, schema, at: place, isClosed: true).allSatisfy { !$0.contains("leads nowhere") })
            return
        }
        let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
        let known: Set = ["string", "number", "integer", "boolean", "object", "array", "null"]
        #expect(Set(types).isSubset(of: known), "\(place)")
        #expect(!types.isEmpty || schema["enum"] != nil || schema["anyOf"] != nil || schema == [:], "\(place): no type")
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] {
            #expect(schema["properties"]?[name] != nil, "\(place): \(name) is required and unknown")
        }
        for (name, member) in schema["properties"]?.object?.members ?? [] {
            check(member, contract, "\(place).\(name)")
        }
        if let items = schema["items"] { check(items, contract, "\(place)[]") }
        for choice in schema["anyOf"]?.array ?? [] { check(choice, contract, place) }
    }
}
