import EventLoop

/// One client's connection: reads requests, has them answered, writes the answers in order. Loop-confined; served by
/// one task.
///
///     idle ──first byte──▶ head ──whole head──▶ body ──whole body──▶ answering ──▶ idle
///     head, body ──fault or time-out──▶ refusal written ──▶ lingering ──▶ closed
///     idle ──time-out (the grace once the server drains), end of input──▶ closed
///
/// Answers collect in `output` and leave together when no whole request is left in the input: pipelined requests cost
/// one write, and so does a single one.
final class HTTPConnection {
    /// What ends the serving of a connection.
    enum Ending: Error {
        /// Nothing more comes or goes: close at once.
        case closed
        /// A refusal was written to a client that may still be sending: read it away for a moment, so that the system
        /// does not reset the connection before the client has read the answer.
        case refused
    }

    let loop: EventLoop
    let server: HTTPServer
    let shard: HTTPServerShard
    private(set) var transport: Transport
    private var parser: HTTPRequestParser
    private var input = ByteBuffer(capacity: HTTPConnection.inputCapacity)
    var output: [UInt8] = []
    /// The bytes of `output` that were sent already.
    private var sent = 0
    private var isIdle = false
    private var streaming: Task<Void, any Error>?

    /// Bytes of input that an idle connection has room for; most requests need no more.
    private static let inputCapacity = 4096
    /// Output that is sent although more requests wait.
    private static let outputLimit = 64 << 10

    init(stream: ByteStream, server: HTTPServer, shard: HTTPServerShard) {
        loop = shard.loop
        self.server = server
        self.shard = shard
        transport = .plain(stream)
        parser = HTTPRequestParser(limits: server.configuration.headLimits)
    }

    var stream: ByteStream { transport.stream }
    var configuration: HTTPServerConfiguration { server.configuration }

    /// Serves until the connection ends. Closes it.
    func serve() async {
        defer { transport.close() }
        guard await secure() else { return }
        do throws(Ending) {
            while try await serveRequest() {}
            try await flush()
            if hasUnreadInput { await linger() }
        } catch .refused {
            await linger()
        } catch {}
    }

    /// The server drains: an idle connection closes unless a request comes within the grace, a stream ends, a request under
    /// way goes on.
    func drain() {
        if isIdle { stream.deadline = min(stream.deadline, loop.now + configuration.drainGrace) }
        streaming?.cancel()
    }

    /// Closes whatever goes on.
    func close() {
        transport.close()
        streaming?.cancel()
    }

    private func secure() async -> Bool {
        guard let tls = configuration.tls else { return true }
        guard let secured = tls.secure(stream) else { return false }
        stream.deadline = loop.now + configuration.headTimeout
        do {
            try await secured.handshake()
        } catch {
            return false
        }
        transport = .secure(secured)
        return true
    }

    // MARK: One request

    /// - Returns: whether another request may follow.
    private func serveRequest() async throws(Ending) -> Bool {
        guard let head = try await readHead() else { return false }
        let requestID = shard.nextRequestID()
        let body = try await readBody(head, requestID)
        let request = HTTPRequest(head: head, body: body, requestID: requestID, remoteAddress: stream.peer)
        let response = await server.responder.respond(to: request)
        let answer = HTTPAnswer(
            to: head, requestID: requestID, keepsAlive: head.keepsAlive && !server.isDraining)
        let keepsAlive = answer.keepsAlive
        let rest = answer.write(response, to: &output, preamble: shard.preamble.bytes(at: loop.now))
        if case .stream(let producer, let isChunked) = rest {
            try await send(producer, isChunked: isChunked)
            return keepsAlive && isChunked
        }
        if output.count > Self.outputLimit { try await flush() }
        return keepsAlive
    }

