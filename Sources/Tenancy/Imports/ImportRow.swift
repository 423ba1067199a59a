import Emarsys
import FoundationEssentials
import JSON

/// What Emarsys sent of one person, on its way into a batch.
///
/// Whoever was not in the segments before is mapped and normalised as soon as the row is there, while the database works on
/// the batch before. Of the others most have not changed, which only the database can tell: they are mapped when asked for.
struct ImportRow: Sendable {
    /// The Emarsys id.
    let id: String
    /// Of the mapped values and of the mapping.
    let hash: [UInt8]
    /// The id a contact gets, should one be created.
    let newID: UUID
    private let state: State

    private enum State: Sendable {
        case raw(ContactRow)
        case mapped(PreparedRow, [FieldFault])
    }

    init(_ row: ContactRow, _ frame: ImportFrame, newID: UUID) {
        id = row.id
        hash = frame.mapping.hash(row)
        self.newID = newID
        if let number = Int64(row.id), frame.run.mode == .full || !frame.wasKnown(number) {
            let (prepared, faults) = Self.map(row, hash, newID, frame)
            state = .mapped(prepared, faults)
        } else {
            state = .raw(row)
        }
    }

    /// The row with its values mapped and its identifiers normalised, and the values that no destination could hold.
    func prepared(_ frame: ImportFrame) -> (PreparedRow, [FieldFault]) {
        switch state {
        case .raw(let row): Self.map(row, hash, newID, frame)
        case .mapped(let prepared, let faults): (prepared, faults)
        }
    }

    private static func map(_ row: ContactRow, _ hash: [UInt8], _ newID: UUID, _ frame: ImportFrame)
        -> (PreparedRow, [FieldFault])
    {
        var (incoming, faults) = frame.mapping.incoming(row, hash: hash)
        if let id = Int64(row.id) {
            incoming.entering = frame.entering(id)
            incoming.belongs = frame.segments.filter { $0.now.contains(id) }.map(\.id)
        }
        return (PreparedRow(incoming, index: 0, newID: newID, policy: frame.policy), faults)
    }
}

extension ImportFrame {
    /// Segments that the Emarsys id has entered since the last run.
    func entering(_ id: Int64) -> [String] {
        segments.filter { $0.now.contains(id) && !$0.before.contains(id) }.map(\.id)
    }

    /// Whether the Emarsys id was in one of the segments at their last run.
    func wasKnown(_ id: Int64) -> Bool { segments.contains { $0.before.contains(id) } }
}
