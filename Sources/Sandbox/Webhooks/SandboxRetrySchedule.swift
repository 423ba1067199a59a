/// When Emarsys repeats a webhook that was not answered by a 2xx: 11 attempts, waits from 30 s to 10 min.
public enum SandboxRetrySchedule {
    /// The number of attempts, the first one included.
    public static let attempts = 11

    /// The wait after an attempt (1 for the first one); nil after the last.
    public static func wait(after attempt: Int) -> Duration? {
        guard attempt >= 1, attempt < attempts else { return nil }
        return .seconds(min(30 << min(attempt - 1, 10), 600))
    }
}
