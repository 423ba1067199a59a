import EventLoop
import FoundationEssentials
import HTTP
import Persistence

extension ConnectionService {
    /// Pauses the integration: webhooks are held; imports, exports, events and deliveries wait. Harmless when repeated.
    /// Throws 409 `not_connected`.
    public func pause(_ tenant: Tenant, actor: String) async throws -> StoredConnection {
        try await set(true, tenant, actor)
    }

    /// Goes on: what was held is released in the order of its arrival. Harmless when repeated. Throws 409 `not_connected`.
    public func resume(_ tenant: Tenant, actor: String) async throws -> StoredConnection {
        try await set(false, tenant, actor)
    }

    private func set(_ paused: Bool, _ tenant: Tenant, _ actor: String) async throws -> StoredConnection {
        guard let known = try await connection(of: tenant), known.status != .disconnected else {
            throw Self.notConnected
        }
        let now = time.now()
        var statements = [
            ConnectionStore.setPaused(tenant.id, paused, now: now), TenantAdministrationStore.pauseLanes(tenant.id),
            DirectoryStore.touch(tenant.id),
        ]
        if known.isPaused != paused {
            statements.append(
                AuditStore.insert(
                    tenant.id, at: now, actor: actor, action: paused ? "connection.paused" : "connection.resumed"))
        }
        if !paused {
            // A replica may hold webhooks for up to a second longer: a second look catches what came in meanwhile.
            statements.append(ConnectionJobs.processEvents(tenant.id, key: "drain", at: now, now: now))
            statements.append(
                ConnectionJobs.processEvents(tenant.id, key: "resume", at: now + .seconds(2), now: now))
        }
        _ = try await database.run(.tenant(tenant.id), statements)
        guard let stored = try await connection(of: tenant) else { throw Self.notConnected }
        return stored
    }
}
