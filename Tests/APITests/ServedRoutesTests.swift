import EventLoop
import Foundation
import HTTP
import JSON
import Tenancy
import TestSupport
import Testing

@testable import API
@testable import charles_emarsys

/// Other tests of routes stand on a stage of their own; these look at what `serve` is made of.
@Suite("The routes of serve")
struct ServedRoutesTests {
    @Test("are those of the OpenAPI documents that it serves, on either host, no more and no less")
    func documented() async throws {
        let product = try await RunningProduct.start()
        _ = try await product.makeInstance("acme")
        let environment = product.settings.compactMap { line in
            line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
        let settings = try ServiceSettings(environment: Dictionary(environment) { $1 })
        let output = LogOutput { _ in }
        defer { output.flush() }
        let composition = try Composition(settings, log: .silent, output: output, group: product.database.group)
        func documented(_ host: String) async throws -> Set<String> {
            let answer = try await product.call(.get, host: host, "/api/v0/openapi.json")
            #expect(answer.status == .ok)
            return OpenAPIContract(document: answer.json).keys
        }
        let tenant = Self.names(composition.responder.tenantRoutes)
        let operators = Self.names(composition.responder.operatorRoutes)
        #expect(try await documented("acme").symmetricDifference(tenant).sorted() == [])
        #expect(try await documented("operator").symmetricDifference(operators).sorted() == [])
        #expect(tenant.count > 90 && operators.count > 15)
    }

    @Test("leave out no group of routes that there is")
    func complete() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        func text(_ folder: String) throws -> String {
            let root = sources.appendingPathComponent(folder)
            return try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".swift") }
                .map { try String(contentsOf: root.appendingPathComponent($0), encoding: .utf8) }.joined()
        }
        let program = try text("charles-emarsys")
        let groups = try text("API").matches(of: /public struct (\w+): (?:Operator)?RouteGroup/).map { $0.1 }
        #expect(groups.count > 20)
        for group in groups { #expect(program.contains(" \(group)("), "\(group)") }
    }

    private static func names<Context>(_ routes: Routes<Context>) -> Set<String> {
        Set(routes.all.map { "\($0.method.rawValue) \($0.pattern)" })
    }
}
