import HTTP
import JSON

extension EmarsysClient {
    /// The most keys in one getdata call.
    public static let mostKeys = 1000

    /// Reads contacts by key.
    ///
    /// - Parameters:
    ///   - keys: 1 to 1000 values of `key`; no key at all gives an empty table without a call
    ///   - key: what the keys are; the internal id unless told otherwise
    ///   - fields: the fields to read; always sent, since Emarsys' answer without them is contradictory
    /// - Returns: found contacts in any order, and the keys that found none
    public func getData(_ keys: [String], by key: ContactKey = .id, fields: [Int])
        async throws(EmarsysError) -> ContactTable
    {
        guard !keys.isEmpty else { return ContactTable(fields: fields) }
        guard keys.count <= EmarsysClient.mostKeys else {
            throw EmarsysError(.notSent, text: "more than \(EmarsysClient.mostKeys) keys in one call")
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("keyId")
        writer.string(key.text)
        writer.key("keyValues")
        writer.beginArray()
        for key in keys { writer.string(key) }
        writer.endArray()
        writer.key("fields")
        writer.beginArray()
        for field in fields { writer.string(String(field)) }
        writer.endArray()
        writer.endObject()
        let call = EmarsysCall(
            operation: .contactGetData, method: .post, path: "/contact/getdata", body: writer.bytes,
            maxResponseBytes: 64 << 20)
        return try await send(call) { body throws(EmarsysError) in
            try ContactTableReader.table(body, fields: fields)
        }
    }

    /// Writes fields of contacts, in as many calls as Emarsys' limits ask for.
    ///
    /// Partial failure is no error: each row has its own outcome. An error is thrown only if a call fails as a whole;
    /// rows of earlier calls are then written already, which is harmless because writing is idempotent.
    ///
    /// - Parameters:
    ///   - updates: the rows; of several with the same key the last one is sent
    ///   - key: what their keys are
    ///   - createMissing: whether Emarsys may create contacts it does not know
    public func updateContacts(_ updates: [ContactUpdate], by key: ContactKey, createMissing: Bool = false)
        async throws(EmarsysError) -> ContactUpdateOutcome
    {
        let batches = ContactUpdateBatches(updates)
        var outcome = ContactUpdateOutcome(
            rows: Array(repeating: .done, count: updates.count), contactIDs: [], calls: 0)
        for indices in batches.calls {
            var writer = JSONWriter()
            EmarsysClient.write(updates, indices, key, to: &writer)
            let data = try await data(
                EmarsysCall(
                    operation: .contactUpdate, method: .put,
                    path: "/contact/?create_if_not_exists=\(createMissing ? 1 : 0)", body: writer.bytes))
            outcome.calls += 1
            let errors = ContactUpdateErrors(data["errors"])
            outcome.unmatchedErrors += errors.unmatched(indices.map { updates[$0].key })
            for index in indices { outcome.rows[index] = errors.outcome(of: updates[index].key) }
            if let ids = data["ids"]?.array {
                outcome.contactIDs += ids.compactMap { $0.looseText }
            } else if let id = data["id"]?.looseText {
                outcome.contactIDs.append(id)
            }
        }
        for index in updates.indices { outcome.rows[index] = outcome.rows[batches.representative[index]] }
        return outcome
    }

    private static func write(
        _ updates: [ContactUpdate], _ indices: [Int], _ key: ContactKey, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("key_id")
        writer.string(key.text)
        writer.key("contacts")
        writer.beginArray()
        for index in indices {
            let update = updates[index]
            writer.beginObject()
            writer.key(dynamic: key.text)
            writer.string(update.key)
            for (field, value) in update.values {
                writer.key(dynamic: String(field))
                writer.string(value)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
