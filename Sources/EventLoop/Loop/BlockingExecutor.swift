import CSystem
import Glibc

/// Threads for calls that block: name look-ups, files, `PQcancel`. Tasks that prefer it run there.
///
/// Threads are started as work needs them, up to the limit, and stay.
public final class BlockingExecutor: TaskExecutor, @unchecked Sendable {
    // Unchecked: what the mutex guards is touched with the mutex held only.

    /// The process's one.
    public static let shared = BlockingExecutor(threadLimit: 8)

    private let threadLimit: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var threads = 0
    private var idleThreads = 0

    private init(threadLimit: Int) {
        self.threadLimit = threadLimit
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    /// Runs the body on one of the threads and returns its result. The caller's cancellation does not stop the body.
    public func run<Success: Sendable>(_ body: @escaping @Sendable () throws -> Success) async throws -> Success {
        try await Task(executorPreference: self) { try body() }.value
    }

    /// Called by the Swift runtime: runs one piece of a task on one of the threads.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        let needsThread = idleThreads < jobs.count && threads < threadLimit
        if needsThread { threads += 1 }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        if needsThread { startThread() }
    }

    private func startThread() {
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { _ in
                csystem_name_thread("blocking")
                BlockingExecutor.shared.work()
                return nil
            }, nil)
        precondition(code == 0, "a thread for blocking calls could not be started")
        pthread_detach(thread)
    }

    private func work() {
        let executor = asUnownedTaskExecutor()
        while true {
            pthread_mutex_lock(mutex)
            idleThreads += 1
            while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
            idleThreads -= 1
            let job = jobs.removeFirst()
            pthread_mutex_unlock(mutex)
            job.runSynchronously(on: executor)
        }
    }
}
