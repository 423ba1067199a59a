/// Cuts updates into calls that Emarsys takes: at most 1000 contacts and 8 MB each, and no key twice in one call.
///
/// What Emarsys does with the same key twice in one batch is undocumented, so of several rows for a key only the last
/// one is sent, and all of them share its outcome.
public struct ContactUpdateBatches: Sendable {
    /// The most contacts in one call.
    public static let mostRows = 1000
    /// The most bytes in one call; Emarsys allows 8 MB, the rest is a cushion for the envelope.
    public static let mostBytes = 7_500_000

    /// For each call the indices of the rows it carries.
    public let calls: [[Int]]
    /// For each row the index of the row whose outcome it shares (mostly its own).
    public let representative: [Int]

    /// Plans the calls for `updates`.
    public init(
        _ updates: [ContactUpdate], mostRows: Int = ContactUpdateBatches.mostRows,
        mostBytes: Int = ContactUpdateBatches.mostBytes
    ) {
        var last: [String: Int] = [:]
        last.reserveCapacity(updates.count)
        for (index, update) in updates.enumerated() { last[update.key] = index }
        representative = updates.enumerated().map { last[$0.element.key] ?? $0.offset }
        var calls: [[Int]] = []
        var current: [Int] = []
        var bytes = 0
        for (index, update) in updates.enumerated() where representative[index] == index {
            let size = update.encodedSize
            if !current.isEmpty, current.count >= mostRows || bytes + size > mostBytes {
                calls.append(current)
                (current, bytes) = ([], 0)
            }
            current.append(index)
            bytes += size
        }
        if !current.isEmpty { calls.append(current) }
        self.calls = calls
    }
}
