/// Whether a flow runs for a contact, and why not.
///
/// queued → delivered (the endpoint took it, or the instance acknowledged it) | failed (given up) | cancelled;
/// no_phone, no_consent and capped are ends: the run is recorded, nothing is delivered.
public enum FlowRunState: String, Sendable, Hashable, CaseIterable {
    /// Waits for delivery or for being fetched.
    case queued
    /// Arrived.
    case delivered
    /// Given up.
    case failed
    /// The contact has no phone, so nobody could be written to.
    case noPhone = "no_phone"
    /// The flow asks for a granted opt-in and there is none.
    case noConsent = "no_consent"
    /// The contact had as many runs as the frequency cap allows.
    case capped
    /// Withdrawn before it arrived.
    case cancelled
}

extension FlowRunState {
    /// The decision for one flow and one contact.
    ///
    /// - Parameters:
    ///   - flow: An enabled flow that matches the event.
    ///   - phone: The contact's primary phone.
    ///   - optIn: The contact's opt-in state.
    ///   - recentRuns: Runs of the flow for this contact inside the cap's hours.
    static func decide(flow: Flow, phone: String?, optIn: String?, recentRuns: Int) -> FlowRunState {
        if phone == nil { return .noPhone }
        if flow.requiresConsent, optIn != "granted" { return .noConsent }
        if let cap = flow.frequencyCap, recentRuns >= cap.max { return .capped }
        return .queued
    }
}
