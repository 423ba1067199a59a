import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Tenancy

/// Opt-ins: recording decisions, reading the ledger, and the exports to Emarsys.
public struct OptInRoutes: RouteGroup {
    private let consent: ConsentService
    private let exports: OptInExportService
    private let time: any TimeSource

    /// The routes over the services.
    public init(consent: ConsentService, exports: OptInExportService, time: any TimeSource) {
        self.consent = consent
        self.exports = exports
        self.time = time
    }

    /// `POST`, `GET /opt_ins` and `/opt_ins/exports`.
    public func register(in routes: inout TenantRoutes) {
        routes.on(.post, "/api/v0/opt_ins", .consent, creates: true, Self.recording) { context in
            let decision = try Self.decision(try context.json())
            let recorded = try await consent.record(
                decision, tenant: context.tenant, actor: context.principal.actor, requestID: context.requestID)
            return .object(Self.json(recorded), status: .accepted)
        }
        routes.on(.get, "/api/v0/opt_ins", .read, Self.ledger) { context in
            let entries = try await consent.entries(
                of: try Self.reference(context), tenant: context.tenant, page: try context.page())
            return .list(entries, Self.json)
        }
        routes.on(.get, "/api/v0/opt_ins/exports", .read, Self.listing) { context in
            let now = time.now()
            let exports = try await exports.exports(
                tenant: context.tenant.id, state: try Self.state(context), contact: try Self.contactID(context),
                page: try context.page())
            return .list(exports) { Self.json($0, now: now) }
        }
        routes.on(.post, "/api/v0/opt_ins/exports/retry", .write, Self.retryingAll) { context in
            let body = try context.optionalJSON()
            let count = try await exports.retryFailed(tenant: context.tenant.id, code: body["code"]?.string)
            return .object(["queued": .number(JSONNumber(count))], status: .accepted)
        }
        routes.on(.get, "/api/v0/opt_ins/exports/{id}", .read, Self.reading) { context in
            let export = try await exports.export(
                try context.id(notFound: "export_not_found"), tenant: context.tenant.id)
            return .object(Self.json(export, now: time.now()))
        }
        routes.on(.post, "/api/v0/opt_ins/exports/{id}/retry", .write, Self.retrying) { context in
            let export = try await exports.retry(
                try context.id(notFound: "export_not_found"), tenant: context.tenant.id)
            return .object(Self.json(export, now: time.now()), status: .accepted)
        }
    }

    // MARK: Query

    private static func reference(_ context: TenantContext) throws -> ContactReference {
        let request = context.request
        return ContactReference(
            id: try contactID(context), externalReferenceID: request.queryItem("external_reference_id"),
            phone: request.queryItem("phone"), email: request.queryItem("email"))
    }

    private static func contactID(_ context: TenantContext) throws(Problem) -> UUID? {
        guard let text = context.request.queryItem("contact_id"), !text.isEmpty else { return nil }
        guard let id = UUID(uuidString: text) else {
            throw .invalid("invalid_id", field: "contact_id", "must be an id")
        }
        return id
    }

    private static func state(_ context: TenantContext) throws(Problem) -> OptInExport.State? {
        guard let text = context.request.queryItem("state"), !text.isEmpty else { return nil }
        guard let state = OptInExport.State(rawValue: text) else {
            let known = OptInExport.State.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("invalid_state", field: "state", "must be one of \(known)")
        }
        return state
    }
}
