import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@Suite("values on the wire")
struct ValueTests {
    let scratch: ScratchDatabase
    let database: Database

    init() throws {
        scratch = try ScratchDatabase()
        database = try scratch.database()
    }

    private func echo<T: SQLDecodable>(_ value: SQLValue, _ sql: StaticString = "SELECT $1", as: T.Type) async throws
        -> T
    {
        try await database.run(.resolver, Query(sql, [value]))[0].get(0, as: T.self)
    }

    @Test("scalars return as they went")
    func scalars() async throws {
        #expect(try await echo(.bool(true), as: Bool.self))
        #expect(try await echo(.int2(-7), as: Int16.self) == -7)
        #expect(try await echo(.int4(.min), as: Int32.self) == .min)
        #expect(try await echo(.int8(.max), as: Int64.self) == .max)
        #expect(try await echo(.int2(5), as: Int.self) == 5)
        #expect(try await echo(.float8(-0.1), as: Double.self) == -0.1)
        #expect(try await echo(.text("Grüße 🎈"), as: String.self) == "Grüße 🎈")
        #expect(try await echo(.text(""), as: String.self) == "")
        let id = UUID()
        #expect(try await echo(.uuid(id), as: UUID.self) == id)
        #expect(try await echo(.uuid(id), as: String.self) == id.uuidString.lowercased())
        #expect(try await echo(.bytes([0, 1, 255]), as: [UInt8].self) == [0, 1, 255])
        #expect(try await echo(.bytes([]), as: [UInt8].self) == [])
        #expect(try await echo(.jsonb(Array(#"{"a": [1, "ü"]}"#.utf8)), as: String.self) == #"{"a": [1, "ü"]}"#)
        #expect(try await echo(.jsonb(Array("[1]".utf8)), as: [UInt8].self) == Array("[1]".utf8))
        let time = Timestamp(microseconds: 1_764_000_000_123_456)
        #expect(try await echo(.timestamp(time), as: Timestamp.self) == time)
        #expect(try await echo(.timestamp(Timestamp(microseconds: -1)), as: Timestamp.self).microseconds == -1)
    }

    @Test("the server reads times and identifiers as we mean them")
    func meaning() async throws {
        let time = Timestamp(microseconds: 1_764_000_000_123_456)
        #expect(
            try await echo(.timestamp(time), "SELECT ($1 AT TIME ZONE 'UTC')::text", as: String.self)
                == "2025-11-24 16:00:00.123456")
        #expect(try await echo(.float8(1e100), "SELECT $1::text", as: String.self) == "1e+100")
        #expect(try await echo(.jsonb(Array("{}".utf8)), "SELECT jsonb_typeof($1)", as: String.self) == "object")
    }

    @Test(
        "dates return as they went",
        arguments: ["2000-01-01", "1999-12-31", "2024-02-29", "1900-03-01", "0001-01-01", "9999-12-31", "infinity"])
    func dates(date: String) async throws {
        #expect(try await echo(.date(date), as: String.self) == date)
    }

    @Test(
        "decimals return as they went",
        arguments: [
            "0", "1", "-1", "0.00", "10000", "12345678901234567890.0123456789", "-0.0001", "0.00010000", "100000000",
            "99990000.5", "NaN", "Infinity", "1.10",
        ])
    func decimals(text: String) async throws {
        #expect(try await echo(.numeric(text), as: String.self) == text)
        if let value = Double(text), !value.isNaN { #expect(try await echo(.numeric(text), as: Double.self) == value) }
    }

    @Test("arrays return as they went, empty, full and with gaps")
    func arrays() async throws {
        #expect(try await echo(.boolArray([true, nil, false]), as: [Bool?].self) == [true, nil, false])
        #expect(try await echo(.int2Array([1, 2]), as: [Int16].self) == [1, 2])
        #expect(try await echo(.int4Array([-1, nil]), as: [Int32?].self) == [-1, nil])
        #expect(try await echo(.int8Array([]), as: [Int64].self) == [])
        #expect(try await echo(.float8Array([0.5]), as: [Double].self) == [0.5])
        #expect(try await echo(.textArray(["", "a,b\"{}", nil]), as: [String?].self) == ["", "a,b\"{}", nil])
        let ids = [UUID(), UUID()]
        #expect(try await echo(.uuidArray(ids), as: [UUID].self) == ids)
        #expect(try await echo(.byteaArray([[1], [], nil]), as: [[UInt8]?].self) == [[1], [], nil])
        #expect(try await echo(.jsonbArray([Array("1".utf8), nil]), as: [String?].self) == ["1", nil])
        let times = [Timestamp(microseconds: 0), Timestamp(microseconds: 1)]
        #expect(try await echo(.timestampArray(times), as: [Timestamp].self) == times)
        #expect(
            try await echo(.textArray(["2024-02-29"]), "SELECT ($1::date[])[1]", as: String.self) == "2024-02-29")
    }

    @Test("NULL of each type is NULL")
    func nulls() async throws {
        let types: [SQLType] = [
            .bool, .int2, .int4, .int8, .float8, .text, .uuid, .bytea, .jsonb, .timestamptz, .date, .numeric,
            .boolArray, .int2Array, .int4Array, .int8Array, .float8Array, .textArray, .uuidArray, .byteaArray,
            .jsonbArray, .timestamptzArray,
        ]
        for type in types { #expect(try await echo(.null(type), "SELECT $1 IS NULL", as: Bool.self)) }
        #expect(try await echo(.optional(text: nil), as: String?.self) == nil)
        #expect(try await echo(.optional(text: "x"), as: String?.self) == "x")
    }

    @Test("reading as another type is an error, and names no data")
    func mismatches() async throws {
        let row = try await database.run(.resolver, Query("SELECT 'secret', NULL::int, 70000"))[0]
        for read in [
            { _ = try row.get(0, as: Int.self) }, { _ = try row.get(1, as: Int.self) },
            { _ = try row.get(2, as: Int16.self) }, { _ = try row.get(3, as: Int.self) },
            { _ = try row.get(0, as: [String].self) }, { _ = try row.get(0, as: UUID.self) },
        ] as [() throws -> Void] {
            #expect { try read() } throws: { error in
                guard let error = error as? DatabaseError else { return false }
                return error.code == .decoding && !error.description.contains("secret")
            }
        }
        #expect(try row.get(1, as: Int?.self) == nil)
        #expect(try row.get(2, as: Int32.self) == 70000)
    }

    @Test("enumerated types, names and regclass can be read")
    func others() async throws {
        try scratch.plain().execute("CREATE TYPE public.mood AS ENUM ('sad', 'ok')")
        let row = try await database.run(
            .resolver, Query("SELECT 'ok'::public.mood, current_user, 'pg_class'::regclass::oid, ARRAY['a']::name[]"))[
                0]
        #expect(try row.get(0, as: String.self) == "ok")
        #expect(try row.get(1, as: String.self) == "scratch_app")
        #expect(try row.get(2, as: Int.self) == 1259)
        #expect(try row.get(3, as: [String].self) == ["a"])
    }
}
