/// A statement as one connection's server side knows it. Belongs to one connection's loop.
final class PreparedStatement {
    /// The name, NUL-terminated. Derived from the text and the types, so that PgBouncer sees one name for one statement.
    let name: [CChar]
    let nameHash: UInt64
    let sql: StaticString
    let types: [UInt32]
    /// Why preparing failed, once that is known.
    var failure: DatabaseError?
    fileprivate var lastUse: UInt64 = 0

    init(nameHash: UInt64, sql: StaticString, types: [UInt32]) {
        self.nameHash = nameHash
        self.sql = sql
        self.types = types
        name = "q\(nameHash)".utf8CString.map { $0 }
    }
}

/// The statements prepared on one connection, found by the literal's address and the parameters' types; the least recently used
/// gives way when the cache is full.
struct StatementCache {
    /// What became of a look-up.
    enum Outcome {
        /// Already prepared (or being prepared by an earlier segment of the same connection).
        case prepared(PreparedStatement)
        /// Must be prepared first; `evicted` is to be deallocated.
        case missing(PreparedStatement, evicted: PreparedStatement?)
    }

    private struct Key: Hashable {
        let identity: UInt
        let types: UInt64
    }

    private let capacity: Int
    private var byLiteral: [Key: PreparedStatement] = [:]
    private var byName: [UInt64: PreparedStatement] = [:]
    private var clock: UInt64 = 0

    /// - Parameter capacity: How many statements may stay prepared, at least 1.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// How many statements are prepared.
    var count: Int { byName.count }

    /// Finds a statement, or enters it as to be prepared.
    mutating func lookUp(_ query: Query) -> Outcome {
        clock &+= 1
        var types = Hash64()
        for parameter in query.parameters { types.combine(parameter.type.rawValue) }
        let key = Key(identity: query.sql.identity, types: types.value)
        if let found = byLiteral[key] {
            found.lastUse = clock
            return .prepared(found)
        }
        var name = types
        query.sql.withUTF8Buffer { name.combine($0) }
        // Two literals can have one text. Two texts of one hash are told apart by trying the next number.
        while let other = byName[name.value] {
            if other.sql.text == query.sql.text, other.types == query.parameters.map(\.type.rawValue) {
                byLiteral[key] = other
                other.lastUse = clock
                return .prepared(other)
            }
            name.combine(UInt32(1))
        }
        let evicted = byName.count < capacity ? nil : byName.values.min { $0.lastUse < $1.lastUse }
        if let evicted { remove(evicted) }
        let statement = PreparedStatement(
            nameHash: name.value, sql: query.sql, types: query.parameters.map(\.type.rawValue))
        statement.lastUse = clock
        byLiteral[key] = statement
        byName[name.value] = statement
        return .missing(statement, evicted: evicted)
    }

    /// Forgets a statement: it was evicted, or the server refused to prepare it.
    mutating func remove(_ statement: PreparedStatement) {
        guard byName[statement.nameHash] === statement else { return }
        byName[statement.nameHash] = nil
        byLiteral = byLiteral.filter { $0.value !== statement }
    }
}

/// FNV-1a, 64 bits: stable from run to run, which `Hasher` is not.
struct Hash64 {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func combine(_ word: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            value = (value ^ UInt64((word >> shift) & 0xff)) &* 0x100_0000_01b3
        }
    }
}
