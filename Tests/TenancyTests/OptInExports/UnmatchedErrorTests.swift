import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@testable import Tenancy

/// An Emarsys that names, in the errors of an update, a key that nobody sent, and answers what it holds when asked.
private struct RiddlingEmarsys: HTTPResponder {
    let held: [String: String]

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        if request.path.hasSuffix("/getdata") {
            let rows = held.map { JSON.object(["id": .string($0.key), "501": .string($0.value)]) }
            return .json(["replyCode": 0, "replyText": "OK", "data": ["errors": [], "result": .array(rows)]])
        }
        return .json(
            ["replyCode": 0, "replyText": "OK", "data": ["ids": ["1"], "errors": ["another": ["2007": "refused"]]]])
    }
}

@Suite("Errors that name nobody")
struct UnmatchedErrorTests {
    @Test("a row counts as told only where Emarsys holds the value")
    func held() async throws {
        let world = try ConsentWorld(field: "501")
        let group = world.files.group
        guard let address = SocketAddress("127.0.0.1:0") else { return }
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: address), group: group,
            responder: RiddlingEmarsys(held: ["1": "withdrawn", "2": "granted"]))
        let bound = try server.bind()
        let serving = Task(executorPreference: group.next()) { try await server.run() }
        defer { serving.cancel() }
        let http = HTTPClient(group: group)
        let exporter = OptInExporter(
            database: world.database,
            clients: { tenant in
                EmarsysClient(
                    connection: EmarsysConnection(
                        key: tenant.uuidString, credential: .wsse(username: "u", secret: "s"),
                        baseURL: "http://\(bound)"),
                    http: http, shared: EmarsysSharedState(), time: world.time,
                    policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]))
            }, time: world.time)
        let told = try world.contact(phone: "+4915100000001", emarsysID: "1")
        let refused = try world.contact(phone: "+4915100000002", emarsysID: "2")
        for contact in [told, refused] { try await world.decide(.withdrawn, contact, at: 1) }
        let tenant = world.tenant.id
        try await Task(executorPreference: group.next()) { _ = try await exporter.drain(tenantID: tenant) }.value
        #expect(try world.told(told) == ["withdrawn confirmed"])
        #expect(try world.told(refused) == ["withdrawn failed"])
    }
}
