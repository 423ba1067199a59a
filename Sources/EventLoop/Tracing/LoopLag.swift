import Synchronization

/// Measures how late the loops are: a timer on each loop that should fire twice a second, and by how much it does not.
/// What blocks a loop shows here first.
public final class LoopLag: Service {
    private struct Window: Sendable {
        var current: Duration = .zero
        var previous: Duration = .zero
        var samples = 0
    }

    private static let interval = Duration.milliseconds(500)
    /// Samples in one window: a quarter of a minute.
    private static let windowSize = 30

    private let group: EventLoopGroup
    private let windows: Mutex<[Window]>

    /// A probe of the loops of a group.
    public init(group: EventLoopGroup) {
        self.group = group
        windows = Mutex([Window](repeating: Window(), count: group.loops.count))
    }

    /// The longest delay of each loop within the last 15 to 30 seconds.
    public var longest: [Duration] { windows.withLock { $0.map { max($0.current, $0.previous) } } }

    /// Measures until cancelled.
    public func run() async throws {
        let tasks = group.loops.map { loop in
            Task(executorPreference: loop) { [self] in
                while !Task.isCancelled {
                    let due = MonotonicTime.now + Self.interval
                    do { try await loop.sleep(for: Self.interval) } catch { return }
                    note(max(.zero, MonotonicTime.now - due), loop.index)
                }
            }
        }
        await withTaskCancellationHandler {
            for task in tasks { await task.value }
        } onCancel: {
            for task in tasks { task.cancel() }
        }
    }

    func note(_ delay: Duration, _ loop: Int) {
        windows.withLock { windows in
            windows[loop].current = max(windows[loop].current, delay)
            windows[loop].samples += 1
            guard windows[loop].samples >= Self.windowSize else { return }
            windows[loop] = Window(previous: windows[loop].current)
        }
    }
}
