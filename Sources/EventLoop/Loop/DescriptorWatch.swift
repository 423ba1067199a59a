/// Waits for a descriptor that a C library owns and reads and writes itself, such as a libpq socket.
///
/// Level-triggered: a wait ends at once while there is something to read or room to write, whatever the library left
/// behind. Loop-confined. At most one task waits at a time. Close the watch before the library closes the descriptor.
public final class DescriptorWatch: DescriptorHandler {
    /// What to wait for, and what came.
    public struct Interest: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt8
        /// Makes a set of the bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// There is something to read, or the peer is gone: the next read tells.
        public static let readable = Interest(rawValue: 1)
        /// There is room to write, or the peer is gone: the next write tells.
        public static let writable = Interest(rawValue: 2)
    }

    /// The watched descriptor.
    public private(set) var descriptor: CInt
    private let loop: EventLoop
    private var armed: Interest = []
    private var awaited: Interest = []
    private let waiter = Waiter<Interest>()
    private var isClosed = false
    private var isRegistered = true

    /// Starts watching. On a loop's thread only.
    ///
    /// - Throws: the failing call, for instance when the descriptor is a file.
    public init(descriptor: CInt) throws(SystemError) {
        guard let loop = EventLoop.current else { preconditionFailure("a watch is made on a loop's thread") }
        self.descriptor = descriptor
        self.loop = loop
        try loop.selector.register(descriptor, [], self)
    }

    /// Goes on with another descriptor; libpq may change its socket while it connects. Also right when the library has
    /// closed the former one and the system gave the same number again.
    public func replaceDescriptor(_ descriptor: CInt) throws(SystemError) {
        loop.selector.deregister(self.descriptor)
        self.descriptor = descriptor
        armed = []
        try loop.selector.register(descriptor, [], self)
        isRegistered = true
    }

    /// Waits until the descriptor is readable.
    public func waitReadable(timeout: Duration? = nil) async throws(StreamError) {
        _ = try await wait(for: .readable, deadline: timeout.map { .now + $0 } ?? .distantFuture)
    }

    /// Waits until the descriptor is writable.
    public func waitWritable(timeout: Duration? = nil) async throws(StreamError) {
        _ = try await wait(for: .writable, deadline: timeout.map { .now + $0 } ?? .distantFuture)
    }

    /// Waits until the descriptor is readable or writable and says which: what libpq asks for after `PQflush` returned 1.
    public func waitReadableOrWritable(timeout: Duration? = nil) async throws(StreamError) -> Interest {
        try await wait(for: [.readable, .writable], deadline: timeout.map { .now + $0 } ?? .distantFuture)
    }

    /// Waits until one of the awaited things is so.
    ///
    /// - Throws: `timedOut` at the deadline, `cancelled` when the task is, `closed` when the watch is.
    public func wait(
        for interest: Interest, deadline: MonotonicTime = .distantFuture
    ) async throws(StreamError) -> Interest {
        guard !isClosed else { throw .closed }
        awaited = interest
        defer { awaited = [] }
        if armed != interest {
            do { try arm(interest) } catch { throw .system(error) }
        }
        return try await waiter.wait(on: loop, deadline: deadline)
    }

    /// Stops watching; a waiting task gets `closed`. The descriptor itself stays open.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.selector.deregister(descriptor)
        waiter.resume(.failure(.closed))
    }

    private func arm(_ interest: Interest) throws(SystemError) {
        var readiness: Readiness = []
        if interest.contains(.readable) { readiness.insert(.readable) }
        if interest.contains(.writable) { readiness.insert(.writable) }
        if isRegistered {
            try loop.selector.change(descriptor, readiness)
        } else {
            try loop.selector.register(descriptor, readiness, self)
            isRegistered = true
        }
        armed = interest
    }

    func ready(_ readiness: Readiness) {
        var happened: Interest = []
        if readiness.contains(.readable) { happened.insert(.readable) }
        if readiness.contains(.writable) { happened.insert(.writable) }
        if !readiness.isDisjoint(with: [.hungUp, .failed]) { happened = [.readable, .writable] }
        happened.formIntersection(awaited)
        if !happened.isEmpty {
            waiter.resume(.success(happened))
        } else {
            // Nobody waits for it: a level-triggered descriptor would come back each turn. Hang-up and failure are
            // reported whatever the interest, hence out of the set altogether until the next wait.
            disarm()
        }
    }

    private func disarm() {
        loop.selector.deregister(descriptor)
        isRegistered = false
        armed = []
    }
}
