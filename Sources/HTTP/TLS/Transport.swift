import EventLoop

/// The bytes of a connection, plain or through TLS. Loop-confined.
enum Transport {
    case plain(ByteStream)
    case secure(TLSStream)

    var stream: ByteStream {
        switch self {
        case .plain(let stream): stream
        case .secure(let secure): secure.stream
        }
    }

    /// Reads what is there: the number of bytes, 0 at the end, nil if nothing is there yet.
    func readAvailable(into buffer: inout ByteBuffer, atLeast room: Int = 4096) throws(StreamError) -> Int? {
        switch self {
        case .plain(let stream): try stream.readAvailable(into: &buffer, atLeast: room)
        case .secure(let secure): try secure.readAvailable(into: &buffer, atLeast: room)
        }
    }

    func waitReadable() async throws(StreamError) {
        switch self {
        case .plain(let stream): try await stream.waitReadable()
        case .secure(let secure): try await secure.waitReadable()
        }
    }

    /// As ``waitReadable()``, but deaf to cancellation: whoever cancels the task closes the transport.
    func waitReadableUncancelled() async throws(StreamError) {
        switch self {
        case .plain(let stream): try await stream.waitReadableUncancelled()
        case .secure(let secure): try await secure.waitReadable()
        }
    }

    func writeAvailable(_ bytes: UnsafeRawBufferPointer) throws(StreamError) -> Int {
        switch self {
        case .plain(let stream): try stream.writeAvailable(bytes)
        case .secure(let secure): try secure.writeAvailable(bytes)
        }
    }

    func waitWritable() async throws(StreamError) {
        switch self {
        case .plain(let stream): try await stream.waitWritable()
        case .secure(let secure): try await secure.waitWritable()
        }
    }

    /// Says that nothing more will be written.
    func finishWriting() {
        if case .secure(let secure) = self { secure.sendCloseNotify() }
        stream.finishWriting()
    }

    func close() {
        if case .secure(let secure) = self { secure.sendCloseNotify() }
        stream.close()
    }
}
