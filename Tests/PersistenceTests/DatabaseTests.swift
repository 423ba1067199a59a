import EventLoop
import FoundationEssentials
import Persistence
import Synchronization
import TestSupport
import Testing

@Suite("transactions on a real server")
struct DatabaseTests {
    static let shared = Result { try ScratchDatabase(loops: 2) }
    let scratch: ScratchDatabase
    let database: Database
    let tenant = UUID()

    init() throws {
        scratch = try Self.shared.get()
        database = try scratch.database()
    }

    private func insert(_ id: Int64, _ body: String? = "x", parent: Int64? = nil, tenant: UUID? = nil) -> Query {
        Query(
            "INSERT INTO app.note (tenant_id, id, body, parent) VALUES ($1, $2, $3, $4)",
            [.uuid(tenant ?? self.tenant), .int8(id), .optional(text: body), .optional(int8: parent)])
    }

    private func notes(_ database: Database? = nil, _ tenant: UUID? = nil) async throws -> [Int64] {
        let tenant = tenant ?? self.tenant
        let query = Query("SELECT id FROM app.note WHERE tenant_id = $1 ORDER BY id", [.uuid(tenant)])
        return try await (database ?? self.database).run(.tenant(tenant), query).map { try $0.get(0) }
    }

    private func failure(_ body: () async throws -> Void) async -> DatabaseError? {
        do {
            try await body()
            return nil
        } catch { return error as? DatabaseError }
    }

    @Test("a run is one transaction: all of it or nothing")
    func atomic() async throws {
        let rows = try await database.run(.tenant(tenant), [insert(1), insert(2)])
        #expect(rows.map(\.affectedRows) == [1, 1])
        let error = await failure { _ = try await database.run(.tenant(tenant), [insert(3), insert(1), insert(4)]) }
        #expect(error?.code == .sqlState("23505"))
        #expect(error?.constraint == "note_pkey")
        #expect(try await notes() == [1, 2])
    }

    @Test("errors carry SQLSTATE and names, and no data in their description")
    func errors() async throws {
        let check = await failure { _ = try await database.run(.tenant(tenant), insert(1, "bad")) }
        #expect(check?.isCheckViolation == true)
        #expect(check?.constraint == "note_body_not_bad")
        let syntax = await failure { _ = try await database.run(.tenant(tenant), Query("SELEC 1")) }
        #expect(syntax?.code == .sqlState("42601"))
        let again = await failure { _ = try await database.run(.tenant(tenant), Query("SELEC 1")) }
        #expect(again?.code == .sqlState("42601"))
        let data = await failure {
            _ = try await database.run(.tenant(tenant), Query("SELECT $1::text::int", [.text("top secret")]))
        }
        #expect(data?.code == .sqlState("22P02"))
        #expect(data?.description.contains("secret") == false)
        #expect(data?.debugDescription.contains("secret") == true)
        #expect(data?.isCausedByInput == true)
    }

    @Test("a deferred constraint fails the commit, and the caller learns it")
    func deferred() async throws {
        let error = await failure { _ = try await database.run(.tenant(tenant), insert(1, parent: 99)) }
        #expect(error?.isForeignKeyViolation == true)
        #expect(error?.constraint == "note_parent")
        let inTransaction = await failure {
            try await database.transaction(.tenant(tenant)) { _ = try await $0.query(insert(1, parent: 99)) }
        }
        #expect(inTransaction?.isForeignKeyViolation == true)
        #expect(try await notes() == [])
    }

