/// Where a tenant is on its way from one database to another; a tenant at home has none.
///
///     source:  (home) ─▶ leaving ─▶ moved ─▶ (deleted)      leaving ─▶ (home) where the move failed
///     target:  arriving ─▶ (home)
public enum MoveState: String, Sendable, Hashable {
    /// Writes and webhooks wait (503 with `Retry-After`), reads are served.
    case leaving
    /// Another database has it: everything waits, until whoever asks is sent there.
    case moved
    /// It is not complete here: everything waits.
    case arriving
}
