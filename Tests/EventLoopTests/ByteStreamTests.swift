import EventLoop
import Glibc
import Testing

@Suite("A byte stream")
struct ByteStreamTests {
    static func text(_ buffer: ByteBuffer) -> String {
        buffer.withBytes { bytes in bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    }

    @Test("carries bytes over TCP in both directions and reports the end")
    func carriesBytes() async throws {
        try await onLoop { group in
            let listener = try ListeningSocket(.loopback(port: 0))
            let client = try await ByteStream.connect(to: listener.address, deadline: .now + .seconds(5))
            let server = try await listener.accept().open()
            #expect(server.peer.isLoopback)
            try await client.write(Array("hello".utf8))
            var buffer = ByteBuffer(capacity: 16)
            #expect(try await server.read(into: &buffer) == 5)
            #expect(Self.text(buffer) == "hello")
            try await server.write(Array("there".utf8))
            server.close()
            var answer = ByteBuffer(capacity: 3)
            while try await client.read(into: &answer) > 0 {}
            #expect(Self.text(answer) == "there")
            #expect(client.isPeerGone)
            client.close()
            listener.close()
        }
    }

    @Test("holds a writer back until the reader has taken what is under way")
    func backPressure() async throws {
        try await onLoop { group in
            let (left, right) = try ByteStream.pair()
            let size = 8 << 20
            nonisolated(unsafe) let writing = left
            let writer = Task(executorPreference: group.loops[0]) {
                try await writing.write([UInt8](repeating: 7, count: size))
                writing.close()
            }
            var total = 0
            var buffer = ByteBuffer()
            while true {
                let count = try await right.read(into: &buffer)
                if count == 0 { break }
                total += count
                buffer.skip(count)
            }
            #expect(total == size)
            try await writer.value
            right.close()
        }
    }

    @Test("ends a waiting read at the deadline, also after the deadline was moved")
    func deadline() async throws {
        try await onLoop { _ in
            let (left, right) = try ByteStream.pair()
            var buffer = ByteBuffer()
            left.deadline = .now + .milliseconds(3)
            left.deadline = .now + .milliseconds(6)
            let start = MonotonicTime.now
            await #expect(throws: StreamError.timedOut) { try await left.read(into: &buffer) }
            #expect(MonotonicTime.now - start >= .milliseconds(5))
            left.deadline = .now + .seconds(60)
            left.deadline = .now + .milliseconds(2)
            await #expect(throws: StreamError.timedOut) { try await left.read(into: &buffer) }
            await #expect(throws: StreamError.timedOut) { try await left.read(into: &buffer) }
            left.close()
            right.close()
        }
    }

    @Test("ends a waiting read when its task is cancelled or the stream is closed")
    func cancelledRead() async throws {
        try await onLoop { group in
            let (left, right) = try ByteStream.pair()
            nonisolated(unsafe) let stream = left
            let read: @Sendable () async throws -> Int = {
                var buffer = ByteBuffer()
                return try await stream.read(into: &buffer)
            }
            let first = Task(executorPreference: group.loops[0], operation: read)
            await Task.yield()
            first.cancel()
            await #expect(throws: StreamError.cancelled) { try await first.value }
            let second = Task(executorPreference: group.loops[0], operation: read)
            await Task.yield()
            left.close()
            await #expect(throws: StreamError.closed) { try await second.value }
            right.close()
        }
    }

    @Test("fails to connect where nobody listens")
    func refused() async throws {
        try await onLoop { _ in
            let listener = try ListeningSocket(.loopback(port: 0))
            let address = listener.address
            listener.close()
            await #expect(throws: StreamError.system(SystemError("connect", code: ECONNREFUSED))) {
                try await ByteStream.connect(to: address, deadline: .now + .seconds(5))
            }
        }
    }

    @Test("listens on a unix path, takes a stale one over and leaves a live one alone")
    func unixPath() async throws {
        try await onLoop { _ in
            let path = "/tmp/charles-emarsys-test-\(getpid()).sock"
            let listener = try ListeningSocket(.unix(path))
            #expect(throws: SystemError.self) { try ListeningSocket(.unix(path)) }
            let client = try await ByteStream.connect(to: .unix(path), deadline: .now + .seconds(5))
            let server = try await listener.accept().open()
            client.close()
            server.close()
            listener.close()
            #expect(access(path, F_OK) != 0)
        }
    }
}
