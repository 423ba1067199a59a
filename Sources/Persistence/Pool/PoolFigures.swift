import Synchronization

/// How a pool is doing, counted on its loop and read from each thread.
public final class PoolFigures: Sendable {
    /// Connections that are open.
    let open = Atomic<Int>(0)
    /// Connections that somebody uses.
    let inUse = Atomic<Int>(0)
    /// Callers that wait for a connection.
    let waiting = Atomic<Int>(0)
    /// Callers that had to wait and were served.
    let waits = Atomic<UInt64>(0)
    /// How long those waited, in nanoseconds.
    let waited = Atomic<UInt64>(0)
    /// Callers that were refused because no connection became free in time.
    let refused = Atomic<UInt64>(0)

    /// A moment's figures, summed over the loops of a process.
    public struct Snapshot: Sendable, Hashable {
        /// Connections that may be open.
        public var limit = 0
        /// Connections that are open.
        public var open = 0
        /// Connections that somebody uses.
        public var inUse = 0
        /// Callers that wait for a connection.
        public var waiting = 0
        /// Callers that had to wait and were served, since the start.
        public var waits: UInt64 = 0
        /// How long those waited altogether, in seconds.
        public var waitedSeconds = 0.0
        /// Callers that were refused, since the start.
        public var refused: UInt64 = 0
    }

    func add(to snapshot: inout Snapshot) {
        snapshot.open += open.load(ordering: .relaxed)
        snapshot.inUse += inUse.load(ordering: .relaxed)
        snapshot.waiting += waiting.load(ordering: .relaxed)
        snapshot.waits += waits.load(ordering: .relaxed)
        snapshot.waitedSeconds += Double(waited.load(ordering: .relaxed)) / 1e9
        snapshot.refused += refused.load(ordering: .relaxed)
    }
}
