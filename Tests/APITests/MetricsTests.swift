import EventLoop
import JSON
import Testing

@testable import API

@Suite("Metrics")
struct MetricsTests {
    @Test("what is written can be read by the format's rules, whatever stands in a label")
    func format() throws {
        let metrics = Metrics()
        let counter = metrics.counter("a_total", "Help with \\ and\nlines.", ["kind"])
        counter.add("plain")
        counter.add("quote \" back \\ line\n end", count: 3)
        let histogram = metrics.histogram("b_seconds", "Times.", ["route"])
        for milliseconds in [0, 1, 7, 300, 20_000] { histogram.observe(.milliseconds(milliseconds), "/a/{id}") }
        metrics.gauge("c", "A gauge.") { .infinity }
        metrics.values("d", "Values.", ["x"]) { [(["1"], 0.25), (["2"], .nan)] }
        metrics.values("e", "None.", []) { [] }
        let parsed = try PrometheusParser(metrics.text())
        #expect(parsed.value("a_total", ["kind": "quote \" back \\ line\n end"]) == 3)
        #expect(parsed.value("b_seconds_bucket", ["le": "0.001"]) == 2)
        #expect(parsed.value("b_seconds_bucket", ["le": "0.5"]) == 4)
        #expect(parsed.value("b_seconds_count") == 5)
        #expect(abs((parsed.value("b_seconds_sum") ?? 0) - 20.308) < 1e-9)
        #expect(parsed.value("c") == .infinity)
        #expect(
            parsed.types == ["a_total": "counter", "b_seconds": "histogram", "c": "gauge", "d": "gauge", "e": "gauge"])
    }

    @Test("the parser of these tests refuses what the format does not allow")
    func parser() {
        for text in [
            "# TYPE a counter\na 1", "# TYPE a counter\nb 1\n", "# TYPE a counter\na{x=1} 1\n",
            "# TYPE a counter\na 1\na 2\n", "# TYPE a number\na 1\n", "# TYPE a counter\n1a 1\n",
            "# TYPE a counter\na x\n",
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        ] {
            #expect(throws: PrometheusParser.Fault.self, "\(text)") { try PrometheusParser(text) }
        }
    }

    @Test("label values beyond the bound share one series")
    func bounded() throws {
        let metrics = Metrics()
        let counter = metrics.counter("a_total", "Help.", ["kind"])
        let histogram = metrics.histogram("b_seconds", "Help.", ["kind"])
        for number in 0..<3000 {
            counter.add("\(number)")
            histogram.observe(.zero, "\(number)")
        }
        let parsed = try PrometheusParser(metrics.text())
        #expect(parsed.samples.filter { $0.name == "a_total" }.count == MetricCounter.mostSeries + 1)
        #expect(parsed.value("a_total", ["kind": "other"]) == 2000)
        #expect(parsed.value("b_seconds_count", ["kind": "other"]) == 2000)
    }
}
