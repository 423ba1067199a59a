import FoundationEssentials
import Persistence

extension StitchBatch {
    /// Inserts the people of whom nobody holds an identifier and no other row of the batch has one, which is nearly everybody
    /// in a first import. Answers their positions.
    mutating func insertNew(_ transaction: Transaction) async throws -> Set<Int> {
        guard insertsInBulk else { return [] }
        let fresh = rows.filter { $0.isNew && early[$0.index] == nil }
        if fresh.isEmpty { return [] }
        try await copy(fresh, StitchStore.copyNew, transaction) { $0.writeNew(to: &$1) }
        _ = try await transaction.query(StitchStore.insertNew(tenant, source: source.name, now: now))
        return Set(fresh.map(\.index))
    }

    /// Stages the other rows.
    func copy(_ staged: [PreparedRow], _ transaction: Transaction) async throws {
        try await copy(staged, StitchStore.copy, transaction) { $0.write(to: &$1) }
    }

    private func copy(
        _ rows: [PreparedRow], _ sql: StaticString, _ transaction: Transaction,
        _ write: (PreparedRow, inout CopyText) -> Void
    ) async throws {
        var next = 0
        _ = try await transaction.copyIn(sql) {
            guard next < rows.count else { return nil }
            var text = CopyText(capacity: 160 << 10)
            while next < rows.count, text.bytes.count < 128 << 10 {
                write(rows[next], &text)
                next += 1
            }
            return text.bytes
        }
    }
}

extension PreparedRow {
    /// Whether all there is to do with the row is to insert it.
    fileprivate var isNew: Bool { known == nil && !isSlow && !isHeld && (phone != nil || email != nil) }

    fileprivate func writeNew(to text: inout CopyText) {
        let incoming = incoming
        text.uuid(newID)
        text.text(externalID)
        text.hex(incoming.sourceHash)
        text.text(phone?.value)
        text.text(phone == nil || incoming.phone == phone?.value ? nil : incoming.phone)
        text.array(phone?.flags.map(\.rawValue) ?? [])
        text.text(email?.value)
        text.text(email?.shown)
        text.text(incoming.firstName.rule == .leave ? nil : incoming.firstName.value)
        text.text(incoming.lastName.rule == .leave ? nil : incoming.lastName.value)
        text.json(incoming.custom.write)
        text.json(incoming.custom.fillBlank)
        text.json(incoming.custom.onCreation)
        text.array(incoming.belongs)
        text.endRow()
    }

    fileprivate func write(to text: inout CopyText) {
        let incoming = incoming
        text.int(index)
        text.uuid(newID)
        text.uuid(known)
        text.text(externalID)
        text.hex(incoming.sourceHash)
        text.text(phone?.value)
        text.text(phone == nil || incoming.phone == phone?.value ? nil : incoming.phone)
        text.array(phone?.flags.map(\.rawValue) ?? [])
        text.int(Int(incoming.phoneRule.rawValue))
        text.text(email?.value)
        text.text(email?.shown)
        text.int(Int(incoming.emailRule.rawValue))
        text.text(incoming.firstName.value)
        text.int(Int(incoming.firstName.rule.rawValue))
        text.text(incoming.lastName.value)
        text.int(Int(incoming.lastName.rule.rawValue))
        text.json(incoming.custom.write)
        text.json(incoming.custom.fillBlank)
        text.json(incoming.custom.onCreation)
        text.array(incoming.custom.clear)
        text.array(incoming.entering)
        text.array(incoming.belongs)
        text.bool(isSlow)
        text.endRow()
    }
}
