import Crypto
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// Takes a tenant with all its rows out of a database into an archive, and out of an archive into a database.
public struct TenantArchive: Sendable {
    /// Told how far it is: the table at hand and the rows so far.
    public typealias Progress = (_ table: String, _ rows: Int64) -> Void

    private let database: Database
    private let secrets: SecretBox
    private let time: any TimeSource

    /// Archives of the tenants of a database.
    public init(database: Database, secrets: SecretBox, time: any TimeSource) {
        self.database = database
        self.secrets = secrets
        self.time = time
    }

    // MARK: Out

    /// Writes an archive: all rows of one moment. Throws 404 `tenant_not_found`.
    ///
    /// - Parameter write: takes pieces of whole lines
    public func export(_ instance: String, progress: Progress = { _, _ in }, write: ([UInt8]) async throws -> Void)
        async throws -> ArchiveManifest
    {
        guard let tenant = try await TenantAdministrationStore.id(of: instance, in: database) else {
            throw TenantAdministration.notFound
        }
        let sums = ArchiveSums()
        let now = time.now()
        return try await database.transaction(
            .tenant(tenant), statementTimeout: .seconds(1800), isSnapshot: true
        ) { transaction in
            _ = try await transaction.batch(ArchiveStore.settings)
            let schema: String = try await transaction.query(ArchiveStore.schema)[0].get(0)
            let header: JSON = [
                "header": [
                    "format": .string(Self.format), "version": 1, "tenant_id": .string(tenant.uuidString.lowercased()),
                    "instance_name": .string(instance), "schema": .string(schema), "exported_at": .string(now.rfc3339),
                ]
            ]
            let line = header.encoded() + [0x0A]
            sums.header(line)
            try await write(line)
            var rows: Int64 = 0
            for table in try await Self.tables(transaction) where !table.isLocal {
                try await Self.each(transaction, ArchiveStore.open(tenant, table.name)) { batch in
                    var lines: [UInt8] = []
                    let prefix = Array("{\"table\":\"\(table.name)\",\"row\":".utf8)
                    for row in batch {
                        let line = prefix + row + Array("}\n".utf8)
                        sums.row(table.name, line)
                        lines.append(contentsOf: line)
                    }
                    rows += Int64(batch.count)
                    progress(table.name, rows)
                    try await write(lines)
                }
            }
            let manifest = sums.finish(instance: instance, tenant: tenant.uuidString.lowercased())
            try await write(JSON.object(["manifest": manifest.json]).encoded() + [0x0A])
            return manifest
        }
    }

    // MARK: In

    /// Takes an archive in: all of it or nothing. The tenant keeps its id and those of all rows.
    ///
    /// - Parameters:
    ///   - actor: who does it, for the audit log
    ///   - next: gives line after line without its end, nil behind the last
    /// - Throws: ``ArchiveFault``
    public func restore(
        actor: String, progress: Progress = { _, _ in }, next: () async throws -> [UInt8]?
    ) async throws -> ArchiveManifest {
        guard let first = try await next(), let header = (try? JSON.parse(first))?["header"],
            header["format"]?.string == Self.format, let instance = header["instance_name"]?.string,
            let tenant = header["tenant_id"]?.string.flatMap({ UUID(uuidString: $0) })
        else { throw ArchiveFault.unreadable("its first line is no header") }
        guard header["version"] == 1 else { throw ArchiveFault.unreadable("a version that this program does not know") }
        let sums = ArchiveSums()
        sums.header(first + [0x0A])
        let now = time.now()
        let manifest: ArchiveManifest = try await database.transaction(
            .operator, statementTimeout: .seconds(1800)
        ) { transaction in
            let schema: String = try await transaction.query(ArchiveStore.schema)[0].get(0)
            guard schema == header["schema"]?.string else {
                throw ArchiveFault.schema(archive: header["schema"]?.string ?? "?", database: schema)
            }
            guard try await transaction.query(ArchiveStore.clash(tenant, instance)).isEmpty else {
                throw ArchiveFault.clash(instance: instance)
            }
            let tables = try await Self.tables(transaction)
            let manifest = try await take(transaction, tables, tenant, instance, sums, progress, next)
            try await check(transaction, tables, tenant, manifest)
            _ = try await transaction.batch(
                ArchiveStore.role(isDirectory: false, tenant) + TenantAdministrationStore.createLanes(tenant)
                    + [
                        AuditStore.insert(
                            tenant, at: now, actor: actor, action: "tenant.imported",
                            after: ["rows": .int(manifest.rows), "sha256": .string(manifest.sha256)]),
                        DirectoryStore.touch(tenant),
                    ])
            return manifest
        }
        secrets.forget(tenant)
        return manifest
    }

