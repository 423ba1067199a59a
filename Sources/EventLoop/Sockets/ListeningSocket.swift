import CSystem
import Glibc

/// A connection that was accepted and waits to be taken over by a loop.
public struct AcceptedConnection: Sendable {
    let descriptor: CInt
    /// The client's address.
    public let peer: SocketAddress

    /// Makes it a stream of the current loop. Once only.
    public func open() throws(SystemError) -> ByteStream {
        try ByteStream(descriptor: descriptor, peer: peer)
    }

    /// Closes it unused.
    public func discard() { close(descriptor) }
}

/// A socket that listens on an IP address or a unix path.
public final class ListeningSocket {
    /// The address; with the real port where 0 was asked for.
    public let address: SocketAddress
    private let descriptor: CInt
    private var watch: DescriptorWatch?
    private var isClosed = false

    /// Binds and listens. On each thread; accept on one loop only.
    ///
    /// - Parameter backlog: connections that the system keeps until they are accepted.
    public init(_ address: SocketAddress, backlog: Int = 1024) throws(SystemError) {
        let descriptor = csystem_stream_socket(address.family)
        guard descriptor >= 0 else { throw SystemError("socket") }
        if case .unix(let path) = address {
            Self.removeStaleSocket(path, address)
        } else {
            _ = csystem_set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        let isBound = address.withSystemAddress { bind(descriptor, $0, $1) } == 0
        guard isBound, listen(descriptor, CInt(backlog)) == 0 else {
            let error = SystemError(isBound ? "listen" : "bind")
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.address = SocketAddress(ofSocket: descriptor) ?? address
    }

    /// Waits for the next connection. On the same loop's thread each time.
    ///
    /// - Throws: `cancelled`, `closed`, or `system` when the process or the machine has no descriptor or memory left:
    ///   wait a little and try again then.
    public func accept() async throws(StreamError) -> AcceptedConnection {
        while true {
            guard !isClosed else { throw .closed }
            if let accepted = acceptWaiting() { return accepted }
            switch errno {
            case EAGAIN: try await waitForConnection()
            default: throw .system(SystemError("accept"))
            }
        }
    }

    /// A connection that waits to be accepted; nil when there is none, or the socket is closed. On the accepting loop's thread.
    public func acceptWaiting() -> AcceptedConnection? {
        while !isClosed {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = csystem_accept(descriptor, &storage, &length)
            if accepted >= 0 {
                return AcceptedConnection(descriptor: accepted, peer: SocketAddress(storage) ?? .unix(""))
            }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO, EPERM: continue
            default: return nil
            }
        }
        return nil
    }

    private func waitForConnection() async throws(StreamError) {
        if watch == nil {
            do { watch = try DescriptorWatch(descriptor: descriptor) } catch { throw .system(error) }
        }
        try await watch?.waitReadable()
    }

    /// Stops listening; a waiting `accept` gets `closed`. A unix socket's path is removed. On the accepting loop's
    /// thread, or anywhere while nothing was accepted yet.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        watch?.close()
        Glibc.close(descriptor)
        if case .unix(let path) = address { unlink(path) }
    }

    /// A socket file that nobody listens on any more would make `bind` fail; one that is in use is left alone.
    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = csystem_stream_socket(AF_UNIX)
        guard probe >= 0 else { return }
        let isRefused =
            address.withSystemAddress { Glibc.connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
        Glibc.close(probe)
        if isRefused { unlink(path) }
    }
}
