import EventLoop
import HTTP
import Synchronization
import Testing

@Suite("The server's patience")
struct ServerLimitTests {
    @Test("ends with 408 when a head does not come to its end in time, however steadily it drips")
    func slowHead() async throws {
        try await withServer {
            $0.headTimeout = .milliseconds(60)
        } _: { _, address in
            let client = try await RawClient(address)
            nonisolated(unsafe) let stream = client.stream
            let dripping = Task(executorPreference: EventLoop.current) {
                try await stream.write(Array("GET / HTTP/1.1\r\nX: ".utf8))
                while true {
                    try await EventLoop.current?.sleep(for: .milliseconds(10))
                    try await stream.write([0x61])
                }
            }
            let text = try await client.rest()
            dripping.cancel()
            _ = await dripping.result
            #expect(text.hasPrefix("HTTP/1.1 408 "))
            #expect(text.contains("\"code\":\"head_timeout\""))
            #expect(text.contains("\r\nConnection: close\r\n"))
            stream.close()
        }
    }

    @Test("ends with 408 when a body does not come to its end in time")
    func slowBody() async throws {
        try await withServer {
            $0.bodyTimeout = .milliseconds(30)
        } _: { _, address in
            let client = try await RawClient(address)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            let text = try await client.rest()
            #expect(text.hasPrefix("HTTP/1.1 408 "))
            #expect(text.contains("\"code\":\"body_timeout\""))
            client.stream.close()
        }
    }

    @Test("closes a connection that asks for nothing, silently, before and after a request")
    func idle() async throws {
        try await withServer {
            $0.idleTimeout = .milliseconds(30)
        } _: { _, address in
            let silent = try await RawClient(address)
            #expect(try await silent.rest() == "")
            silent.stream.close()
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await client.answer()
            #expect(try await client.rest() == "")
            client.stream.close()
        }
    }

    @Test("cuts a client that does not take its answer")
    func slowReader() async throws {
        let responder: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
            HTTPResponse(status: .ok, body: .bytes([UInt8](repeating: 0, count: 16 << 20)))
        }
        try await withServer {
            $0.writeTimeout = .milliseconds(30)
        } responder: {
            await responder($0)
        } _: { server, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while server.connectionCount == 0 { await Task.yield() }
            while server.connectionCount > 0 { try await EventLoop.current?.sleep(for: .milliseconds(5)) }
            client.stream.close()
        }
    }

    @Test("closes connections beyond the limit at once and takes new ones when others have ended")
    func connectionLimit() async throws {
        try await withServer {
            $0.maxConnections = 1
        } _: { server, address in
            let first = try await RawClient(address)
            try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await first.answer()
            let second = try await RawClient(address)
            #expect(try await second.rest() == "")
            second.stream.close()
            first.stream.close()
            while server.connectionCount > 0 { try await EventLoop.current?.sleep(for: .milliseconds(1)) }
            let third = try await RawClient(address)
            try await third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await third.answer().body == "GET / ")
            third.stream.close()
        }
    }

    @Test("finishes what is under way when it drains, closes what is idle and takes nothing new")
    func drain() async throws {
        let gate = Gate()
        try await withServer { _ in
        } responder: { request in
            await gate.pass()
            return .text(request.path)
        } _: { server, address in
            let busy = try await RawClient(address)
            let idle = try await RawClient(address)
            try await busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
            await gate.waitForVisitor()
            server.drain()
            #expect(try await idle.rest() == "")
            await #expect(throws: StreamError.self) {
                let late = try await RawClient(address)
                try await late.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
                if try await late.rest() == "" { throw StreamError.closed }
            }
            gate.open()
            let text = try await busy.rest()
            #expect(text.hasSuffix("/busy"))
            #expect(text.contains("\r\nConnection: close\r\n"))
            idle.stream.close()
            busy.stream.close()
        }
    }

    @Test("answers what an idle connection still sends while it drains, and closes behind the answer")
    func lateRequest() async throws {
        try await withServer {
            $0.drainGrace = .seconds(5)
        } _: { server, address in
            let kept = try await RawClient(address)
            try await kept.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await kept.answer().head.contains("close") == false)
            let fresh = try await RawClient(address)
            while server.connectionCount < 2 { try await EventLoop.current?.sleep(for: .milliseconds(1)) }
            server.drain()
            for client in [kept, fresh] {
                try await client.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
                let text = try await client.rest()
                #expect(text.contains("\r\nConnection: close\r\n"))
                #expect(text.hasSuffix("POST /late ok"))
                client.stream.close()
            }
        }
    }

    @Test("serves clients that were connected but not accepted yet when it begins to drain")
    func backlog() async throws {
        try await withServer {
            $0.drainGrace = .seconds(5)
        } _: { server, address in
            var clients: [RawClient] = []
            for _ in 0..<40 { clients.append(try await RawClient(address)) }
            server.drain()
            for client in clients {
                try await client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await client.rest().hasSuffix("GET /late "))
                client.stream.close()
            }
        }
    }

    @Test("cuts what is left when the drain time-out passes")
    func drainTimeout() async throws {
        let gate = Gate()
        try await withServer {
            $0.drainTimeout = .milliseconds(20)
        } responder: { request in
            await gate.pass()
            return .text(request.path)
        } _: { server, address in
            let busy = try await RawClient(address)
            try await busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
            await gate.waitForVisitor()
            server.drain()
            #expect(try await busy.rest() == "")
            gate.open()
            busy.stream.close()
        }
    }
}

/// Holds visitors back until it opens.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var visitors = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func pass() async {
        await withCheckedContinuation { continuation in
            let (isOpen, watchers) = state.withLock { state in
                state.visitors += 1
                if !state.isOpen { state.waiting.append(continuation) }
                defer { state.watchers = [] }
                return (state.isOpen, state.watchers)
            }
            for watcher in watchers { watcher.resume() }
            if isOpen { continuation.resume() }
        }
    }

    func waitForVisitor() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.visitors == 0 { state.watchers.append(continuation) }
                return state.visitors > 0
            }
            if isThere { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
