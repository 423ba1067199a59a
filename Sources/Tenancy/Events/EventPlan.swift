import Crypto
import EventLoop
import FoundationEssentials
import JSON

/// A contact as flows see it.
struct FlowContact: Sendable {
    let id: UUID
    let phone: String?
    let optIn: String?
    /// Identifiers, names, properties and consent, as deliveries carry them.
    let summary: JSON
}

/// What stitching made of an event's keys.
public struct EventStitching: Sendable {
    /// What was done.
    public enum Action: Sendable, Hashable {
        /// A contact came to be.
        case created
        /// A contact changed.
        case updated
        /// A contact was found.
        case unchanged
        /// Two contacts became one.
        case merged(loser: UUID)
        /// No contact came of it; the code says why.
        case none(code: String)
    }

    /// The contact.
    public var contactID: UUID?
    /// What was done.
    public var action: Action
    /// Why parts of the keys were left out.
    public var notes: [String] = []

    /// An outcome.
    public init(contactID: UUID? = nil, action: Action, notes: [String] = []) {
        self.contactID = contactID
        self.action = action
        self.notes = notes
    }

    var name: String {
        switch action {
        case .created: "created"
        case .updated: "updated"
        case .unchanged: "found"
        case .merged: "merged"
        case .none: "none"
        }
    }
}

/// Decides what a batch of events brings about: runs, deliveries, touches, and the trace that explains them. Pure; the processor
/// looks up what it needs before and writes what it decided after.
struct EventPlan {
    /// A pair whose earlier runs count against a frequency cap.
    struct CapKey: Hashable, Sendable {
        let flowID: UUID
        let contactID: UUID
    }

    /// One attempt, done.
    struct Done: Sendable {
        let eventID: UUID
        let attempt: EventAttempt
        let status: EventStatus
        let contactID: UUID?
        let faults: [EventFault]
        let trace: JSON
    }

    private(set) var runs: [NewFlowRun] = []
    private(set) var outgoing: [OutgoingEvent] = []
    private(set) var done: [Done] = []

    private let contacts: [UUID: FlowContact]
    private let flows: [Flow]
    private var recentRuns: [CapKey: Int]

    init(contacts: [UUID: FlowContact], flows: [Flow], recentRuns: [CapKey: Int]) {
        self.contacts = contacts
        self.flows = flows
        self.recentRuns = recentRuns
    }

    /// A custom event.
    mutating func add(_ event: PendingEvent, _ stitching: EventStitching) {
        guard let contactID = stitching.contactID else { return reject(event, stitching) }
        for attempt in event.attempts {
            let started = start(event, attempt, contactID: contactID, trigger: .emarsysEvent)
            done.append(
                Done(
                    eventID: event.id, attempt: attempt, status: .processed, contactID: contactID, faults: [],
                    trace: Self.trace(event, attempt, stitching, flows: started, order: nil)))
        }
    }

    /// An order event, with what became of its order.
    /// - Parameter startsFlows: Linked and seen for the first time.
    mutating func add(
        order event: PendingEvent, _ stitching: EventStitching?, contactID: UUID?, order: JSON, faults: [EventFault],
        startsFlows: Bool
    ) {
        for attempt in event.attempts {
            var started: [JSON] = []
            // A replay starts an order flow only where that very flow was asked for.
            if let contactID, attempt.reason == "arrival" ? startsFlows : attempt.flowID != nil {
                started = start(event, attempt, contactID: contactID, trigger: .emarsysOrder)
            }
            done.append(
                Done(
                    eventID: event.id, attempt: attempt, status: faults.isEmpty ? .processed : .rejected,
                    contactID: contactID, faults: faults,
                    trace: Self.trace(event, attempt, stitching, flows: started, order: order)))
        }
    }

    mutating func tell(_ event: OutgoingEvent) { outgoing.append(event) }

    private mutating func reject(_ event: PendingEvent, _ stitching: EventStitching) {
        var code = "contact_not_identifiable"
        if case .none(let reason) = stitching.action, reason != "no_usable_identifier" { code = reason }
        let fault = EventFault("contact", code, EventFault.text(code))
        for attempt in event.attempts {
            done.append(
                Done(
                    eventID: event.id, attempt: attempt, status: .rejected, contactID: nil, faults: [fault],
                    trace: Self.trace(event, attempt, stitching, flows: [], order: nil)))
        }
    }

