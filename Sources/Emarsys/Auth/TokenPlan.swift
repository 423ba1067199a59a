import EventLoop

/// The life of one OAuth token, as a pure value: when to use it, fetch another, or leave the token endpoint alone.
///
///     none ── fetching ──▶ held ── nearly expired, or refused by a 401 ──▶ none
///                └── refused ──▶ none
///
/// The endpoint allows 50 fetches a minute and 200 an hour for a client id, so tokens are shared by the whole
/// process and a client that is refused again and again is slowed down here, before Emarsys locks it.
public struct TokenPlan: Sendable {
    /// What to do for a call that needs a token.
    public enum Decision: Sendable, Hashable {
        /// Use this token.
        case use(String)
        /// Fetch one and report by ``fetched(_:expiresIn:at:)`` or ``failed()``.
        case fetch
        /// Somebody is fetching already: wait for the outcome and ask again.
        case join
        /// The endpoint's limits are used up until this time.
        case refuse(until: Timestamp)
    }

    private var token: String?
    private var usableUntil: Timestamp?
    private var fetching = false
    private var fetches: [Timestamp] = []
    private static let perMinute = 50
    private static let perHour = 200

    /// No token yet.
    public init() {}

    /// Asks what to do at `now`.
    public mutating func decide(at now: Timestamp) -> Decision {
        if let token, let usableUntil, now < usableUntil { return .use(token) }
        if fetching { return .join }
        fetches.removeAll { $0 + .seconds(3600) <= now }
        if fetches.count >= TokenPlan.perHour, let oldest = fetches.first {
            return .refuse(until: oldest + .seconds(3600))
        }
        let lastMinute = fetches.filter { $0 + .seconds(60) > now }
        if lastMinute.count >= TokenPlan.perMinute, let oldest = lastMinute.first {
            return .refuse(until: oldest + .seconds(60))
        }
        fetching = true
        fetches.append(now)
        return .fetch
    }

    /// Records a new token.
    ///
    /// - Parameters:
    ///   - token: the access token
    ///   - seconds: its life as the endpoint says; it is renewed a minute, or a tenth of its life, before the end
    ///   - now: the time at which the fetch *began*
    public mutating func fetched(_ token: String, expiresIn seconds: Int, at now: Timestamp) {
        let life = max(1, seconds)
        self.token = token
        usableUntil = now + .seconds(life - min(60, life / 10))
        fetching = false
    }

    /// Records that a fetch came to nothing.
    public mutating func failed() {
        fetching = false
    }

    /// Whether somebody is fetching and no token can be used yet.
    func isFetching(at now: Timestamp) -> Bool {
        guard fetching else { return false }
        if token != nil, let usableUntil, now < usableUntil { return false }
        return true
    }

    /// Drops `token` after the API refused it, unless it has been replaced meanwhile.
    public mutating func refused(_ token: String) {
        if self.token == token { self.token = nil }
    }
}
