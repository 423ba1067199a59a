import EventLoop
import Glibc
import JSON
import Synchronization

/// Takes lines without making their writers wait: they are gathered and written to standard error by another thread, many
/// with one call when many come. A reader that does not read loses lines, never the service its time.
public final class LogOutput: Sendable {
    private struct State: Sendable {
        var pending: [UInt8] = []
        var isWriting = false
        var dropped: UInt64 = 0
        var droppedUntold: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let write: @Sendable ([UInt8]) -> Void

    /// An output that holds at most `limit` bytes which are not written yet.
    public init(limit: Int = 4 << 20, write: @escaping @Sendable ([UInt8]) -> Void = Log.standardError) {
        self.limit = limit
        self.write = write
    }

    /// How many lines were lost since the start.
    public var droppedLines: UInt64 { state.withLock { $0.dropped } }

    /// Takes a line.
    public func take(_ line: [UInt8]) {
        let mustStart = state.withLock { state in
            guard state.pending.count + line.count <= limit else {
                state.dropped += 1
                state.droppedUntold += 1
                return false
            }
            state.pending.append(contentsOf: line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustStart { Task(executorPreference: BlockingExecutor.shared) { [self] in drain() } }
    }

    /// Returns when all lines are written, or after a second.
    public func flush() {
        for _ in 0..<1000 {
            if state.withLock({ !$0.isWriting && $0.pending.isEmpty }) { return }
            usleep(1000)
        }
    }

    private func drain() {
        while true {
            let (bytes, dropped) = state.withLock { state in
                let taken = (state.pending, state.droppedUntold)
                state.pending = []
                state.droppedUntold = 0
                if taken.0.isEmpty, taken.1 == 0 { state.isWriting = false }
                return taken
            }
            if bytes.isEmpty, dropped == 0 { return }
            if !bytes.isEmpty { write(bytes) }
            if dropped > 0 {
                Log(write: write)(.warning, "log_lines_dropped", ["count": .int(Int64(clamping: dropped))])
            }
        }
    }
}
