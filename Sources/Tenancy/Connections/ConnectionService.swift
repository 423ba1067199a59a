import Crypto
public import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
public import JSON
public import Persistence

/// The rules of a tenant's connection to Emarsys, and the way to a client for it.
public struct ConnectionService: Sendable {
    /// What a test of the connection found.
    public struct TestResult: Sendable {
        /// Whether the credential works and no permission is missing.
        public let isOK: Bool
        /// One `{permission, status, detail}` for each of the 18 permissions of the customer guide.
        public let permissions: JSON
        /// Why the credential itself failed, if it did.
        public let error: EmarsysError?
    }

    let database: Database
    let secrets: SecretBox
    let directory: Directory
    let access: EmarsysAccess
    let time: any TimeSource

    /// A service.
    public init(
        database: Database, secrets: SecretBox, directory: Directory, access: EmarsysAccess, time: any TimeSource
    ) {
        self.database = database
        self.secrets = secrets
        self.directory = directory
        self.access = access
        self.time = time
    }

    /// A client for the tenant's account. Clients of one connection share token and rate budget, and each of their calls
    /// is refused once the connection is removed or paused, the feature off or the tenant suspended, on every replica within a
    /// second.
    ///
    /// - Parameter whilePaused: whether a paused connection may be called: yes for what a person looks at, no for jobs
    /// - Throws: 403 `feature_not_enabled`, 409 `not_connected` or `connection_paused`
    public func emarsysClient(for tenant: Tenant, whilePaused: Bool = false) async throws -> EmarsysClient {
        guard tenant.features.contains(.emarsys) else { throw Problem.featureNotEnabled(.emarsys) }
        guard let stored = try await ConnectionStore.find(tenant.id, in: database), stored.status != .disconnected,
            let sealed = stored.sealedSecret
        else { throw Self.notConnected }
        guard whilePaused || !stored.isPaused else {
            throw Problem.conflict("connection_paused", "The integration is paused.")
        }
        let secret = try await openSecret(stored, sealed, tenant.id)
        var client = access.client(
            EmarsysConnection(
                key: Self.key(tenant.id, stored.id), credential: Self.credential(stored, secret),
                baseURL: stored.baseURL ?? EmarsysConnection.defaultBaseURL))
        let directory = directory
        let id = tenant.id
        if let usage = access.usage { client.onCall = { usage.record($0, tenant: id) } }
        client.lease = { _ in
            guard let now = try await directory.tenant(id: id), now.status == .active, now.move == nil,
                now.features.contains(.emarsys),
                let connection = now.connection, connection.status != .disconnected,
                whilePaused || !connection.isPaused
            else { throw CancellationError() }
        }
        return client
    }

    /// A client for the account of a tenant known by its id, for jobs. Throws 404 `tenant_not_found`, and what
    /// ``emarsysClient(for:whilePaused:)`` throws.
    public func emarsysClient(tenantID: UUID) async throws -> EmarsysClient {
        guard let tenant = try await directory.tenant(id: tenantID) else { throw TenantAdministration.notFound }
        return try await emarsysClient(for: tenant)
    }

    /// The stored connection; nil where there never was one.
    public func connection(of tenant: Tenant) async throws -> StoredConnection? {
        try await ConnectionStore.find(tenant.id, in: database)
    }

    /// Tests a connection and stores it if the test passes.
    ///
    /// Throws 422: `connection_failed` with the reason, `base_url_not_permitted`, `token_url_not_permitted`. Then nothing
    /// is stored and a connection there before stays as it was.
    public func put(_ input: ConnectionInput, for tenant: Tenant, actor: String) async throws -> StoredConnection {
        try input.check(access.policy)
        let known = try await ConnectionStore.find(tenant.id, in: database)
        let secret = try await secret(input, known, tenant)
        let id = SecureRandom.uuid()
        let candidate = EmarsysConnection(
            key: Self.key(tenant.id, id), credential: input.credential(secret: secret),
            baseURL: input.baseURL ?? EmarsysConnection.defaultBaseURL)
        let permissions: [EmarsysPermission]
        do {
            permissions = try await Self.interactive(access.client(candidate)).probePermissions()
        } catch {
            access.shared.forget(candidate.key)
            throw Self.failed(error)
        }
        guard permissions.contains(where: { $0.status == .granted }) else {
            access.shared.forget(candidate.key)
            throw Self.failed(
                permissions.contains { $0.status == .missing }
                    ? EmarsysError(httpStatus: 403, text: "no permission is granted to this API user")
                    : EmarsysError(.network, text: "Emarsys gave no clear answer"))
        }
        let new = ConnectionStore.NewConnection(
            id: id, name: input.name, auth: input.auth, principal: input.principal,
            sealedSecret: try await secrets.seal(
                Array(secret.utf8), table: "connections", column: "secret", tenant: tenant.id, row: id),
            tokenURL: input.tokenURL, baseURL: input.baseURL, permissions: Self.json(permissions))
        let now = time.now()
        let isSameAccount =
            known.map {
                $0.status != .disconnected && $0.auth == input.auth && $0.principal == input.principal
                    && $0.baseURL == input.baseURL
            } ?? true
        // Segments selected before a disconnection are imported again, from now on.
        let selected =
            known?.status == .disconnected
            ? try await SegmentSelectionStore.list(tenant.id, in: database) : []
        _ = try await database.run(
            .tenant(tenant.id),
            selected.map { ConnectionJobs.resumedImport(tenant.id, segment: $0.segmentID, now: now) } + [
                ConnectionStore.put(tenant.id, new, now: now),
                TenantAdministrationStore.pauseLanes(tenant.id),
                ConnectionStore.stored(tenant.id, forgets: !isSameAccount, now: now),
                ConnectDraftStore.delete(tenant.id),
                AuditStore.insert(
                    tenant.id, at: now, actor: actor, action: "connection.stored", before: known.map(Self.audit),
                    after: [
                        "name": .string(input.name), "auth": .string(input.auth.rawValue),
                        "principal": .string(input.principal),
                    ]),
                DirectoryStore.touch(tenant.id),
            ])
        if let known { access.shared.forget(Self.key(tenant.id, known.id)) }
        guard let stored = try await ConnectionStore.find(tenant.id, in: database) else { throw Self.notConnected }
        return stored
    }

