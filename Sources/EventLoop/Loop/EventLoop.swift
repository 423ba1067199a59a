import CSystem
import Glibc
import Synchronization

/// A thread that waits for descriptors, timers and jobs, and runs them one at a time.
///
/// A loop is a `TaskExecutor`: tasks started with `Task(executorPreference: loop)` or
/// `group.addTask(executorPreference: loop)` run on its thread whenever they are nonisolated, so objects that only such
/// code touches need no lock. Objects that say "loop-confined" may be used on their loop's thread only.
///
/// Never block a loop: name look-ups, files and the like go to ``BlockingExecutor``.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Unchecked: `inbox`, `wakeDescriptor` and `index` may be used from each thread; everything else is touched on the
    // loop's own thread only, after `start` and before `stop` has joined it.

    /// The loop's number within its group, from 0.
    public let index: Int

    var selector: Selector
    var timers = TimerHeap()

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var bodies: [@Sendable () -> Void] = []
        var isAsleep = false
        var isStopping = false
    }

    private let inbox = Mutex(Inbox())
    private let wakeDescriptor: CInt
    private var jobs: [UnownedJob] = []
    private var bodies: [@Sendable () -> Void] = []
    private var runningJobs: [UnownedJob] = []
    private var runningBodies: [@Sendable () -> Void] = []
    private var thread = pthread_t()
    private var slots: [ObjectIdentifier: AnyObject] = [:]

    /// The time at which the loop last woke: cheap, and near enough for time-outs. On the loop's thread only.
    public internal(set) var now = MonotonicTime.now

    /// The loop whose thread calls, if any.
    public static var current: EventLoop? {
        guard let pointer = csystem_current_loop() else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether the caller runs on this loop's thread.
    public var isCurrent: Bool { csystem_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

    init(index: Int) throws(SystemError) {
        self.index = index
        selector = try Selector()
        wakeDescriptor = eventfd(0, CInt(EFD_NONBLOCK | EFD_CLOEXEC))
        guard wakeDescriptor >= 0 else { throw SystemError("eventfd") }
        try selector.register(wakeDescriptor, [.readable, .edgeTriggered], WakeHandler())
    }

    deinit {
        selector.close()
        close(wakeDescriptor)
    }

    /// Runs the body soon on the loop's thread; from each thread. Bodies run in the order in which one thread gave them.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        if isCurrent {
            bodies.append(work)
        } else {
            submit { $0.bodies.append(work) }
        }
    }

    /// Starts an unstructured task that runs on this loop.
    @discardableResult
    public func start(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self, operation: operation)
    }

    /// Called by the Swift runtime: runs one piece of a task on the loop.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
        } else {
            submit { $0.jobs.append(job) }
        }
    }

    /// The object of the type that belongs to this loop, made at first use. On the loop's thread only. This is how
    /// a room keeps state per loop (a pool, a batch under way) without locks.
    public func local<Object: AnyObject>(_ type: Object.Type, _ make: () -> Object) -> Object {
        if let object = slots[ObjectIdentifier(type)] as? Object { return object }
        let object = make()
        slots[ObjectIdentifier(type)] = object
        return object
    }

    private func submit(_ add: (inout Inbox) -> Void) {
        let mustWake = inbox.withLock { inbox in
            add(&inbox)
            let wasAsleep = inbox.isAsleep
            inbox.isAsleep = false
            return wasAsleep
        }
        if mustWake { eventfd_write(wakeDescriptor, 1) }
    }
}

/// The eventfd is registered edge-triggered, so each write wakes the loop and nothing needs to be read.
private final class WakeHandler: DescriptorHandler {
    func ready(_ readiness: Readiness) {}
}

extension EventLoop {
    func start() {
        let retained = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let loop = Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue()
                loop.run()
                return nil
            }, retained)
        precondition(code == 0, "a loop's thread could not be started")
    }

    /// Stops after the work at hand and waits for the thread. Not from a loop's own thread.
    func stop() {
        submit { $0.isStopping = true }
        pthread_join(thread, nil)
    }

    private func run() {
        csystem_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        csystem_name_thread("loop-\(index)")
        while turn() {}
        csystem_set_current_loop(nil)
        slots = [:]
    }

    /// One turn: wait, then descriptors, then timers, then jobs. False when it is time to end.
    private func turn() -> Bool {
        let count = selector.wait(milliseconds: prepareToWait())
        now = .now
        for index in 0..<count {
            guard let (handler, readiness) = selector.handler(ofEvent: index) else { continue }
            handler.ready(readiness)
        }
        while let timer = timers.popDue(now) {
            let body = timer.body
            timer.body = nil
            body?()
        }
        let isStopping = inbox.withLock { inbox in
            inbox.isAsleep = false
            if !inbox.jobs.isEmpty {
                if jobs.isEmpty {
                    swap(&jobs, &inbox.jobs)
                } else {
                    jobs.append(contentsOf: inbox.jobs)
                    inbox.jobs.removeAll(keepingCapacity: true)
                }
            }
            if !inbox.bodies.isEmpty {
                bodies.append(contentsOf: inbox.bodies)
                inbox.bodies.removeAll(keepingCapacity: true)
            }
            return inbox.isStopping
        }
        runQueued(rounds: 4)
        return !isStopping
    }

    /// Milliseconds to wait: none while there is work, without limit when nothing is planned.
    private func prepareToWait() -> CInt {
        if !jobs.isEmpty || !bodies.isEmpty { return 0 }
        var milliseconds: CInt = -1
        if let earliest = timers.earliest {
            let left = earliest.nanoseconds - MonotonicTime.now.nanoseconds
            if left <= 0 { return 0 }
            milliseconds = CInt(min((left + 999_999) / 1_000_000, 60_000))
        }
        let isIdle = inbox.withLock { inbox in
            inbox.isAsleep = inbox.jobs.isEmpty && inbox.bodies.isEmpty && !inbox.isStopping
            return inbox.isAsleep
        }
        return isIdle ? milliseconds : 0
    }

    /// Runs what is queued, and what that queues in turn, for a few rounds; then descriptors get their chance again.
    private func runQueued(rounds: Int) {
        let executor = asUnownedTaskExecutor()
        for _ in 0..<rounds {
            if jobs.isEmpty && bodies.isEmpty { return }
            swap(&jobs, &runningJobs)
            for job in runningJobs { job.runSynchronously(on: executor) }
            runningJobs.removeAll(keepingCapacity: true)
            if !bodies.isEmpty {
                swap(&bodies, &runningBodies)
                for body in runningBodies { body() }
                runningBodies.removeAll(keepingCapacity: true)
            }
        }
    }
}
