import Testing

@testable import Persistence

@Suite("the order of a pipeline's results")
struct SegmentReaderTests {
    private func decisions(_ statements: Int, _ events: [SegmentReader.Event]) -> [SegmentReader.Decision] {
        var reader = SegmentReader(statements: statements)
        return events.map { reader.receive($0) }
    }

    @Test("results are kept in order and the sync ends the segment")
    func order() {
        #expect(
            decisions(2, [.result, .end, .result, .end, .sync])
                == [.keep(0), .proceed, .keep(1), .proceed, .finish])
    }

    @Test("after a failure the rest is skipped")
    func failure() {
        #expect(
            decisions(3, [.result, .end, .failure, .end, .aborted, .end, .sync])
                == [.keep(0), .proceed, .fail(1), .proceed, .skip(2), .proceed, .finish])
    }

    @Test("an error at the sync is the commit's")
    func commit() {
        #expect(decisions(1, [.result, .end, .failure, .sync]) == [.keep(0), .proceed, .failCommit, .finish])
        #expect(
            decisions(1, [.result, .end, .failure, .end, .sync])
                == [.keep(0), .proceed, .failCommit, .proceed, .finish])
    }

    @Test("a segment without statements ends with its sync")
    func empty() {
        #expect(decisions(0, [.sync]) == [.finish])
    }

    @Test(
        "any other order is a breach, for good",
        arguments: [
            [SegmentReader.Event.end], [.sync], [.aborted], [.other], [.result, .result], [.result, .sync],
            [.result, .end, .end], [.result, .end, .result], [.failure, .end, .failure],
            [.result, .end, .sync, .sync], [.failure, .aborted], [.result, .end, .aborted],
        ])
    func breach(events: [SegmentReader.Event]) {
        var reader = SegmentReader(statements: events.first == .failure ? 2 : 1)
        var last: SegmentReader.Decision?
        for event in events { last = reader.receive(event) }
        #expect(last == .breach)
        #expect(reader.receive(.sync) == .breach)
    }
}
