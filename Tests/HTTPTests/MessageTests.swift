import EventLoop
import HTTP
import JSON
import Testing

@Suite("Messages")
struct MessageTests {
    @Test("header names compare without regard to case")
    func headers() {
        var headers: HTTPHeaders = ["Content-Type": "text/plain", "Set-Cookie": "a"]
        headers.add("set-cookie", "b")
        #expect(headers["CONTENT-type"] == "text/plain")
        #expect(headers.values(of: "Set-Cookie") == ["a", "b"])
        headers.set("SET-COOKIE", "c")
        #expect(headers.values(of: "set-cookie") == ["c"])
        headers["content-type"] = nil
        #expect(headers.count == 1)
        #expect(headers.areWritable)
        headers.add("X", "a\r\nY: b")
        #expect(!headers.areWritable)
    }

    @Test("a problem is RFC 9457 with code, request id and faults")
    func problem() throws {
        let problem = Problem(
            .unprocessableContent, "invalid_input", detail: "Two fields are wrong.",
            errors: [FieldError(field: "name", code: "required", message: "A name is needed.")],
            headers: ["Retry-After": "1"], extensions: ["feature": "emarsys"])
        let response = problem.response(requestID: "r-1")
        #expect(response.status == 422)
        #expect(response.headers["Content-Type"] == "application/problem+json")
        #expect(response.headers["retry-after"] == "1")
        #expect(
            try JSON.parse(response.bodyBytes) == [
                "type": "urn:problem:invalid_input", "title": "Unprocessable Content", "status": 422,
                "code": "invalid_input", "detail": "Two fields are wrong.", "request_id": "r-1",
                "errors": [["field": "name", "code": "required", "message": "A name is needed."]],
                "feature": "emarsys",
            ])
    }

    @Test("every problem says what happened, also where nobody wrote a sentence for it")
    func detailOfEveryProblem() throws {
        #expect(Problem(.notFound, "import_not_found").detail == "There is no such import.")
        for code in 400..<600 where !HTTPStatus(code).reasonPhrase.isEmpty {
            let body = try JSON.parse(Problem(HTTPStatus(code), "some_code").response().bodyBytes)
            #expect(body["detail"]?.string?.isEmpty == false)
        }
    }

    @Test("a trace's state is read beside a valid traceparent alone, and carried on with it")
    func traces() throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        func trace(_ lines: [(String, String)]) throws -> TraceContext? {
            var headers: HTTPHeaders = [:]
            for (name, value) in lines { headers.add(name, value) }
            return try HTTPRequest(method: .get, target: "/", headers: headers).head.trace
        }
        let read = try #require(try trace([("Tracestate", "a=1"), ("Traceparent", parent), ("tracestate", "b=2")]))
        #expect(read.state?.value == "a=1,b=2")
        var carried: HTTPHeaders = [:]
        carried.carry(read)
        #expect(carried["tracestate"] == "a=1,b=2")
        #expect(carried["traceparent"]?.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
        #expect(carried["traceparent"] != parent)

        #expect(try trace([("tracestate", "a=1")]) == nil)
        #expect(try trace([("traceparent", "00-x"), ("tracestate", "a=1")]) == nil)
        for state in ["A=1", "a=" + String(repeating: "1", count: 600)] {
            let read = try #require(try trace([("traceparent", parent), ("tracestate", state)]))
            #expect(read.state == nil)
            var carried: HTTPHeaders = [:]
            carried.carry(read)
            #expect(!carried.contains("tracestate"))
        }
    }

    @Test("queries and forms decode and encode")
    func forms() {
        let items = HTTPForm.items(Array("a=1&b=%C3%A9+x&c&=d&bad=%zz&nul=%00&a=2&&e=f=g".utf8)[...])
        #expect(items.map(\.name) == ["a", "b", "c", "", "a", "e"])
        #expect(items.map(\.value) == ["1", "é x", "", "d", "2", "f=g"])
        #expect(HTTPForm.encode([("grant type", "a&b"), ("é", "~-._")]) == "grant%20type=a%26b&%C3%A9=~-._")
    }

    @Test(
        "addresses to call are taken strictly",
        arguments: [
            ("https://api.emarsys.net/api/v2/?a=b", "https://api.emarsys.net", "/api/v2/?a=b"),
            ("HTTP://Example.COM:80", "http://example.com", "/"), ("http://a:8080?x", "http://a:8080", "/?x"),
            ("https://[::1]:443/x", "https://[::1]", "/x"), ("http://127.0.0.1:1/", "http://127.0.0.1:1", "/"),
            ("https://a.example./", "https://a.example", "/"),
        ])
    func urls(_ text: String, _ origin: String, _ target: String) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.origin == origin)
        #expect(url.target == target)
        #expect(HTTPURL(url.description) == url)
    }

    @Test(
        "other addresses are refused",
        arguments: [
            "", "a", "//a/", "ftp://a/", "http:a", "http://", "http:///x", "http://u@a/", "http://u:p@a/",
            "http://a/#f",
            "http://a b/", "http://a/ x", "http://a\\b/", "http://é/", "http://a/é", "http://a:0/", "http://a:65536/",
            "http://a:x/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./", "http://1.2.3.4.5/", "http://[::1/", "http://[x]/", "http://[fe80::1%25eth0]/",
            "http://-a/", "http://a..b/", "http://a%2eb/", "http://a\r\nHost: b/", "javascript:alert(1)",
            "file:///etc/passwd",
        ])
    func wrongURLs(_ text: String) {
        #expect(HTTPURL(text) == nil)
    }
}
