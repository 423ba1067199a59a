import Foundation
import Testing

/// Certificates made by the openssl program in a directory of their own, removed at the end.
final class Certificates: Sendable {
    let directory: String

    init() throws {
        directory = "/tmp/charles-emarsys-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj",
            "/CN=Test authority", "-keyout", path("ca.key"), "-out", path("ca.pem"))
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var authority: String { path("ca.pem") }

    func path(_ name: String) -> String { directory + "/" + name }

    /// A certificate for the names (`DNS:a,IP:127.0.0.1`), written to `name.pem` and `name.key`.
    func issue(_ name: String, for alternatives: String, days: Int = 2) throws -> (certificate: String, key: String) {
        let extensions = path("\(name).ext")
        try "subjectAltName=\(alternatives)".write(toFile: extensions, atomically: true, encoding: .utf8)
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)",
            "-keyout", path("\(name).key"), "-out", path("\(name).csr"))
        try openssl(
            "x509", "-req", "-in", path("\(name).csr"), "-CA", authority, "-CAkey", path("ca.key"), "-CAcreateserial",
            "-days", String(days), "-extfile", extensions, "-out", path("\(name).pem"))
        return (path("\(name).pem"), path("\(name).key"))
    }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
