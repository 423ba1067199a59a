import EventLoop
import FoundationEssentials

/// Entries of the directory by instance name, bounded, with the rule of when one may be used.
///
/// An entry may be used while it is known to be true of a moment at most `freshness` ago: because it was loaded then, or
/// because a poll that began then did not report it. A pure value; the shell loads and polls.
///
/// Bounded without bookkeeping on each look-up: entries live in two generations. New ones and those found again go into
/// the young one; when it is full it becomes the old one, and what nobody asked for since is dropped.
struct DirectoryCache: Sendable {
    private struct Entry: Sendable {
        let tenant: Tenant
        let loadedAt: MonotonicTime
    }

    private let capacity: Int
    private let freshness: Duration
    private var young: [String: Entry] = [:]
    private var old: [String: Entry] = [:]
    private var names: [UUID: String] = [:]
    private var missing: [String: MonotonicTime] = [:]
    private var lastPoll: MonotonicTime?
    private var reported: Set<DirectoryChange> = []

    /// Grows with each poll that reported something new; a load that began under another value is not kept.
    private(set) var generation: UInt64 = 0

    init(capacity: Int, freshness: Duration) {
        self.capacity = max(2, capacity)
        self.freshness = freshness
    }

    /// How many entries are held.
    var count: Int { young.count + old.count }

    /// What is known of an instance: an entry, that there is none (`.some(nil)`), or nothing (nil).
    mutating func find(instance name: String, now: MonotonicTime) -> Tenant?? {
        let isPolled = lastPoll.map { now - $0 < freshness } ?? false
        if let entry = young[name] {
            return isPolled || now - entry.loadedAt < freshness ? .some(entry.tenant) : nil
        }
        if let entry = old.removeValue(forKey: name) {
            keep(entry, name)
            return isPolled || now - entry.loadedAt < freshness ? .some(entry.tenant) : nil
        }
        if let loadedAt = missing[name], isPolled || now - loadedAt < freshness { return .some(nil) }
        return nil
    }

    /// The name under which a tenant's entry is held.
    func name(of tenant: UUID) -> String? { names[tenant] }

    /// Takes in what a load found; `began` and `generation` are those of the load's beginning.
    mutating func loaded(_ tenant: Tenant?, instance name: String, began: MonotonicTime, generation: UInt64) {
        guard generation == self.generation else { return }
        guard let tenant else {
            if missing.count >= 1024 { missing.removeAll() }
            missing[name] = began
            return
        }
        missing[name] = nil
        old[name] = nil
        keep(Entry(tenant: tenant, loadedAt: began), name)
    }

    /// Forgets everything: the first poll only says from where to read, so what was loaded before it is not watched.
    mutating func restart(began: MonotonicTime) {
        generation += 1
        answeredAt = began
        young = [:]
        old = [:]
        names = [:]
        missing = [:]
    }

    /// Forgets one instance, because this process has just changed it: the next look-up loads it.
    mutating func forget(instance name: String) {
        generation += 1
        missing[name] = nil
        for entry in [young.removeValue(forKey: name), old.removeValue(forKey: name)] {
            if let entry { names[entry.tenant.id] = nil }
        }
    }

    /// Takes in a poll that began at `began` and succeeded.
    mutating func polled(_ changes: [DirectoryChange], began: MonotonicTime) {
        let current = Set(changes)
        let new = current.subtracting(reported)
        if !new.isEmpty {
            generation += 1
            missing.removeAll()
            for change in new {
                guard let name = names.removeValue(forKey: change.tenant) else { continue }
                young[name] = nil
                old[name] = nil
            }
        }
        reported = current
        lastPoll = began
        answeredAt = began
    }

    /// When the last poll began that was answered at all.
    private(set) var answeredAt: MonotonicTime?

    private mutating func keep(_ entry: Entry, _ name: String) {
        if young.count >= capacity / 2 {
            for (name, entry) in old where young[name] == nil { names[entry.tenant.id] = nil }
            old = young
            young = [:]
            old[name] = nil
        }
        young[name] = entry
        names[entry.tenant.id] = name
    }
}