    /// The next head; nil when the client has sent its last one.
    private func readHead() async throws(Ending) -> HTTPRequestHead? {
        var deadline: MonotonicTime?
        while true {
            if !input.isEmpty {
                switch parseHead() {
                case .success(let head?): return head
                case .success(nil): break
                case .failure(let error): try await refuse(error.problem)
                }
            }
            if !output.isEmpty, try !sendOutput() { try await flush() }
            if parser.isInsideHead {
                deadline = deadline ?? loop.now + configuration.headTimeout
                stream.deadline = deadline ?? .distantFuture
                guard try await fill(whatIsLate: "head_timeout") else { return nil }
            } else {
                if input.isEmpty, input.capacity > 4 * Self.inputCapacity { input.reset(capacity: Self.inputCapacity) }
                stream.deadline = loop.now + (server.isDraining ? configuration.drainGrace : configuration.idleTimeout)
                guard try await fillIdle() else { return nil }
            }
        }
    }

    private func parseHead() -> Result<HTTPRequestHead?, HTTPParseError> {
        do throws(HTTPParseError) {
            let progress = try input.withBytes { bytes throws(HTTPParseError) in try parser.head(of: bytes) }
            guard case .head(let head, let length) = progress else { return .success(nil) }
            input.skip(length)
            return .success(head)
        } catch {
            return .failure(error)
        }
    }

