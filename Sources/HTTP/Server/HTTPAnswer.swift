import EventLoop

/// The right to answer one request, exactly once: each way to use it consumes it.
///
/// It knows of the request what the form of the answer depends on.
struct HTTPAnswer: ~Copyable {
    private let isHead: Bool
    private let minorVersion: Int
    private let requestID: String
    /// Whether the connection stays open behind the answer.
    let keepsAlive: Bool

    /// For a request.
    init(to head: HTTPRequestHead, requestID: String, keepsAlive: Bool) {
        isHead = head.method == .head
        minorVersion = head.minorVersion
        self.requestID = requestID
        self.keepsAlive = keepsAlive
    }

    /// For input that is no request; the connection closes.
    init(toInvalidInput requestID: String) {
        isHead = false
        minorVersion = 1
        self.requestID = requestID
        keepsAlive = false
    }

    /// What is left to do once the head stands in the output.
    enum Rest {
        /// Nothing.
        case none
        /// The producer writes the body, in chunks or up to the connection's end.
        case stream(@Sendable (any HTTPBodyWriter) async throws -> Void, isChunked: Bool)
    }

    /// Writes the answer to the end of the output, all but the body of a stream.
    consuming func write(_ response: HTTPResponse, to output: inout [UInt8], preamble: [UInt8]) -> Rest {
        guard let shared = response.sharedFields.bytes, response.headers.areWritable else {
            let problem = Problem(.internalServerError, "internal_error").response(requestID: requestID)
            return write(problem, to: &output, preamble: preamble)
        }
        output.append(contentsOf: StatusLines.line(of: response.status))
        output.append(contentsOf: preamble)
        output.append(contentsOf: requestID.utf8)
        output.append("\r\n")
        for field in response.headers.fields {
            output.append(contentsOf: field.name.utf8)
            output.append(": ")
            output.append(contentsOf: field.value.utf8)
            output.append("\r\n")
        }
        output.append(contentsOf: shared)
        switch response.body {
        case .bytes(let bytes):
            if !response.status.isBodiless {
                output.append("Content-Length: ")
                output.append(decimal: bytes.count)
                output.append("\r\n")
            }
            endHead(&output, keepsAlive: keepsAlive)
            if !isHead && !response.status.isBodiless { output.append(contentsOf: bytes) }
            return .none
        case .stream(let producer):
            let isChunked = minorVersion > 0
            if isChunked { output.append("Transfer-Encoding: chunked\r\n") }
            endHead(&output, keepsAlive: keepsAlive && isChunked)
            return isHead || response.status.isBodiless ? .none : .stream(producer, isChunked: isChunked)
        }
    }

    private borrowing func endHead(_ output: inout [UInt8], keepsAlive: Bool) {
        if !keepsAlive {
            output.append("Connection: close\r\n")
        } else if minorVersion == 0 {
            output.append("Connection: keep-alive\r\n")
        }
        output.append("\r\n")
    }
}

/// `HTTP/1.1 200 OK` and its like, written once.
private enum StatusLines {
    private static let lines: [[UInt8]] = (0..<600).map { code in
        Array("HTTP/1.1 \(code) \(HTTPStatus(code).reasonPhrase)\r\n".utf8)
    }

    static func line(of status: HTTPStatus) -> [UInt8] {
        (100..<600).contains(status.code) ? lines[status.code] : lines[500]
    }
}

extension [UInt8] {
    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(decimal number: Int) {
        if number < 10 {
            append(UInt8(48 + number))
        } else {
            append(decimal: number / 10)
            append(UInt8(48 + number % 10))
        }
    }
}
