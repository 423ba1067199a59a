import EventLoop

/// The kept connections of a client on one loop. Loop-confined.
final class HTTPClientPool: @unchecked Sendable {
    // Unchecked: it is made with the client, and then used on its loop's thread only.

    private struct Kept {
        let connection: HTTPClientConnection
        let eviction: LoopTimer
    }

    private let loop: EventLoop
    private let idleTimeout: Duration
    /// For each server, the most recently used last.
    private var kept: [HTTPClientConnection.Key: [Kept]] = [:]
    private var count = 0

    /// Kept connections to one server, and to all.
    private static let serverLimit = 16
    private static let limit = 256

    init(loop: EventLoop, idleTimeout: Duration) {
        self.loop = loop
        self.idleTimeout = idleTimeout
    }

    /// A live connection whose peer the policy permits. The most recently used one, so that others can fall idle.
    func take(_ key: HTTPClientConnection.Key, _ policy: AddressPolicy) -> HTTPClientConnection? {
        var refused: [Kept] = []
        defer { if !refused.isEmpty { kept[key, default: []].append(contentsOf: refused) } }
        while let entry = kept[key]?.popLast() {
            guard policy.permits(entry.connection.stream.peer) else {
                refused.append(entry)
                continue
            }
            count -= 1
            entry.eviction.cancel()
            entry.connection.stream.onPeerGone = nil
            if entry.connection.isReusable { return entry.connection }
            entry.connection.transport.close()
        }
        return nil
    }

    /// Keeps a connection for later.
    func put(_ connection: HTTPClientConnection) {
        let key = connection.key
        guard count < Self.limit, kept[key, default: []].count < Self.serverLimit, !connection.stream.isPeerGone
        else { return connection.transport.close() }
        connection.stream.deadline = .distantFuture
        // Weak: a client may be dropped while it keeps connections, whose peers or timers speak up later.
        connection.stream.onPeerGone = { [weak self, weak connection] in
            if let connection { self?.evict(connection) }
        }
        let eviction = loop.schedule(after: idleTimeout) { [weak self, weak connection] in
            if let connection { self?.evict(connection) }
        }
        kept[key, default: []].append(Kept(connection: connection, eviction: eviction))
        count += 1
    }

    /// Closes all kept connections.
    func close() {
        for entry in kept.values.joined() {
            entry.eviction.cancel()
            entry.connection.transport.close()
        }
        kept = [:]
        count = 0
    }

    private func evict(_ connection: HTTPClientConnection) {
        guard let place = kept[connection.key]?.firstIndex(where: { $0.connection === connection }),
            let entry = kept[connection.key]?.remove(at: place)
        else { return }
        if kept[connection.key]?.isEmpty == true { kept[connection.key] = nil }
        count -= 1
        entry.eviction.cancel()
        entry.connection.transport.close()
    }
}
