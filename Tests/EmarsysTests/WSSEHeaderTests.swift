import Emarsys
import EventLoop
import Testing

@Suite("The WSSE header")
struct WSSEHeaderTests {
    @Test(
        "has the digest of the known vectors",
        arguments: [
            (
                "5398e214ae99c2e50afb709a3bc423f9", "2019-10-14T00:00:00.000Z", "dummy",
                "NDc5MjNlODIyMGE4ODhiMTQyNTA0OGMzZTFjZTM1MmMzMmU0NmNiNw=="
            ),
            (
                "abcdef1234567890abcdef1234567890", "2024-04-28T12:34:56.789Z", "testSecret",
                "ZGU5M2M1MDg0N2YxY2YxZGQ0NGVlYWIxNTYyMzZhYWExYWJjYmMxZg=="
            ),
            ("", "", "test", "YTk0YThmZTVjY2IxOWJhNjFjNGMwODczZDM5MWU5ODc5ODJmYmJkMw=="),
            (
                "0123456789abcdef0123456789abcdef", "2026-01-02T03:04:05Z", "s3cret-ü",
                "MGM4MTgzOTU5M2E3YzkyMThhZmRkZjNhZmIyMjYyZWI1ODY0NDc5OA=="
            ),
            ("", "", "", "ZGEzOWEzZWU1ZTZiNGIwZDMyNTViZmVmOTU2MDE4OTBhZmQ4MDcwOQ=="),
        ])
    func digest(nonce: String, created: String, secret: String, expected: String) {
        #expect(WSSEHeader.digest(nonce: nonce, created: created, secret: secret) == expected)
    }

    @Test("names user, digest, nonce and creation in one line")
    func line() {
        let value = WSSEHeader.value(
            username: "acme001", secret: "dummy", nonce: "5398e214ae99c2e50afb709a3bc423f9",
            created: "2019-10-14T00:00:00.000Z")
        #expect(
            value
                == #"UsernameToken Username="acme001", PasswordDigest="NDc5MjNlODIyMGE4ODhiMTQyNTA0OGMzZTFjZTM1MmMzMmU0NmNiNw==", "#
                + #"Nonce="5398e214ae99c2e50afb709a3bc423f9", Created="2019-10-14T00:00:00.000Z""#)
    }

    @Test("is new for each attempt and created in whole seconds of UTC")
    func fresh() {
        let now = Timestamp(microseconds: 1_767_323_045_678_901)
        let first = WSSEHeader.value(username: "acme001", secret: "s", now: now)
        let second = WSSEHeader.value(username: "acme001", secret: "s", now: now)
        #expect(first != second)
        #expect(first.hasSuffix(#"Created="2026-01-02T03:04:05Z""#))
    }

    @Test("is refused to names that would break it")
    func wellFormed() {
        #expect(EmarsysCredential.wsse(username: "acme001", secret: "s").isWellFormed)
        #expect(!EmarsysCredential.wsse(username: "acme\"001", secret: "s").isWellFormed)
        #expect(!EmarsysCredential.wsse(username: "acme001\r\nX-Evil: 1", secret: "s").isWellFormed)
        #expect(!EmarsysCredential.wsse(username: "", secret: "s").isWellFormed)
        #expect(!EmarsysCredential.oauth2(clientID: "a:b", clientSecret: "s", tokenURL: "").isWellFormed)
    }

    @Test("never shows its secret, however the credential is printed")
    func redacted() {
        let credentials: [EmarsysCredential] = [
            .wsse(username: "acme001", secret: "hush-hush"),
            .oauth2(clientID: "acme", clientSecret: "hush-hush", tokenURL: "https://auth.emarsys.net/oauth2/token"),
        ]
        for credential in credentials {
            var dumped = ""
            dump(credential, to: &dumped)
            let connection = EmarsysConnection(key: "t", credential: credential)
            for text in ["\(credential)", String(reflecting: credential), dumped, "\(connection)"] {
                #expect(!text.contains("hush-hush"))
            }
        }
    }
}
