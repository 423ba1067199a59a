public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// Moves a tenant from one database into another while it is served.
///
/// Copy and catch up while writers go on; then a pause, in which webhooks are asked to come again (503 with `Retry-After`;
/// Emarsys does) and lanes wait; the last changes; counts and checksums of every table compared; then the target has it. Killed
/// anywhere, it goes on when it is started again.
public struct TenantMove: Sendable {
    /// What a move did.
    public struct Report: Sendable, Hashable {
        /// Rows by table, the same in both databases.
        public let tables: [(name: String, rows: Int64)]
        /// How long writers waited.
        public let pause: Duration

        /// All rows.
        public var rows: Int64 { tables.reduce(0) { $0 + $1.rows } }

        /// Field by field.
        public static func == (left: Report, right: Report) -> Bool {
            left.pause == right.pause && left.tables.map(\.name) == right.tables.map(\.name)
                && left.tables.map(\.rows) == right.tables.map(\.rows)
        }

        /// Hashes the fields.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(pause)
            for table in tables {
                hasher.combine(table.name)
                hasher.combine(table.rows)
            }
        }
    }

    /// Told what happens, in words.
    public typealias Progress = (String) -> Void

    static let buckets: Int32 = 4096

    let source: Database
    let target: Database
    let secrets: SecretBox
    let time: any TimeSource
    let longestPause: Duration

    /// A mover between two databases.
    ///
    /// - Parameters:
    ///   - secrets: with the master keys of the service in front of the target
    ///   - longestPause: how long writers may wait before the move gives up
    public init(
        source: Database, target: Database, secrets: SecretBox, time: any TimeSource,
        longestPause: Duration = .seconds(60)
    ) {
        self.source = source
        self.target = target
        self.secrets = secrets
        self.time = time
        self.longestPause = longestPause
    }

    /// Moves an instance. Throws 404 `tenant_not_found`, ``MoveFault``, ``ArchiveFault``.
    ///
    /// - Parameter actor: who does it, for the audit log
    public func move(_ instance: String, actor: String, progress: Progress = { _ in }) async throws -> Report {
        guard let tenant = try await TenantAdministrationStore.id(of: instance, in: source) else {
            throw TenantAdministration.notFound
        }
        let tables = try await comparedTables()
        let state = try await moveState(tenant, in: source)
        let isThere = try await isThere(tenant, instance)
        if state == .moved {
            guard isThere else { throw MoveFault.movedAlready }
            // Killed between the two last steps: all was compared before the first.
            return try await arrive(tenant, tables, actor: actor, paused: time.now())
        }
        if !isThere {
            progress("copying")
            try await copy(tenant, tables, progress)
        }
        for round in 1...3 {
            let changed = try await catchUp(tenant, tables.filter { !$0.isNumbered }, progress)
            progress("caught up, round \(round): \(changed) rows")
            if changed < 2000 { break }
        }
        let began = time.now()
        progress("writers wait")
        _ = try await source.run(.operator, ArchiveStore.setMove(tenant, .leaving))
        do {
            try await quiet(tenant)
            try await settle(tenant, tables, began, progress)
            try await checkSecrets(tenant)
            guard time.now() - began < longestPause else { throw MoveFault.pauseTooLong }
            _ = try await source.run(.operator, ArchiveStore.setMove(tenant, .moved))
        } catch {
            _ = try? await source.run(.operator, ArchiveStore.endMove(tenant))
            progress("writers go on: the move failed")
            throw error
        }
        return try await arrive(tenant, tables, actor: actor, paused: began)
    }

    /// Gives a move up: the tenant is at home at the source again, and the target holds nothing of it. Answers how many rows
    /// were removed there. Throws 404; ``MoveFault/movedAlready`` where the target has it.
    public func abandon(_ instance: String) async throws -> Int64 {
        guard let tenant = try await TenantAdministrationStore.id(of: instance, in: source) else {
            throw TenantAdministration.notFound
        }
        guard try await moveState(tenant, in: source) != .moved else { throw MoveFault.movedAlready }
        var removed: Int64 = 0
        if try await isThere(tenant, instance) {
            let administration = TenantAdministration(database: target, secrets: secrets, time: time)
            removed = try await TenantErasure(administration: administration).erase(instance, confirm: instance).removed
        }
        _ = try await source.run(.operator, ArchiveStore.endMove(tenant))
        return removed
    }

    // MARK: Asking

    /// The tables, where both databases have the same.
    private func comparedTables() async throws -> [TenantTable] {
        let one = try await source.run(.operator, [ArchiveStore.schema, ArchiveStore.tables])
        let other = try await target.run(.operator, [ArchiveStore.schema, ArchiveStore.tables])
        let tables = try one[1].map { try TenantTable($0) }
        let names: (String, String) = (try one[0][0].get(0), try other[0][0].get(0))
        guard names.0 == names.1, try other[1].map({ try TenantTable($0) }) == tables else {
            throw MoveFault.schema(source: names.0, target: names.1)
        }
        return tables.filter { !$0.isLocal }
    }

    private func moveState(_ tenant: UUID, in database: Database) async throws -> MoveState? {
        let row = try await database.run(.operator, ArchiveStore.moveState(tenant)).first
        return try row.flatMap { MoveState(rawValue: try $0.get(0)) }
    }

    /// Whether the target has the tenant on its way. Throws where it has it at home, or another one of its name.
    private func isThere(_ tenant: UUID, _ instance: String) async throws -> Bool {
        let rows = try await target.run(.operator, ArchiveStore.clash(tenant, instance))
        guard let row = rows.first else { return false }
        let (name, id, state): (String, UUID, String?) = (try row.get(0), try row.get(1), try row.get(2))
        guard rows.count == 1, name == instance, id == tenant, state == MoveState.arriving.rawValue else {
            throw ArchiveFault.clash(instance: instance)
        }
        return true
    }

    // MARK: Steps

    /// The first copy, of one moment; nothing of it is there before all of it is.
    private func copy(_ tenant: UUID, _ tables: [TenantTable], _ progress: Progress) async throws {
        try await source.transaction(.tenant(tenant), statementTimeout: .seconds(1800), isSnapshot: true) { from in
            _ = try await from.batch(ArchiveStore.settings)
            try await target.transaction(.operator, statementTimeout: .seconds(1800)) { into in
                var isDirectory = true
                for table in tables where !table.isNumbered {
                    if table.isDirectory != isDirectory {
                        isDirectory = table.isDirectory
                        _ = try await into.batch(ArchiveStore.role(isDirectory: isDirectory, tenant))
                    }
                    let rows = try await Self.send(ArchiveStore.open(tenant, table.name), table, tenant, from, into)
                    if rows > 0 { progress("copied \(table.name): \(rows) rows") }
                }
                _ = try await into.batch(
                    ArchiveStore.role(isDirectory: false, tenant) + TenantAdministrationStore.createLanes(tenant)
                        + ArchiveStore.role(isDirectory: true, tenant) + ArchiveStore.setMove(tenant, .arriving))
            }
        }
    }

    private static func send(
        _ open: Query, _ table: TenantTable, _ tenant: UUID, _ from: Transaction, _ into: Transaction
    ) async throws -> Int64 {
        var count: Int64 = 0
        try await TenantArchive.each(from, open) { rows in
            var batch = RowBatch()
            for row in rows {
                batch.add(row)
                count += 1
                if batch.isFull { _ = try await into.query(ArchiveStore.restore(tenant, table.name, batch.take())) }
            }
            if !batch.isEmpty { _ = try await into.query(ArchiveStore.restore(tenant, table.name, batch.take())) }
        }
        return count
    }

    /// Brings the target up to the source, as far as the source stands still. Answers how many rows were sent.
    private func catchUp(_ tenant: UUID, _ tables: [TenantTable], _ progress: Progress) async throws -> Int64 {
        try await source.transaction(.tenant(tenant), statementTimeout: .seconds(1800), isSnapshot: true) { from in
            _ = try await from.batch(ArchiveStore.settings)
            // Compared and sent is one moment of the source: rows refer to rows of the same moment.
            async let there = sums(tenant, tables, in: target)
            let here = try await Self.sums(tenant, tables, from)
            let different = Self.compare(here, try await there, tables)
            guard !different.isEmpty else { return 0 }
            return try await target.transaction(.operator, statementTimeout: .seconds(1800)) { into in
                _ = try await into.batch(ArchiveStore.settings)
                var sent: Int64 = 0
                for (table, wanted) in different {
                    _ = try await into.batch(ArchiveStore.role(isDirectory: table.isDirectory, tenant))
                    var keep = RowBatch()
                    // Rows that others refer to change where they stand; what they are referred to by stays then.
                    if !table.isLeaf {
                        let keys = ArchiveStore.open(
                            tenant, table.name, buckets: Self.buckets, wanted: wanted, onlyKeys: true)
                        try await TenantArchive.each(from, keys) { rows in for row in rows { keep.add(row) } }
                    }
                    _ = try await into.query(
                        ArchiveStore.clear(
                            tenant, table.name, buckets: Self.buckets, wanted: wanted, keep: keep.take()))
                    let open = ArchiveStore.open(tenant, table.name, buckets: Self.buckets, wanted: wanted)
                    sent += try await Self.send(open, table, tenant, from, into)
                }
                return sent
            }
        }
    }

    /// The buckets of each table in which the databases differ; both have to stand still.
    private func differences(_ tenant: UUID, _ tables: [TenantTable]) async throws -> [(TenantTable, [Int32])] {
        async let here = sums(tenant, tables, in: source)
        async let there = sums(tenant, tables, in: target)
        return Self.compare(try await here, try await there, tables)
    }

    private typealias Sums = [String: [Int32: RowSum]]

    private static func compare(_ one: Sums, _ other: Sums, _ tables: [TenantTable]) -> [(TenantTable, [Int32])] {
        tables.compactMap { table in
            let (left, right) = (one[table.name] ?? [:], other[table.name] ?? [:])
            let wanted = Set(left.keys).union(right.keys).filter { left[$0] != right[$0] }.sorted()
            return wanted.isEmpty ? nil : (table, wanted)
        }
    }

    private func sums(_ tenant: UUID, _ tables: [TenantTable], in database: Database) async throws -> Sums {
        try await database.transaction(.tenant(tenant), statementTimeout: .seconds(600)) { transaction in
            try await Self.sums(tenant, tables, transaction)
        }
    }

    private static func sums(_ tenant: UUID, _ tables: [TenantTable], _ transaction: Transaction) async throws -> Sums {
        var sums: Sums = [:]
        for table in tables {
            for row in try await transaction.query(ArchiveStore.sums(tenant, table.name, buckets: buckets)) {
                let sum = RowSum(rows: try row.get(1), checksum: try row.get(2))
                sums[table.name, default: [:]][try row.get(0)] = sum
            }
        }
        return sums
    }

    /// Waits until every replica refuses writes and what began before has ended.
    private func quiet(_ tenant: UUID) async throws {
        // Replicas act on a change of the directory within a second.
        try await time.sleep(for: .milliseconds(1200))
        let end = time.now() + min(.seconds(25), longestPause / 2)
        var fence: Int64?
        while true {
            let row = try await source.run(.operator, ArchiveStore.horizon)[0]
            let running: Int64 = try await source.run(.operator, ArchiveStore.running(tenant))[0].get(0)
            let (current, oldest): (Int64, Int64) = (try row.get(0), try row.get(1))
            if fence == nil { fence = current }
            if let fence, oldest > fence, running == 0 { return }
            guard time.now() < end else {
                throw MoveFault.busy(running > 0 ? "a job of the instance" : "a transaction")
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    /// The last changes, until both databases hold the same.
    private func settle(_ tenant: UUID, _ tables: [TenantTable], _ began: Timestamp, _ progress: Progress) async throws
    {
        var changed: Int64 = 0
        for _ in 0..<3 {
            changed = try await catchUp(tenant, tables, progress)
            guard time.now() - began < longestPause else { throw MoveFault.pauseTooLong }
            if changed == 0 { return }
            progress("last changes: \(changed) rows")
        }
        let different = try await differences(tenant, tables)
        guard different.isEmpty else { throw MoveFault.different(tables: different.map { $0.0.name }) }
    }

    private func checkSecrets(_ tenant: UUID) async throws {
        for row in try await target.run(.tenant(tenant), TenantKeyStore.select(tenant)) {
            let key = try StoredTenantKey(row)
            do { _ = try secrets.unwrap([key], tenant: tenant) } catch { throw ArchiveFault.masterKey(key.masterKeyID) }
        }
    }

    /// The target has it from here on.
    private func arrive(_ tenant: UUID, _ tables: [TenantTable], actor: String, paused: Timestamp) async throws
        -> Report
    {
        let sums = try await sums(tenant, tables, in: target)
        let counts = tables.map { (name: $0.name, rows: (sums[$0.name] ?? [:]).values.reduce(0) { $0 + $1.rows }) }
        _ = try await target.run(
            .operator,
            ArchiveStore.endMove(tenant) + [
                AuditStore.insert(
                    tenant, at: time.now(), actor: actor, action: "tenant.arrived",
                    after: ["rows": .int(counts.reduce(0) { $0 + $1.rows })])
            ])
        return Report(tables: counts, pause: time.now() - paused)
    }
}
