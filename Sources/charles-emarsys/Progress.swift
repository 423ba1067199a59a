import Synchronization

/// What long work is at, on standard error: a line when it changes, at most a few a second.
enum Progress {
    private static let last = Mutex<(text: String, at: ContinuousClock.Instant?)>(("", nil))

    /// Shows a line, unless it says what the last one said.
    ///
    /// - Parameter always: also where the last one is younger than a fifth of a second
    static func show(_ text: String, always: Bool = false) {
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            guard text != last.text, always || last.at.map({ now - $0 > .milliseconds(200) }) ?? true else {
                return false
            }
            last = (text, now)
            return true
        }
        if isDue { Output.error(text) }
    }
}
