import CSystem
import Glibc

/// What can happen to a descriptor.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer will send no more.
    static let peerFinished = Readiness(rawValue: EPOLLRDHUP.rawValue)
    static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    static let failed = Readiness(rawValue: EPOLLERR.rawValue)
    static let edgeTriggered = Readiness(rawValue: 1 << 31)

    static let ended: Readiness = [.peerFinished, .hungUp, .failed]
}

/// Hears what happened to the descriptor that it registered.
protocol DescriptorHandler: AnyObject {
    func ready(_ readiness: Readiness)
}

/// The loop's epoll instance and who listens to which descriptor.
///
/// Each registration has a number that travels beside the descriptor in `epoll_data`: an event that was already
/// fetched when its descriptor was closed and the number reused by the system finds another registration number
/// and is dropped.
struct Selector {
    private struct Slot {
        var registration: UInt32 = 0
        var handler: (any DescriptorHandler)?
    }

    private let descriptor: CInt
    private var slots: [Slot] = []
    private var nextRegistration: UInt32 = 1
    private let events: UnsafeMutablePointer<epoll_event>
    private static let eventCapacity = 256

    init() throws(SystemError) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("epoll_create1") }
        events = .allocate(capacity: Self.eventCapacity)
    }

    func close() {
        _ = Glibc.close(descriptor)
        events.deallocate()
    }

    mutating func register(
        _ target: CInt, _ interest: Readiness, _ handler: any DescriptorHandler
    ) throws(SystemError) {
        let index = Int(target)
        while slots.count <= index { slots.append(Slot()) }
        let registration = nextRegistration
        nextRegistration = nextRegistration == .max ? 1 : nextRegistration + 1
        try control(EPOLL_CTL_ADD, target, interest, registration)
        slots[index] = Slot(registration: registration, handler: handler)
    }

    func change(_ target: CInt, _ interest: Readiness) throws(SystemError) {
        try control(EPOLL_CTL_MOD, target, interest, slots[Int(target)].registration)
    }

    /// Forgets the descriptor; also right after someone else closed it.
    mutating func deregister(_ target: CInt) {
        guard Int(target) < slots.count, slots[Int(target)].handler != nil else { return }
        slots[Int(target)] = Slot()
        var event = epoll_event()
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    private func control(
        _ operation: CInt, _ target: CInt, _ interest: Readiness, _ registration: UInt32
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = UInt64(registration) << 32 | UInt64(UInt32(bitPattern: target))
        guard epoll_ctl(descriptor, operation, target, &event) == 0 else { throw SystemError("epoll_ctl") }
    }

    /// Waits at most the milliseconds (-1: without limit). The named function shows up in profiles as idle time.
    @inline(never)
    func wait(milliseconds: CInt) -> Int {
        let count = epoll_wait(descriptor, events, CInt(Self.eventCapacity), milliseconds)
        return count < 0 ? 0 : Int(count)
    }

    /// The handler of one fetched event, if its registration still stands.
    func handler(ofEvent index: Int) -> (handler: any DescriptorHandler, readiness: Readiness)? {
        let event = events[index]
        let target = Int(UInt32(truncatingIfNeeded: event.data.u64))
        let registration = UInt32(truncatingIfNeeded: event.data.u64 >> 32)
        guard target < slots.count, slots[target].registration == registration, let handler = slots[target].handler
        else { return nil }
        return (handler, Readiness(rawValue: event.events))
    }
}
