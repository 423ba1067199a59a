import EventLoop
import Synchronization

/// The part of a server that lives on one loop: its connections and what they share.
final class HTTPServerShard: @unchecked Sendable {
    // Unchecked: `load` is atomic; everything else is touched on the loop's thread only.

    let loop: EventLoop
    private let connectionCount = Atomic<Int>(0)
    private var connections: [ObjectIdentifier: (connection: HTTPConnection, task: Task<Void, Never>)] = [:]
    let preamble = AnswerPreamble()
    private let requestIDs = RequestIDSequence()

    init(loop: EventLoop) { self.loop = loop }

    /// Connections here, from each thread.
    var load: Int { connectionCount.load(ordering: .relaxed) }

    func nextRequestID() -> String { requestIDs.next() }

    /// Takes an accepted connection over; from each thread.
    func serve(_ accepted: AcceptedConnection, of server: HTTPServer) {
        connectionCount.add(1, ordering: .relaxed)
        loop.execute { [self] in
            guard let stream = try? accepted.open() else { return ended(server) }
            let connection = HTTPConnection(stream: stream, server: server, shard: self)
            // Unchecked: the task runs on this loop, like everything else that touches the connection.
            nonisolated(unsafe) let confined = connection
            let task = Task(executorPreference: loop) { [self] in
                await confined.serve()
                connections[ObjectIdentifier(confined)] = nil
                ended(server)
            }
            connections[ObjectIdentifier(connection)] = (connection, task)
        }
    }

    private func ended(_ server: HTTPServer) {
        connectionCount.subtract(1, ordering: .relaxed)
        server.connectionEnded()
    }

    /// Ends streams, and idle connections after their grace; requests under way go on.
    func drain() {
        for entry in connections.values { entry.connection.drain() }
    }

    /// Ends what the drain time-out has left.
    func cut() {
        for entry in connections.values {
            entry.task.cancel()
            entry.connection.close()
        }
    }
}
