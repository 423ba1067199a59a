import COpenSSL
import EventLoop
import Glibc

/// TLS over a stream; libssl reads and writes the socket itself. Loop-confined.
final class TLSStream {
    let stream: ByteStream
    private let ssl: OpaquePointer
    private var readingNeedsRoom = false
    private var writingNeedsInput = false

    /// Takes the prepared `SSL` object over.
    init(_ ssl: OpaquePointer, stream: ByteStream) {
        self.ssl = ssl
        self.stream = stream
        if let descriptor = stream.descriptorForLibrary { SSL_set_fd(ssl, descriptor) }
        _ = SSL_ctrl(
            ssl, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
    }

    deinit { SSL_free(ssl) }

    /// Agrees on keys; the stream's deadline holds.
    ///
    /// - Throws: `TLSError` with what libssl says, or `StreamError`.
    func handshake() async throws {
        while true {
            guard stream.descriptorForLibrary != nil else { throw StreamError.closed }
            ERR_clear_error()
            let result = SSL_do_handshake(ssl)
            if result == 1 { return }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ:
                stream.foundNothingToRead()
                try await stream.waitReadable()
            case SSL_ERROR_WANT_WRITE:
                stream.foundNoRoomToWrite()
                try await stream.waitWritable()
            default: throw TLSError.last("handshake", verification: SSL_get_verify_result(ssl))
            }
        }
    }

    func readAvailable(into buffer: inout ByteBuffer, atLeast room: Int) throws(StreamError) -> Int? {
        guard stream.descriptorForLibrary != nil else { throw .closed }
        // What libssl has decrypted or fetched already is not announced by the socket any more.
        if !stream.mayHaveInput, !readingNeedsRoom, SSL_has_pending(ssl) == 0 { return nil }
        ERR_clear_error()
        let ssl = ssl
        let count = buffer.fill(atLeast: room) { memory in
            Int(SSL_read(ssl, memory.baseAddress, CInt(min(memory.count, Int(CInt.max)))))
        }
        if count > 0 { return count }
        switch SSL_get_error(ssl, CInt(count)) {
        case SSL_ERROR_WANT_READ:
            readingNeedsRoom = false
            stream.foundNothingToRead()
            return nil
        case SSL_ERROR_WANT_WRITE:
            readingNeedsRoom = true
            stream.foundNoRoomToWrite()
            return nil
        case SSL_ERROR_ZERO_RETURN: return 0
        default: throw .closed  // among them an end without close_notify, which may be a truncation
        }
    }

    func waitReadable() async throws(StreamError) {
        if readingNeedsRoom { try await stream.waitWritable() } else { try await stream.waitReadable() }
    }

    func writeAvailable(_ bytes: UnsafeRawBufferPointer) throws(StreamError) -> Int {
        guard stream.descriptorForLibrary != nil else { throw .closed }
        guard !bytes.isEmpty else { return 0 }
        ERR_clear_error()
        let count = SSL_write(ssl, bytes.baseAddress, CInt(min(bytes.count, Int(CInt.max))))
        if count > 0 { return Int(count) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ:
            writingNeedsInput = true
            stream.foundNothingToRead()
            return 0
        case SSL_ERROR_WANT_WRITE:
            writingNeedsInput = false
            stream.foundNoRoomToWrite()
            return 0
        default: throw .closed
        }
    }

    func waitWritable() async throws(StreamError) {
        if writingNeedsInput { try await stream.waitReadable() } else { try await stream.waitWritable() }
    }

    /// Says goodbye without waiting for the peer's answer.
    func sendCloseNotify() {
        guard stream.descriptorForLibrary != nil else { return }
        ERR_clear_error()
        SSL_shutdown(ssl)
    }
}

/// A failure of libssl.
public struct TLSError: Error, Sendable, CustomStringConvertible {
    /// What was attempted and what libssl says about it.
    public let description: String
    /// Whether the peer's certificate was refused.
    public let isCertificateRefused: Bool

    /// Takes the earliest error of the thread's queue.
    static func last(_ attempt: String, verification: Int = 0) -> TLSError {
        let code = ERR_get_error()
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        var description = code == 0 ? "connection lost" : text.withUnsafeBufferPointer { String(cString: $0) }
        if verification != 0, let reason = X509_verify_cert_error_string(verification) {
            description += ": " + String(cString: reason)
        }
        return TLSError(description: "TLS \(attempt): \(description)", isCertificateRefused: verification != 0)
    }
}

extension String {
    fileprivate init(cString buffer: UnsafeBufferPointer<CChar>) {
        self = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
