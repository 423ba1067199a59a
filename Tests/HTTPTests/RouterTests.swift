import HTTP
import Testing

@Suite("The router")
struct RouterTests {
    private let router: Router<String>

    init() {
        var router = Router<String>()
        router.on(.get, "/", "root")
        router.on(.get, "/api/v0/contacts", "list")
        router.on(.post, "/api/v0/contacts", "create")
        router.on(.get, "/api/v0/contacts/{id}", "one")
        router.on(.get, "/api/v0/contacts/{id}/timeline", "timeline")
        router.on(.get, "/api/v0/contacts/count", "count")
        router.on(.put, "/api/v0/{kind}/count/{part}", "part")
        router.on(.delete, "/api/v0/{a}/{b}/{c}/{d}/{e}/{f}", "deep")
        self.router = router
    }

    private func match(_ method: HTTPMethod, _ path: String) -> String {
        switch router.match(method, path) {
        case .found(let handler, _): handler
        case .methodNotAllowed(let methods): "405 " + methods.map(\.rawValue).joined(separator: ", ")
        case .notFound: "404"
        }
    }

    @Test(
        "finds literals before placeholders, and goes back where a literal leads nowhere",
        arguments: [
            ("GET", "/", "root"), ("GET", "", "root"), ("GET", "/api/v0/contacts", "list"),
            ("POST", "/api/v0/contacts", "create"), ("GET", "/api/v0/contacts/42", "one"),
            ("GET", "/api/v0/contacts/count", "count"), ("GET", "/api/v0/contacts/count/timeline", "timeline"),
            ("PUT", "/api/v0/contacts/count/x", "part"), ("DELETE", "/api/v0/1/2/3/4/5/6", "deep"),
            ("HEAD", "/api/v0/contacts", "list"), ("GET", "/%61pi/v0/c%6Fntacts", "list"),
        ])
    func found(_ method: String, _ path: String, _ handler: String) {
        #expect(match(HTTPMethod(rawValue: method), path) == handler)
    }

    @Test(
        "nothing is reached under a second name",
        arguments: [
            "/api", "/api/v0/contacts/", "//api/v0/contacts", "/api//v0/contacts", "/api/v0/./contacts",
            "/api/v0/x/../contacts", "/API/v0/contacts", "/api/v0/contacts/%zz", "/api/v0/contacts/%00",
            "/api/v0/contacts/%ff", "/api%2fv0/contacts", "/api/v0/contacts/a/b/c", "*", "api", "/api/v0/contacts/%2",
        ])
    func notFound(_ path: String) {
        #expect(match(.get, path) == "404")
    }

    @Test("says which methods a path has")
    func methods() {
        #expect(match(.delete, "/api/v0/contacts") == "405 GET, POST, HEAD")
        #expect(match(.get, "/api/v0/contacts/count/x") == "405 PUT")
        #expect(match(.head, "/api/v0/1/2/3/4/5/6") == "405 DELETE")
    }

    @Test("gives the values of placeholders, percent-decoded, and the segments around dots as they are")
    func parameters() throws {
        func parameters(_ method: HTTPMethod, _ path: String) throws -> RouteParameters {
            guard case .found(_, let parameters) = router.match(method, path) else {
                throw HTTPParseError.invalidTarget
            }
            return parameters
        }
        #expect(try parameters(.get, "/api/v0/contacts/a%2Fb%20c+d")["id"] == "a/b c+d")
        #expect(try parameters(.get, "/api/v0/contacts/..")["id"] == "..")
        #expect(try parameters(.get, "/api/v0/contacts/%C3%A9")["id"] == "é")
        let deep = try parameters(.delete, "/api/v0/1/2/3/4/5/6")
        #expect(deep["a"] == "1" && deep["f"] == "6")
        #expect(deep["id"] == nil)
        #expect(try parameters(.get, "/api/v0/contacts/count/timeline")["id"] == "count")
        #expect(try parameters(.put, "/api/v0/contacts/count/x")["kind"] == "contacts")
    }

    @Test("a request is looked up by its path alone")
    func request() throws {
        let request = try HTTPRequest(method: .get, target: "/api/v0/contacts/7?x=/y")
        guard case .found("one", let parameters) = router.match(request) else {
            Issue.record("not found")
            return
        }
        #expect(parameters["id"] == "7")
        let absolute = try HTTPRequest(method: .get, target: "http://localhost/api/v0/contacts/7")
        guard case .found("one", _) = router.match(absolute) else {
            Issue.record("not found")
            return
        }
    }
}
