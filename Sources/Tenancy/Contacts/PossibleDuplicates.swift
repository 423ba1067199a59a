import EventLoop
import FoundationEssentials
public import JSON
public import Persistence

/// Contacts whose e-mail addresses reach one mailbox: with a plus tag, and where the tenant says so with other dots at Gmail.
///
/// They are suggestions for a person, never a reason to merge: the local part of an address is opaque (RFC 5321, 2.3.11).
public struct PossibleDuplicates: Sendable {
    /// People who may be one.
    public struct Group: Sendable {
        let id: UUID
        /// As clients see it.
        public let json: JSON
    }

    private let database: Database

    /// Duplicates in a database.
    public init(database: Database) { self.database = database }

    /// A page of suggestions, in no order that means anything.
    public func list(_ tenant: Tenant, _ page: PageRequest) async throws -> Page<Group> {
        let folds = IdentityPolicy(tenant.settings, defaultCountry: nil).foldsGmail
        let query = PossibleDuplicatesStore.query(tenant.id, foldsGmail: folds, page)
        let rows = try await database.transaction(.tenant(tenant.id), statementTimeout: .seconds(20)) {
            try await $0.query(query)
        }
        let groups = try rows.map { row in
            let people: [UUID] = try row.get(2)
            let emails: [String] = try row.get(3)
            return Group(
                id: try row.get(0),
                json: [
                    "id": .string(try row.get(0)), "reason": "same_mailbox", "mailbox": .string(try row.get(1)),
                    "contact_ids": .array(people.map { .string($0.uuidString.lowercased()) }),
                    "emails": .array(emails.map { .string($0) }),
                ])
        }
        return Page(fetched: groups, request: page) { PageCursor(time: Timestamp(seconds: 0), id: $0.id) }
    }
}
