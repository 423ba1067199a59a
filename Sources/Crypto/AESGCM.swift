import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) with nonces of 96 and tags of 128 bits.
public enum AESGCM {
    /// Bytes of a key.
    public static let keyLength = 32
    /// Bytes of a nonce; one is never used twice with the same key.
    public static let nonceLength = 12
    /// Bytes of the tag behind the sealed text.
    public static let tagLength = 16

    private struct Function: @unchecked Sendable {
        // Fetched once, immutable, alive as long as the process.
        let pointer = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    }

    private static let function = Function()

    /// Encrypts and authenticates.
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - nonce: 12 bytes, new for each text.
    ///   - aad: authenticated, not encrypted, needed again to open.
    /// - Returns: the encrypted text, as long as the plain one, and the tag of 16 bytes.
    public static func seal(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], aad: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let context = try Context(seals: true)
        try context.start(key, nonce, aad)
        var sealed = [UInt8](repeating: 0, count: plaintext.count + tagLength)
        try context.update(plaintext, count: plaintext.count, into: &sealed)
        try context.finish()
        var tag = [UInt8](repeating: 0, count: tagLength)
        guard EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1 else {
            throw .libraryFailure
        }
        sealed.replaceSubrange(plaintext.count..., with: tag)
        return sealed
    }

    /// Checks and decrypts what `seal` made.
    /// - Throws: `authenticationFailed` where text, tag, key, nonce or additional data differ.
    public static func open(
        _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], aad: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= tagLength else { throw .authenticationFailed }
        let context = try Context(seals: false)
        try context.start(key, nonce, aad)
        let length = sealed.count - tagLength
        var tag = Array(sealed[length...])
        guard EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1 else {
            throw .libraryFailure
        }
        var plaintext = [UInt8](repeating: 0, count: length)
        try context.update(sealed, count: length, into: &plaintext)
        do {
            try context.finish()
        } catch {
            plaintext.eraseSecret()
            throw .authenticationFailed
        }
        return plaintext
    }

    /// The library's state for one text.
    private struct Context: ~Copyable {
        let pointer: OpaquePointer
        let seals: Int32

        init(seals: Bool) throws(CryptoError) {
            guard let pointer = EVP_CIPHER_CTX_new() else { throw .libraryFailure }
            self.pointer = pointer
            self.seals = seals ? 1 : 0
        }

        deinit { EVP_CIPHER_CTX_free(pointer) }

        func start(_ key: [UInt8], _ nonce: [UInt8], _ aad: [UInt8]) throws(CryptoError) {
            guard key.count == AESGCM.keyLength else { throw .invalidKey }
            guard nonce.count == AESGCM.nonceLength else { throw .invalidNonce }
            guard let aadCount = Int32(exactly: aad.count) else { throw .libraryFailure }
            var length: Int32 = 0
            guard EVP_CipherInit_ex2(pointer, AESGCM.function.pointer, key, nonce, seals, nil) == 1,
                aad.isEmpty || EVP_CipherUpdate(pointer, nil, &length, aad, aadCount) == 1
            else { throw .libraryFailure }
        }

        func update(_ input: [UInt8], count: Int, into output: inout [UInt8]) throws(CryptoError) {
            guard count > 0 else { return }
            guard let count = Int32(exactly: count) else { throw .libraryFailure }
            var length: Int32 = 0
            guard EVP_CipherUpdate(pointer, &output, &length, input, count) == 1 else { throw .libraryFailure }
        }

        func finish() throws(CryptoError) {
            var rest = [UInt8](repeating: 0, count: 16)
            var length: Int32 = 0
            guard EVP_CipherFinal_ex(pointer, &rest, &length) == 1 else { throw .libraryFailure }
        }
    }
}
