import EventLoop
import HTTP
import JSON
import Synchronization

/// A simulated Emarsys account, without a network: requests in, answers out.
public final class SandboxAccount: Sendable {
    /// How the account was set up.
    public let options: SandboxOptions
    let time: any TimeSource
    private let state: Mutex<SandboxState>

    /// An account of its own.
    public init(_ options: SandboxOptions = SandboxOptions(), time: any TimeSource = SystemTime()) {
        self.options = options
        self.time = time
        state = Mutex(
            SandboxState(
                contacts: SandboxContacts(
                    seed: options.seed, count: max(0, options.contacts), sharedPerMille: options.sharedPerMille),
                quirks: options.quirks, permissions: options.permissions, callsPerMinute: options.callsPerMinute))
    }

    /// Runs `body` on the account's state under its lock.
    func with<T>(_ body: (inout sending SandboxState) -> sending T) -> T {
        state.withLock(body)
    }

    // MARK: Control

    /// Changes how the account misbehaves.
    public func setQuirks(_ change: (inout SandboxQuirks) -> Void) {
        with { change(&$0.quirks) }
    }

    /// Lets something go wrong.
    public func inject(_ fault: SandboxFault) {
        with { $0.faults.append(fault) }
    }

    /// Forgets all faults that have not happened yet.
    public func clearFaults() {
        with { $0.faults = [] }
    }

    /// Switches permissions on and off.
    public func setPermissions(grant: Set<String> = [], revoke: Set<String> = []) {
        with { $0.permissions = $0.permissions.union(grant).subtracting(revoke) }
    }

    /// Sets the number of calls a minute.
    public func setCallsPerMinute(_ calls: Int) {
        with { $0.callsPerMinute = calls }
    }

    /// Makes all tokens invalid that were given out so far.
    public func revokeTokens() {
        with { $0.tokens = [:] }
    }

    /// The id of the contact at an index of the computed contacts.
    public static func contactID(at index: Int) -> String { String(SandboxContacts.firstID + index) }

    /// The value of a contact's field; nil if there is no such contact.
    public func value(_ field: Int, of id: String) -> SandboxValue? {
        with { state in
            guard let index = state.contacts.index(ofID: id), state.exists(index) else { return nil }
            return state.value(field, of: index)
        }
    }

    /// Changes a contact as a person in Emarsys would; false if there is no such contact.
    @discardableResult
    public func setValue(_ value: SandboxValue, field: Int, of id: String) -> Bool {
        with { state in
            guard let index = state.contacts.index(ofID: id), state.exists(index) else { return false }
            state.overlay.set(field, of: index, to: value)
            return true
        }
    }

    /// Deletes a contact.
    public func removeContact(_ id: String) {
        with { state in
            if let index = state.contacts.index(ofID: id) { state.overlay.remove(index) }
        }
    }

    /// Deletes a segment, even while it is being imported.
    public func removeSegment(_ id: Int) {
        with { $0.segments.removeAll { $0.id == id } }
    }

    /// Adds a segment of the first `count` contacts.
    public func addSegment(_ id: Int, name: String, type: String = "standard", first count: Int) {
        with {
            $0.segments.removeAll { $0.id == id }
            $0.segments.append(SandboxSegment(id: id, name: name, type: type, membership: .first(count)))
        }
    }

    /// Alters `fields` of about `perMille` of a thousand contacts.
    public func churn(perMille: Int, fields: Set<Int> = [1, 505, 515]) {
        with {
            let seed = UInt64($0.contacts.churns.count) &* 7_919 &+ 77_001
            $0.contacts.churns.append(SandboxContacts.Churn(seed: seed, perMille: perMille, fields: fields))
        }
    }

    /// Makes an export's file disappear.
    public func expireExport(_ id: Int) {
        with { $0.exports[id]?.isExpired = true }
    }

    /// Calls so far by method and path, ids replaced by `{id}`.
    public func calls() -> [String: Int] { with { $0.callsByPath } }

    /// Answers so far by HTTP status.
    public func statuses() -> [Int: Int] { with { $0.callsByStatus } }

    /// Sets the counters to zero.
    public func resetCalls() {
        with {
            $0.callsByPath = [:]
            $0.callsByStatus = [:]
            $0.callsByPermission = [:]
            $0.serving = .zero
        }
    }
}
