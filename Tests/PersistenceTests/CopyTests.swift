import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@Suite("COPY into staging")
struct CopyTests {
    static let shared = Result { try ScratchDatabase(loops: 2) }
    let scratch: ScratchDatabase
    let database: Database
    let tenant = UUID()

    init() throws {
        scratch = try Self.shared.get()
        database = try scratch.database()
    }

    private let staging = Query("CREATE TEMP TABLE staging (id bigint, body text) ON COMMIT DROP")

    private func chunks(_ count: Int, rows: Int) -> () -> [UInt8]? {
        var number = 0
        return {
            guard number < count * rows else { return nil }
            var rowsOfChunk = CopyText()
            for _ in 0..<rows {
                rowsOfChunk.add(Int64(number))
                rowsOfChunk.add("row \(number)\twith a tab")
                rowsOfChunk.endRow()
                number += 1
            }
            return rowsOfChunk.bytes
        }
    }

    @Test("rows go through a temporary table into the tenant's", arguments: [false, true])
    func staged(onLoop: Bool) async throws {
        let work: @Sendable () async throws -> (Int, Int) = { [self] in
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(staging)
                let next = chunks(40, rows: 2000)
                let copied = try await transaction.copyIn("COPY staging FROM STDIN") { next() }
                let insert = Query(
                    "INSERT INTO app.note (tenant_id, id, body) SELECT $1, id, body FROM staging ON CONFLICT DO NOTHING",
                    [.uuid(tenant)])
                return (copied, try await transaction.query(insert).affectedRows)
            }
        }
        let (copied, inserted) =
            onLoop
            ? try await Task(executorPreference: scratch.group.loops[0], operation: work).value : try await work()
        #expect(copied == 80_000)
        #expect(inserted == 80_000)
        let row = try await database.run(
            .tenant(tenant), Query("SELECT body FROM app.note WHERE tenant_id = $1 AND id = 4711", [.uuid(tenant)]))[0]
        #expect(try row.get(0, as: String.self) == "row 4711\twith a tab")
    }

    @Test("COPY as the first statement enters the scope before it")
    func first() async throws {
        let error = await failure {
            try await database.transaction(.tenant(tenant)) {
                _ = try await $0.copyIn("COPY app.note (tenant_id, id) FROM STDIN") { nil }
            }
        }
        #expect(error?.sqlState == "0A000")
        try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(staging)
            #expect(try await transaction.copyIn("COPY staging FROM STDIN") { nil } == 0)
            #expect(try await transaction.query(Query("SELECT app.tenant()"))[0].get(0, as: UUID.self) == tenant)
        }
    }

    @Test("a bad row fails the COPY, a bad statement too, and the connection stays usable for the roll-back")
    func refused() async throws {
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        for (sql, text, state) in [
            ("COPY staging FROM STDIN" as StaticString, "x\ty\n", "22P02"), ("COPY nowhere FROM STDIN", "", "42P01"),
        ] {
            let error = await failure {
                try await database.transaction(.tenant(tenant)) { transaction in
                    _ = try await transaction.query(staging)
                    var rest: [UInt8]? = Array(text.utf8)
                    _ = try await transaction.copyIn(sql) {
                        defer { rest = nil }
                        return rest
                    }
                }
            }
            #expect(error?.sqlState == state)
            _ = try await database.run(.tenant(tenant), Query("SELECT 1"))
        }
        let misuse = await failure {
            try await database.transaction(.tenant(tenant)) { _ = try await $0.copyIn("SELECT 1") { nil } }
        }
        #expect(misuse?.code == .misuse)
    }

    @Test("a source that fails ends the COPY with its own error and copies nothing")
    func source() async throws {
        struct Dry: Error {}
        let database = try scratch.database { $0.connectionsPerLoop = 1 }
        await #expect(throws: Dry.self) {
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(staging)
                var count = 0
                _ = try await transaction.copyIn("COPY staging FROM STDIN") {
                    count += 1
                    if count == 3 { throw Dry() }
                    return Array("1\tx\n".utf8)
                }
            }
        }
        _ = try await database.run(.tenant(tenant), Query("SELECT 1"))
    }

    @Test("a backend killed during COPY is an error, not a hang")
    func killed() async throws {
        let error = await failure {
            try await database.transaction(.tenant(tenant)) { transaction in
                _ = try await transaction.query(staging)
                let pid = try await transaction.query(Query("SELECT pg_backend_pid()"))[0].get(0, as: Int.self)
                let next = chunks(100, rows: 5000)
                var count = 0
                _ = try await transaction.copyIn("COPY staging FROM STDIN") {
                    count += 1
                    if count == 3 {
                        try scratch.plain().query("SELECT pg_terminate_backend($1::int, 5000)", [String(pid)])
                    }
                    return next()
                }
            }
        }
        #expect(error?.code == .unavailable)
        _ = try await database.run(.tenant(tenant), Query("SELECT 1"))
    }

    private func failure(_ body: () async throws -> Void) async -> DatabaseError? {
        do {
            try await body()
            return nil
        } catch { return error as? DatabaseError }
    }
}
