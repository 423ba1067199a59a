import API
import Crypto
import EventLoop
import Testing

@Suite("Settings")
struct SettingsTests {
    private var good: [String: String] {
        [
            "DATABASE_URL": "postgresql://svc:very-secret@db/charles",
            "CHARLES_BASE_DOMAINS": "Hello-Charles.com., localhost",
            "CHARLES_MASTER_KEYS": "k1:" + Base64.encode([UInt8](repeating: 1, count: 32)),
        ]
    }

    @Test("what is not set has the default that the help names")
    func defaults() throws {
        let settings = try ServiceSettings(environment: good)
        #expect(settings.baseDomains == ["hello-charles.com", "localhost"])
        #expect(settings.syncInterval == .seconds(43_200))
        #expect(settings.deliveryRetryFor == .seconds(72 * 3600))
        #expect(settings.listen == SocketAddress("127.0.0.1:8080"))
        #expect(settings.emarsysHosts.isEmpty)
        #expect(settings.tls == nil)
    }

    @Test(
        "a wrong setting is named, with no secret in the message",
        arguments: [
            ("CHARLES_MASTER_KEYS", "k1:c2VjcmV0"), ("CHARLES_LISTEN", "nowhere"), ("CHARLES_SYNC_INTERVAL", "12"),
            ("CHARLES_SYNC_INTERVAL", "0s"), ("CHARLES_TRUSTED_PROXIES", "10.1.2.3/8"),
            ("CHARLES_ALLOWED_PRIVATE_NETWORKS", "private"), ("CHARLES_LOG_LEVEL", "loud"),
            ("CHARLES_OPERATOR_TOKEN", "short"), ("CHARLES_BASE_DOMAINS", "under_score.com"),
            ("CHARLES_EMARSYS_HOSTS", "http://x"), ("CHARLES_DATABASE_CONNECTIONS", "0"),
            ("CHARLES_TLS_KEY", "/tmp/key.pem"), ("CHARLES_PREPARED_STATEMENTS", "maybe"),
        ])
    func wrong(name: String, value: String) throws {
        var environment = good
        environment[name] = value
        let error = #expect(throws: SettingFaults.self) { try ServiceSettings(environment: environment) }
        let faults = error?.faults ?? []
        #expect(faults.count == 1)
        let expected = name == "CHARLES_TLS_KEY" ? "CHARLES_TLS_CERTIFICATE" : name
        #expect(faults.first?.setting == expected)
        #expect(!"\(faults)".contains("very-secret"))
        #expect(!"\(faults)".contains("c2VjcmV0"))
    }

    @Test("all faults are told at once")
    func several() {
        let error = #expect(throws: SettingFaults.self) { try ServiceSettings(environment: [:]) }
        #expect(
            error?.faults.map(\.setting) == ["DATABASE_URL", "CHARLES_BASE_DOMAINS", "CHARLES_MASTER_KEYS"])
    }

    @Test("durations", arguments: [("3s", 3), ("10m", 600), ("12h", 43_200), ("2d", 172_800)])
    func durations(text: String, seconds: Int) {
        #expect(SettingReader.duration(text) == .seconds(seconds))
        for wrong in ["", "s", "1.5h", "-3s", "3 s", "3x"] { #expect(SettingReader.duration(wrong) == nil) }
    }
}
