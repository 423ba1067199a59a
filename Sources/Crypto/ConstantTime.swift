import COpenSSL

/// Whether both are the same, in a time that depends on the lengths alone.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}

extension Array where Element == UInt8 {
    /// Overwrites a secret with zeros where this is its only copy, and empties it.
    public mutating func eraseSecret() {
        withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
        removeAll()
    }
}
