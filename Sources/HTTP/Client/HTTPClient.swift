import EventLoop
import Synchronization

/// An HTTP/1.1 client on the loops of a group.
///
/// Connections are kept for each server and loop and used again; certificates and host names are always checked;
/// redirects are never followed. A request whose kept connection turns out to be dead before one byte of an answer has
/// come is sent once more if it is idempotent; nothing else is repeated here.
public final class HTTPClient: Sendable {
    /// Looks the addresses of a name up.
    typealias Resolver = @Sendable (String, UInt16, Duration) async throws(ResolutionError) -> [SocketAddress]

    private let group: EventLoopGroup
    private let authorities: String?
    private let resolver: Resolver
    private let pools: [HTTPClientPool]
    private let tls = Mutex<TLSClientContext?>(nil)

    /// A client; it connects only when asked to.
    ///
    /// - Parameters:
    ///   - authorities: path of a PEM file with certificates to trust besides the system's.
    ///   - idleTimeout: how long a connection without a request is kept.
    public convenience init(
        group: EventLoopGroup, authorities: String? = nil, idleTimeout: Duration = .seconds(30)
    ) {
        self.init(group: group, authorities: authorities, idleTimeout: idleTimeout) {
            name, port, timeout throws(ResolutionError) in
            try await BlockingExecutor.shared.resolve(name, port: port, timeout: timeout)
        }
    }

    /// With a resolver of its own, so that tests can let names point anywhere.
    init(
        group: EventLoopGroup, authorities: String? = nil, idleTimeout: Duration = .seconds(30),
        resolver: @escaping Resolver
    ) {
        self.group = group
        self.resolver = resolver
        self.authorities = authorities
        pools = group.loops.map { HTTPClientPool(loop: $0, idleTimeout: idleTimeout) }
    }

