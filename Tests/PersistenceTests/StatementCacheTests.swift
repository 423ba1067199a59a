import Testing

@testable import Persistence

@Suite("prepared statements of a connection")
struct StatementCacheTests {
    @Test("a statement is prepared once for its types")
    func once() {
        var cache = StatementCache(capacity: 8)
        func look(_ value: SQLValue) -> Bool {
            if case .missing = cache.lookUp(Query("SELECT $1", [value])) { true } else { false }
        }
        #expect(look(.int4(1)))
        #expect(!look(.int4(2)))
        #expect(!look(.null(.int4)))
        #expect(look(.text("1")))
        #expect(cache.count == 2)
    }

    @Test("two literals of one text share a statement, and its name is stable")
    func text() {
        var cache = StatementCache(capacity: 8)
        guard case .missing(let first, nil) = cache.lookUp(Query("SELECT 1")),
            case .prepared(let second) = cache.lookUp(
                Query(
                    """
                    SELECT 1
                    """))
        else {
            Issue.record("prepared twice")
            return
        }
        #expect(first === second)
        var other = StatementCache(capacity: 8)
        guard case .missing(let again, nil) = other.lookUp(Query("SELECT 1")) else { return }
        #expect(again.name == first.name)
    }

    @Test("the least recently used gives way, and is prepared again when it returns")
    func eviction() {
        var cache = StatementCache(capacity: 2)
        _ = cache.lookUp(Query("SELECT 1"))
        _ = cache.lookUp(Query("SELECT 2"))
        _ = cache.lookUp(Query("SELECT 1"))
        guard case .missing(_, let evicted?) = cache.lookUp(Query("SELECT 3")) else {
            Issue.record("nothing gave way")
            return
        }
        #expect(evicted.sql.text == "SELECT 2")
        #expect(cache.count == 2)
        guard case .missing = cache.lookUp(Query("SELECT 2")) else {
            Issue.record("still there")
            return
        }
    }

    @Test("pauses double up to the limit, with jitter")
    func backoff() {
        var backoff = Backoff(.milliseconds(100)...(.seconds(1)))
        #expect(
            (0..<6).map { _ in backoff.next(random: 1) } == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.next(random: 0.5) == .milliseconds(500))
        backoff.reset()
        #expect(backoff.next(random: 1) == .milliseconds(100))
    }
}
