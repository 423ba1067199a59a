import Crypto
import FoundationEssentials
import JSON
import TestSupport
import Testing

@Suite("The command line")
struct CommandLineTests {
    private static let master = "k1:" + Base64.encode([UInt8](repeating: 5, count: 32))

    /// Runs the program with nothing in its environment but `settings`.
    private func run(_ words: [String], _ settings: [String: String] = [:]) throws -> (status: Int32, output: String) {
        let environment = settings.map { "\($0.key)=\($0.value)" }
        do {
            return (0, try runCommand(["env", "-i"] + environment + [RunningProduct.program()] + words))
        } catch let failure as CommandFailure {
            return (failure.status, failure.output)
        }
    }

    @Test("wrong usage ends with 2 and says what is wrong")
    func usage() throws {
        for words in [
            [], ["nix"], ["tenant"], ["tenant", "nix"], ["tenant", "create", "acme"], ["feature", "enable", "acme"],
            ["version", "--nix"], ["version", "more"], ["api-key", "create", "acme", "--name"], ["secrets"],
            ["feature", "enable", "acme", "nix"], ["tenant", "delete", "acme"], ["sandbox", "--port", "x"],
            ["operator", "create", "a", "--role", "king"],
        ] {
            let ended = try run(words, ["DATABASE_URL": "host=/nowhere", "CHARLES_MASTER_KEYS": Self.master])
            #expect(ended.status == 2, "\(words): \(ended.output)")
            #expect(!ended.output.isEmpty)
        }
    }

    @Test("every command explains itself")
    func help() throws {
        let overview = try run(["--help"])
        #expect(overview.status == 0)
        for command in [
            "serve", "migrate", "tenant", "feature", "api-key", "operator", "import", "reporting", "secrets", "sandbox",
            "doctor", "version",
        ] {
            #expect(overview.output.contains("  \(command) "))
            let ended = try run([command, "--help"])
            #expect(ended.status == 0)
            #expect(ended.output.hasPrefix("Usage: charles-emarsys \(command)"))
        }
        let serve = try run(["serve", "--help"]).output
        for setting in ["DATABASE_URL", "CHARLES_MASTER_KEYS", "CHARLES_SYNC_INTERVAL", "CHARLES_EMARSYS_HOSTS"] {
            #expect(serve.contains(setting))
        }
        #expect(try JSON.parse(run(["version", "--json"]).output)["version"]?.string != nil)
    }

    @Test("doctor and serve name the setting at fault, and show no secret")
    func faults() throws {
        let settings = [
            "DATABASE_URL": "host=/nowhere user=svc password=very-secret dbname=x", "CHARLES_BASE_DOMAINS": "localhost",
            "CHARLES_MASTER_KEYS": "k1:bm90IGEga2V5",
        ]
        for command in ["doctor", "serve"] {
            let ended = try run([command], settings)
            #expect(ended.status == 1)
            #expect(ended.output.contains("CHARLES_MASTER_KEYS"))
            #expect(!ended.output.contains("bm90"))
            #expect(!ended.output.contains("very-secret"))
        }
        // A line of serve is a JSON object.
        for line in try run(["serve"], settings).output.split(separator: "\n") {
            #expect(try JSON.parse(String(line))["setting"]?.string == "CHARLES_MASTER_KEYS")
        }
    }

    @Test("an instance is created, equipped, shown and deleted")
    func instance() throws {
        let test = try TestDatabase()
        let settings = ["DATABASE_URL": test.serviceURL, "CHARLES_MASTER_KEYS": Self.master]
        let made = try run(["tenant", "create", "acme", "--display-name", "Acme", "--json"], settings)
        #expect(made.status == 0, "\(made.output)")
        #expect(try JSON.parse(made.output)["instance_name"] == "acme")
        #expect(try run(["tenant", "create", "acme", "--display-name", "Acme"], settings).status == 1)
        let feature = try run(["feature", "enable", "acme", "emarsys", "--note", "n", "--json"], settings)
        #expect(try JSON.parse(feature.output)["features"]?["emarsys"] == true)
        let key = try run(
            ["api-key", "create", "acme", "--name", "k", "--permissions", "read,write", "--json"], settings)
        #expect(try JSON.parse(key.output)["key"]?.string?.hasPrefix("cek_") == true)
        #expect(try JSON.parse(run(["tenant", "list", "--json"], settings).output).array?.count == 1)
        let operators = try run(["operator", "create", "anna", "--role", "viewer", "--json"], settings)
        #expect(try JSON.parse(operators.output)["role"] == "viewer")
        #expect(try JSON.parse(run(["operator", "list", "--json"], settings).output).array?.count == 1)
        #expect(try JSON.parse(run(["secrets", "rotate", "--json"], settings).output)["rewrapped"] == 0)
        #expect(try run(["tenant", "show", "nobody"], settings).status == 1)
        let gone = try run(["tenant", "delete", "acme", "--confirm", "acme", "--json"], settings)
        #expect(try JSON.parse(gone.output)["tables"]?["api_keys"] == 1)
    }

