import Emarsys
import EventLoop
import FoundationEssentials
import Persistence

/// Creates people in Emarsys whom it does not know, by e-mail, else by mobile phone, and links them here.
struct OptInCreation: Sendable {
    let database: Database
    let client: EmarsysClient
    let tenantID: UUID
    let field: OptInField
    let timeFormat: OptInTimeFormat
    let verdicts: OptInVerdicts

    /// Writes the rows with permission to create. A call that fails as a whole decides about the rows not yet settled.
    func create(_ rows: [TakenOptIn]) async throws(DatabaseError)
        -> (outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], failure: EmarsysError?)
    {
        var outcomes: [(row: TakenOptIn, outcome: OptInOutcome)] = []
        var failure: EmarsysError?
        let byEmail = rows.filter { $0.email != nil }
        let byPhone = rows.filter { $0.email == nil && $0.phone != nil }
        for row in rows where row.email == nil && row.phone == nil {
            let fault = OptInFault(code: "no_usable_identifier", detail: "The contact has neither e-mail nor phone.")
            outcomes.append((row, .notInEmarsys(fault)))
        }
        for (group, keyField) in [(byEmail, EmarsysSystemField.email), (byPhone, EmarsysSystemField.mobile)]
        where !group.isEmpty {
            let keyed = group.map { (row: $0, key: (keyField == EmarsysSystemField.email ? $0.email : $0.phone) ?? "") }
            do {
                outcomes += try await create(keyed, keyField: keyField)
            } catch let error as EmarsysError {
                failure = error
                outcomes += group.map { (row: $0, outcome: verdicts.outcome(of: $0, error)) }
            } catch {
                throw error as? DatabaseError ?? DatabaseError(.misuse, context: "creating contacts in Emarsys")
            }
        }
        return (outcomes, failure)
    }

    private func create(_ keyed: [(row: TakenOptIn, key: String)], keyField: Int) async throws
        -> [(row: TakenOptIn, outcome: OptInOutcome)]
    {
        let answers = try await client.updateContacts(
            keyed.map { row, key in
                ContactUpdate(key: key, values: OptInBatch.values(of: row, field: field, timeFormat: timeFormat))
            }, by: .field(keyField), createMissing: true)
        // The ids of the answer are not aligned with the rows once there are errors, so they are asked for.
        let done = zip(keyed, answers.rows).filter { $0.1 == .done }.map(\.0)
        var ids: [String: String] = [:]
        for row in try await client.getData(done.map(\.key), by: .field(keyField), fields: [keyField]).rows {
            if let key = row.values.first?.nonEmptyText { ids[key.lowercased()] = row.id }
        }
        var outcomes: [(row: TakenOptIn, outcome: OptInOutcome)] = []
        for ((row, key), answer) in zip(keyed, answers.rows) {
            guard answer == .done else {
                outcomes.append((row, verdicts.outcome(of: row, answer, emarsysID: "")))
                continue
            }
            guard let id = ids[key.lowercased()] else {
                let fault = OptInFault(
                    code: "created_contact_not_found", detail: "Emarsys took the contact and does not show it.")
                outcomes.append((row, .failed(fault)))
                continue
            }
            let linked = try await database.run(
                .tenant(tenantID),
                OptInExportStore.link(contact: row.contactID, emarsysID: id, tenant: tenantID, now: verdicts.now))
            if try linked.first?.get(0, as: Bool.self) ?? false {
                outcomes.append((row, .confirmed(emarsysID: id)))
            } else {
                outcomes.append((row, .failed(.ofAnother)))
            }
        }
        return outcomes
    }
}
