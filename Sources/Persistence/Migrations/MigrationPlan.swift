/// Which migrations are to be applied: a pure comparison of the files with the database's record.
struct MigrationPlan {
    /// A row of `app_migrations.applied`.
    struct Applied: Equatable {
        var number: Int
        var name: String
        var checksum: String
    }

    /// The files still to be applied, in order.
    let pending: [EmbeddedSQL.File]

    /// Compares.
    ///
    /// Throws `.migration` for an applied file that changed or is not in this binary, for a file that should have been applied
    /// before one that was, for two files of one number, and for a file without a number.
    init(
        files: [EmbeddedSQL.File], checksums: [String], applied: [Applied]
    ) throws(DatabaseError) {
        var numbers: Set<Int> = []
        for file in files {
            guard let number = file.number else { throw Self.error("\(file.name) has no number") }
            guard numbers.insert(number).inserted else { throw Self.error("\(file.name) has another file's number") }
        }
        var record: [Int: Applied] = [:]
        for row in applied { record[row.number] = row }
        for row in applied where !numbers.contains(row.number) {
            throw Self.error("\(row.name) is applied but not part of this version")
        }
        let last = applied.map(\.number).max() ?? -1
        var pending: [EmbeddedSQL.File] = []
        for (file, checksum) in zip(files, checksums) {
            guard let number = file.number else { continue }
            if let row = record[number] {
                guard row.checksum == checksum, row.name == file.name else {
                    throw Self.error("\(file.name) differs from what was applied as \(row.name)")
                }
            } else {
                guard number > last else {
                    throw Self.error("\(file.name) is missing before a later one that is applied")
                }
                pending.append(file)
            }
        }
        self.pending = pending
    }

    private static func error(_ text: String) -> DatabaseError { DatabaseError(.migration, context: text) }
}