    @Test("doctor tells what is in order, what is worth a note and what is at fault")
    func doctor() throws {
        let test = try TestDatabase()
        let settings = [
            "DATABASE_URL": test.serviceURL, "CHARLES_MASTER_KEYS": Self.master, "CHARLES_BASE_DOMAINS": "localhost",
            "CHARLES_LISTEN": "127.0.0.1:\(try RunningProduct.freePort())",
            "CHARLES_MANAGEMENT_LISTEN": "127.0.0.1:\(try RunningProduct.freePort())",
        ]
        #expect(try run(["tenant", "create", "acme", "--display-name", "Acme"], settings).status == 0)
        func findings(_ changes: [String: String] = [:]) throws -> (status: Int32, levels: [String: String]) {
            let ended = try run(["doctor", "--json"], settings.merging(changes) { $1 })
            #expect(!ended.output.contains(Self.master) && !ended.output.contains("password=charles_test"))
            let document = try JSON.parse(ended.output.split(separator: "\n").first.map(String.init) ?? "")
            #expect(document["ok"] == .bool(ended.status == 0))
            var levels: [String: String] = [:]
            for finding in document["findings"]?.array ?? [] {
                let name = finding["check"]?.string ?? ""
                if levels[name] == nil || finding["level"] != "ok" { levels[name] = finding["level"]?.string }
            }
            return (ended.status, levels)
        }
        let well = try findings()
        #expect(well.status == 0)
        #expect(well.levels["DATABASE_URL"] == "ok" && well.levels["clock"] == "ok")
        #expect(well.levels["CHARLES_LISTEN"] == "ok" && well.levels["CHARLES_MASTER_KEYS"] == "ok")
        #expect(well.levels["api.emarsys.net"] != nil)
        let other = "k7:" + Base64.encode([UInt8](repeating: 9, count: 32))
        #expect(
            try findings(["CHARLES_MASTER_KEYS": "\(other),\(Self.master)"]).levels["CHARLES_MASTER_KEYS"] == "note")
        let lost = try findings(["CHARLES_MASTER_KEYS": other])
        #expect(lost.status == 1 && lost.levels["CHARLES_MASTER_KEYS"] == "fault")
        let owner = try findings(["DATABASE_URL": test.ownerURL])
        #expect(owner.status == 1 && owner.levels["DATABASE_URL"] == "fault")
        let tls = try findings(["CHARLES_TLS_CERTIFICATE": "/nowhere.pem", "CHARLES_TLS_KEY": "/nowhere.key"])
        #expect(tls.status == 1 && tls.levels["CHARLES_TLS_CERTIFICATE"] == "fault")
        let stranger = try findings(["CHARLES_LISTEN": "192.0.2.1:80"])
        #expect(stranger.status == 1 && stranger.levels["CHARLES_LISTEN"] == "fault")
        try test.administer("DROP POLICY tenant ON app.orders")
        #expect(try findings().levels["DATABASE_URL"] == "fault")
    }

    @Test("an instance is changed, its imports are listed, and what is wrong ends with 1 or 2")
    func changes() throws {
        let test = try TestDatabase()
        let settings = ["DATABASE_URL": test.serviceURL, "CHARLES_MASTER_KEYS": Self.master]
        #expect(try run(["tenant", "create", "acme", "--display-name", "Acme"], settings).status == 0)
        let changed = try run(
            ["tenant", "change", "acme", "--time-zone", "Europe/Vienna", "--default-currency", "EUR", "--json"],
            settings)
        #expect(try JSON.parse(changed.output)["time_zone"] == "Europe/Vienna")
        #expect(try JSON.parse(changed.output)["default_currency"] == "EUR")
        #expect(try run(["tenant", "change", "acme", "--time-zone", "Mars/Olympus"], settings).status == 1)
        #expect(try JSON.parse(run(["import", "list", "acme", "--json"], settings).output).array == [])
        #expect(try run(["import", "show", "acme", "nonsense"], settings).status == 2)
        #expect(try run(["import", "start", "acme"], settings).status == 1)
        #expect(try run(["tenant", "move", "acme"], settings).status == 1)
        #expect(try run(["tenant", "export", "acme"], settings).status == 2)
        #expect(try run(["tenant", "import"], settings).status == 2)
        #expect(try run(["tenant", "import", "/nowhere"], settings).status == 1)
        #expect(try run(["secrets", "rotate", "--settle", "soon"], settings).status == 2)
    }
}
