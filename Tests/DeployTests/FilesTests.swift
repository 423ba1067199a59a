import Foundation
import JSON
import TestSupport
import Testing

/// The files of `deploy/` as far as they can be checked without the platform that runs them.
@Suite("Files of deploy/")
struct FilesTests {
    @Test("the systemd unit is valid and well shut in", .enabled(if: Deploy.has("systemd-analyze")))
    func unit() throws {
        let folder = try Deploy.folder("unit")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let unit = try Deploy.adapt(
            try Deploy.file("deploy/systemd/charles-emarsys.service"),
            [("/usr/local/bin/charles-emarsys", try RunningProduct.program())])
        let path = folder + "/charles-emarsys.service"
        try unit.write(toFile: path, atomically: false, encoding: .utf8)
        let output = try runCommand(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path])
        #expect(!output.contains("charles-emarsys.service"), "\(output)")
        // Exposure in tenths of a point, of 10 at worst; what is usual for a service is 92 ("UNSAFE").
        let security = try runCommand([
            "systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", path,
        ])
        #expect(security.contains("OK"))
        // An unit without its hardening does not pass.
        let open = unit.split(separator: "\n").filter { !$0.hasPrefix("Protect") && !$0.hasPrefix("System") }
        try open.joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
        #expect(throws: CommandFailure.self) {
            try runCommand(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", path])
        }
    }

    private static let hasYAML = (try? runCommand(["python3", "-c", "import yaml"])) != nil

    /// A file of YAML documents as JSON.
    private func documents(_ path: String) throws -> [JSON] {
        let text = try runCommand([
            "python3", "-c",
            "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))",
            Deploy.root + "/" + path,
        ])
        return try JSON.parse(text).array ?? []
    }

    @Test("the Kubernetes objects fit together", .enabled(if: hasYAML))
    func kubernetes() throws {
        let objects = try documents("deploy/kubernetes/charles-emarsys.yaml")
        func object(_ kind: String) throws -> JSON {
            try #require(objects.first { $0["kind"]?.string == kind }, "\(kind)")
        }
        for object in objects {
            #expect(object["apiVersion"]?.string != nil && object["metadata"]?["name"]?.string != nil)
        }
        let deployment = try object("Deployment")
        let template = try #require(deployment["spec"]?["template"])
        let container = try #require(template["spec"]?["containers"]?[0])
        let labels = try #require(template["metadata"]?["labels"])
        #expect(deployment["spec"]?["selector"]?["matchLabels"] == labels)
        #expect(try object("Service")["spec"]?["selector"] == labels)
        #expect(try object("PodDisruptionBudget")["spec"]?["selector"]?["matchLabels"] == labels)
        #expect(
            try object("HorizontalPodAutoscaler")["spec"]?["scaleTargetRef"]?["name"] == deployment["metadata"]?["name"]
        )
        // Ports by name, where probes and the service look for them.
        let ports = Set((container["ports"]?.array ?? []).compactMap { $0["name"]?.string })
        for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
            #expect(ports.contains(container[probe]?["httpGet"]?["port"]?.string ?? ""), "\(probe)")
        }
        #expect(ports.contains(try object("Service")["spec"]?["ports"]?[0]?["targetPort"]?.string ?? ""))
        // The wildcard and its certificate.
        let ingress = try object("Ingress")
        #expect(ingress["spec"]?["rules"]?[0]?["host"] == ingress["spec"]?["tls"]?[0]?["hosts"]?[0])
        #expect(ingress["spec"]?["rules"]?[0]?["host"]?.string?.hasPrefix("*.") == true)
        // Longer than a drain takes.
        #expect((template["spec"]?["terminationGracePeriodSeconds"]?.int64 ?? 0) >= 30 + 5)
        // Each secret that is read is there, with settings that exist.
        let secrets = objects.filter { $0["kind"]?.string == "Secret" }
        let named = Set(secrets.compactMap { $0["metadata"]?["name"]?.string })
        let job = try object("Job")["spec"]?["template"]?["spec"]?["containers"]?[0]
        for source in (container["envFrom"]?.array ?? []) + (job?["envFrom"]?.array ?? []) {
            #expect(named.contains(source["secretRef"]?["name"]?.string ?? ""))
        }
        let help = try runCommand([try RunningProduct.program(), "serve", "--help"])
        for secret in secrets {
            for (name, _) in secret["stringData"]?.object ?? [:] { #expect(help.contains("  \(name) "), "\(name)") }
        }
        for variable in container["env"]?.array ?? [] {
            #expect(help.contains("  \(variable["name"]?.string ?? "-") "))
        }
    }

    @Test("compose, Containerfile and the settings' example name settings that exist", .enabled(if: hasYAML))
    func settings() throws {
        let help = try runCommand([try RunningProduct.program(), "serve", "--help"])
        let services = try documents("deploy/compose/compose.yaml").first?["services"]
        for service in ["migrate", "serve"] {
            let environment = try #require(services?[service]?["environment"]?.object)
            for (name, _) in environment { #expect(help.contains("  \(name) "), "\(name)") }
        }
        let texts = try ["deploy/container/Containerfile", "deploy/systemd/settings.env.example"].map(Deploy.file)
        for name in texts.joined().matches(of: #/(?:CHARLES|DATABASE)_[A-Z_]+(?==)/#) {
            #expect(help.contains("  \(name.output) "), "\(name.output)")
        }
        // What the image's build copies is all that the package names.
        let containerfile = try Deploy.file("deploy/container/Containerfile")
        for folder in ["Package.swift", "Sources", "Tests", "db"] { #expect(containerfile.contains("COPY \(folder) ")) }
    }
}