    @Test("a scope ends with its transaction, whichever connection comes next")
    func scopeEnds() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        for _ in 0..<8 {
            _ = try await database.run(.tenant(tenant), Query("SELECT app.tenant()"))
            _ = try await database.run(.tenants([tenant]), Query("SELECT 1"))
            let row = try await database.run(
                .resolver,
                Query(
                    "SELECT current_setting('app.tenant', true), current_setting('app.tenant_ids', true), current_user")
            )[0]
            #expect(try row.get(0, as: String?.self) ?? "" == "")
            #expect(try row.get(1, as: String?.self) ?? "" == "")
            #expect(try row.get(2, as: String.self) == "scratch_app")
            let error = await failure {
                _ = try await database.run(.resolver, Query("SELECT * FROM app.note"))
            }
            #expect(error?.sqlState == "28000")
        }
    }

    @Test("the inbox scope writes rows of listed tenants only")
    func inbox() async throws {
        let (one, two, other) = (UUID(), UUID(), UUID())
        let insert: (UUID) -> Query = { Query("INSERT INTO app.note (tenant_id, id) VALUES ($1, 1)", [.uuid($0)]) }
        _ = try await database.run(.tenants([one, two]), [insert(one), insert(two)])
        let error = await failure { _ = try await database.run(.tenants([one, two]), insert(other)) }
        #expect(error?.sqlState == "42501")
        #expect(try await notes(nil, one) == [1])
        #expect(try await notes(nil, other) == [])
    }

    @Test("a transaction commits when its body returns and rolls back when it throws")
    func transaction() async throws {
        let count = try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(insert(1))
            let rows = try await transaction.batch([insert(2), Query("SELECT count(*) FROM app.note")])
            return try rows[1][0].get(0, as: Int.self)
        }
        #expect(count == 2)
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(insert(3))
                throw Stop()
            }
        }
        #expect(try await notes() == [1, 2])
    }

    @Test("a swallowed failure cannot pass for a commit")
    func swallowed() async throws {
        let error = await failure {
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(insert(1))
                _ = try? await transaction.query(insert(1))
            }
        }
        #expect(error?.code == .rolledBack)
        #expect(try await notes() == [])
    }

    @Test("a transaction is unusable after its end")
    func escaped() async throws {
        let escaped = try await database.transaction(.tenant(tenant)) { $0 }
        let error = await failure { _ = try await escaped.query(Query("SELECT 1")) }
        #expect(error?.code == .misuse)
    }

    @Test("an empty transaction asks nothing of the server")
    func empty() async throws {
        try await database.transaction(.tenant(tenant)) { _ in }
        #expect(try await database.run(.tenant(tenant), []).isEmpty)
    }

    @Test("many callers at once each get their own answer", arguments: [1, 8])
    func concurrent(depth: Int) async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 2
            $0.pipelineDepth = depth
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                let loop = scratch.group.loops[number % 2]
                group.addTask(executorPreference: number % 3 == 0 ? nil : loop) {
                    let id = UUID()
                    let query = Query("SELECT app.tenant(), $1", [.int8(Int64(number))])
                    let isRead = number % 4 != 0
                    let row =
                        try await isRead ? database.read(.tenant(id), query)[0] : database.run(.tenant(id), query)[0]
                    return try row.get(0, as: UUID.self) == id && row.get(1, as: Int.self) == number
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test("a failure among pipelined neighbours is nobody else's")
    func neighbours() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        let loop = scratch.group.loops[0]
        try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for number in 0..<60 {
                group.addTask(executorPreference: loop) {
                    let query = Query("SELECT 1 / $1", [.int4(number % 3 == 0 ? 0 : 1)])
                    do {
                        return (number, try await database.read(.tenant(UUID()), query)[0].get(0, as: Int.self) == 1)
                    } catch let error as DatabaseError {
                        return (number, error.sqlState != "22012")
                    }
                }
            }
            for try await (number, isRight) in group { #expect(isRight == (number % 3 != 0)) }
        }
    }

    @Test("more statements than a connection keeps prepared")
    func eviction() async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 1
            $0.preparedStatementLimit = 3
        }
        for _ in 0..<3 {
            for query in [
                Query("SELECT 1"), Query("SELECT 2"), Query("SELECT 3"), Query("SELECT 4"), Query("SELECT 5"),
            ] as [Query] {
                _ = try await database.run(.tenant(tenant), query)
            }
        }
        try await database.transaction(.tenant(tenant)) { transaction in
            for query in [Query("SELECT 6"), Query("SELECT 7"), Query("SELECT 8"), Query("SELECT 9")] as [Query] {
                _ = try await transaction.query(query)
            }
            let left = try await transaction.query(Query("SELECT count(*) FROM pg_prepared_statements"))
            #expect(try left[0].get(0, as: Int.self) <= 3)
        }
    }

    @Test("without preparing, everything works the same")
    func unprepared() async throws {
        let database = try scratch.database { $0.preparesStatements = false }
        _ = try await database.run(.tenant(tenant), [insert(1), insert(2)])
        try await database.transaction(.tenant(tenant)) { _ = try await $0.query(insert(3)) }
        #expect(try await notes(database) == [1, 2, 3])
        let prepared = try await database.run(.tenant(tenant), Query("SELECT count(*) FROM pg_prepared_statements"))
        #expect(try prepared[0].get(0, as: Int.self) == 0)
    }

    @Test("notices reach the hook and nothing else")
    func notices() async throws {
        let heard = Mutex<[String]>([])
        let database = try scratch.database {
            $0.onNotice = { state, text in heard.withLock { $0.append(state + text) } }
        }
        _ = try await database.run(.resolver, Query("DO $$ BEGIN RAISE WARNING 'beware'; END $$"))
        #expect(heard.withLock { $0 } == ["01000beware"])
    }
}
