import Crypto
import FoundationEssentials
import Testing

@testable import Tenancy

@Suite("Sealed secrets")
struct SealedValueTests {
    private let key = DataKey(version: 1, bytes: SecureRandom.bytes(32))
    private let place = SecretPlace(table: "connections", column: "secret", tenant: UUID(), row: UUID())
    private let secret = Array("a secret".utf8)

    @Test("what was sealed opens at its place, and looks different each time")
    func opens() throws {
        let first = try SealedValue.seal(secret, key: key, place: place)
        let second = try SealedValue.seal(secret, key: key, place: place)
        #expect(first != second)
        #expect(try SealedValue.open(first, keys: [key], place: place) == secret)
        #expect(first.count == 33 + secret.count)
    }

    @Test("it opens nowhere else: not in another table, column, tenant or row")
    func bound() throws {
        let sealed = try SealedValue.seal(secret, key: key, place: place)
        let others = [
            SecretPlace(table: "webhook_secrets", column: "secret", tenant: place.tenant, row: place.row),
            SecretPlace(table: "connections", column: "token", tenant: place.tenant, row: place.row),
            SecretPlace(table: "connections", column: "secret", tenant: UUID(), row: place.row),
            SecretPlace(table: "connections", column: "secret", tenant: place.tenant, row: UUID()),
            // The same letters, divided otherwise.
            SecretPlace(table: "connectionss", column: "ecret", tenant: place.tenant, row: place.row),
        ]
        for other in others {
            #expect(throws: SecretError.refused) { try SealedValue.open(sealed, keys: [key], place: other) }
        }
    }

    @Test("every changed, missing or added byte is noticed")
    func damaged() throws {
        let sealed = try SealedValue.seal(secret, key: key, place: place)
        for index in sealed.indices {
            var damaged = sealed
            damaged[index] ^= 1
            #expect(throws: SecretError.self) { try SealedValue.open(damaged, keys: [key], place: place) }
        }
        #expect(throws: SecretError.self) { try SealedValue.open(Array(sealed.dropLast()), keys: [key], place: place) }
        #expect(throws: SecretError.self) { try SealedValue.open(sealed + [0], keys: [key], place: place) }
        #expect(throws: SecretError.malformed) { try SealedValue.open([1, 2, 3], keys: [key], place: place) }
    }

    @Test("a newer data key beside the old one opens both, the new one alone does not open the old")
    func versions() throws {
        let newer = DataKey(version: 2, bytes: SecureRandom.bytes(32))
        let old = try SealedValue.seal(secret, key: key, place: place)
        let new = try SealedValue.seal(secret, key: newer, place: place)
        for sealed in [old, new] {
            #expect(try SealedValue.open(sealed, keys: [newer, key], place: place) == secret)
        }
        #expect(throws: SecretError.unknownDataKey) { try SealedValue.open(old, keys: [newer], place: place) }
    }

    @Test("a wrapped data key belongs to its tenant, version and master key")
    func wrapped() throws {
        let masters = try MasterKeys(parsing: Self.master("a", 1) + "," + Self.master("b", 2))
        let tenant = UUID()
        let first = try #require(masters.key("a"))
        let wrapped = try WrappedKey.wrap(key, tenant: tenant, master: first)
        #expect(try WrappedKey.unwrap(wrapped, version: 1, tenant: tenant, master: first).bytes == key.bytes)
        let second = try #require(masters.key("b"))
        #expect(throws: SecretError.refused) {
            try WrappedKey.unwrap(wrapped, version: 1, tenant: tenant, master: second)
        }
        #expect(throws: SecretError.refused) {
            try WrappedKey.unwrap(wrapped, version: 2, tenant: tenant, master: first)
        }
        #expect(throws: SecretError.refused) {
            try WrappedKey.unwrap(wrapped, version: 1, tenant: UUID(), master: first)
        }
    }

    @Test("master keys: the first encrypts; what is no key is refused without being repeated")
    func masterKeys() throws {
        let keys = try MasterKeys(parsing: Self.master("new", 2) + ", " + Self.master("old", 1))
        #expect(keys.currentID == "new")
        #expect(!"\(keys)".contains("AQEB"))
        #expect(throws: MasterKeys.Fault.empty) { try MasterKeys(parsing: "") }
        #expect(throws: MasterKeys.Fault.malformed(entry: 1)) { try MasterKeys(parsing: "k:short") }
        #expect(throws: MasterKeys.Fault.malformed(entry: 2)) {
            try MasterKeys(parsing: Self.master("a", 1) + ",nokey")
        }
        #expect(throws: MasterKeys.Fault.duplicateID("a")) {
            try MasterKeys(parsing: Self.master("a", 1) + "," + Self.master("a", 2))
        }
    }

    static func master(_ id: String, _ byte: UInt8) -> String {
        "\(id):\(Base64.encode([UInt8](repeating: byte, count: 32)))"
    }
}
