import EventLoop
import Synchronization

/// An HTTP/1.1 server on the loops of a group.
///
/// One task accepts; each connection is then served by one task on one loop, requests in order. Call ``bind()``, then
/// ``run()``. Cancelling `run` or calling ``drain()`` stops it gracefully, so that no request is lost: connections that the
/// system has taken already are served, then the listener closes; requests under way, and those that idle connections bring
/// within the grace, are answered with `Connection: close`; streams end; after the drain time-out whatever is left is cut.
public final class HTTPServer: Service {
    let configuration: HTTPServerConfiguration
    let responder: any HTTPResponder
    private let group: EventLoopGroup
    private let shards: [HTTPServerShard]
    private let state = Mutex(State())
    private let draining = Atomic<Bool>(false)

    private struct State {
        var listener: ListenerBox?
        var connections = 0
        var ended: CheckedContinuation<Void, Never>?

        mutating func admit(limit: Int) -> Bool {
            guard connections < limit else { return false }
            connections += 1
            return true
        }
    }

    /// A server that is not bound yet.
    public init(configuration: HTTPServerConfiguration, group: EventLoopGroup, responder: any HTTPResponder) {
        self.configuration = configuration
        self.group = group
        self.responder = responder
        shards = group.loops.map { HTTPServerShard(loop: $0) }
    }

    /// Takes the address, so that clients may connect; they are served from `run` on.
    ///
    /// - Returns: the address with the real port.
    /// - Throws: the failed system call, for instance when the port is in use.
    @discardableResult
    public func bind() throws(SystemError) -> SocketAddress {
        let listener = try ListeningSocket(configuration.address)
        let address = listener.address
        let box = ListenerBox(listener)
        state.withLock { $0.listener = box }
        return address
    }

    /// Serves until the task is cancelled or the server drained, and returns when the last connection has ended.
    ///
    /// - Throws: where the address could not be taken (when `bind` was not called before).
    public func run() async throws {
        if state.withLock({ $0.listener == nil }) { try bind() }
        let accepting = Task(executorPreference: group.loops[0]) { [self] in await accept() }
        await withTaskCancellationHandler {
            await accepting.value
        } onCancel: {
            drain()
        }
        let watchdog = Task(executorPreference: group.loops[0]) { [self] in
            try await group.loops[0].sleep(for: configuration.drainTimeout)
            for shard in shards { shard.loop.execute { shard.cut() } }
        }
        await waitForConnections()
        watchdog.cancel()
    }

    /// Begins to stop; `run` returns when it is done. From each thread; harmless when repeated.
    public func drain() {
        guard !draining.exchange(true, ordering: .sequentiallyConsistent) else { return }
        group.loops[0].execute { [self] in
            stopListening()
        }
        for shard in shards { shard.loop.execute { shard.drain() } }
    }

    /// Whether the server has begun to stop.
    public var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// The number of open connections.
    public var connectionCount: Int { state.withLock { $0.connections } }

    private func accept() async {
        guard let listener = state.withLock({ $0.listener })?.socket else { return }
        let loop = group.loops[0]
        while !isDraining {
            do {
                take(try await listener.accept())
            } catch .system {
                // Out of descriptors or memory: connections that end soon give some back.
                do { try await loop.sleep(for: .milliseconds(50)) } catch { return listener.close() }
            } catch {
                return listener.close()
            }
        }
        stopListening()
    }

    /// Takes what waits in the system's queue, whose clients take themselves to be connected, and closes the listener.
    private func stopListening() {
        guard let listener = state.withLock({ $0.listener })?.socket else { return }
        while let connection = listener.acceptWaiting() { take(connection) }
        listener.close()
    }

    private func take(_ connection: AcceptedConnection) {
        guard state.withLock({ $0.admit(limit: configuration.maxConnections) }) else { return connection.discard() }
        leastLoaded().serve(connection, of: self)
    }

    private func leastLoaded() -> HTTPServerShard {
        var best = shards[0]
        for shard in shards.dropFirst() where shard.load < best.load { best = shard }
        return best
    }

    func connectionEnded() {
        let continuation = state.withLock { state in
            state.connections -= 1
            guard state.connections == 0 else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.ended = nil }
            return state.ended
        }
        continuation?.resume()
    }

    private func waitForConnections() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.connections > 0 { state.ended = continuation }
                return state.connections == 0
            }
            if isDone { continuation.resume() }
        }
    }
}

/// Carries the listening socket to the accepting loop.
private final class ListenerBox: @unchecked Sendable {
    // Unchecked: after `bind`, only code on the accepting loop's thread uses the socket.
    let socket: ListeningSocket

    init(_ socket: ListeningSocket) { self.socket = socket }
}
