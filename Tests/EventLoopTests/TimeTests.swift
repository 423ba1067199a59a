import EventLoop
import Testing

@Suite("Time")
struct TimeTests {
    @Test(
        "RFC 3339 text and microseconds convert both ways",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59.500Z", 951_868_799_500_000),
            ("1969-12-31T23:59:59.999999Z", -1), ("2026-11-24T20:00:58Z", 1_795_550_458_000_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
        ])
    func roundTrip(text: String, microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test("offsets and long fractions are understood")
    func offsets() {
        let utc = Timestamp(rfc3339: "2026-11-24T19:00:58.25Z")
        #expect(Timestamp(rfc3339: "2026-11-24T20:00:58.250000999+01:00") == utc)
        #expect(Timestamp(rfc3339: "2026-11-24t14:00:58.25-05:00") == utc)
    }

    @Test(
        "what is no date-time is refused",
        arguments: [
            "", "2026-11-24", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T24:00:00Z",
            "2026-11-24 20:00:00Z", "2026-11-24T20:00:00", "2026-11-24T20:00:00.Z", "2026-11-24T20:00:00+0100",
            "2026-11-24T20:00:00Z ", "0000-01-01T00:00:00Z", "+026-11-24T20:00:00Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("a manual clock wakes those whose time has come")
    func manualClock() async throws {
        let time = ManualTime()
        let start = time.now()
        async let early: Void = time.sleep(for: .seconds(10))
        await time.waitForSleepers()
        let late = Task { try await time.sleep(for: .seconds(60)) }
        await time.waitForSleepers(2)
        time.advance(by: .seconds(10))
        try await early
        #expect(time.now() - start == .seconds(10))
        #expect(time.sleeperCount == 1)
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(time.sleeperCount == 0)
    }
}
