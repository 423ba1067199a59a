import Synchronization
import Testing

@testable import Tenancy

@Suite("The log's output")
struct LogOutputTests {
    @Test("lines leave in their order, and a flush returns when they have")
    func order() {
        let written = Mutex<[UInt8]>([])
        let output = LogOutput { bytes in written.withLock { $0 += bytes } }
        for number in 0..<10_000 { output.take(Array("\(number)\n".utf8)) }
        output.flush()
        let lines = written.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
        #expect(lines == (0..<10_000).map { "\($0)"[...] })
        #expect(output.droppedLines == 0)
    }

    @Test("where nobody reads, lines are dropped, counted and told of; nobody waits")
    func stuck() {
        let gate = Mutex(true)
        let begun = Mutex(false)
        let written = Mutex<[UInt8]>([])
        let output = LogOutput(limit: 100) { bytes in
            begun.withLock { $0 = true }
            while gate.withLock({ $0 }) {}
            written.withLock { $0 += bytes }
        }
        output.take([UInt8](repeating: 65, count: 10))
        while !begun.withLock({ $0 }) {}
        for _ in 0..<100 { output.take([UInt8](repeating: 66, count: 9) + [10]) }
        // Ten lines wait behind the one that is being written.
        #expect(output.droppedLines == 90)
        gate.withLock { $0 = false }
        output.flush()
        #expect(written.withLock { String(decoding: $0, as: UTF8.self) }.contains("log_lines_dropped"))
    }
}
