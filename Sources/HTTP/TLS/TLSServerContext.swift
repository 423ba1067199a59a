import COpenSSL
import EventLoop
import Synchronization

/// A server's certificate chain and key, from PEM files, and the rules of its TLS: 1.2 or newer, HTTP/1.1 by ALPN.
public final class TLSServerContext: Sendable {
    private let certificatePath: String
    private let keyPath: String
    private let context: Mutex<Context>

    /// Loads the files.
    ///
    /// - Parameters:
    ///   - certificate: path of the PEM file with the certificate and, behind it, its intermediates.
    ///   - key: path of the PEM file with the private key.
    /// - Throws: when a file cannot be read or the key does not belong to the certificate.
    public init(certificate: String, key: String) throws(TLSError) {
        certificatePath = certificate
        keyPath = key
        context = Mutex(try Context(certificate: certificate, key: key))
    }

    /// Loads the files again, for new connections; on failure the former certificate stays.
    public func reload() throws(TLSError) {
        let fresh = try Context(certificate: certificatePath, key: keyPath)
        context.withLock { $0 = fresh }
    }

    /// TLS for an accepted connection, before its handshake.
    func secure(_ stream: ByteStream) -> TLSStream? {
        let context = context.withLock { $0 }
        guard let ssl = SSL_new(context.pointer) else { return nil }
        SSL_set_accept_state(ssl)
        return TLSStream(ssl, stream: stream)
    }
}

/// Owns an `SSL_CTX`, which libssl itself protects for use from several threads once it is set up.
private final class Context: @unchecked Sendable {
    // Unchecked: the pointer never changes, and `SSL_new` is thread-safe.
    let pointer: OpaquePointer

    init(certificate: String, key: String) throws(TLSError) {
        guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw TLSError.last("set-up") }
        self.pointer = pointer
        ERR_clear_error()
        SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_set_options(pointer, UInt64(1) << 30 | UInt64(1) << 17)  // SSL_OP_NO_RENEGOTIATION, NO_COMPRESSION
        SSL_CTX_set_alpn_select_cb(pointer, selectHTTP11, nil)
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else { throw TLSError.last("certificate") }
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else { throw TLSError.last("key") }
        guard SSL_CTX_check_private_key(pointer) == 1 else { throw TLSError.last("key") }
    }

    deinit { SSL_CTX_free(pointer) }
}

/// Chooses `http/1.1` where the client offers it; refuses clients that speak something else alone (RFC 7301).
private func selectHTTP11(
    _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> CInt {
    guard let offered, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
    let wanted = "http/1.1" as StaticString
    var place = 0
    while place < list.count {
        let length = Int(list[place])
        let start = place + 1
        guard start + length <= list.count else { break }
        if length == wanted.utf8CodeUnitCount, (0..<length).allSatisfy({ list[start + $0] == wanted.utf8Start[$0] }) {
            chosen.pointee = offered + start
            chosenLength.pointee = UInt8(length)
            return SSL_TLSEXT_ERR_OK
        }
        place = start + length
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}
