import EventLoop
import HTTP
import Synchronization
import Testing

@Suite("Streamed answers")
struct ServerStreamTests {
    @Test("come piece by piece in chunks, and the connection goes on behind them")
    func chunks() async throws {
        let gate = Gate()
        try await withServer { _ in
        } responder: { request in
            guard request.path == "/stream" else { return .text("plain") }
            return HTTPResponse(
                status: .ok,
                body: .stream { writer in
                    try await writer.write(Array("first".utf8))
                    await gate.pass()
                    try await writer.write(Array("second piece".utf8))
                })
        } _: { _, address in
            let client = try await RawClient(address)
            try await client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            let start = try await client.read { $0.contains("first") }
            #expect(start.hasSuffix("\r\n\r\n5\r\nfirst\r\n"))
            gate.open()
            let text = try await client.read { $0.hasSuffix("plain") }
            #expect(text.contains("\r\nfirst\r\nc\r\nsecond piece\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"))
            #expect(text.contains("\r\nTransfer-Encoding: chunked\r\n"))
            client.stream.close()
        }
    }

    @Test("end when the client goes away, even while the producer waits for something else")
    func disconnect() async throws {
        let ended = Gate()
        try await withServer { _ in
        } responder: { _ in
            HTTPResponse(
                status: .ok,
                body: .stream { writer in
                    try await writer.write(Array("hello".utf8))
                    do {
                        try await EventLoop.current?.sleep(for: .seconds(3600))
                    } catch {
                        ended.open()
                        await ended.pass()
                        throw error
                    }
                })
        } _: { server, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.read { $0.contains("hello") }
            client.stream.close()
            await ended.waitForVisitor()
            while server.connectionCount > 0 { try await EventLoop.current?.sleep(for: .milliseconds(1)) }
        }
    }

    @Test("end whole when the server drains")
    func drain() async throws {
        try await withServer { _ in
        } responder: { _ in
            HTTPResponse(
                status: .ok,
                body: .stream { writer in
                    try await writer.write(Array("hello".utf8))
                    try await EventLoop.current?.sleep(for: .seconds(3600))
                })
        } _: { server, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.read { $0.contains("hello") }
            server.drain()
            #expect(try await client.rest().hasSuffix("0\r\n\r\n"))
            client.stream.close()
        }
    }

    @Test("break off without a last chunk when the producer fails")
    func failure() async throws {
        struct Failure: Error {}
        try await withServer { _ in
        } responder: { _ in
            HTTPResponse(
                status: .ok,
                body: .stream { writer in
                    try await writer.write(Array("hello".utf8))
                    throw Failure()
                })
        } _: { _, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.rest().hasSuffix("5\r\nhello\r\n"))
            client.stream.close()
        }
    }

    @Test("hold the producer back while the client does not read")
    func backPressure() async throws {
        let written = Atomic<Int>(0)
        try await withServer { _ in
        } responder: { _ in
            HTTPResponse(
                status: .ok,
                body: .stream { writer in
                    for _ in 0..<400 {
                        try await writer.write([UInt8](repeating: 0x61, count: 64 << 10))
                        written.add(64 << 10, ordering: .relaxed)
                    }
                })
        } _: { _, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            var before = -1
            while written.load(ordering: .relaxed) != before || before <= 0 {
                before = written.load(ordering: .relaxed)
                try await EventLoop.current?.sleep(for: .milliseconds(20))
            }
            #expect(before < 400 * (64 << 10))
            var buffer = ByteBuffer()
            var total = 0
            while true {
                let count = try await client.stream.read(into: &buffer)
                if count == 0 { break }
                total += count
                buffer.skip(count)
            }
            #expect(total > 400 * (64 << 10))
            client.stream.close()
        }
    }
}
