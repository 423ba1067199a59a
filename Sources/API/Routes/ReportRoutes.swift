import HTTP
import JSON
import Tenancy

/// Figures over a period.
public struct ReportRoutes: RouteGroup {
    let reports: ReportService

    /// Routes over a service.
    public init(reports: ReportService) { self.reports = reports }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let reports = reports
        routes.on(
            .get, "/api/v0/reports/{name}", .read,
            RouteDescription(
                "Report over a period: overview, revenue, opt_ins, imports or webhooks", tag: "Reports",
                query: [
                    .init("from", "A day or a time; 30 days before the end unless given"),
                    .init("to", "A day, which counts whole, or a time; now unless given"),
                ])
        ) { context in
            guard let report = context.parameters["name"].flatMap(ReportService.Report.init) else {
                throw Problem.notFound("report_not_found", "There is no such report.")
            }
            return .object(
                try await reports.report(
                    report, tenant: context.tenant, from: context.request.queryItem("from"),
                    to: context.request.queryItem("to")))
        }
    }
}
