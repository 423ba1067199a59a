import EventLoop

/// Tells a connection when libpq's socket is ready, level-triggered, since libpq stops reading before the socket is empty.
final class SocketWatch {
    /// Called on the loop whenever the socket is ready for what is wanted.
    var handler: (() -> Void)?
    /// Whether to be told of readable bytes.
    var wantsRead: Bool {
        didSet { if wantsRead != oldValue { update() } }
    }
    /// Whether to be told of room for writing.
    var wantsWrite: Bool {
        didSet { if wantsWrite != oldValue { update() } }
    }
    private let observer: DescriptorObserver
    private var isClosed = false

    /// Starts watching. Throws `.unavailable` when the system refuses.
    init(_ descriptor: Int32, read: Bool, write: Bool) throws(DatabaseError) {
        wantsRead = read
        wantsWrite = write
        do {
            observer = try DescriptorObserver(descriptor: descriptor, interest: Self.interest(read, write))
        } catch {
            throw DatabaseError(.unavailable, context: "watching the socket")
        }
        observer.onReady = { [weak self] in self?.handler?() }
    }

    /// Stops watching. Must come before the descriptor is closed.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = nil
        observer.close()
    }

    private func update() {
        // It fails for a closed descriptor only, which the next use of the connection finds out by itself.
        if !isClosed { try? observer.setInterest(Self.interest(wantsRead, wantsWrite)) }
    }

    private static func interest(_ read: Bool, _ write: Bool) -> DescriptorWatch.Interest {
        var interest: DescriptorWatch.Interest = []
        if read { interest.insert(.readable) }
        if write { interest.insert(.writable) }
        return interest
    }
}
