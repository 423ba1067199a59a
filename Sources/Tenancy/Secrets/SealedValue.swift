import Crypto
public import FoundationEssentials

/// Where a sealed value lies. The place is authenticated with the value, so that a row copied to another table, column,
/// tenant or row does not open.
public struct SecretPlace: Sendable, Hashable {
    /// The table without its schema.
    public let table: String
    /// The column.
    public let column: String
    /// The tenant.
    public let tenant: UUID
    /// The row's own id; the tenant's where a table has one row for each tenant.
    public let row: UUID

    /// A place.
    public init(table: String, column: String, tenant: UUID, row: UUID) {
        self.table = table
        self.column = column
        self.tenant = tenant
        self.row = row
    }
}

/// One version of a tenant's data key.
struct DataKey: Sendable {
    let version: Int32
    let bytes: [UInt8]
}

/// Why a sealed value does not open.
public enum SecretError: Error, Sendable, Hashable {
    /// Not of the stored form, or of a newer one.
    case malformed
    /// The data key's version is not known (any more).
    case unknownDataKey
    /// The master key that wrapped the data key is not configured.
    case unknownMasterKey(id: String)
    /// The key, the place or the bytes are not those it was sealed with.
    case refused
}

/// The stored form: `format (1) | data key version (4) | nonce (12) | ciphertext | tag (16)`, AES-256-GCM.
///
/// The nonce is random; one key may seal 2^32 values (NIST SP 800-38D 8.3), which a tenant never reaches.
enum SealedValue {
    static let format: UInt8 = 1

    static func seal(_ plaintext: [UInt8], key: DataKey, place: SecretPlace) throws(SecretError) -> [UInt8] {
        let nonce = SecureRandom.bytes(12)
        var stored: [UInt8] = [format]
        stored.append(contentsOf: bigEndian(key.version))
        stored.append(contentsOf: nonce)
        let aad = associatedData(place, version: key.version)
        do {
            stored.append(contentsOf: try AESGCM.seal(plaintext, key: key.bytes, nonce: nonce, aad: aad))
        } catch { throw .malformed }
        return stored
    }

    static func open(_ stored: [UInt8], keys: [DataKey], place: SecretPlace) throws(SecretError) -> [UInt8] {
        guard stored.count >= 33, stored[0] == format else { throw .malformed }
        let version = stored[1..<5].reduce(Int32(0)) { $0 << 8 | Int32($1) }
        guard let key = keys.first(where: { $0.version == version }) else { throw .unknownDataKey }
        do {
            return try AESGCM.open(
                Array(stored[17...]), key: key.bytes, nonce: Array(stored[5..<17]),
                aad: associatedData(place, version: version))
        } catch { throw .refused }
    }

    /// Each part behind its length, so that no two places give the same bytes.
    static func associatedData(_ place: SecretPlace, version: Int32) -> [UInt8] {
        lengthPrefixed([
            Array(place.table.utf8), Array(place.column.utf8), bytes(place.tenant), bytes(place.row),
            bigEndian(version),
            [format],
        ])
    }

    static func lengthPrefixed(_ parts: [[UInt8]]) -> [UInt8] {
        parts.reduce(into: []) { result, part in
            result.append(contentsOf: bigEndian(Int32(truncatingIfNeeded: part.count)))
            result.append(contentsOf: part)
        }
    }

    static func bytes(_ id: UUID) -> [UInt8] { withUnsafeBytes(of: id.uuid) { [UInt8]($0) } }

    static func bigEndian(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
}

/// A data key under a master key: `nonce (12) | ciphertext | tag (16)`, bound to tenant, version and master key.
enum WrappedKey {
    static func wrap(_ key: DataKey, tenant: UUID, master: MasterKeys.Key) throws(SecretError) -> [UInt8] {
        let nonce = SecureRandom.bytes(12)
        let aad = associatedData(tenant, key.version, master.id)
        do { return nonce + (try AESGCM.seal(key.bytes, key: master.bytes, nonce: nonce, aad: aad)) } catch {
            throw .malformed
        }
    }

    static func unwrap(_ wrapped: [UInt8], version: Int32, tenant: UUID, master: MasterKeys.Key)
        throws(SecretError) -> DataKey
    {
        guard wrapped.count == 60 else { throw .malformed }
        let aad = associatedData(tenant, version, master.id)
        do {
            let bytes = try AESGCM.open(
                Array(wrapped[12...]), key: master.bytes, nonce: Array(wrapped[..<12]), aad: aad)
            return DataKey(version: version, bytes: bytes)
        } catch { throw .refused }
    }

    private static func associatedData(_ tenant: UUID, _ version: Int32, _ masterID: String) -> [UInt8] {
        SealedValue.lengthPrefixed([
            Array("dek".utf8), SealedValue.bytes(tenant), SealedValue.bigEndian(version), Array(masterID.utf8),
        ])
    }
}
