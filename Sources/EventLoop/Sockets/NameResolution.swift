import CSystem
import Glibc

/// A host name that could not be turned into addresses.
public struct ResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why.
    public enum Reason: Hashable, Sendable {
        /// No such name, or no address of it.
        case notFound
        /// The name server gave no answer now.
        case unavailable
        /// The time-out passed first.
        case timedOut
        /// The task was cancelled.
        case cancelled
    }

    /// Why.
    public let reason: Reason

    /// The reason's name.
    public var description: String { "name resolution: \(reason)" }
}

extension BlockingExecutor {
    /// The addresses of a host for TCP, in the order in which they should be tried (RFC 6724). An IP address as text
    /// costs no look-up.
    ///
    /// - Parameters:
    ///   - host: a name or an IP address without brackets.
    ///   - timeout: how long to wait; the system's look-up itself may go on in the background.
    public func resolve(
        _ host: String, port: UInt16, timeout: Duration = .seconds(10)
    ) async throws(ResolutionError) -> [SocketAddress] {
        if let address = IPAddress(host) { return [.ip(address, port: port)] }
        guard let loop = EventLoop.current else {
            let result = try? await run { lookUp(host, port: port) }
            guard let result else { throw ResolutionError(reason: .cancelled) }
            return try result.get()
        }
        // Unchecked: only the closure that runs on the loop's thread uses the waiter.
        nonisolated(unsafe) let waiter = Waiter<Result<[SocketAddress], ResolutionError>>()
        Task(executorPreference: self) {
            let result = lookUp(host, port: port)
            loop.execute { waiter.resume(.success(result)) }
        }
        do {
            return try await waiter.wait(on: loop, deadline: .now + timeout).get()
        } catch let error as ResolutionError {
            throw error
        } catch {
            throw ResolutionError(reason: error as? StreamError == .timedOut ? .timedOut : .cancelled)
        }
    }
}

private func lookUp(_ host: String, port: UInt16) -> Result<[SocketAddress], ResolutionError> {
    guard !host.isEmpty, !host.utf8.contains(0) else { return .failure(ResolutionError(reason: .notFound)) }
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard code == 0 else {
        let isMissing = code == EAI_NONAME || code == -5 /* EAI_NODATA, hidden behind _GNU_SOURCE */
        return .failure(ResolutionError(reason: isMissing ? .notFound : .unavailable))
    }
    var addresses: [SocketAddress] = []
    var next = list
    while let entry = next?.pointee {
        next = entry.ai_next
        guard let system = entry.ai_addr else { continue }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { bytes in
            let length = min(Int(entry.ai_addrlen), bytes.count)
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: system, count: length))
        }
        guard case .ip(let address, _, let scope) = SocketAddress(storage) else { continue }
        let found = SocketAddress.ip(address, port: port, scope: scope)
        if !addresses.contains(found) { addresses.append(found) }
    }
    return addresses.isEmpty ? .failure(ResolutionError(reason: .notFound)) : .success(addresses)
}
