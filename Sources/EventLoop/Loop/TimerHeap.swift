/// A call that an ``EventLoop`` makes once, later. Loop-confined, like everything made by a loop.
public final class LoopTimer {
    let deadline: MonotonicTime
    let sequence: UInt64
    var position = -1
    var body: (() -> Void)?
    private unowned let loop: EventLoop

    init(deadline: MonotonicTime, sequence: UInt64, loop: EventLoop, body: @escaping () -> Void) {
        self.deadline = deadline
        self.sequence = sequence
        self.loop = loop
        self.body = body
    }

    /// Whether the call is still to come.
    public var isPending: Bool { position >= 0 }

    /// Forgets the call. Harmless after it was made. On the loop's thread only.
    public func cancel() {
        guard position >= 0 else { return }
        loop.timers.remove(self)
        body = nil
    }
}

/// A binary heap of timers, earliest first, equal deadlines in order of scheduling. Each timer knows its place, so
/// that cancelling one of a million costs a few swaps and leaves nothing behind.
struct TimerHeap {
    private var timers: [LoopTimer] = []
    private var nextSequence: UInt64 = 0

    var count: Int { timers.count }
    var earliest: MonotonicTime? { timers.first?.deadline }

    mutating func takeSequence() -> UInt64 {
        nextSequence += 1
        return nextSequence
    }

    mutating func insert(_ timer: LoopTimer) {
        timer.position = timers.count
        timers.append(timer)
        siftUp(timer.position)
    }

    /// Removes and returns the earliest timer if it is due.
    mutating func popDue(_ now: MonotonicTime) -> LoopTimer? {
        guard let first = timers.first, first.deadline <= now else { return nil }
        remove(first)
        return first
    }

    mutating func remove(_ timer: LoopTimer) {
        let position = timer.position
        let last = timers.count - 1
        if position != last {
            swap(position, last)
        }
        timers.removeLast()
        timer.position = -1
        if position != last {
            siftDown(position)
            siftUp(position)
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (timers[left], timers[right])
        return left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        timers.swapAt(left, right)
        timers[left].position = left
        timers[right].position = right
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { return }
            swap(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < timers.count && precedes(child, least) {
                least = child
            }
            guard least != parent else { return }
            swap(parent, least)
            parent = least
        }
    }
}
