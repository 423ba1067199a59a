import Crypto
import FoundationEssentials
import Testing

@Suite("Hashes, codes, encodings, randomness")
struct CryptoTests {
    @Test("digests of the FIPS 180 examples")
    func digests() {
        let abc = Array("abc".utf8)
        #expect(Hex.encode(SHA1.hash(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            Hex.encode(SHA256.hash(abc)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Hex.encode(SHA256.hash([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hash("abc".utf8) == SHA256.hash(abc))
        #expect(Hex.encode(HashAlgorithm.sha384.hash(abc)).hasPrefix("cb00753f45a35e8bb5a03d699ac65007"))
        #expect(Hex.encode(HashAlgorithm.sha512.hash(abc)).hasPrefix("ddaf35a193617abacc417349ae204131"))
    }

    @Test("HMAC by RFC 4231, again and again with one key, whole or in pieces")
    func hmac() {
        let key = HMACKey(Array("Jefe".utf8))
        let message = Array("what do ya want for nothing?".utf8)
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        for _ in 0..<3 { #expect(Hex.encode(key.authenticate(message)) == expected) }
        let pieces = [Array(message[..<5]), [], Array(message[5...])]
        #expect(Hex.encode(key.authenticate(pieces: pieces)) == expected)
        #expect(key.isValid(key.authenticate(message), for: message))
        #expect(!key.isValid(Array(key.authenticate(message).dropLast()), for: message))
        #expect(
            Hex.encode(HMACKey([]).authenticate([]))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("one HMAC key serves many tasks at once")
    func concurrentHMAC() async {
        let key = HMACKey(Array("secret".utf8))
        let expected = (0..<64).map { HMACKey(Array("secret".utf8)).authenticate([UInt8($0)]) }
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask { (0..<200).allSatisfy { _ in key.authenticate([UInt8(index)]) == expected[index] } }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test("a sealed value opens only with the same key, nonce and additional data, and whole")
    func sealing() throws {
        let key = SecureRandom.bytes(32)
        let nonce = SecureRandom.bytes(12)
        let aad = Array("connection|secret|tenant".utf8)
        let sealed = try AESGCM.seal(Array("wsse".utf8), key: key, nonce: nonce, aad: aad)
        #expect(try AESGCM.open(sealed, key: key, nonce: nonce, aad: aad) == Array("wsse".utf8))
        #expect(throws: CryptoError.authenticationFailed) {
            try AESGCM.open(sealed, key: key, nonce: nonce, aad: aad + [0])
        }
        #expect(throws: CryptoError.authenticationFailed) {
            try AESGCM.open(sealed, key: SecureRandom.bytes(32), nonce: nonce, aad: aad)
        }
        for length in 0..<sealed.count {
            #expect(throws: CryptoError.authenticationFailed) {
                try AESGCM.open(Array(sealed[..<length]), key: key, nonce: nonce, aad: aad)
            }
        }
        #expect(throws: CryptoError.invalidKey) { try AESGCM.seal([], key: [1], nonce: nonce, aad: []) }
        #expect(throws: CryptoError.invalidNonce) { try AESGCM.seal([], key: key, nonce: [1], aad: []) }
        let empty = try AESGCM.seal([], key: key, nonce: nonce, aad: [])
        #expect(try AESGCM.open(empty, key: key, nonce: nonce, aad: []) == [])
    }

    @Test(
        "base64 by RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ])
    func base64(_ plain: String, _ text: String) {
        #expect(Base64.encode(plain.utf8) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
        let unpadded = String(text.prefix { $0 != "=" })
        #expect(Base64URL.encode(plain.utf8) == unpadded)
        #expect(Base64URL.decode(unpadded) == Array(plain.utf8))
    }

    @Test(
        "base64 that is not exactly right is refused",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "=", "====", "Z===", "Zm9v====", "Zg==Zg==", "Zm-_",
            "Zm9é",
        ])
    func wrongBase64(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(
        "base64url that is not exactly right is refused",
        arguments: [
            "Z", "Zg==", "Zh", "Zm9", "Zm 9", "Zm9v.", "Zm+/", "Zm9vZ", "ÿÿÿÿ",
        ])
    func wrongBase64URL(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("hexadecimal text in either case")
    func hex() {
        #expect(Hex.encode([0, 0x7F, 0xFF]) == "007fff")
        #expect(Hex.decode("007FfF") == [0, 0x7F, 0xFF])
        #expect(Hex.decode("0") == nil)
        #expect(Hex.decode("0g") == nil)
    }

    @Test("random values differ and have their form")
    func randomness() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(SecureRandom.token(32).utf8.count == 43)
        let uuid = SecureRandom.uuid().uuid
        #expect(uuid.6 >> 4 == 4)
        #expect(uuid.8 >> 6 == 2)
    }

    @Test("comparison in constant time compares lengths too")
    func comparison() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1, 2, 0]))
    }
}
