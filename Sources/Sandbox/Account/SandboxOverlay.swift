/// What has been changed about the computed contacts: a few thousand entries at most.
struct SandboxOverlay: Sendable {
    /// Changed values by contact index and field.
    private(set) var values: [Int: [Int: SandboxValue]] = [:]
    /// Contacts that were deleted.
    private(set) var gone: Set<Int> = []
    /// Contacts that were created, with indices beyond all computed ones.
    private(set) var created: [Int] = []
    /// Contacts in the order in which the API changed them, for exports of changes.
    private(set) var changedByAPI: [Int] = []
    private var changedSet: Set<Int> = []
    /// Changed e-mails and customer numbers, lower case, to find contacts by.
    private var byKey: [Int: [String: Set<Int>]] = [:]
    private static let indexed: Set<Int> = [3, 509]

    mutating func set(_ field: Int, of index: Int, to value: SandboxValue) {
        if SandboxOverlay.indexed.contains(field) {
            if let old = values[index]?[field]?.text { byKey[field]?[old.lowercased()]?.remove(index) }
            if let new = value.text, !new.isEmpty {
                byKey[field, default: [:]][new.lowercased(), default: []].insert(index)
            }
        }
        values[index, default: [:]][field] = value
    }

    mutating func create(after virtualCount: Int) -> Int {
        let index = virtualCount + 1_000_000 + created.count
        created.append(index)
        values[index] = [:]
        return index
    }

    mutating func remove(_ index: Int) { gone.insert(index) }

    mutating func noteChange(_ index: Int) {
        if changedSet.insert(index).inserted { changedByAPI.append(index) }
    }

    func found(_ field: Int, _ key: String) -> Set<Int> { byKey[field]?[key.lowercased()] ?? [] }

    func isCreated(_ index: Int) -> Bool { index >= (created.first ?? Int.max) && values[index] != nil }
}
