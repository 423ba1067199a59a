import EventLoop
import FoundationEssentials
import HTTP
import Tenancy
import Testing

@Suite("Pages of lists")
struct PagingTests {
    @Test("a cursor survives its way through a client")
    func roundTrip() {
        let cursor = PageCursor(time: Timestamp(microseconds: 1_764_014_400_123_456), id: UUID())
        #expect(PageCursor(token: cursor.token) == cursor)
    }

    @Test("what is no cursor or limit is refused with its field", arguments: ["x", "AAAA", "////", "ä"])
    func refused(token: String) {
        #expect(throws: Problem.self) { try PageRequest(limit: "10", after: token) }
        #expect(throws: Problem.self) { try PageRequest(limit: "201", after: nil) }
        #expect(throws: Problem.self) { try PageRequest(limit: "0", after: nil) }
    }

    @Test("one row more than asked for tells that there is a next page")
    func next() throws {
        let request = try PageRequest(limit: "2", after: nil)
        let cursor = { (id: Int) in PageCursor(time: Timestamp(seconds: Int64(id)), id: UUID()) }
        let full = Page(fetched: [3, 2, 1], request: request, cursor: cursor)
        #expect(full.items == [3, 2])
        #expect(full.next?.time == Timestamp(seconds: 2))
        #expect(Page(fetched: [1], request: request, cursor: cursor).next == nil)
    }
}
