import Glibc
import Synchronization

/// A fixed number of loops, usually one a core.
public final class EventLoopGroup: Sendable {
    /// The loops, in order of their index.
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)
    private let isShutDown = Atomic<Bool>(false)

    /// The processors that this process may use.
    public static var coreCount: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// Starts the loops' threads. From then on the process ignores SIGPIPE: a write to a connection that the peer has
    /// closed is an error like any other, also inside libssl.
    ///
    /// - Parameter loops: how many; at least 1.
    public init(loops count: Int = EventLoopGroup.coreCount) {
        precondition(count >= 1, "a group needs a loop")
        signal(SIGPIPE, SIG_IGN)
        loops = (0..<count).map { index in
            do {
                return try EventLoop(index: index)
            } catch {
                preconditionFailure("no event loop: \(error)")
            }
        }
        for loop in loops { loop.start() }
    }

    /// The loops in turn; the current loop is not preferred.
    public func next() -> EventLoop {
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: number) % UInt(loops.count))]
    }

    /// Stops and joins the threads. Call it from outside the loops when no task runs on them any more: what is queued
    /// later never runs.
    public func shutDown() {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        for loop in loops { loop.stop() }
    }
}