    /// Tests the stored connection and records what was found. Throws 409 `not_connected`.
    public func test(_ tenant: Tenant) async throws -> TestResult {
        let client = try await emarsysClient(for: tenant, whilePaused: true)
        do {
            let permissions = try await Self.interactive(client).probePermissions()
            _ = try await database.run(
                .tenant(tenant.id),
                ConnectionStore.tested(tenant.id, permissions: Self.json(permissions), now: time.now()))
            return TestResult(
                isOK: !permissions.contains { $0.status == .missing }, permissions: Self.json(permissions), error: nil)
        } catch let error as EmarsysError {
            _ = try await database.run(
                .tenant(tenant.id),
                ConnectionStore.failed(tenant.id, error: error.report(at: time.now()), now: time.now()))
            let unknown = JSON.array(
                EmarsysOperation.allCases.map {
                    [
                        "permission": .string($0.permission), "status": "unverified", "detail": .string(error.advice),
                    ]
                })
            return TestResult(isOK: false, permissions: unknown, error: error)
        }
    }

    /// Stops all calls, erases the secrets and keeps the contacts. Throws 404 where there never was a connection.
    public func delete(_ tenant: Tenant, actor: String) async throws {
        guard let known = try await ConnectionStore.find(tenant.id, in: database) else { throw Self.unknown }
        let now = time.now()
        _ = try await database.run(
            .tenant(tenant.id),
            [
                ConnectionStore.disconnect(tenant.id, now: now), ConnectionStore.cancelImports(tenant.id),
                SegmentSelectionStore.unschedule(tenant.id),
                TenantAdministrationStore.pauseLanes(tenant.id), ConnectDraftStore.delete(tenant.id),
                AuditStore.insert(
                    tenant.id, at: now, actor: actor, action: "connection.removed", before: Self.audit(known)),
                DirectoryStore.touch(tenant.id),
            ])
        access.shared.forget(Self.key(tenant.id, known.id))
    }

    /// Records that the calls of an import worked, for the connection's status.
    public func recordSuccess(_ tenant: UUID) async throws {
        _ = try await database.run(.tenant(tenant), ConnectionStore.succeeded(tenant, .byImport, now: time.now()))
    }

    /// Records a failure that a person has to look at, for the connection's status. Passing failures change nothing.
    public func recordFailure(_ tenant: UUID, _ error: EmarsysError) async throws {
        guard error.failureClass == .stopConnection else { return }
        _ = try await database.run(
            .tenant(tenant), ConnectionStore.failed(tenant, error: error.report(at: time.now()), now: time.now()))
    }

    static func key(_ tenant: UUID, _ connection: UUID) -> String { "\(tenant)/\(connection)" }

    /// Somebody waits for the answer.
    private static func interactive(_ client: EmarsysClient) -> EmarsysClient {
        var client = client
        client.requestTimeout = .seconds(10)
        return client
    }

    static let notConnected = Problem.conflict("not_connected", "There is no connection to Emarsys.")
    static let unknown = Problem.notFound("not_connected", "There is no connection to Emarsys.")

    private static func credential(_ stored: StoredConnection, _ secret: String) -> EmarsysCredential {
        ConnectionInput(
            name: stored.name, auth: stored.auth, principal: stored.principal, secret: nil, tokenURL: stored.tokenURL,
            baseURL: stored.baseURL
        ).credential(secret: secret)
    }

    private static func failed(_ error: EmarsysError) -> Problem {
        var detail = error.text
        if detail.isEmpty { detail = error.code }
        return Problem(
            .unprocessableContent, "connection_failed", detail: "\(detail). \(error.advice)",
            extensions: [
                "reason": .string(error.code), "http_status": error.httpStatus == 0 ? .null : .int(error.httpStatus),
            ])
    }

    private static func audit(_ connection: StoredConnection) -> JSON {
        [
            "name": .string(connection.name), "auth": .string(connection.auth.rawValue),
            "principal": .string(connection.principal), "status": .string(connection.status.rawValue),
        ]
    }

    /// Permissions as they are stored and shown.
    public static func json(_ permissions: [EmarsysPermission]) -> JSON {
        .array(
            permissions.map {
                [
                    "permission": .string($0.permission), "status": .string($0.status.rawValue),
                    "detail": .string($0.detail),
                ]
            })
    }

    private func secret(_ input: ConnectionInput, _ known: StoredConnection?, _ tenant: Tenant) async throws -> String {
        if let secret = input.secret { return secret }
        guard let known, known.auth == input.auth, known.principal == input.principal, let sealed = known.sealedSecret
        else {
            let field = input.auth == .wsse ? "secret" : "client_secret"
            throw Problem.invalid("required", field: field, "is required")
        }
        return try await openSecret(known, sealed, tenant.id)
    }

    private func openSecret(_ stored: StoredConnection, _ sealed: [UInt8], _ tenant: UUID) async throws -> String {
        let bytes = try await secrets.open(
            sealed, table: "connections", column: "secret", tenant: tenant, row: stored.id)
        return String(decoding: bytes, as: UTF8.self)
    }
}