    private func take(
        _ transaction: Transaction, _ tables: [TenantTable], _ tenant: UUID, _ instance: String, _ sums: ArchiveSums,
        _ progress: Progress, _ next: () async throws -> [UInt8]?
    ) async throws -> ArchiveManifest {
        var batch = RowBatch()
        var current: TenantTable?
        var rows: Int64 = 0
        func store() async throws {
            guard let current, !batch.isEmpty else { return }
            _ = try await transaction.query(ArchiveStore.restore(tenant, current.name, batch.take()))
            progress(current.name, rows)
        }
        while let line = try await next() {
            guard let (name, row) = Self.row(line) else {
                try await store()
                guard let told = (try? JSON.parse(line))?["manifest"] else {
                    throw ArchiveFault.unreadable("a line that is neither row nor manifest")
                }
                let manifest = sums.finish(instance: instance, tenant: tenant.uuidString.lowercased())
                try Self.compare(manifest, told)
                return manifest
            }
            if name != current?.name {
                try await store()
                guard let table = tables.first(where: { $0.name == name }), !table.isLocal else {
                    throw ArchiveFault.unreadable("a table that is not known: \(name)")
                }
                if table.isDirectory != (current?.isDirectory ?? true) {
                    _ = try await transaction.batch(ArchiveStore.role(isDirectory: table.isDirectory, tenant))
                }
                current = table
            }
            sums.row(name, line + [0x0A])
            batch.add(row)
            rows += 1
            if batch.isFull { try await store() }
        }
        throw ArchiveFault.truncated
    }

    /// The rows that are there now are those of the manifest, and their secrets can be opened.
    private func check(
        _ transaction: Transaction, _ tables: [TenantTable], _ tenant: UUID, _ manifest: ArchiveManifest
    ) async throws {
        _ = try await transaction.batch(ArchiveStore.role(isDirectory: false, tenant))
        for table in tables where !table.isLocal {
            let sums = try await transaction.query(ArchiveStore.sums(tenant, table.name, buckets: 1))
            let count: Int64 = try sums.first?.get(1) ?? 0
            guard count == manifest.tables.first(where: { $0.name == table.name })?.rows ?? 0 else {
                throw ArchiveFault.damaged(table: table.name)
            }
        }
        for row in try await transaction.query(TenantKeyStore.select(tenant)) {
            let key = try StoredTenantKey(row)
            do { _ = try secrets.unwrap([key], tenant: tenant) } catch {
                throw ArchiveFault.masterKey(key.masterKeyID)
            }
        }
    }

    private static func compare(_ manifest: ArchiveManifest, _ told: JSON) throws(ArchiveFault) {
        for table in manifest.tables where told["tables"]?[table.name]?["sha256"]?.string != table.sha256 {
            throw .damaged(table: table.name)
        }
        guard told["sha256"]?.string == manifest.sha256, told["rows"]?.int64 == manifest.rows else {
            throw .damaged(table: "the archive")
        }
    }

    /// The table and the row of a line.
    private static func row(_ line: [UInt8]) -> (table: String, row: ArraySlice<UInt8>)? {
        guard line.starts(with: "{\"table\":\"".utf8), line.last == UInt8(ascii: "}") else { return nil }
        let rest = line.dropFirst(10)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")), rest[end...].starts(with: "\",\"row\":".utf8) else {
            return nil
        }
        return (String(decoding: rest[..<end], as: UTF8.self), rest[(end + 8)...].dropLast())
    }

    // MARK: Both

    static let format = "charles-emarsys tenant"

    static func tables(_ transaction: Transaction) async throws -> [TenantTable] {
        try await transaction.query(ArchiveStore.tables).map { try TenantTable($0) }
    }

    /// Opens a cursor and hands its rows on, some at a time.
    static func each(_ transaction: Transaction, _ open: Query, _ body: ([[UInt8]]) async throws -> Void) async throws {
        _ = try await transaction.query(open)
        while true {
            var batch: [[UInt8]] = []
            for row in try await transaction.query(ArchiveStore.fetch) {
                batch.append(Array(try row.get(0, as: String.self).utf8))
            }
            if batch.isEmpty { break }
            try await body(batch)
        }
        _ = try await transaction.query(ArchiveStore.close)
    }
}

/// Rows on their way into a table: a JSON array that does not grow too large.
struct RowBatch: Sendable {
    private var bytes: [UInt8] = []
    private var count = 0

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count >= ArchiveStore.batch || bytes.count > 8 << 20 }

    mutating func add(_ row: some Collection<UInt8>) {
        bytes.append(UInt8(ascii: count == 0 ? "[" : ","))
        bytes.append(contentsOf: row)
        count += 1
    }

    /// The array; empties the batch.
    mutating func take() -> [UInt8] {
        defer {
            bytes.removeAll(keepingCapacity: true)
            count = 0
        }
        return isEmpty ? Array("[]".utf8) : bytes + [UInt8(ascii: "]")]
    }
}
