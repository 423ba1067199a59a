import EventLoop

/// Tells a connection when libpq's socket is ready, level-triggered, since libpq stops reading before the socket is empty.
final class SocketWatch {
    /// Called on the loop whenever the socket is ready for what is wanted.
    var handler: (() -> Void)?
    /// Whether to be told of readable bytes.
    var wantsRead = true {
        didSet { if wantsRead != oldValue { update() } }
    }
    /// Whether to be told of room for writing.
    var wantsWrite = false {
        didSet { if wantsWrite != oldValue { update() } }
    }
    private let watch: DescriptorObserver
    private var isClosed = false

    init(_ descriptor: Int32, on loop: EventLoop) {
        watch = DescriptorObserver(descriptor, on: loop)
        watch.onReady = { [weak self] in self?.handler?() }
    }

    /// Stops watching. Must come before the descriptor is closed.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = nil
        watch.close()
    }

    private func update() {
        if !isClosed { watch.setInterest(read: wantsRead, write: wantsWrite) }
    }
}
