public import FoundationEssentials
public import JSON
public import Persistence

/// The SQL of what a customer has typed into the five steps so far. No secret is kept.
public enum ConnectDraftStore {
    /// The draft and the step it is at; nil where there is none.
    public static func find(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> (
        step: Int, draft: JSON
    )? {
        let rows = try await database.run(
            .tenant(tenant),
            Query("SELECT step, draft FROM app.connect_drafts WHERE tenant_id = $1", [.uuid(tenant)]))
        guard let row = rows.first else { return nil }
        let step: Int16 = try row.get(0)
        let draft: [UInt8] = try row.get(1)
        return (Int(step), (try? JSON.parse(draft)) ?? .object([:]))
    }

    /// Keeps a draft; members that could hold a secret are left out.
    public static func put(_ tenant: UUID, step: Int, draft: JSON, in database: Database) async throws(DatabaseError) {
        _ = try await database.run(
            .tenant(tenant),
            Query(
                """
                INSERT INTO app.connect_drafts (tenant_id, step, draft) VALUES ($1, $2, $3)
                ON CONFLICT (tenant_id) DO UPDATE SET step = EXCLUDED.step, draft = EXCLUDED.draft, updated_at = EXCLUDED.updated_at
                """, [.uuid(tenant), .int2(Int16(step)), .jsonb(withoutSecrets(draft).encoded())]))
    }

    /// Forgets the draft.
    public static func delete(_ tenant: UUID) -> Query {
        Query("DELETE FROM app.connect_drafts WHERE tenant_id = $1", [.uuid(tenant)])
    }

    static func withoutSecrets(_ draft: JSON) -> JSON {
        guard let object = draft.object else { return draft }
        return .object(
            JSONObject(
                object.members.filter {
                    !$0.key.lowercased().contains("secret") && !$0.key.lowercased().contains("password")
                }
                .map { ($0.key, withoutSecrets($0.value)) }))
    }
}
