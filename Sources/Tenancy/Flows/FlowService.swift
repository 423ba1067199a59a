import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// The rules of flows: what can be written, trying one out, and fetching runs instead of having them delivered.
public struct FlowService: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// The flows, newest first.
    public func list(tenantID: UUID, request: PageRequest) async throws -> Page<Flow> {
        let flows = try await FlowStore.list(database, tenantID: tenantID, request: request)
        return Page(fetched: flows, request: request) { PageCursor(time: $0.createdAt, id: $0.id) }
    }

    /// One flow. Throws 404 `flow_not_found`.
    public func find(tenantID: UUID, id: UUID) async throws -> Flow {
        guard let flow = try await FlowStore.find(database, tenantID: tenantID, id: id) else { throw Self.notFound }
        return flow
    }

    /// Makes a flow. Throws 422 for a body that is none.
    public func create(tenantID: UUID, body: JSON) async throws -> Flow {
        let input = try FlowInput(body, isComplete: true)
        let now = time.now()
        let flow = Flow(
            id: SecureRandom.uuid(), name: input.name ?? "", trigger: input.trigger ?? .emarsysEvent,
            eventName: input.eventName ?? "", payload: input.payload ?? JSONObject(),
            isEnabled: input.isEnabled ?? true, requiresConsent: input.requiresConsent ?? false,
            frequencyCap: input.frequencyCap ?? nil, version: 1, createdAt: now, updatedAt: now)
        _ = try await database.run(.tenant(tenantID), FlowStore.write(flow, tenantID: tenantID))
        return flow
    }

    /// Changes what the body names. What a run depends on counts as a new version.
    public func update(tenantID: UUID, id: UUID, body: JSON) async throws -> Flow {
        let input = try FlowInput(body, isComplete: false)
        let now = time.now()
        return try await database.transaction(.tenant(tenantID)) { transaction in
            _ = try await transaction.query(FlowStore.lock(tenantID: tenantID, id: id))
            guard let before = try await FlowStore.find(transaction, tenantID: tenantID, id: id) else {
                throw Self.notFound
            }
            var flow = before
            if let name = input.name { flow.name = name }
            if let trigger = input.trigger { flow.trigger = trigger }
            if let eventName = input.eventName { flow.eventName = eventName }
            if let payload = input.payload { flow.payload = payload }
            if let isEnabled = input.isEnabled { flow.isEnabled = isEnabled }
            if let requiresConsent = input.requiresConsent { flow.requiresConsent = requiresConsent }
            if let cap = input.frequencyCap { flow.frequencyCap = cap }
            guard flow != before else { return before }
            flow.version += 1
            flow.updatedAt = now
            _ = try await transaction.query(FlowStore.write(flow, tenantID: tenantID))
            return flow
        }
    }

    /// Removes a flow; its runs stay.
    public func remove(tenantID: UUID, id: UUID) async throws {
        let rows = try await database.run(
            .tenant(tenantID), FlowStore.remove(tenantID: tenantID, id: id, now: time.now()))
        if rows.isEmpty { throw Self.notFound }
    }

    /// Fills the skeleton from a sample event and records the run as a test: nothing is delivered, nobody is written to.
    public func test(tenantID: UUID, id: UUID, sample: JSON) async throws -> FlowRun {
        let flow = try await find(tenantID: tenantID, id: id)
        guard let object = sample.object else {
            throw Problem.invalid([FieldError(field: "", code: "invalid_body", message: "must be a sample event")])
        }
        let data = object["event_data"]?.object ?? JSONObject()
        let filled = PayloadSkeleton(flow.payload).fill(data: data, additional: object)
        let run = NewFlowRun(
            id: SecureRandom.uuid(), flowID: flow.id, flowVersion: flow.version, contactID: nil, state: .delivered,
            isTest: true, payload: .object(filled.payload), missingKeys: filled.missing)
        _ = try await database.run(
            .tenant(tenantID), FlowRunStore.insert([run], tenantID: tenantID, now: time.now()))
        return try await self.run(tenantID: tenantID, id: run.id)
    }

    // MARK: Runs

    /// Runs, newest first. Throws 422 for an unknown state.
    public func runs(
        tenantID: UUID, state: String?, flowID: UUID?, contactID: UUID?, eventID: UUID?, request: PageRequest
    ) async throws -> Page<FlowRun> {
        if let state, FlowRunState(rawValue: state) == nil {
            throw Problem.invalid([FieldError(field: "state", code: "unknown", message: "is no state of a flow run")])
        }
        let runs = try await FlowRunStore.list(
            database, tenantID: tenantID,
            filter: .init(state: state, flowID: flowID, contactID: contactID, eventID: eventID), request: request)
        return Page(fetched: runs, request: request) { PageCursor(time: $0.createdAt, id: $0.id) }
    }

    /// One run. Throws 404 `flow_run_not_found`.
    public func run(tenantID: UUID, id: UUID) async throws -> FlowRun {
        guard let run = try await FlowRunStore.find(database, tenantID: tenantID, id: id) else {
            throw Problem.notFound("flow_run_not_found", "There is no such flow run.")
        }
        return run
    }

    /// The instance took a run that it had fetched. Repeating it changes nothing.
    public func acknowledge(tenantID: UUID, id: UUID) async throws -> FlowRun {
        let rows = try await database.run(
            .tenant(tenantID), FlowRunStore.acknowledge(tenantID: tenantID, id: id, now: time.now()))
        let run = try await run(tenantID: tenantID, id: id)
        if rows[0].isEmpty {
            throw Problem.conflict("flow_run_not_queued", "The run is \(run.state.rawValue); there is nothing to take.")
        }
        return run
    }

    private static var notFound: Problem { .notFound("flow_not_found", "There is no such flow.") }
}
