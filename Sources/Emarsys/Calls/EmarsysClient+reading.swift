extension EmarsysClient {
    /// Reads any number of contacts by id, a thousand a call, several calls at a time.
    ///
    /// Batches are handed over in the order of `ids`, so that progress can be noted as a position in it; while one is
    /// being consumed, the next are on their way. At most `inFlight` batches are in memory. Calls run on the caller's
    /// executor.
    ///
    /// - Parameters:
    ///   - ids: contact ids, such as ``segmentContacts(_:offset:limit:poll:onWait:)`` gives
    ///   - fields: the fields to read
    ///   - inFlight: calls at a time, 1 or more
    ///   - consume: takes the range of `ids` that was asked for and what came; throwing ends the reading
    public func readContacts<Keys: RandomAccessCollection & Sendable>(
        _ ids: Keys, fields: [Int], inFlight: Int = 4,
        _ consume: (Range<Int>, ContactTable) async throws -> Void
    ) async throws where Keys.Element == String, Keys.Index == Int {
        let batches = stride(from: ids.startIndex, to: ids.endIndex, by: EmarsysClient.mostKeys).map {
            $0..<min($0 + EmarsysClient.mostKeys, ids.endIndex)
        }
        try await withThrowingTaskGroup(of: (Int, ContactTable).self) { group in
            var started = 0
            var delivered = 0
            var early: [Int: ContactTable] = [:]
            while delivered < batches.count {
                while started < batches.count, started - delivered < max(1, inFlight) {
                    let number = started
                    let keys = Array(ids[batches[number]])
                    group.addTask { (number, try await getData(keys, fields: fields)) }
                    started += 1
                }
                if let table = early.removeValue(forKey: delivered) {
                    try await consume(batches[delivered], table)
                    delivered += 1
                } else if let (number, table) = try await group.next() {
                    early[number] = table
                }
            }
        }
    }
}
