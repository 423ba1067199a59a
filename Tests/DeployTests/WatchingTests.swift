import Foundation
import JSON
import TestSupport
import Testing

/// Alert rules, dashboard, runbook and the metrics of a running product, held against each other.
@Suite("Watching", .serialized)
struct WatchingTests {
    private static let rules = "deploy/prometheus/charles-emarsys.rules.yml"

    /// Names of the alerts, in order.
    private func alerts() throws -> [String] {
        try Deploy.file(Self.rules).matches(of: #/- alert: ([A-Za-z]+)/#).map { String($0.output.1) }
    }

    @Test("each alert has its entry in the runbook, and no entry is left over")
    func runbook() throws {
        let entries = try Deploy.file("docs/runbook.md").matches(of: #/(?m)^### (Charles[A-Za-z]+)$/#)
            .map { String($0.output.1) }
        #expect(try alerts().count > 10)
        #expect(entries == (try alerts()))
    }

    @Test("rules and dashboard ask for metrics and labels that the product has")
    func names() async throws {
        let product = try await RunningProduct.start()
        _ = try await product.makeInstance("acme")
        var text = ""
        // Counts of the database come with their first round.
        for _ in 0..<100 where !text.contains("charles_tenants{") {
            try await Task.sleep(for: .milliseconds(100))
            text = try runCommand(["curl", "-sS", "http://127.0.0.1:\(product.managementPort)/metrics"])
        }
        let known = Set(text.matches(of: #/(?m)^# TYPE ([a-z_]+) /#).map { String($0.output.1) })
        let dashboard = try JSON.parse(Deploy.file("deploy/grafana/charles-emarsys.json"))
        let panels = try #require(dashboard["panels"]?.array)
        let expressions = panels.flatMap { $0["targets"]?.array ?? [] }.compactMap { $0["expr"]?.string }
        #expect(expressions.count >= panels.count)
        for expression in expressions + [try Deploy.file(Self.rules)] {
            for found in expression.matches(of: #/\b(?:charles|process)_[a-z_]+\b/#) {
                var name = String(found.output)
                for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) && !known.contains(name) {
                    name = String(name.dropLast(suffix.count))
                }
                #expect(known.contains(name), "\(name)")
            }
        }
    }

    @Test("promtool takes the rules", .enabled(if: Deploy.has("promtool")))
    func promtool() throws {
        let output = try runCommand(["promtool", "check", "rules", Deploy.root + "/" + Self.rules])
        #expect(output.contains("SUCCESS: \(try alerts().count) rules found"))
    }
}
