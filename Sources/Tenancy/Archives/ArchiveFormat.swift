import Crypto
import EventLoop
import FoundationEssentials
public import JSON

/// An archive of a tenant: JSON lines.
///
///     {"header":{"format":"charles-emarsys tenant","version":1,"tenant_id":…,"instance_name":…,"schema":…,"exported_at":…}}
///     {"table":"tenants","row":{…}}          one for each row; tables that others refer to stand first
///     {"manifest":{"tables":{"tenants":{"rows":1,"sha256":…},…},"rows":n,"sha256":…}}
///
/// A table's checksum is that of its lines, the last one that of all lines before the manifest, line ends included. Secrets
/// stand in it sealed, and open only where the same master keys are.
public struct ArchiveManifest: Sendable, Hashable {
    /// What one table holds.
    public struct Table: Sendable, Hashable {
        /// Without schema.
        public let name: String
        /// How many.
        public var rows: Int64
        /// Of the table's lines, in hexadecimal digits.
        public var sha256: String
    }

    /// The tenant.
    public var instanceName = ""
    /// Its id, which it keeps.
    public var tenantID = ""
    /// In the order of the archive.
    public var tables: [Table] = []
    /// Of all lines before the manifest.
    public var sha256 = ""

    /// All rows.
    public var rows: Int64 { tables.reduce(0) { $0 + $1.rows } }

    /// As people and programs see it.
    public var json: JSON {
        [
            "instance_name": .string(instanceName), "tenant_id": .string(tenantID), "rows": .int(rows),
            "sha256": .string(sha256),
            "tables": .object(
                JSONObject(tables.map { ($0.name, ["rows": .int($0.rows), "sha256": .string($0.sha256)]) })),
        ]
    }
}

/// Why an archive cannot be taken in.
public enum ArchiveFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is none, or of a later program.
    case unreadable(String)
    /// The archive was made by another version of the schema.
    case schema(archive: String, database: String)
    /// A table's rows are not those that were written.
    case damaged(table: String)
    /// It ends before its manifest.
    case truncated
    /// The instance, or its id, is there already.
    case clash(instance: String)
    /// A data key is wrapped by a master key that is not configured.
    case masterKey(String)

    /// In words.
    public var description: String {
        switch self {
        case .unreadable(let what): "not an archive of a tenant: \(what)"
        case .schema(let archive, let database):
            "the archive is of schema \(archive), the database has \(database): bring both to one version"
        case .damaged(let table): "the archive is damaged: the rows of \(table) are not those that were written"
        case .truncated: "the archive is not complete"
        case .clash(let instance): "there is the instance \"\(instance)\" already, by its name or its id"
        case .masterKey(let id): "its secrets need the master key \(id), which CHARLES_MASTER_KEYS does not name"
        }
    }
}

/// Sums up the lines of an archive as they pass.
final class ArchiveSums {
    private let all = RunningDigest()
    private var table: RunningDigest?
    private(set) var manifest = ArchiveManifest()

    /// Takes a line with its end.
    func header(_ line: [UInt8]) { all.update(line) }

    /// Takes a row's line with its end.
    func row(_ name: String, _ line: [UInt8]) {
        if manifest.tables.last?.name != name {
            endTable()
            manifest.tables.append(ArchiveManifest.Table(name: name, rows: 0, sha256: ""))
            table = RunningDigest()
        }
        all.update(line)
        table?.update(line)
        manifest.tables[manifest.tables.count - 1].rows += 1
    }

    /// The manifest of all lines so far.
    func finish(instance: String, tenant: String) -> ArchiveManifest {
        endTable()
        manifest.instanceName = instance
        manifest.tenantID = tenant
        manifest.sha256 = Hex.encode(all.finish())
        return manifest
    }

    private func endTable() {
        guard let table else { return }
        manifest.tables[manifest.tables.count - 1].sha256 = Hex.encode(table.finish())
        self.table = nil
    }
}
