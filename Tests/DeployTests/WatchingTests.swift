import Foundation
import TestSupport
import Testing

/// Alert rules and runbook, held against each other.
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

    @Test("promtool takes the rules", .enabled(if: Deploy.has("promtool")))
    func promtool() throws {
        let output = try runCommand(["promtool", "check", "rules", Deploy.root + "/" + Self.rules])
        #expect(output.contains("SUCCESS: \(try alerts().count) rules found"))
    }
}
