/// Something that runs as long as the process does: a server, a worker, a schedule.
public protocol Service: Sendable {
    /// Runs until its work is over or the task is cancelled, which asks it to stop; returns when it has stopped.
    func run() async throws
}
