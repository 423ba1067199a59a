import EventLoop
import Glibc
import Testing

@Suite("A descriptor watch")
struct DescriptorWatchTests {
    /// Two connected non-blocking sockets.
    static func pair() -> (CInt, CInt) {
        var descriptors: [CInt] = [0, 0]
        socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0, &descriptors)
        return (descriptors[0], descriptors[1])
    }

    @Test("tells again and again that bytes are left, as level-triggered descriptors do")
    func levelTriggered() async throws {
        try await onLoop { _ in
            let (near, far) = Self.pair()
            let watch = try DescriptorWatch(descriptor: near)
            #expect(write(far, "ab", 2) == 2)
            var byte: UInt8 = 0
            try await watch.waitReadable(timeout: .seconds(5))
            #expect(read(near, &byte, 1) == 1)
            try await watch.waitReadable(timeout: .seconds(5))
            #expect(read(near, &byte, 1) == 1)
            await #expect(throws: StreamError.timedOut) { try await watch.waitReadable(timeout: .milliseconds(5)) }
            watch.close()
            close(near)
            close(far)
        }
    }

    @Test("reports room to write and a peer that is gone")
    func writableAndGone() async throws {
        try await onLoop { _ in
            let (near, far) = Self.pair()
            let watch = try DescriptorWatch(descriptor: near)
            #expect(try await watch.waitReadableOrWritable() == .writable)
            close(far)
            #expect(try await watch.waitReadableOrWritable().contains(.readable))
            watch.close()
            await #expect(throws: StreamError.closed) { try await watch.waitReadable() }
            close(near)
        }
    }

    @Test("ends a wait when the task is cancelled, and serves the next one")
    func cancelled() async throws {
        try await onLoop { group in
            let (near, far) = Self.pair()
            let watch = try DescriptorWatch(descriptor: near)
            nonisolated(unsafe) let shared = watch
            let task = Task(executorPreference: group.loops[0]) { try await shared.waitReadable() }
            await Task.yield()
            task.cancel()
            await #expect(throws: StreamError.cancelled) { try await task.value }
            #expect(write(far, "a", 1) == 1)
            try await watch.waitReadable()
            watch.close()
            close(near)
            close(far)
        }
    }

    @Test("goes on with another descriptor, also under the number of a closed one")
    func replaced() async throws {
        try await onLoop { _ in
            let (near, far) = Self.pair()
            let watch = try DescriptorWatch(descriptor: near)
            close(near)
            close(far)
            let (second, peer) = Self.pair()
            try watch.replaceDescriptor(second)
            #expect(write(peer, "a", 1) == 1)
            try await watch.waitReadable(timeout: .seconds(5))
            watch.close()
            close(second)
            close(peer)
        }
    }
}
