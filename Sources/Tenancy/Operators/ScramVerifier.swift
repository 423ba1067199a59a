import Crypto

/// A password as PostgreSQL stores it (RFC 5802, RFC 7677), so that the password itself never travels to the server and
/// stands in none of its logs.
enum ScramVerifier {
    /// - Parameters:
    ///   - password: printable ASCII, which SASLprep leaves as it is
    ///   - salt: 16 random bytes
    ///   - iterations: PostgreSQL's own default
    static func make(password: String, salt: [UInt8] = SecureRandom.bytes(16), iterations: Int = 4096) -> String {
        let key = HMACKey(Array(password.utf8))
        var block = key.authenticate(salt + [0, 0, 0, 1])
        var salted = block
        for _ in 1..<iterations {
            block = key.authenticate(block)
            for index in salted.indices { salted[index] ^= block[index] }
        }
        let saltedKey = HMACKey(salted)
        let stored = SHA256.hash(saltedKey.authenticate(Array("Client Key".utf8)))
        let server = saltedKey.authenticate(Array("Server Key".utf8))
        return "SCRAM-SHA-256$\(iterations):\(Base64.encode(salt))$\(Base64.encode(stored)):\(Base64.encode(server))"
    }
}
