import EventLoop

/// One connection to a server: one exchange at a time. Loop-confined.
final class HTTPClientConnection {
    /// Which server and how, as far as connections may be shared.
    struct Key: Hashable {
        let host: String
        let port: Int
        let isSecure: Bool
    }

    /// How an exchange failed.
    struct Failure: Error {
        let error: HTTPClientError
        /// Not one byte of an answer came: on a kept connection a sign that the server had closed it.
        let isUnanswered: Bool
    }

    let key: Key
    let transport: Transport
    private var input = ByteBuffer()
    private var hasAnswer = false

    init(key: Key, transport: Transport) {
        self.key = key
        self.transport = transport
    }

    var stream: ByteStream { transport.stream }

    /// Whether a kept connection still looks alive: no end and no bytes that nobody asked for.
    var isReusable: Bool {
        guard !stream.isClosed, !stream.isPeerGone, input.isEmpty else { return false }
        // Through TLS, session tickets may still come in; they are no content and leave the result nil.
        do throws(StreamError) {
            return try transport.readAvailable(into: &input) == nil
        } catch {
            return false
        }
    }

    /// Sends a request and reads its answer.
    ///
    /// - Returns: the answer, and whether the connection may be used again.
    func exchange(
        _ request: HTTPClientRequest, _ bytes: [UInt8], deadline: MonotonicTime
    ) async throws(Failure) -> (response: HTTPClientResponse, isReusable: Bool) {
        hasAnswer = false
        stream.deadline = deadline
        do throws(StreamError) {
            try await send(bytes)
        } catch {
            // A server that refuses a request early answers, closes and reads no more: its answer counts.
            guard error == .closed, !stream.isClosed else { throw failure(error) }
        }
        let head = try await readHead(request.method)
        let body = try await readBody(head.framing, limit: request.maxResponseBytes)
        let response = HTTPClientResponse(status: head.status, headers: head.headers, body: body)
        return (response, head.keepsAlive && input.isEmpty)
    }

    private func send(_ bytes: [UInt8]) async throws(StreamError) {
        var sent = 0
        while true {
            sent += try bytes.span.bytes.withUnsafeBytes { memory throws(StreamError) in
                try transport.writeAvailable(UnsafeRawBufferPointer(rebasing: memory[sent...]))
            }
            if sent == bytes.count { return }
            try await transport.waitWritable()
        }
    }

    private func readHead(_ method: HTTPMethod) async throws(Failure) -> HTTPResponseHead {
        var parser = HTTPResponseParser()
        var interim = 0
        while true {
            let progress: HTTPResponseParser.Progress
            do {
                progress = try input.withBytes { bytes throws(HTTPParseError) in
                    try parser.head(of: bytes, to: method)
                }
            } catch {
                throw invalid(error)
            }
            guard case .head(let head, let length) = progress else {
                guard try await fill() else { throw failure(.closed) }
                continue
            }
            input.skip(length)
            if head.status.code >= 200 { return head }
            interim += 1
            // 101 would change the protocol, which was never asked for.
            guard head.status.code != 101, interim <= 8 else { throw invalid(.malformedHead) }
        }
    }

    private func readBody(_ framing: HTTPResponseHead.Framing, limit: Int) async throws(Failure) -> [UInt8] {
        var body: [UInt8] = []
        switch framing {
        case .length(let length):
            guard length <= limit else { throw tooLarge() }
            body.reserveCapacity(length)
            while true {
                input.move(min(length - body.count, input.count), to: &body)
                if body.count == length { return body }
                guard try await fill(room: length - body.count) else { throw failure(.closed) }
            }
        case .chunked:
            var decoder = HTTPChunkedDecoder(limit: limit)
            while true {
                let count: Int
                do {
                    count = try input.withBytes { bytes throws(HTTPParseError) in
                        try decoder.decode(bytes, into: &body)
                    }
                } catch {
                    throw error == .bodyTooLarge ? tooLarge() : invalid(error)
                }
                input.skip(count)
                if decoder.isDone { return body }
                guard try await fill() else { throw failure(.closed) }
            }
        case .untilClose:
            while true {
                guard body.count + input.count <= limit else { throw tooLarge() }
                input.move(input.count, to: &body)
                guard try await fill() else { return body }
            }
        }
    }

    /// Reads at least one byte; false at the end.
    private func fill(room: Int = 4096) async throws(Failure) -> Bool {
        do throws(StreamError) {
            while true {
                let room = min(max(room, 4096), 64 << 10)
                if let count = try transport.readAvailable(into: &input, atLeast: room) {
                    if count > 0 { hasAnswer = true }
                    return count > 0
                }
                try await transport.waitReadable()
            }
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: StreamError) -> Failure {
        let code: HTTPClientError.Code =
            switch error {
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .closed, .system: .connectionLost
            }
        return Failure(
            error: HTTPClientError(code, detail: "exchange with \(key.host):\(key.port)", mayHaveArrived: true),
            isUnanswered: code == .connectionLost && !hasAnswer)
    }

    private func invalid(_ error: HTTPParseError) -> Failure {
        let detail = "\(error.rawValue) from \(key.host):\(key.port)"
        return Failure(
            error: HTTPClientError(.invalidResponse, detail: detail, mayHaveArrived: true), isUnanswered: false)
    }

    private func tooLarge() -> Failure {
        Failure(
            error: HTTPClientError(
                .responseTooLarge, detail: "answer of \(key.host):\(key.port)", mayHaveArrived: true),
            isUnanswered: false)
    }
}
