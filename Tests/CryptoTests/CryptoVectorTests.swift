import JSON
import TestSupport
import Testing

@testable import Crypto

@Suite("The cryptographic vectors", .enabled(if: TestVectors.areAvailable))
struct CryptoVectorTests {
    private func forEachTest(_ file: String, _ body: (_ group: JSON, _ test: JSON) throws -> Void) throws -> Int {
        var count = 0
        for group in try #require(try TestVectors.load(file)["testGroups"]?.array) {
            for test in try #require(group["tests"]?.array) {
                try body(group, test)
                count += 1
            }
        }
        return count
    }

    @Test("AES-256-GCM seals and opens as the vectors say")
    func aesGCM() throws {
        let count = try forEachTest("aes_256_gcm.json") { _, test in
            let key = try #require(test.hex("key"))
            let nonce = try #require(test.hex("iv"))
            let aad = try #require(test.hex("aad"))
            let message = try #require(test.hex("msg"))
            let sealed = try #require(test.hex("ct")) + #require(test.hex("tag"))
            let id = "\(test["tcId"] ?? nil)"
            if test["result"] == "valid" {
                #expect(try AESGCM.seal(message, key: key, nonce: nonce, aad: aad) == sealed, "\(id)")
                #expect(try AESGCM.open(sealed, key: key, nonce: nonce, aad: aad) == message, "\(id)")
            } else {
                #expect(throws: CryptoError.authenticationFailed, "\(id)") {
                    try AESGCM.open(sealed, key: key, nonce: nonce, aad: aad)
                }
            }
        }
        #expect(count == 66)
    }

    @Test("HMAC-SHA256 agrees with the vectors")
    func hmac() throws {
        let count = try forEachTest("hmac_sha256.json") { group, test in
            let key = HMACKey(try #require(test.hex("key")))
            let length = try #require(group["tagSize"]?.int) / 8
            let code = Array(key.authenticate(try #require(test.hex("msg"))).prefix(length))
            #expect(constantTimeEqual(code, try #require(test.hex("tag"))) == (test["result"] == "valid"))
        }
        #expect(count == 174)
    }

    /// Two are byte for byte a valid one, two are valid only for readers that skip junk inside base64url.
    private static let exceptions: Set<Int> = [367, 370, 372, 373]

    @Test("JSON Web Signatures agree with the vectors but for four documented ones")
    func jws() throws {
        let count = try forEachTest("jws_hmac.json") { group, test in
            let secret = try #require(group["private"]?["k"]?.string.flatMap { Base64URL.decode($0) })
            let verifier = JWTVerifier(keys: [try JWTKey(secret: secret, algorithms: [.hs256])])
            let token = Array(try #require(test["jws"]?.string).utf8)
            let isValid = (try? verifier.signedPayload(of: token.span.bytes, now: 0)) != nil
            let id = try #require(test["tcId"]?.int)
            let isExpected = (test["result"] == "valid") != Self.exceptions.contains(id)
            #expect(isValid == isExpected, "\(id) \(test["comment"] ?? nil)")
        }
        #expect(count == 40)
    }
}
