public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// What people see of the exports, and their re-drive.
public struct OptInExportService: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// A page of exports, latest first.
    public func exports(
        tenant: UUID, state: OptInExport.State?, contact: UUID?, page: PageRequest
    ) async throws -> Page<OptInExport> {
        let rows = try await database.run(
            .tenant(tenant), OptInExportStore.list(tenant: tenant, state: state, contact: contact, page: page))
        return Page(fetched: try rows.map(OptInExportStore.export), request: page) {
            PageCursor(time: $0.createdAt, id: $0.id)
        }
    }

    /// One export. Throws 404 `export_not_found`.
    public func export(_ id: UUID, tenant: UUID) async throws -> OptInExport {
        let rows = try await database.run(
            .tenant(tenant), OptInExportStore.one(id, tenant: tenant))
        guard let row = rows.first else { throw Problem.notFound("export_not_found") }
        return try OptInExportStore.export(row)
    }

    /// Re-drives an export that failed or was not in Emarsys, with the contact's state as it is now.
    ///
    /// Throws 404 `export_not_found`, 409 `export_not_failed`, `export_superseded`, `nothing_to_export`.
    public func retry(_ id: UUID, tenant: UUID) async throws -> OptInExport {
        let rows = try await database.run(
            .tenant(tenant), OptInExportStore.retry(id, tenant: tenant, now: time.now()))
        switch try rows.first?.get(0, as: String?.self) {
        case "queued": return try await export(id, tenant: tenant)
        case "not_failed": throw Problem.conflict("export_not_failed", "Only a failed export can be sent again.")
        case "superseded":
            throw Problem.conflict("export_superseded", "A later change of the contact tells Emarsys the latest state.")
        case "settled": throw Problem.conflict("nothing_to_export", "The contact has no decision to tell any more.")
        default: throw Problem.notFound("export_not_found")
        }
    }

    /// Re-drives all exports that failed, or of one reason. Answers how many.
    public func retryFailed(tenant: UUID, code: String?) async throws -> Int {
        let rows = try await database.run(
            .tenant(tenant), OptInExportStore.retryFailed(tenant: tenant, code: code, now: time.now()))
        return try rows.first?.get(0) ?? 0
    }
}
