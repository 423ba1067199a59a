/// The ids of a segment, in rising order: what belongs, what entered, what left.
struct SegmentIDs: Sendable {
    /// Distinct ids in rising order.
    let sorted: [Int64]

    init(_ ids: [Int64]) {
        var sorted = ids
        sorted.sort()
        var last: Int64?
        sorted.removeAll { id in
            defer { last = id }
            return id == last
        }
        self.sorted = sorted
    }

    var count: Int { sorted.count }

    func contains(_ id: Int64) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == id
    }

    /// The ids that are here and not in the other set.
    func without(_ other: SegmentIDs) -> [Int64] {
        var result: [Int64] = []
        var index = 0
        for id in sorted {
            while index < other.sorted.count, other.sorted[index] < id { index += 1 }
            if index == other.sorted.count || other.sorted[index] != id { result.append(id) }
        }
        return result
    }

    /// All ids of several segments, each once.
    static func union(_ sets: some Sequence<SegmentIDs>) -> SegmentIDs { SegmentIDs(sets.flatMap(\.sorted)) }
}

/// Numeric ids as the texts that Emarsys takes, each made when it is asked for: half a million texts need twice the memory.
struct DecimalIDs: RandomAccessCollection, Sendable {
    let numbers: [Int64]

    var startIndex: Int { numbers.startIndex }
    var endIndex: Int { numbers.endIndex }

    subscript(position: Int) -> String { String(numbers[position]) }
}
