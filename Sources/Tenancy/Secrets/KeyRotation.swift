public import EventLoop
import FoundationEssentials
public import Persistence

/// Renews keys while they are in use: master keys wrap data keys anew, and where that is asked for, each tenant gets a new
/// data key, with which everything it has sealed is sealed anew.
///
/// A tenant's data key:
///
///     one version ──▶ two versions ──settled──▶ all sealed anew, former one retired ──settled──▶ former one removed
///
/// *Settled*: for so long that no process may still seal with, or read by, what it remembers. Where it stands is in the rows,
/// so that it goes on wherever it was stopped, by whichever process.
public struct KeyRotation: Service {
    /// How far it is.
    public struct Report: Sendable, Hashable {
        /// Data keys wrapped anew in this pass.
        public var rewrapped = 0
        /// Data keys whose master key is not configured.
        public var unreadable = 0
        /// Data keys made in this pass.
        public var made = 0
        /// Values sealed anew in this pass.
        public var resealed = 0
        /// Former data keys removed in this pass.
        public var removed = 0
        /// Tenants that still have former data keys.
        public var waiting: Int64 = 0
        /// Whether nothing is left to do.
        public var isFinished = false

        /// Nothing yet.
        public init() {}
    }

    private static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    private static let page: Int32 = 200

    private let database: Database
    private let secrets: SecretBox
    private let time: any TimeSource
    private let settle: Duration
    private let onFailure: @Sendable (any Error) -> Void

    /// A rotation.
    ///
    /// - Parameters:
    ///   - settle: how long processes may work with what they remember: a minute and a bit
    ///   - onFailure: told when a pass in the background fails
    public init(
        database: Database, secrets: SecretBox, time: any TimeSource, settle: Duration = .seconds(90),
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.database = database
        self.secrets = secrets
        self.time = time
        self.settle = settle
        self.onFailure = onFailure
    }

    /// Begins a rotation, or goes on with the one under way.
    public func begin(withDataKeys: Bool) async throws {
        _ = try await database.run(.operator, KeyRotationStore.begin(withDataKeys: withDataKeys))
    }

    /// Does what can be done now of a rotation under way; nil where there is none.
    public func pass(progress: (Report) -> Void = { _ in }) async throws -> Report? {
        guard let row = try await database.run(.operator, KeyRotationStore.current).first else { return nil }
        let withDataKeys: Bool = try row.get(0)
        var report = Report()
        let rewrapping = try await secrets.rewrapAll(database: database) { done in
            var report = Report()
            report.rewrapped = done.rewrapped
            progress(report)
        }
        report.rewrapped = rewrapping.rewrapped
        report.unreadable = rewrapping.unreadable
        try await resealOperatorAnswers()
        if withDataKeys {
            try await makeKeys(&report, progress)
            try await renew(&report, progress)
            report.waiting = try await database.run(.operator, KeyRotationStore.unfinished)[0].get(0)
        }
        if report.unreadable == 0 {
            report.isFinished = try await !database.run(.operator, KeyRotationStore.finish).isEmpty
        }
        return report
    }

    /// Looks whether somebody began a rotation and takes part in it, until cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            try await time.sleep(for: .seconds(20))
            do { _ = try await pass() } catch { onFailure(error) }
        }
    }

    private func makeKeys(_ report: inout Report, _ progress: (Report) -> Void) async throws {
        var after = Self.first
        while true {
            let rows = try await database.run(.operator, KeyRotationStore.old(after: after, limit: Self.page))
            for row in rows {
                let (tenant, version): (UUID, Int32) = (try row.get(0), try row.get(1))
                after = tenant
                // Another process may be quicker: then its key holds.
                let made = try await database.run(
                    .operator, TenantKeyStore.insert(tenant, secrets.nextKey(of: tenant, version: version + 1)))
                report.made += made.affectedRows
                secrets.forget(tenant)
            }
            progress(report)
            if rows.count < Self.page { return }
        }
    }

    private func renew(_ report: inout Report, _ progress: (Report) -> Void) async throws {
        var after = Self.first
        let seconds = settle / .seconds(1)
        while true {
            let rows = try await database.run(
                .operator, KeyRotationStore.settled(seconds, after: after, limit: Self.page))
            for row in rows {
                let (tenant, version): (UUID, Int32) = (try row.get(0), try row.get(1))
                after = tenant
                do { report.resealed += try await reseal(tenant, version) } catch is SecretError {
                    report.unreadable += 1
                    continue
                }
                let done = try await database.run(
                    .tenant(tenant),
                    [
                        KeyRotationStore.retire(tenant, before: version),
                        KeyRotationStore.remove(tenant, before: version, settle: seconds),
                    ])
                report.removed += done[1].affectedRows
                secrets.forget(tenant)
            }
            progress(report)
            if rows.count < Self.page { return }
        }
    }

    /// Seals everything anew that the tenant's newest key has not sealed.
    private func reseal(_ tenant: UUID, _ version: Int32) async throws -> Int {
        let keys = try await secrets.storedKeys(of: tenant)
        guard let newest = keys.first, newest.version == version else { return 0 }
        var count = 0
        while true {
            let rows = try await database.run(
                .tenant(tenant), KeyRotationStore.values(tenant, otherThan: version, limit: Self.page))
            if rows.isEmpty { return count }
            var changed: Int64 = 0
            for row in rows {
                let (table, column, asColumn): (String, String, String) = (
                    try row.get(0), try row.get(1), try row.get(2)
                )
                let old: [UInt8] = try row.get(4)
                let place = SecretPlace(table: table, column: asColumn, tenant: tenant, row: try row.get(3))
                let new = try SealedValue.seal(
                    try SealedValue.open(old, keys: keys, place: place), key: newest, place: place)
                changed += try await database.run(
                    .tenant(tenant), KeyRotationStore.reseal(tenant, table: table, column: column, old: old, new: new)
                )[0].get(0)
            }
            count += Int(changed)
            // All of them changed under our hands: the next pass looks again.
            if changed == 0 { return count }
        }
    }

    /// Remembered answers to operators are sealed with a master key itself.
    private func resealOperatorAnswers() async throws {
        let purpose = "operator_idempotency_keys.response"
        for row in try await database.run(.operator, KeyRotationStore.operatorAnswers) {
            let old: [UInt8] = try row.get(1)
            guard !secrets.isSealedByCurrent(old), let opened = try? secrets.openForService(old, purpose: purpose)
            else {
                continue
            }
            let new = try secrets.sealForService(opened, purpose: purpose)
            _ = try await database.run(
                .operator, KeyRotationStore.resealOperatorAnswer(try row.get(0), old: old, new: new))
        }
    }
}
