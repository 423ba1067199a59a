import CSystem
import Glibc

/// A connected TCP or unix stream socket. Loop-confined; one task may read while another writes.
///
/// The socket is registered once, edge-triggered: reading and writing try the system call first and wait only when the
/// system has nothing to give or no room. Whoever has a stream closes it; until then the loop keeps it alive.
public final class ByteStream: DescriptorHandler {
    /// The peer's address.
    public let peer: SocketAddress
    let loop: EventLoop
    private var descriptor: CInt
    private var mayRead = true
    private var mayWrite = true
    private var hasEnded = false
    private let reader = Waiter<Void>()
    private let writer = Waiter<Void>()
    private var watchdog: LoopTimer?

    /// When waits of both directions give up with `timedOut`. Moving it costs next to nothing: the timer behind it is
    /// touched only when it fires or when the deadline comes nearer.
    public var deadline: MonotonicTime = .distantFuture {
        didSet { if deadline < oldValue || watchdog == nil { watch() } }
    }

    /// Called once on the loop when the peer turns out to have closed or lost the connection.
    public var onPeerGone: (() -> Void)?

    /// Takes over a connected, non-blocking socket. On a loop's thread only.
    init(descriptor: CInt, peer: SocketAddress) throws(SystemError) {
        guard let loop = EventLoop.current else { preconditionFailure("a stream is made on a loop's thread") }
        self.loop = loop
        self.descriptor = descriptor
        self.peer = peer
        csystem_no_delay(descriptor)
        do {
            try loop.selector.register(descriptor, [.readable, .writable, .peerFinished, .edgeTriggered], self)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Whether the stream was closed on this side.
    public var isClosed: Bool { descriptor < 0 }

    /// Whether the peer is known to have closed or lost the connection. Bytes may still wait to be read.
    public var isPeerGone: Bool { hasEnded }

    /// Reads what is there into the buffer.
    ///
    /// - Returns: the number of bytes, 0 at the end of the stream, nil if nothing is there yet.
    public func readAvailable(into buffer: inout ByteBuffer, atLeast room: Int = 4096) throws(StreamError) -> Int? {
        guard mayRead else { return nil }
        guard descriptor >= 0 else { throw .closed }
        let descriptor = descriptor
        var asked = 0
        let count = buffer.fill(atLeast: room) { memory in
            asked = memory.count
            return retryingInterrupted { recv(descriptor, memory.baseAddress, memory.count, 0) }
        }
        if count >= 0 {
            // A short read has emptied the socket: more bytes will be a new edge, unless the end is already known.
            if count < asked && !hasEnded { mayRead = false }
            return count
        }
        return try failedRead()
    }

    /// The descriptor for a library that reads and writes the socket itself, as libssl does; nil once closed. Such a
    /// library must read and write until it would block and then tell by ``foundNothingToRead()`` or
    /// ``foundNoRoomToWrite()``, before anybody waits.
    public var descriptorForLibrary: CInt? { descriptor >= 0 ? descriptor : nil }

    /// Whether a read may bring something, as far as is known.
    public var mayHaveInput: Bool { mayRead }

    /// A library's read would have blocked.
    public func foundNothingToRead() { mayRead = false }

    /// A library's write would have blocked.
    public func foundNoRoomToWrite() { mayWrite = false }

    private func failedRead() throws(StreamError) -> Int? {
        switch errno {
        case EAGAIN:
            mayRead = false
            return nil
        case ECONNRESET, ETIMEDOUT, EPIPE: throw .closed
        default: throw .system(SystemError("recv"))
        }
    }

    /// Waits until a read may bring something.
    public func waitReadable() async throws(StreamError) {
        if mayRead { return }
        guard descriptor >= 0 else { throw .closed }
        guard deadline > loop.now else { throw .timedOut }
        try await reader.wait(on: loop)
    }

    /// Waits until a read may bring something; ends at the deadline and when the stream is closed, but not when the task
    /// is cancelled. Cheaper than ``waitReadable()``.
    public func waitReadableUncancelled() async throws(StreamError) {
        if mayRead { return }
        guard descriptor >= 0 else { throw .closed }
        guard deadline > loop.now else { throw .timedOut }
        try await reader.park()
    }

    /// Reads at least one byte into the buffer, waiting for it.
    ///
    /// - Returns: the number of bytes; 0 at the end of the stream.
    public func read(into buffer: inout ByteBuffer) async throws(StreamError) -> Int {
        while true {
            if let count = try readAvailable(into: &buffer) { return count }
            try await waitReadable()
        }
    }

    /// Writes as much as there is room for.
    ///
    /// - Returns: the number of bytes, 0 if there is no room now.
    public func writeAvailable(_ bytes: UnsafeRawBufferPointer) throws(StreamError) -> Int {
        guard descriptor >= 0 else { throw .closed }
        guard mayWrite else { return 0 }
        let descriptor = descriptor
        let count = retryingInterrupted { csystem_send(descriptor, bytes.baseAddress, bytes.count) }
        if count >= 0 {
            if count < bytes.count { mayWrite = false }
            return count
        }
        switch errno {
        case EAGAIN:
            mayWrite = false
            return 0
        case EPIPE, ECONNRESET, ETIMEDOUT: throw .closed
        default: throw .system(SystemError("send"))
        }
    }

    /// Waits until there is room to write.
    public func waitWritable() async throws(StreamError) {
        if mayWrite { return }
        guard descriptor >= 0 else { throw .closed }
        guard deadline > loop.now else { throw .timedOut }
        try await writer.wait(on: loop)
    }

    /// Writes all bytes, waiting for room.
    public func write(_ bytes: [UInt8]) async throws(StreamError) {
        var written = 0
        while written < bytes.count {
            let count = try bytes.span.bytes.withUnsafeBytes { memory throws(StreamError) in
                try writeAvailable(UnsafeRawBufferPointer(rebasing: memory[written...]))
            }
            written += count
            if written < bytes.count { try await waitWritable() }
        }
    }

    /// Tells the peer that nothing more will be written, and keeps reading.
    public func finishWriting() {
        if descriptor >= 0 { shutdown(descriptor, CInt(SHUT_WR)) }
    }

    /// Closes the socket; waiting tasks get `closed`. Harmless when repeated.
    public func close() {
        guard descriptor >= 0 else { return }
        loop.selector.deregister(descriptor)
        Glibc.close(descriptor)
        descriptor = -1
        mayRead = true
        watchdog?.cancel()
        watchdog = nil
        onPeerGone = nil
        reader.resume(.failure(.closed))
        writer.resume(.failure(.closed))
    }

    func ready(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: .ended), !hasEnded {
            hasEnded = true
            onPeerGone?()
        }
        guard descriptor >= 0 else { return }
        if hasEnded || readiness.contains(.readable) {
            mayRead = true
            reader.resume(.success(()))
        }
        if readiness.contains(.writable) || !readiness.isDisjoint(with: [.hungUp, .failed]) {
            mayWrite = true
            writer.resume(.success(()))
        }
    }

    /// Waits for the outcome of a `connect` under way.
    func waitUntilConnected() async throws(StreamError) {
        mayWrite = false
        try await waitWritable()
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            throw .system(SystemError("connect", code: code))
        }
    }

    private func watch() {
        guard descriptor >= 0, deadline != .distantFuture else { return }
        if let watchdog, watchdog.isPending {
            if watchdog.deadline <= deadline { return }
            watchdog.cancel()
        }
        watchdog = loop.schedule(at: deadline) { [unowned self] in
            watchdog = nil
            if deadline > loop.now {
                watch()
            } else {
                reader.resume(.failure(.timedOut))
                writer.resume(.failure(.timedOut))
            }
        }
    }
}
