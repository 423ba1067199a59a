import Crypto

/// The keys that wrap the tenants' data keys: the first encrypts, all decrypt.
public struct MasterKeys: Sendable {
    /// One master key.
    struct Key: Sendable {
        let id: String
        let bytes: [UInt8]
    }

    /// Why a list of master keys cannot be read. Names no key material.
    public enum Fault: Error, Sendable, Hashable {
        /// An entry is not `<id>:<base64 of 32 bytes>`; counted from 1.
        case malformed(entry: Int)
        /// Two entries have the same id.
        case duplicateID(String)
        /// There is none.
        case empty
    }

    let keys: [Key]

    /// Reads `<id>:<base64 32 bytes>`, several separated by commas.
    public init(parsing text: String) throws(Fault) {
        var keys: [Key] = []
        for (index, entry) in text.split(separator: ",").enumerated() {
            let trimmed = entry.filter { $0 != " " && $0 != "\n" }
            guard let colon = trimmed.firstIndex(of: ":") else { throw .malformed(entry: index + 1) }
            let id = String(trimmed[..<colon])
            guard
                (1...64).contains(id.utf8.count),
                id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                let bytes = Base64.decode(String(trimmed[trimmed.index(after: colon)...])), bytes.count == 32
            else { throw .malformed(entry: index + 1) }
            guard !keys.contains(where: { $0.id == id }) else { throw .duplicateID(id) }
            keys.append(Key(id: id, bytes: bytes))
        }
        guard !keys.isEmpty else { throw .empty }
        self.keys = keys
    }

    /// The id of the key that encrypts.
    public var currentID: String { keys[0].id }

    /// The ids of all keys.
    public var ids: [String] { keys.map(\.id) }

    func key(_ id: String) -> Key? { keys.first { $0.id == id } }
}

extension MasterKeys: CustomStringConvertible, CustomReflectable {
    /// Ids only.
    public var description: String { "master keys \(ids)" }
    /// Ids only.
    public var customMirror: Mirror { Mirror(self, children: ["ids": ids]) }
}
