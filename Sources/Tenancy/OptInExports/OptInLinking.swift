import Emarsys
import EventLoop
import FoundationEssentials
import Persistence

/// Finds people in Emarsys who are not linked to it yet, by their e-mail: somebody outside the imported segments withdraws
/// as well, and Emarsys has to know. It is the rule by which an import would link them; nobody is created.
struct OptInLinking: Sendable {
    let database: Database
    let client: EmarsysClient
    let tenantID: UUID
    let verdicts: OptInVerdicts

    /// What was found.
    struct Result: Sendable {
        /// Rows that are linked now.
        var linked: [TakenOptIn] = []
        /// Rows that ended: Emarsys has several contacts of the e-mail, or it is linked to another contact here.
        var ended: [(row: TakenOptIn, outcome: OptInOutcome)] = []
        /// Rows of people whom Emarsys does not know.
        var missing: [TakenOptIn] = []
    }

    /// Looks the rows up and links what is found.
    func link(_ rows: [TakenOptIn]) async throws -> Result {
        var result = Result()
        let withEmail = rows.filter { $0.email != nil }
        result.missing = rows.filter { $0.email == nil }
        if withEmail.isEmpty { return result }
        let field = EmarsysSystemField.email
        let table = try await client.getData(withEmail.compactMap(\.email), by: .field(field), fields: [field])
        var ids: [String: String] = [:]
        for row in table.rows { if let email = row.values.first?.nonEmptyText { ids[email.lowercased()] = row.id } }
        let ambiguous = Set(table.misses.filter { $0.code == 2010 }.map { $0.key.lowercased() })
        for var row in withEmail {
            let email = (row.email ?? "").lowercased()
            if ambiguous.contains(email) {
                result.ended.append((row, .failed(.refused(2010))))
            } else if let id = ids[email] {
                let linked = try await database.run(
                    .tenant(tenantID),
                    OptInExportStore.link(contact: row.contactID, emarsysID: id, tenant: tenantID, now: verdicts.now))
                if try linked.first?.get(0, as: Bool.self) ?? false {
                    row.emarsysIDs = [id]
                    result.linked.append(row)
                } else {
                    result.ended.append((row, .failed(.ofAnother)))
                }
            } else {
                result.missing.append(row)
            }
        }
        return result
    }
}
