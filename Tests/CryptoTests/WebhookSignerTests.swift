import Crypto
import Testing

@Suite("Standard Webhooks")
struct WebhookSignerTests {
    private let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    private let timestamp: Int64 = 1_614_265_330
    private let body = Array(#"{"test": 2432232314}"#.utf8)

    @Test("signs the example of the specification")
    func example() throws {
        let signature = try #require(WebhookSigner(secrets: [secret])).sign(id: id, timestamp: timestamp, body: body)
        #expect(signature.id == id)
        #expect(signature.timestamp == "1614265330")
        #expect(signature.signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("signs with each key during a rotation; either receiver is content")
    func rotation() throws {
        let new = WebhookSigner.makeSecret()
        let both = try #require(WebhookSigner(secrets: [new, secret])).sign(id: id, timestamp: timestamp, body: body)
        #expect(both.signature.split(separator: " ").count == 2)
        for receiver in [new, secret] {
            #expect(try #require(WebhookSigner(secrets: [receiver])).isValid(both, body: body, now: timestamp))
        }
        let stranger = try #require(WebhookSigner(secrets: [WebhookSigner.makeSecret()]))
        #expect(!stranger.isValid(both, body: body, now: timestamp))
    }

    @Test("a receiver refuses another body, id or time, and unknown versions")
    func verification() throws {
        let signer = try #require(WebhookSigner(secrets: [secret]))
        let good = signer.sign(id: id, timestamp: timestamp, body: body)
        let digest = String(good.signature.dropFirst(3))
        func isValid(_ signature: String, id: String? = nil, timestamp: String? = nil) -> Bool {
            signer.isValid(
                .init(id: id ?? good.id, timestamp: timestamp ?? good.timestamp, signature: signature), body: body,
                now: self.timestamp)
        }
        #expect(isValid(good.signature))
        #expect(isValid("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x " + good.signature))
        #expect(!isValid(good.signature, id: "msg_other"))
        #expect(!isValid(good.signature, timestamp: "1614265331"))
        #expect(!isValid(good.signature, timestamp: "now"))
        #expect(!isValid(""))
        #expect(!isValid("v1,"))
        #expect(!isValid("v2," + digest))
        #expect(!isValid(digest))
        #expect(!signer.isValid(good, body: body + [32], now: timestamp))
        #expect(signer.isValid(good, body: body, now: timestamp + 300))
        #expect(!signer.isValid(good, body: body, now: timestamp + 301))
        #expect(!signer.isValid(good, body: body, now: timestamp - 301))
    }

    @Test(
        "secrets have their prefix and 24 to 64 bytes",
        arguments: [
            "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!",
            "whsec_" + String(repeating: "A", count: 88),
        ])
    func wrongSecrets(_ secret: String) {
        #expect(WebhookSigner(secrets: [secret]) == nil)
        #expect(WebhookSigner(secrets: [self.secret, secret]) == nil)
    }

    @Test("new secrets are proper ones")
    func newSecrets() {
        #expect(WebhookSigner.bytes(of: WebhookSigner.makeSecret())?.count == 32)
        #expect(WebhookSigner(secrets: []) == nil)
    }
}
