import CSystem
import Glibc

extension ByteStream {
    /// Connects to the address. On a loop's thread only.
    ///
    /// - Throws: `timedOut` at the deadline, `cancelled`, or `system` with the code of the failed connection.
    public static func connect(
        to address: SocketAddress, deadline: MonotonicTime
    ) async throws(StreamError) -> ByteStream {
        let descriptor = csystem_stream_socket(address.family)
        guard descriptor >= 0 else { throw .system(SystemError("socket")) }
        let result = address.withSystemAddress { pointer, length in
            retryingInterrupted { Glibc.connect(descriptor, pointer, length) }
        }
        if result != 0, errno != EINPROGRESS {
            let error = SystemError("connect")
            Glibc.close(descriptor)
            throw .system(error)
        }
        let isConnected = result == 0
        let stream: ByteStream
        do { stream = try ByteStream(descriptor: descriptor, peer: address) } catch { throw .system(error) }
        stream.deadline = deadline
        if !isConnected {
            do {
                try await stream.waitUntilConnected()
            } catch {
                stream.close()
                throw error
            }
        }
        return stream
    }

    /// Two connected streams, for tests and in-process plumbing. On a loop's thread only.
    public static func pair() throws(SystemError) -> (ByteStream, ByteStream) {
        var descriptors: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &descriptors) == 0 else { throw SystemError("socketpair") }
        return (
            try ByteStream(descriptor: descriptors[0], peer: .unix("")),
            try ByteStream(descriptor: descriptors[1], peer: .unix(""))
        )
    }
}
