import Crypto
import JSON
import Testing

/// Signs what the tests need, right or wrong.
struct TestToken {
    static let secret = Array("0123456789abcdef0123456789abcdef".utf8)

    static func make(
        header: String = #"{"alg":"HS256","typ":"JWT"}"#, payload: String = "{}", secret: [UInt8] = secret,
        algorithm: HashAlgorithm = .sha256
    ) -> String {
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
        return signed + "." + Base64URL.encode(HMACKey(secret, algorithm).authenticate(Array(signed.utf8)))
    }
}

@Suite("JSON Web Tokens")
struct JWTTests {
    private let verifier: JWTVerifier

    init() throws {
        verifier = JWTVerifier(keys: [try JWTKey(secret: TestToken.secret)])
    }

    private func verdict(_ token: String, now: Int64 = 1000) -> JWTError? {
        do throws(JWTError) {
            _ = try verifier.verify(token, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test("the example of RFC 7515 A.1 is valid until it expires")
    func rfc7515() throws {
        let secret = try #require(
            Base64URL.decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let verifier = JWTVerifier(keys: [try JWTKey(secret: secret)])
        let claims = try verifier.verify(token, now: 1_300_819_379)
        #expect(claims.expiresAt == 1_300_819_380)
        #expect(try JSON.parse(claims.payload)["iss"] == "joe")
        #expect(throws: Never.self) { try verifier.verify(token, now: 1_300_819_439) }
        #expect(throws: JWTError.expired) { try verifier.verify(token, now: 1_300_819_440) }
    }

    @Test("all three lengths of HMAC count, each with its own hash")
    func algorithms() {
        #expect(verdict(TestToken.make()) == nil)
        #expect(verdict(TestToken.make(header: #"{"alg":"HS384"}"#, algorithm: .sha384)) == nil)
        #expect(verdict(TestToken.make(header: #"{"alg":"HS512"}"#, algorithm: .sha512)) == nil)
        #expect(verdict(TestToken.make(header: #"{"alg":"HS512"}"#, algorithm: .sha256)) == .invalidSignature)
    }

    @Test("a key limits the algorithms; the token does not choose")
    func limitedKey() throws {
        let limited = JWTVerifier(keys: [try JWTKey(secret: TestToken.secret, algorithms: [.hs256])])
        #expect(throws: Never.self) { try limited.verify(TestToken.make(), now: 0) }
        #expect(throws: JWTError.algorithmNotAllowed) {
            try limited.verify(TestToken.make(header: #"{"alg":"HS512"}"#, algorithm: .sha512), now: 0)
        }
    }

    @Test(
        "other algorithms never count, however they are written",
        arguments: [
            #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"hs256"}"#, #"{"alg":"HS256 "}"#, #"{"alg":"RS256"}"#,
            #"{"alg":"ES256"}"#, #"{"alg":""}"#, #"{"alg":null}"#, #"{"alg":["HS256"]}"#, #"{"typ":"JWT"}"#, "{}",
        ])
    func foreignAlgorithms(_ header: String) {
        #expect(verdict(TestToken.make(header: header)) == .algorithmNotAllowed)
        let unsigned = Base64URL.encode(header.utf8) + "." + Base64URL.encode("{}".utf8) + "."
        #expect(verdict(unsigned) == .algorithmNotAllowed)
    }

    @Test(
        "a header that is no object with distinct keys is refused",
        arguments: [
            #"{"alg":"HS256","alg":"HS256"}"#, #"{"alg":"none","\u0061lg":"HS256"}"#, #"["HS256"]"#, #""HS256""#,
            #"{"alg":"HS256"} x"#, #"{"alg":"HS256""#, "", "\u{FEFF}{\"alg\":\"HS256\"}",
        ])
    func malformedHeaders(_ header: String) {
        #expect(verdict(TestToken.make(header: header)) == .malformed)
    }

    @Test("demanded extensions are refused, hints about keys are ignored")
    func headerParameters() {
        #expect(verdict(TestToken.make(header: #"{"alg":"HS256","crit":["exp"],"exp":1}"#)) == .criticalExtension)
        #expect(verdict(TestToken.make(header: #"{"alg":"HS256","crit":[]}"#)) == .criticalExtension)
        let hints = #"{"alg":"HS256","kid":"../../x","jku":"https://evil.example","jwk":{"kty":"oct","k":""},"x5c":[]}"#
        #expect(verdict(TestToken.make(header: hints)) == nil)
    }

    @Test("three segments of strict base64url, no more and no less")
    func segments() {
        let token = TestToken.make()
        for wrong in [
            "", ".", "..", "...", token + ".", "." + token, token + "=", token + "\n", " " + token, token + " ",
            token.replacing("eyJ", with: "eyJ\n"), String(token.dropLast()), token + "A", "Bearer " + token,
        ] {
            #expect(verdict(wrong) != nil, "\(wrong)")
        }
        let last = token.suffix(1)
        // The last of 43 digits carries two stray bits: the same digest must not have four spellings.
        let spellings = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".filter { other in
            verdict(String(token.dropLast()) + String(other)) == nil
        }
        #expect(spellings == last)
    }

    @Test("every flipped bit of header, payload and signature is noticed")
    func tampering() throws {
        let token = Array(TestToken.make(payload: #"{"exp":2000,"sub":"emarsys"}"#).utf8)
        #expect(throws: Never.self) { try verifier.verify(token, now: 1000) }
        for place in token.indices {
            for bit in 0..<8 {
                var changed = token
                changed[place] ^= 1 << UInt8(bit)
                #expect(throws: JWTError.self) { try verifier.verify(changed, now: 1000) }
            }
        }
    }

    @Test(
        "times are enforced where they stand, with sixty seconds of leeway",
        arguments: [
            (#"{"exp":1000}"#, Int64(1059), JWTError?.none), (#"{"exp":1000}"#, 1060, .expired),
            (#"{"exp":1000.5}"#, 1060, nil), (#"{"nbf":1000}"#, 940, nil), (#"{"nbf":1000}"#, 939, .notYetValid),
            (#"{"iat":1000}"#, 940, nil), (#"{"iat":1000}"#, 939, .issuedInFuture), (#"{"iat":1}"#, 1_000_000, nil),
            (#"{"exp":-1}"#, 1000, .expired), (#"{"exp":1e3}"#, 1000, nil), (#"{"nbf":0,"exp":9e15}"#, 1000, nil),
        ])
    func times(_ payload: String, _ now: Int64, _ expected: JWTError?) {
        #expect(verdict(TestToken.make(payload: payload), now: now) == expected)
    }

    @Test(
        "times that are no finite number are refused",
        arguments: [
            #"{"exp":"2000"}"#, #"{"exp":null}"#, #"{"nbf":true}"#, #"{"iat":[1]}"#, #"{"exp":1e999}"#, #"{"iat":{}}"#,
        ])
    func wrongTimes(_ payload: String) {
        #expect(verdict(TestToken.make(payload: payload)) == .invalidClaim)
    }

    @Test(
        "a signed payload that is no object with distinct keys is refused",
        arguments: [
            "", "[]", "1", "x", #"{"exp":2000,"exp":1}"#, #"{"exp":2000,"\u0065xp":1}"#, "{}{}", #"{"a":}"#,
        ])
    func malformedPayloads(_ payload: String) {
        #expect(verdict(TestToken.make(payload: payload)) == .malformed)
    }

    @Test("the previous secret counts until its overlap ends")
    func rotation() throws {
        let old = Array("the secret that is being replaced".utf8)
        let verifier = JWTVerifier(keys: [
            try JWTKey(secret: TestToken.secret), try JWTKey(secret: old, validUntil: 5000),
        ])
        let token = TestToken.make(secret: old)
        #expect(throws: Never.self) { try verifier.verify(TestToken.make(), now: 6000) }
        #expect(throws: Never.self) { try verifier.verify(token, now: 4999) }
        #expect(throws: JWTError.invalidSignature) { try verifier.verify(token, now: 5000) }
    }

    @Test("an empty secret is no key, and no key verifies nothing")
    func emptySecret() {
        #expect(throws: JWTError.emptySecret) { try JWTKey(secret: "") }
        #expect(throws: JWTError.algorithmNotAllowed) {
            try JWTVerifier(keys: []).verify(TestToken.make(secret: []), now: 0)
        }
    }

    @Test("tokens beyond 8 KiB are not looked at")
    func length() {
        let padding = String(repeating: "x", count: 8192)
        #expect(verdict(TestToken.make(payload: #"{"x":"\#(padding)"}"#)) == .tooLong)
    }
}