    /// Sends the request and waits for the whole answer. From each thread; on a loop of the group it stays there.
    ///
    /// - Throws: an error whose code tells why; an answer of any status is no error.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        if let loop = EventLoop.current, loop.index < pools.count, group.loops[loop.index] === loop {
            return try await send(request, on: loop)
        }
        let loop = group.next()
        let task = Task(executorPreference: loop) { () async -> Result<HTTPClientResponse, HTTPClientError> in
            do throws(HTTPClientError) {
                return .success(try await self.send(request, on: loop))
            } catch {
                return .failure(error)
            }
        }
        return try await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }.get()
    }

    /// Closes the kept connections; the client stays usable.
    public func close() {
        for (loop, pool) in zip(group.loops, pools) { loop.execute { pool.close() } }
    }

    private func send(
        _ request: HTTPClientRequest, on loop: EventLoop
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        guard let bytes = request.encoded() else {
            throw HTTPClientError(.invalidRequest, detail: "a method or field that cannot be sent")
        }
        let deadline = MonotonicTime.now + request.timeout
        let url = request.url
        let key = HTTPClientConnection.Key(host: url.host, port: url.port, isSecure: url.isSecure)
        let pool = pools[loop.index]
        if let connection = pool.take(key, request.addressPolicy) {
            do throws(HTTPClientConnection.Failure) {
                return try await exchange(request, bytes, connection, pool, deadline)
            } catch {
                guard error.isUnanswered, request.isIdempotent else { throw error.error }
            }
        }
        let connection = try await connect(request, key, deadline)
        do throws(HTTPClientConnection.Failure) {
            return try await exchange(request, bytes, connection, pool, deadline)
        } catch {
            throw error.error
        }
    }

    private func exchange(
        _ request: HTTPClientRequest, _ bytes: [UInt8], _ connection: HTTPClientConnection, _ pool: HTTPClientPool,
        _ deadline: MonotonicTime
    ) async throws(HTTPClientConnection.Failure) -> HTTPClientResponse {
        do throws(HTTPClientConnection.Failure) {
            let (response, isReusable) = try await connection.exchange(request, bytes, deadline: deadline)
            if isReusable { pool.put(connection) } else { connection.transport.close() }
            return response
        } catch {
            connection.transport.close()
            throw error
        }
    }

    // MARK: Connecting

    private func connect(
        _ request: HTTPClientRequest, _ key: HTTPClientConnection.Key, _ deadline: MonotonicTime
    ) async throws(HTTPClientError) -> HTTPClientConnection {
        let addresses = try await addresses(of: request, deadline)
        let context = key.isSecure ? try await tlsContext() : nil
        var failure = HTTPClientError(.connectionFailed, detail: "no address of \(key.host)")
        for address in addresses {
            guard MonotonicTime.now < deadline else {
                throw HTTPClientError(.timedOut, detail: "connect to \(key.host)")
            }
            let attemptDeadline = min(deadline, .now + request.connectTimeout)
            do throws(HTTPClientError) {
                return try await connect(to: address, key, context, attemptDeadline)
            } catch {
                if error.code == .cancelled || error.code == .certificateRefused { throw error }
                failure = error
            }
        }
        throw failure
    }

    /// The addresses that the host has and the policy permits.
    private func addresses(
        of request: HTTPClientRequest, _ deadline: MonotonicTime
    ) async throws(HTTPClientError) -> [SocketAddress] {
        let (url, policy) = (request.url, request.addressPolicy)
        guard policy.permits(url), let port = UInt16(exactly: url.port) else {
            throw HTTPClientError(.addressRefused, detail: url.host)
        }
        let found: [SocketAddress]
        do throws(ResolutionError) {
            found = try await resolver(url.host, port, deadline - .now)
        } catch {
            let code: HTTPClientError.Code =
                switch error.reason {
                case .notFound: .nameNotFound
                case .unavailable: .nameUnavailable
                case .timedOut: .timedOut
                case .cancelled: .cancelled
                }
            throw HTTPClientError(code, detail: "name \(url.host)")
        }
        let permitted = found.filter(policy.permits)
        guard !permitted.isEmpty else { throw HTTPClientError(.addressRefused, detail: url.host) }
        return permitted
    }

    private func connect(
        to address: SocketAddress, _ key: HTTPClientConnection.Key, _ context: TLSClientContext?,
        _ deadline: MonotonicTime
    ) async throws(HTTPClientError) -> HTTPClientConnection {
        let place = "\(key.host) at \(address)"
        let stream: ByteStream
        do throws(StreamError) {
            stream = try await ByteStream.connect(to: address, deadline: deadline)
        } catch {
            throw Self.error(of: error, .connectionFailed, "connect to \(place)")
        }
        guard let context else { return HTTPClientConnection(key: key, transport: .plain(stream)) }
        do {
            let secured = try context.secure(stream, host: key.host)
            try await secured.handshake()
            return HTTPClientConnection(key: key, transport: .secure(secured))
        } catch {
            stream.close()
            if let error = error as? StreamError { throw Self.error(of: error, .tlsFailed, "TLS with \(place)") }
            guard let error = error as? TLSError else { throw HTTPClientError(.tlsFailed, detail: place) }
            throw HTTPClientError(
                error.isCertificateRefused ? .certificateRefused : .tlsFailed, detail: "\(place): \(error)")
        }
    }

    private static func error(
        of error: StreamError, _ code: HTTPClientError.Code, _ detail: String
    ) -> HTTPClientError {
        switch error {
        case .timedOut: HTTPClientError(.timedOut, detail: detail)
        case .cancelled: HTTPClientError(.cancelled, detail: detail)
        case .closed: HTTPClientError(code, detail: detail)
        case .system(let cause): HTTPClientError(code, detail: "\(detail): \(cause)")
        }
    }

    /// The certificate store is read at the first need, away from the loops.
    private func tlsContext() async throws(HTTPClientError) -> TLSClientContext {
        if let context = tls.withLock({ $0 }) { return context }
        let authorities = authorities
        do {
            let fresh = try await BlockingExecutor.shared.run { try TLSClientContext(authorities: authorities) }
            return tls.withLock { stored in
                let context = stored ?? fresh
                stored = context
                return context
            }
        } catch {
            throw HTTPClientError(.tlsFailed, detail: "\(error)")
        }
    }
}
