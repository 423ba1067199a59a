import CAssets

/// The SQL files compiled into the binary.
public struct EmbeddedSQL: Sendable {
    /// One file.
    public struct File: Sendable, Hashable {
        /// Its path below the repository's root, such as `db/migrations/0001_roles_and_tenancy.sql`.
        public var path: String
        /// Its text.
        public var text: String

        /// A file of the given text.
        public init(path: String, text: String) {
            self.path = path
            self.text = text
        }

        /// The file's name without its folders.
        public var name: String {
            String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
        }

        /// The four digits at the start of a migration's name.
        public var number: Int? { Int(name.prefix { $0.isNumber }) }
    }

    /// The migrations in order of their numbers.
    public var migrations: [File]
    /// Views and their like, in order of their names; run anew every time.
    public var reporting: [File]
    /// The query whose rows are violations.
    public var gate: String

    /// A set of files.
    public init(migrations: [File], reporting: [File] = [], gate: String = "") {
        self.migrations = migrations.sorted { ($0.number ?? 0, $0.name) < ($1.number ?? 0, $1.name) }
        self.reporting = reporting.sorted { $0.name < $1.name }
        self.gate = gate
    }

    /// What this binary carries.
    public static let embedded: EmbeddedSQL = {
        var count = 0
        let assets = UnsafeBufferPointer(start: casset_all(&count), count: count)
        let files = assets.compactMap { asset -> File? in
            guard let path = asset.path.map({ String(cString: $0) }), path.hasPrefix("db/") else { return nil }
            let bytes = UnsafeBufferPointer(start: asset.bytes, count: asset.length)
            return File(path: path, text: String(decoding: bytes, as: UTF8.self))
        }
        return EmbeddedSQL(
            migrations: files.filter { $0.path.hasPrefix("db/migrations/") },
            reporting: files.filter { $0.path.hasPrefix("db/reporting/") },
            gate: files.first { $0.path == "db/checks/gate.sql" }?.text ?? "")
    }()
}
