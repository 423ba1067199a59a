import EventLoop
import FoundationEssentials
import Persistence
import Synchronization
import TestSupport
import Testing

@Suite("when things go wrong with the database", .serialized)
struct FaultTests {
    static let shared = Result { try ScratchDatabase(loops: 1) }
    let scratch: ScratchDatabase
    let tenant = UUID()

    init() throws { scratch = try Self.shared.get() }

    private func failure(_ body: () async throws -> Void) async -> DatabaseError? {
        do {
            try await body()
            return nil
        } catch { return error as? DatabaseError }
    }

    private func backend(_ database: Database) async throws -> Int {
        try await database.run(.resolver, Query("SELECT pg_backend_pid()"))[0].get(0)
    }

    private func terminate(_ backend: Int) throws {
        try scratch.plain().query("SELECT pg_terminate_backend($1::int, 5000)", [String(backend)])
    }

    @Test("a backend killed in a transaction takes its handle with it and leaves nothing to the next borrower")
    func killed() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        let escaped = Mutex<Int>(0)
        let error = await failure {
            try await database.transaction(.tenant(tenant)) { transaction in
                let pid = try await transaction.query(Query("SELECT pg_backend_pid()"))[0].get(0, as: Int.self)
                escaped.withLock { $0 = pid }
                try terminate(pid)
                for _ in 0..<3 {
                    let error = await failure { _ = try await transaction.query(Query("SELECT app.tenant()")) }
                    #expect(error?.code == .unavailable)
                }
                _ = try await transaction.query(Query("SELECT 1"))
            }
        }
        #expect(error?.code == .unavailable)
        let row = try await database.run(
            .resolver, Query("SELECT pg_backend_pid(), current_setting('app.tenant', true)"))[0]
        #expect(try row.get(0, as: Int.self) != escaped.withLock { $0 })
        #expect(try row.get(1, as: String?.self) == nil)
    }

    @Test("a connection that died while idle is replaced before anyone notices")
    func idle() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        for _ in 0..<3 {
            let pid = try await backend(database)
            try terminate(pid)
            #expect(try await backend(database) != pid)
        }
    }

    @Test("a statement that takes too long is cancelled, and its connection is not used again")
    func timeOut() async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 1
            $0.statementTimeout = .milliseconds(150)
        }
        let pid = try await backend(database)
        let started = MonotonicTime.now
        let error = await failure { _ = try await database.run(.resolver, Query("SELECT pg_sleep(30)")) }
        #expect(error?.code == .timedOut)
        #expect(error?.sqlState == "57014")
        #expect(MonotonicTime.now - started < .seconds(5))
        #expect(try await backend(database) != pid)
        let patient = try scratch.database { $0.connectionsPerLoop = 1 }
        _ = try await backend(patient)
        let inTransaction = await failure {
            try await patient.transaction(.tenant(tenant), statementTimeout: .milliseconds(100)) {
                _ = try await $0.query(Query("SELECT pg_sleep(30)"))
            }
        }
        #expect(inTransaction?.code == .timedOut)
        #expect(MonotonicTime.now - started < .seconds(10))
        #expect(try await backend(database) != pid)
    }

    @Test("a statement that does not even give in to being cancelled costs the connection only")
    func deaf() async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 1
            $0.statementTimeout = .milliseconds(100)
            $0.cancelGrace = .milliseconds(100)
        }
        let query = Query(
            "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"
        )
        let error = await failure { _ = try await database.run(.resolver, query) }
        #expect(error?.code == .timedOut)
        _ = try await backend(database)
        try scratch.plain().query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %' AND pid <> pg_backend_pid()"
        )
    }

    @Test("cancelling the task cancels the statement on the server", arguments: [false, true])
    func cancelled(inTransaction: Bool) async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        let pid = try await backend(database)
        let query = Query("SELECT pg_sleep(30)")
        let tenant = tenant
        let task = Task {
            if inTransaction {
                try await database.transaction(.tenant(tenant)) { _ = try await $0.query(query) }
            } else {
                _ = try await database.run(.resolver, query)
            }
        }
        let plain = try scratch.plain()
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int AND wait_event = 'PgSleep'"
        while try plain.query(sleeping, [String(pid)]) == [["0"]] { await Task.yield() }
        task.cancel()
        let error = await failure { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try plain.query(sleeping, [String(pid)]) == [["0"]])
        #expect(try await backend(database) != pid)
    }

    @Test("BEGIN where it does not belong never reaches the next borrower")
    func strayBegin() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        for _ in 0..<3 {
            for begin in [Query("BEGIN"), Query("START TRANSACTION")] as [Query] {
                let error = await failure { _ = try await database.run(.tenant(tenant), begin) }
                #expect(error?.code == .misuse)
            }
            let row = try await database.run(.resolver, Query("SELECT current_setting('app.tenant', true)"))[0]
            #expect(try row.get(0, as: String?.self) ?? "" == "")
        }
    }

    @Test("a full queue and a long wait are both an overload")
    func overload() async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 1
            $0.pipelineDepth = 1
            $0.waitLimit = 2
            $0.waitTimeout = .milliseconds(100)
        }
        try await database.transaction(.tenant(tenant)) { _ in
            let errors = await withTaskGroup(of: DatabaseError?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        do {
                            _ = try await database.run(.resolver, Query("SELECT 1"))
                            return nil
                        } catch { return error as? DatabaseError }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(errors.map(\.?.code) == [.overloaded, .overloaded, .overloaded])
            #expect(Set(errors.map(\.?.context)).count == 2)
        }
        _ = try await backend(database)
    }

    @Test("without a server, callers learn it in time, and it is found again when it is back")
    func unreachable() async throws {
        let name = TestPostgres.shared.uniqueName("late")
        let group = scratch.group
        var configuration = DatabaseConfiguration(url: TestPostgres.shared.superuser + " dbname=\(name)")
        configuration.waitTimeout = .seconds(1)
        configuration.connectBackoff = .milliseconds(5)...(.milliseconds(20))
        let database = try Database(configuration, group: group)
        let error = await failure { _ = try await database.run(.resolver, Query("SELECT 1")) }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetryable == true)
        try scratch.plain().execute("CREATE DATABASE \(name)")
        _ = try await database.run(.resolver, Query("SELECT 1"))
    }

    @Test("after a restart of the server it goes on by itself")
    func restart() async throws {
        let cluster = try TestPostgres.separate()
        var configuration = DatabaseConfiguration(url: cluster.superuser + " dbname=postgres")
        configuration.waitTimeout = .seconds(10)
        configuration.connectBackoff = .milliseconds(20)...(.milliseconds(100))
        let database = try Database(configuration, group: scratch.group)
        let pid = try await backend(database)
        try cluster.restart()
        #expect(try await backend(database) != pid)
    }

    @Test("an address where nobody answers is given up in time")
    func blackHole() async throws {
        var configuration = DatabaseConfiguration(url: "host=192.0.2.1 user=nobody dbname=none")
        configuration.connectTimeout = .milliseconds(100)
        configuration.waitTimeout = .milliseconds(300)
        let database = try Database(configuration, group: scratch.group)
        let error = await failure { _ = try await database.run(.resolver, Query("SELECT 1")) }
        #expect(error?.code == .unavailable)
    }

    @Test("a malformed URL is refused without repeating it")
    func malformed() async throws {
        let error = await failure {
            _ = try Database(DatabaseConfiguration(url: "postgres://u:secret@[h/"), group: scratch.group)
        }
        #expect(error?.code == .misuse)
        #expect(error?.debugDescription.contains("secret") == false)
    }

    @Test("a connection is replaced at the end of its life")
    func lifetime() async throws {
        let database = try scratch.database {
            $0.connectionsPerLoop = 1
            $0.maxLifetime = .zero
        }
        let first = try await backend(database)
        #expect(try await backend(database) != first)
    }

    @Test("a changed table is no reason to fail twice")
    func stalePlan() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        try scratch.plain().execute("CREATE TABLE public.shape (a int); GRANT SELECT ON public.shape TO scratch_app")
        let query = Query("SELECT * FROM public.shape")
        _ = try await database.run(.resolver, query)
        try scratch.plain().execute("ALTER TABLE public.shape ADD b int")
        let error = await failure { _ = try await database.run(.resolver, query) }
        #expect(error == nil || error?.sqlState == "0A000")
        _ = try await database.run(.resolver, query)
    }

    @Test("after closing, nobody gets in")
    func closed() async throws {
        let database = try scratch.database()
        _ = try await backend(database)
        await database.close()
        let error = await failure { _ = try await backend(database) }
        #expect(error?.code == .unavailable)
    }
}
