public import EventLoop
public import FoundationEssentials
import Synchronization

/// Counts webhooks with a wrong token, to tell a burst (a rotated secret that nobody entered in Emarsys, or somebody guessing)
/// from a slip. Counts of this process; one process that sees a burst is enough to raise the alert.
public final class RefusedWebhooks: Sendable {
    private struct Window {
        var start: Timestamp
        var count: Int
    }

    /// So many within the window are a burst.
    public static let burst = 20
    /// How long a count goes on.
    public static let window = Duration.seconds(600)
    /// The most tenants that are counted at once: a guard of memory.
    private static let mostTenants = 10_000

    private let windows = Mutex<[UUID: Window]>([:])
    private let time: any TimeSource

    /// No refusals yet.
    public init(time: any TimeSource) { self.time = time }

    /// Counts one.
    public func note(_ tenant: UUID) {
        let now = time.now()
        windows.withLock { windows in
            if let window = windows[tenant], now - window.start < Self.window {
                windows[tenant]?.count += 1
            } else {
                if windows.count >= Self.mostTenants { windows = windows.filter { now - $0.value.start < Self.window } }
                windows[tenant] = Window(start: now, count: 1)
            }
        }
    }

    /// Tenants with a burst in the current window, with its size.
    public func bursts() -> [UUID: Int] {
        let now = time.now()
        return windows.withLock { windows in
            windows = windows.filter { now - $0.value.start < Self.window }
            return windows.filter { $0.value.count >= Self.burst }.mapValues(\.count)
        }
    }
}
