import HTTP
import JSON

/// An answer of the simulated API before moods are applied.
struct SandboxAnswer: Sendable {
    var status: Int
    var body: [UInt8]
    var contentType = "application/json; charset=utf-8"
    var extraHeaders: [(String, String)] = []
    /// End the connection instead of answering in full.
    var isDropped = false

    static func data(_ data: JSON) -> SandboxAnswer {
        var writer = JSONWriter()
        begin(&writer, 0, "OK")
        writer.raw(data.encoded())
        writer.endObject()
        return SandboxAnswer(status: 200, body: writer.bytes)
    }

    /// An envelope whose data is written already.
    static func data(raw: [UInt8]) -> SandboxAnswer {
        var body: [UInt8] = []
        body.reserveCapacity(raw.count + 48)
        SandboxContacts.append("{\"replyCode\":0,\"replyText\":\"OK\",\"data\":", to: &body)
        body.append(contentsOf: raw)
        body.append(0x7D)
        return SandboxAnswer(status: 200, body: body)
    }

    /// Emarsys refuses with `data: ""`.
    static func refuse(_ status: Int, _ code: Int, _ text: String) -> SandboxAnswer {
        var writer = JSONWriter()
        begin(&writer, code, text)
        writer.string("")
        writer.endObject()
        return SandboxAnswer(status: status, body: writer.bytes)
    }

    /// 403 comes without an envelope.
    static let forbidden = SandboxAnswer(
        status: 403, body: [UInt8]("Forbidden".utf8), contentType: "text/html; charset=utf-8")

    static let notFound = SandboxAnswer.refuse(404, 1, "Action is invalid.")

    private static func begin(_ writer: inout JSONWriter, _ code: Int, _ text: String) {
        writer.beginObject()
        writer.key("replyCode")
        writer.int(code)
        writer.key("replyText")
        writer.string(text)
        writer.key("data")
    }
}

extension SandboxFault.Kind {
    /// The answer of a call that this befalls.
    var answer: SandboxAnswer {
        switch self {
        case .error500: return .refuse(500, 1, "Internal server error")
        case .plain500: return plain(500, "Internal Server Error", "text/plain")
        case .html502: return plain(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
        case .overloaded503: return .refuse(503, 1, "The system is overloaded for this resource")
        case .limited429:
            return .refuse(429, 7003, "Too many requests for this account and resource within the last minute")
        case .plain429:
            var answer = plain(429, "Too Many Requests", "text/plain")
            answer.extraHeaders = [("Retry-After", "1")]
            return answer
        case .unauthorized401: return .refuse(401, 1, "Credentials are invalid")
        case .drop:
            var answer = SandboxAnswer.data(.null)
            answer.isDropped = true
            return answer
        case .garbage: return plain(200, "{\"replyCode\":0,\"data\":[", "application/json")
        case .refusedInside200: return .refuse(200, 1, "Something went wrong")
        }
    }

    private func plain(_ status: Int, _ text: String, _ type: String) -> SandboxAnswer {
        SandboxAnswer(status: status, body: [UInt8](text.utf8), contentType: type)
    }
}
