import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Figures over a period. Money is per currency, never added up across; days are those of the tenant's time zone.
public struct ReportService: Sendable {
    /// Which report.
    public enum Report: String, Sendable, CaseIterable {
        /// A figure of everything.
        case overview
        /// Orders and what they are attributed to.
        case revenue
        /// Decisions, and what Emarsys was told of them.
        case optIns = "opt_ins"
        /// Import runs.
        case imports
        /// Events received.
        case webhooks

        var sql: StaticString {
            switch self {
            case .overview: ReportStore.overview
            case .revenue: ReportStore.revenue
            case .optIns: ReportStore.optIns
            case .imports: ReportStore.imports
            case .webhooks: ReportStore.webhooks
            }
        }
    }

    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// A report.
    ///
    /// - Parameters:
    ///   - from: A day or a time in RFC 3339; 30 days before the end unless given.
    ///   - to: A day, which counts whole, or a time; now unless given.
    /// - Throws: 422 for anything else.
    public func report(_ report: Report, tenant: Tenant, from: String?, to: String?) async throws -> JSON {
        var errors: [FieldError] = []
        let end = Self.bound(to, "to", &errors) ?? time.now() + .seconds(1)
        let start = Self.bound(from, "from", &errors) ?? end - .seconds(30 * 86_400)
        if errors.isEmpty, start > end + .seconds(86_400) {
            errors.append(FieldError(field: "from", code: "invalid_period", message: "must not lie after to"))
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        func text(_ given: String?, _ time: Timestamp) -> String {
            guard let given, !given.isEmpty else { return time.rfc3339 }
            return given
        }
        let (first, last) = (text(from, start), text(to, end))
        let rows = try await database.transaction(.tenant(tenant.id), statementTimeout: .seconds(30)) { transaction in
            try await transaction.query(
                Query(report.sql, [.uuid(tenant.id), .text(first), .text(last), .text(tenant.timeZone)]))
        }
        var json: JSON = ["report": .string(report.rawValue), "from": .string(first), "to": .string(last)]
        for (key, value) in JSON.stored(try rows.first?.get(0) ?? []).object ?? [:] { json[key] = value }
        return json
    }

    private static func bound(_ text: String?, _ field: String, _ errors: inout [FieldError]) -> Timestamp? {
        guard let text, !text.isEmpty else { return nil }
        let time = text.utf8.count == 10 ? Timestamp(rfc3339: text + "T00:00:00Z") : Timestamp(rfc3339: text)
        if time == nil {
            errors.append(
                FieldError(
                    field: field, code: "invalid_time",
                    message: "must be a day such as 2026-11-24 or a time in RFC 3339"))
        }
        return time
    }
}