    private func readBody(_ head: HTTPRequestHead, _ requestID: String) async throws(Ending) -> [UInt8] {
        if head.framing == .length(0) { return [] }
        let limit = configuration.bodyLimit(head)
        if case .length(let length) = head.framing, length > limit {
            try await refuse(HTTPParseError.bodyTooLarge.problem, requestID)
        }
        if head.expectsContinue, input.isEmpty {
            output.append("HTTP/1.1 100 Continue\r\n\r\n")
            try await flush()
        }
        let deadline = loop.now + configuration.bodyTimeout
        var body: [UInt8] = []
        switch head.framing {
        case .length(let length):
            body.reserveCapacity(length)
            while true {
                input.move(min(length - body.count, input.count), to: &body)
                if body.count == length { return body }
                try await readMore(deadline, requestID, room: length - body.count)
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
                    try await refuse(error.problem, requestID)
                }
                input.skip(count)
                if decoder.isDone { return body }
                try await readMore(deadline, requestID, room: 4096)
            }
        }
    }

    private func readMore(_ deadline: MonotonicTime, _ requestID: String, room: Int) async throws(Ending) {
        try await flush()
        stream.deadline = deadline
        let isFilled = try await fill(
            whatIsLate: "body_timeout", requestID, room: min(max(room, 4096), 64 << 10))
        guard isFilled else { throw .closed }
    }

    // MARK: Input and output

    /// Reads the first bytes of a request; false when none come. The way of nearly every request, hence kept short.
    private func fillIdle() async throws(Ending) -> Bool {
        do throws(StreamError) {
            while true {
                if let count = try transport.readAvailable(into: &input, atLeast: 1024) { return count > 0 }
                isIdle = true
                defer { isIdle = false }
                try await transport.waitReadableUncancelled()
            }
        } catch {
            throw .closed
        }
    }

    /// Reads at least one byte before the stream's deadline.
    ///
    /// - Parameter whatIsLate: the code of the refusal when the deadline passes.
    /// - Returns: false at the end of the input.
    private func fill(
        whatIsLate: String, _ requestID: String? = nil, room: Int = 4096
    ) async throws(Ending) -> Bool {
        do throws(StreamError) {
            while true {
                if let count = try transport.readAvailable(into: &input, atLeast: room) { return count > 0 }
                try await transport.waitReadableUncancelled()
            }
        } catch {
            guard error == .timedOut else { throw .closed }
            try await refuse(Problem(.requestTimeout, whatIsLate), requestID)
        }
    }

    /// Sends the output, waiting for room.
    func flush() async throws(Ending) {
        while try !sendOutput() {
            stream.deadline = loop.now + configuration.writeTimeout
            do { try await transport.waitWritable() } catch { throw .closed }
        }
    }

    /// Sends as much of the output as there is room for.
    ///
    /// - Returns: whether all of it was sent.
    private func sendOutput() throws(Ending) -> Bool {
        var leaving: [UInt8] = []
        swap(&leaving, &output)
        do throws(StreamError) {
            while sent < leaving.count {
                let start = sent
                let count = try leaving.span.bytes.withUnsafeBytes { bytes throws(StreamError) in
                    try transport.writeAvailable(UnsafeRawBufferPointer(rebasing: bytes[start...]))
                }
                if count == 0 {
                    swap(&leaving, &output)
                    return false
                }
                sent += count
            }
        } catch {
            throw .closed
        }
        sent = 0
        if leaving.capacity <= 2 * Self.outputLimit {
            leaving.removeAll(keepingCapacity: true)
            swap(&leaving, &output)
        }
        return true
    }

    // MARK: Refusals

    /// Answers what is no acceptable request; the connection closes behind it.
    private func refuse(_ problem: Problem, _ requestID: String? = nil) async throws(Ending) -> Never {
        let requestID = requestID ?? shard.nextRequestID()
        let answer = HTTPAnswer(toInvalidInput: requestID)
        _ = answer.write(
            problem.response(requestID: requestID), to: &output, preamble: shard.preamble.bytes(at: loop.now))
        try await flush()
        throw .refused
    }

    /// Whether the client has sent more than was read: closing then would make the system reset the connection, and
    /// the client might lose the last answer.
    private var hasUnreadInput: Bool {
        if !input.isEmpty { return true }
        do throws(StreamError) {
            return try transport.readAvailable(into: &input) ?? 0 > 0
        } catch {
            return false
        }
    }

    /// Reads away what the client still sends, for a second at most.
    private func linger() async {
        transport.finishWriting()
        stream.deadline = loop.now + .seconds(1)
        do throws(StreamError) {
            while true {
                input.skip(input.count)
                guard let count = try transport.readAvailable(into: &input) else {
                    try await transport.waitReadable()
                    continue
                }
                if count == 0 { return }
            }
        } catch {}
    }

    // MARK: Streams

    /// Runs the producer of a streamed body until it ends, the client goes or the server drains.
    private func send(
        _ producer: @escaping @Sendable (any HTTPBodyWriter) async throws -> Void, isChunked: Bool
    ) async throws(Ending) {
        try await flush()
        guard !stream.isPeerGone else { throw .closed }
        // Unchecked: the producer's task runs on this loop.
        nonisolated(unsafe) let connection = self
        let task = Task(executorPreference: loop) {
            try await producer(HTTPStreamWriter(connection, isChunked: isChunked))
        }
        streaming = task
        stream.onPeerGone = { task.cancel() }
        if server.isDraining { task.cancel() }
        let result = await task.result
        streaming = nil
        stream.onPeerGone = nil
        // A chunked body that broke off must not look complete: no last chunk then, unless the server asked for the end.
        guard !stream.isPeerGone else { throw .closed }
        if case .failure = result, !server.isDraining { throw .closed }
        if isChunked { output.append("0\r\n\r\n") }
        try await flush()
        if !isChunked || server.isDraining { throw .closed }
    }
}

/// Sends the pieces of one streamed body. Loop-confined.
private struct HTTPStreamWriter: HTTPBodyWriter {
    private let connection: HTTPConnection
    private let isChunked: Bool

    init(_ connection: HTTPConnection, isChunked: Bool) {
        self.connection = connection
        self.isChunked = isChunked
    }

    func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        if bytes.isEmpty { return }
        if isChunked {
            connection.output.append(contentsOf: String(bytes.count, radix: 16).utf8)
            connection.output.append("\r\n")
        }
        connection.output.append(contentsOf: bytes)
        if isChunked { connection.output.append("\r\n") }
        try await connection.flush()
    }
}
