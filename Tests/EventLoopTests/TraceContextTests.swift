import EventLoop
import Testing

@Suite("Trace context")
struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a traceparent is read and written as it came, and a child stays in its trace")
    func reading() throws {
        let trace = try #require(TraceContext(traceparent: Self.valid.utf8))
        #expect(trace.traceparent == Self.valid)
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        let child = trace.child()
        #expect(child.traceID == trace.traceID)
        #expect(child.traceparent != trace.traceparent)
        #expect(child.traceparent.hasSuffix("-01"))
        #expect(TraceContext(traceparent: child.traceparent.utf8) == child)
    }

    @Test("a later version may say more behind a dash")
    func laterVersion() {
        #expect(TraceContext(traceparent: ("cc" + Self.valid.dropFirst(2) + "-what-the-future-will-be").utf8) != nil)
        #expect(TraceContext(traceparent: ("cc" + Self.valid.dropFirst(2) + ".what").utf8) == nil)
    }

    @Test(
        "what is not valid counts as absent",
        arguments: [
            "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        ])
    func invalid(_ text: String) {
        #expect(TraceContext(traceparent: text.utf8) == nil)
    }

    @Test("new traces differ and are valid")
    func fresh() {
        let traces = (0..<1000).map { _ in TraceContext.make() }
        #expect(Set(traces.map(\.traceID)).count == 1000)
        for trace in traces { #expect(TraceContext(traceparent: trace.traceparent.utf8) == trace) }
    }

    @Test(
        "notes of other systems are read as they came",
        arguments: [
            "rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1 , b=2", "a=1,,b=2,", "0a=b c",
            "fw529a3039@dt=FfAAAA", "a_-*/9=!\"#$%&'()*+-./:;<>?@[]^_`{|}~",
        ])
    func state(_ text: String) throws {
        #expect(TraceState(lines: [text])?.value == text)
        var trace = try #require(TraceContext(traceparent: Self.valid.utf8))
        trace.state = TraceState(lines: [text])
        #expect(trace.child().state?.value == text)
    }

    @Test("several lines are one list")
    func stateInLines() {
        #expect(TraceState(lines: ["a=1", "b=2"])?.value == "a=1,b=2")
        #expect(TraceState(lines: ["a=1", "a=2"]) == nil)
    }

    @Test(
        "notes that are not valid count as absent",
        arguments: [
            "", " ", ",", "a", "=1", "a=", "A=1", "a=1,a=2", "_a=1", "a b=1", "a=1=2", "ä=1", "a=ä", "a=1\u{7F}",
            "a=\tb", "a=1,b", "@a=1",
        ])
    func invalidState(_ text: String) {
        #expect(TraceState(lines: [text]) == nil)
    }

    @Test("long notes are dropped: 512 characters, 32 entries, 256 characters of a key or a value")
    func longState() {
        let long = "a=" + String(repeating: "1", count: 256) + ",b=" + String(repeating: "2", count: 251)
        #expect(long.utf8.count == 512)
        #expect(TraceState(lines: [long]) != nil)
        #expect(TraceState(lines: [long + "2"]) == nil)
        #expect(TraceState(lines: ["a=" + String(repeating: "1", count: 257)]) == nil)
        #expect(TraceState(lines: [String(repeating: "k", count: 256) + "=1"]) != nil)
        #expect(TraceState(lines: [String(repeating: "k", count: 257) + "=1"]) == nil)
        #expect(TraceState(lines: (0..<32).map { "k\($0)=1" }) != nil)
        #expect(TraceState(lines: (0..<33).map { "k\($0)=1" }) == nil)
    }
}
