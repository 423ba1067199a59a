import Crypto
public import EventLoop
public import FoundationEssentials
import JSON
public import Persistence
import Synchronization

/// Host → tenant, for requests and for jobs.
///
/// Entries are cached in the process and kept true by polling what changed: a revoked key, a switched-off feature or a
/// suspended tenant takes effect within a second on every replica, whether polling works or not (``DirectoryCache``).
public final class Directory: Service {
    private let database: Database
    private let secrets: SecretBox
    private let time: any TimeSource
    private let log: Log
    private let pollInterval: Duration
    private let cache: Mutex<DirectoryCache>

    /// A directory.
    ///
    /// - Parameters:
    ///   - pollInterval: between the ends and beginnings of polls
    ///   - freshness: how old the knowledge may be that an entry is used by; less than a second keeps the promise
    ///   - capacity: how many entries are held, a kilobyte or two each
    public init(
        database: Database, secrets: SecretBox, time: any TimeSource, log: Log = .silent,
        pollInterval: Duration = .milliseconds(400), freshness: Duration = .milliseconds(900), capacity: Int = 16_384
    ) {
        self.database = database
        self.secrets = secrets
        self.time = time
        self.log = log
        self.pollInterval = pollInterval
        cache = Mutex(DirectoryCache(capacity: capacity, freshness: freshness))
    }

    /// The tenant of an instance name, if the cache may answer: nothing is awaited. `.some(nil)`: there is none.
    public func cached(instance name: String) -> Tenant?? {
        cache.withLock { $0.find(instance: name, now: .now) }
    }

    /// The tenant of an instance name (lower case); nil where there is none.
    public func tenant(instance name: String) async throws -> Tenant? {
        if let known = cached(instance: name) { return known }
        let began = MonotonicTime.now
        let generation = cache.withLock { $0.generation }
        var tenant: Tenant?
        if let id = try await DirectoryStore.tenantID(instance: name, in: database) {
            tenant = try await load(id)
        }
        cache.withLock { $0.loaded(tenant, instance: name, began: began, generation: generation) }
        return tenant
    }

    /// The tenant of an id; nil where there is none (any more). For jobs.
    public func tenant(id: UUID) async throws -> Tenant? {
        let known = cache.withLock { cache -> Tenant?? in
            guard let name = cache.name(of: id) else { return nil }
            return cache.find(instance: name, now: .now)
        }
        if let known, let tenant = known { return tenant }
        let began = MonotonicTime.now
        let generation = cache.withLock { $0.generation }
        guard let tenant = try await load(id) else { return nil }
        cache.withLock { $0.loaded(tenant, instance: tenant.instanceName, began: began, generation: generation) }
        return tenant
    }

    /// Forgets an instance that this process has just changed, so that whoever changed it sees it at once: the replicas
    /// learn of it by polling, within a second.
    public func forget(instance name: String) { cache.withLock { $0.forget(instance: name) } }

    /// How many entries are held.
    public var entryCount: Int { cache.withLock { $0.count } }

    /// Whether the last poll succeeded and began at most `age` ago: the database answers.
    public func isPolled(within age: Duration) -> Bool {
        guard let answeredAt = cache.withLock({ $0.answeredAt }) else { return false }
        return MonotonicTime.now - answeredAt < age
    }

    /// Polls until cancelled.
    public func run() async throws {
        var snapshot: String?
        var failures = 0
        while !Task.isCancelled {
            do {
                snapshot = try await poll(since: snapshot)
                failures = 0
            } catch {
                if Task.isCancelled { break }
                failures += 1
                if failures == 1 || failures % 25 == 0 {
                    log(.warning, "directory_poll_failed", ["error": .string("\(error)"), "times": .int(failures)])
                }
            }
            do { try await time.sleep(for: pollInterval) } catch { break }
        }
    }

    /// Reads what changed since a snapshot and answers the next one.
    func poll(since snapshot: String?) async throws(DatabaseError) -> String {
        let began = MonotonicTime.now
        let (next, changes) = try await DirectoryStore.changes(since: snapshot, in: database)
        cache.withLock { cache in
            if snapshot == nil { cache.restart(began: began) } else { cache.polled(changes, began: began) }
        }
        return next
    }

    private func load(_ id: UUID) async throws(DatabaseError) -> Tenant? {
        guard let record = try await DirectoryStore.record(id, now: time.now(), in: database) else { return nil }
        return Tenant(
            id: record.id, instanceName: record.instanceName, displayName: record.displayName, status: record.status,
            features: record.features, timeZone: record.timeZone, defaultCurrency: record.defaultCurrency,
            defaultCountry: record.defaultCountry, settings: record.settings, keys: record.keys,
            webhookVerifier: webhookVerifier(record), connection: record.connection, move: record.move)
    }

    private func webhookVerifier(_ record: DirectoryRecord) -> JWTVerifier? {
        guard !record.webhookSecrets.isEmpty else { return nil }
        do {
            let dataKeys = try secrets.unwrap(record.dataKeys, tenant: record.id)
            var keys: [JWTKey] = []
            for secret in record.webhookSecrets {
                let place = SecretPlace(
                    table: "webhook_secrets", column: "secret", tenant: record.id, row: secret.id)
                let bytes = try SealedValue.open(secret.sealed, keys: dataKeys, place: place)
                keys.append(try JWTKey(secret: bytes, validUntil: secret.validUntil?.seconds))
            }
            return JWTVerifier(keys: keys)
        } catch {
            // Without its secrets the tenant is served, and its webhooks are refused.
            log(
                .error, "webhook_secret_unreadable",
                ["tenant": .string(record.instanceName), "error": .string("\(error)")])
            return nil
        }
    }
}
