import COpenSSL
import EventLoop

/// The rules of TLS to other servers: 1.2 or newer, the certificate checked against the system's store (and the
/// additional authorities) and against the host's name or address.
final class TLSClientContext: @unchecked Sendable {
    // Unchecked: the pointer never changes, and `SSL_new` is thread-safe.
    private let pointer: OpaquePointer

    /// Reads the certificate store, which takes some milliseconds: not on a loop.
    ///
    /// - Parameter authorities: path of a PEM file with certificates to trust besides the system's.
    init(authorities: String?) throws(TLSError) {
        guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw TLSError.last("set-up") }
        self.pointer = pointer
        ERR_clear_error()
        SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        guard SSL_CTX_set_default_verify_paths(pointer) == 1 else { throw TLSError.last("certificate store") }
        if let authorities, SSL_CTX_load_verify_file(pointer, authorities) != 1 {
            throw TLSError.last("additional authorities")
        }
        let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
        SSL_CTX_set_alpn_protos(pointer, protocols, UInt32(protocols.count))
    }

    deinit { SSL_CTX_free(pointer) }

    /// TLS to the host, before its handshake.
    func secure(_ stream: ByteStream, host: String) throws(TLSError) -> TLSStream {
        guard let ssl = SSL_new(pointer) else { throw TLSError.last("set-up") }
        SSL_set_connect_state(ssl)
        if IPAddress(host) != nil {
            guard X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 else {
                SSL_free(ssl)
                throw TLSError.last("set-up")
            }
        } else {
            SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            let isSet = host.withCString { name in
                SSL_set1_host(ssl, name) == 1
                    && SSL_ctrl(
                        ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                        UnsafeMutableRawPointer(mutating: name)) == 1
            }
            guard isSet else {
                SSL_free(ssl)
                throw TLSError.last("set-up")
            }
        }
        return TLSStream(ssl, stream: stream)
    }
}
