import EventLoop
import FoundationEssentials
import JSON
import Testing

@testable import Tenancy

@Suite("Patience of imports")
struct ImportPatienceTests {
    private let start = Timestamp(seconds: 1_000_000)

    @Test("waits grow to half a minute and no further, and survive the way through a job's arguments")
    func waits() throws {
        var patience = ImportPatience()
        var seen: [ImportPatience.Decision] = []
        for turn in 0..<7 {
            seen.append(patience.failed(at: start + .seconds(turn), hasProgressed: false))
            patience = ImportPatience(args: try JSON.parse(patience.args(import: UUID())))
        }
        #expect(seen == [2, 4, 8, 16, 30, 30, 30].map { .again(after: .seconds($0)) })
        #expect(patience.failures == 7)
        #expect(patience.since == start)
    }

    @Test("what Emarsys asks for is kept up to five minutes")
    func asked() {
        var patience = ImportPatience()
        #expect(patience.failed(at: start, hasProgressed: false, asked: 90) == .again(after: .seconds(90)))
        #expect(patience.failed(at: start, hasProgressed: false, asked: 9000) == .again(after: .seconds(300)))
    }

    @Test("two hours without progress are the end, progress begins anew")
    func end() {
        var patience = ImportPatience()
        _ = patience.failed(at: start, hasProgressed: false)
        #expect(patience.failed(at: start + .seconds(7199), hasProgressed: false) != .giveUp)
        #expect(patience.failed(at: start + .seconds(7201), hasProgressed: true) == .again(after: .seconds(2)))
        #expect(patience.failed(at: start + .seconds(14_402), hasProgressed: false) == .giveUp)
    }

    @Test("faults that waiting does not mend end after five")
    func faults() {
        var patience = ImportPatience()
        let decisions = (0..<5).map { _ in patience.failed(at: start, hasProgressed: false, isOurs: true) }
        #expect(decisions.last == .giveUp)
        #expect(!decisions.dropLast().contains(.giveUp))
    }

    @Test("slots are spread over tenants, the same for a tenant each time, by at most five minutes")
    func staggered() {
        let schedule = ImportSchedule(interval: .seconds(12 * 3600))
        let tenants = (0..<200).map { _ in UUID() }
        let slots = tenants.map { schedule.next(after: start, tenant: $0, hours: nil) - start - .seconds(12 * 3600) }
        #expect(slots.allSatisfy { $0 >= .zero && $0 <= .seconds(300) })
        #expect(Set(slots).count > 150)
        #expect(
            zip(tenants, slots).allSatisfy {
                schedule.next(after: start, tenant: $0, hours: nil) - start - .seconds(12 * 3600) == $1
            })
        let own = schedule.next(after: start, tenant: tenants[0], hours: 1) - start
        #expect(own >= .seconds(3600) && own <= .seconds(3636))
    }
}
