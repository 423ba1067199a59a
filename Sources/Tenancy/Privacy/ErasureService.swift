public import EventLoop
public import FoundationEssentials
import HTTP
public import JSON
public import Persistence

/// Erasing people.
///
///     received ─▶ running ─▶ finished
///                  │  │ ▲
///                  │  ▼ │
///                  │  partial (a withdrawal is still on its way to Emarsys, at most three days; all else is gone)
///                  └▶ failed (tried again by its job)
///
/// At once the contact reads as erased, its identifiers become keyed hashes that imports and webhooks are checked against;
/// what hangs on it goes in a job, whose counts are the proof.
public struct ErasureService: Sendable {
    /// Between two looks whether a withdrawal has arrived.
    static let partialPause = Duration.seconds(30)

    private let database: Database
    private let keys: SuppressionKeys
    private let contacts: ContactService
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, keys: SuppressionKeys, time: any TimeSource) {
        self.database = database
        self.keys = keys
        self.time = time
        contacts = ContactService(database: database)
    }

    /// Erases a person. Throws 404 `contact_not_found`, 410 `contact_erased`.
    public func erase(_ contact: UUID, tenant: UUID, actor: String) async throws -> JSON {
        let contact = try await contacts.find(tenant, contact).id
        guard let key = try await keys.key(of: tenant, creating: true) else { throw Problem.unavailable() }
        let id = UUID()
        let now = time.now()
        try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(StitchStore.lock(tenant, values: nil))
            var kinds: [String] = []
            var hashes: [[UInt8]] = []
            for row in try await transaction.query(ErasureStore.values(tenant, contact)) {
                let kind: String = try row.get(0)
                kinds.append(kind)
                hashes.append(key.hash(kind, try row.get(1)))
            }
            _ = try await transaction.query(
                ErasureStore.begin(tenant, id, contact: contact, kinds: kinds, hashes: hashes, actor: actor, now: now))
        }
        return try await find(id, tenant: tenant)
    }

    /// An erasure with its state and proof. Throws 404 `erasure_not_found`.
    public func find(_ id: UUID, tenant: UUID) async throws -> JSON {
        let rows = try await database.run(.tenant(tenant), ErasureStore.find(tenant, id))
        guard let row = rows.first else { throw Problem.notFound("erasure_not_found") }
        return try Self.json(row)
    }

    /// A page of erasures, the latest first.
    public func list(_ tenant: UUID, _ page: PageRequest) async throws -> Page<Item> {
        let rows = try await database.run(.tenant(tenant), ErasureStore.list(tenant, page))
        let items = try rows.map { Item(id: try $0.get(0), at: try $0.get(4), json: try Self.json($0)) }
        return Page(fetched: items, request: page) { PageCursor(time: $0.at, id: $0.id) }
    }

    /// An erasure in a list.
    public struct Item: Sendable {
        let id: UUID
        let at: Timestamp
        /// As clients see it.
        public let json: JSON
    }

    private static func json(_ row: Row) throws -> JSON {
        let finishedAt: Timestamp? = try row.get(5)
        let proof: [UInt8]? = try row.get(6)
        return [
            "id": .string(try row.get(0)), "contact_id": .string(try row.get(1)), "state": .string(try row.get(2)),
            "requested_by": .string(try row.get(3)), "requested_at": .string(try row.get(4)),
            "finished_at": .optional(finishedAt?.rfc3339), "proof": proof.flatMap { try? JSON.parse($0) } ?? .null,
        ]
    }

    /// The handlers for the `maintenance` lane.
    public var handlers: [String: LaneWorker.Handler] {
        [
            "erase_contact": { try await work($0) },
            "retention": { try await retain($0) },
        ]
    }

    private func work(_ job: Job) async throws -> JobOutcome {
        guard let id = try JSON.parse(job.args)["erasure_id"]?.string.flatMap({ UUID(uuidString: $0) }) else {
            return .finished
        }
        let tenant = job.tenantID
        _ = try await database.run(.tenant(tenant), ErasureStore.setState(tenant, id, "running"))
        do {
            let now = time.now()
            let state = try await database.transaction(.tenant(tenant), statementTimeout: .seconds(300)) {
                transaction in
                try await transaction.query(ErasureStore.erase(tenant, id, now: now)).first?.get(0, as: String?.self)
            }
            if state == "partial" {
                return .again(at: now + Self.partialPause, reason: "a withdrawal is on its way", countsAttempt: false)
            }
            return .finished
        } catch {
            _ = try? await database.run(.tenant(tenant), ErasureStore.setState(tenant, id, "failed"))
            throw error
        }
    }

    private func retain(_ job: Job) async throws -> JobOutcome {
        let now = time.now()
        let tenant = job.tenantID
        _ = try await database.transaction(.tenant(tenant), statementTimeout: .seconds(300)) { transaction in
            try await transaction.query(ErasureStore.retain(tenant, now: now))
        }
        return .again(at: now + .seconds(86_400), reason: "daily", countsAttempt: false)
    }
}

/// The statements of erasures and retention.
enum ErasureStore {
    static func values(_ tenant: UUID, _ contact: UUID) -> Query {
        Query("SELECT kind, value FROM app.erasure_values($1, $2)", [.uuid(tenant), .uuid(contact)])
    }

    static func begin(
        _ tenant: UUID, _ id: UUID, contact: UUID, kinds: [String], hashes: [[UInt8]], actor: String, now: Timestamp
    ) -> Query {
        Query(
            "SELECT app.begin_erasure($1, $2, $3, $4, $5, $6, $7)",
            [
                .uuid(tenant), .uuid(id), .uuid(contact), .textArray(kinds), .byteaArray(hashes), .text(actor),
                .timestamp(now),
            ])
    }

    static func erase(_ tenant: UUID, _ id: UUID, now: Timestamp) -> Query {
        Query("SELECT app.erase_contact($1, $2, $3)", [.uuid(tenant), .uuid(id), .timestamp(now)])
    }

    static func setState(_ tenant: UUID, _ id: UUID, _ state: String) -> Query {
        Query(
            "UPDATE app.erasures SET state = $3 WHERE tenant_id = $1 AND id = $2 AND state <> 'finished'",
            [.uuid(tenant), .uuid(id), .text(state)])
    }

    static func find(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT id, contact_id, state, requested_by, requested_at, finished_at, proof FROM app.erasures
             WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id)])
    }

    static func list(_ tenant: UUID, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, contact_id, state, requested_by, requested_at, finished_at, proof FROM app.erasures
             WHERE tenant_id = $1 AND (requested_at, id) < ($2, $3) ORDER BY requested_at DESC, id DESC LIMIT $4
            """, [.uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount)])
    }

    static func retain(_ tenant: UUID, now: Timestamp) -> Query {
        Query("SELECT app.keep_promises($1, $2), app.purge_expired($1, $2)", [.uuid(tenant), .timestamp(now)])
    }
}