    /// Starts the flows that wait for the event; answers their part of the trace.
    private mutating func start(
        _ event: PendingEvent, _ attempt: EventAttempt, contactID: UUID, trigger: FlowTrigger
    ) -> [JSON] {
        let contact = contacts[contactID]
        var trace: [JSON] = []
        for flow in flows where flow.trigger == trigger && flow.eventName == event.name {
            if let only = attempt.flowID, only != flow.id { continue }
            let key = CapKey(flowID: flow.id, contactID: contactID)
            let state = FlowRunState.decide(
                flow: flow, phone: contact?.phone, optIn: contact?.optIn, recentRuns: recentRuns[key] ?? 0)
            let filled = PayloadSkeleton(flow.payload).fill(
                data: event.content.data, additional: event.content.additional)
            let run = NewFlowRun(
                id: SecureRandom.uuid(), flowID: flow.id, flowVersion: flow.version, eventID: event.id,
                attemptID: attempt.id, contactID: contactID, state: state, payload: .object(filled.payload),
                missingKeys: filled.missing)
            runs.append(run)
            if state == .queued {
                recentRuns[key, default: 0] += 1
                outgoing.append(Self.triggered(event, flow, run, contact))
            }
            trace.append([
                "flow_id": .string(flow.id.text), "name": .string(flow.name), "version": .int(flow.version),
                "flow_run_id": .string(run.id.text), "state": .string(state.rawValue),
                "missing_keys": .array(filled.missing.map(JSON.string)),
            ])
        }
        return trace
    }

    /// All that an instance needs: the contact with its identifiers, the payload, the event.
    private static func triggered(
        _ event: PendingEvent, _ flow: Flow, _ run: NewFlowRun, _ contact: FlowContact?
    ) -> OutgoingEvent {
        OutgoingEvent(
            type: "flow.triggered", contactID: run.contactID, flowRunID: run.id,
            data: [
                "flow_run_id": .string(run.id.text),
                "flow": ["id": .string(flow.id.text), "name": .string(flow.name), "version": .int(flow.version)],
                "contact": contact?.summary ?? .null, "payload": run.payload,
                "event": [
                    "id": .string(event.id.text), "event_name": .string(event.name),
                    "source": .string(event.source.rawValue), "occurred_at": .string(event.occurredAt.rfc3339),
                    "received_at": .string(event.receivedAt.rfc3339), "event_data": .object(event.content.data),
                    "additional_data": .object(event.content.additional),
                ],
            ])
    }

    private static func trace(
        _ event: PendingEvent, _ attempt: EventAttempt, _ stitching: EventStitching?, flows: [JSON], order: JSON?
    ) -> JSON {
        var notes = event.content.notes
        if (event.occurredAt - event.receivedAt).magnitude > .seconds(24 * 3600) { notes.append("event_time_far_off") }
        if flows.isEmpty, order == nil, stitching?.contactID != nil { notes.append("no_matching_flow") }
        var trace: JSON = [
            "attempt_id": .string(attempt.id.text), "reason": .string(attempt.reason), "flows": .array(flows),
            "notes": .array((notes + (stitching?.notes ?? [])).map(JSON.string)),
        ]
        if let stitching {
            var contact: JSON = ["id": .optional(stitching.contactID?.text), "action": .string(stitching.name)]
            if case .none(let code) = stitching.action { contact["code"] = .string(code) }
            if case .merged(let loser) = stitching.action { contact["merged_contact_id"] = .string(loser.text) }
            trace["contact"] = contact
        }
        if let order { trace["order"] = order }
        return trace
    }
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}

extension EventFault {
    /// What a code means, for people.
    static func text(_ code: String) -> String {
        switch code {
        case "contact_not_identifiable":
            "No contact has this external reference id, and without a phone or an e-mail none can be created."
        case "skipped_suppressed", "suppressed": "The person was erased and is not brought back."
        default: "The event cannot be used: \(code)."
        }
    }
}
