/// Calls back each time a descriptor is ready that a C library owns and reads and writes itself: what ``DescriptorWatch`` is for a
/// waiting task, for code that reacts instead of waiting.
///
/// Level-triggered: it calls again and again as long as what it observes is so. Loop-confined. Close the observer before
/// the library closes the descriptor.
public final class DescriptorObserver: DescriptorHandler {
    /// Called on the loop whenever the descriptor is ready for something of the interest, or the peer is gone.
    public var onReady: (() -> Void)?
    private let descriptor: CInt
    private let loop: EventLoop
    private var isClosed = false

    /// Starts observing. On a loop's thread only.
    ///
    /// - Throws: the failing call, for instance when the descriptor is a file.
    public init(descriptor: CInt, interest: DescriptorWatch.Interest) throws(SystemError) {
        guard let loop = EventLoop.current else { preconditionFailure("an observer is made on a loop's thread") }
        self.descriptor = descriptor
        self.loop = loop
        try loop.selector.register(descriptor, Self.readiness(interest), self)
    }

    /// Observes something else from now on.
    public func setInterest(_ interest: DescriptorWatch.Interest) throws(SystemError) {
        if !isClosed { try loop.selector.change(descriptor, Self.readiness(interest)) }
    }

    /// Stops observing. The descriptor itself stays open.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        onReady = nil
        loop.selector.deregister(descriptor)
    }

    func ready(_ readiness: Readiness) { onReady?() }

    private static func readiness(_ interest: DescriptorWatch.Interest) -> Readiness {
        var readiness: Readiness = []
        if interest.contains(.readable) { readiness.insert(.readable) }
        if interest.contains(.writable) { readiness.insert(.writable) }
        return readiness
    }
}
