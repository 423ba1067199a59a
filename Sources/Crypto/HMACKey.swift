import COpenSSL
import Synchronization

/// A secret for HMAC (RFC 2104) whose key schedule is computed once.
///
/// Safe to use from any thread: one use at a time holds a lock for about half a microsecond.
public final class HMACKey: Sendable {
    /// The hash function.
    public let algorithm: HashAlgorithm

    /// The context after its key was set; initialised anew without a key it starts over from the key schedule.
    private struct Context: @unchecked Sendable {
        // Reached under the lock alone, freed by the key's end.
        let pointer: OpaquePointer
    }

    private let context: Mutex<Context>

    /// A key.
    /// - Parameters:
    ///   - secret: any length; callers refuse empty ones where they come from outside.
    ///   - algorithm: the hash function.
    public init(_ secret: [UInt8], _ algorithm: HashAlgorithm = .sha256) {
        self.algorithm = algorithm
        guard let pointer = EVP_MAC_CTX_new(Self.function.pointer) else { preconditionFailure("no memory for HMAC") }
        var name = Array("\(algorithm.name)".utf8CString)
        // The library takes a null key for "keep the one before", so that an empty secret needs an address too.
        let key = secret.isEmpty ? [0] : secret
        let done = name.withUnsafeMutableBufferPointer { name in
            var parameters = [
                OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(pointer, key, secret.count, &parameters)
        }
        precondition(done == 1, "the library cannot compute HMAC")
        context = Mutex(Context(pointer: pointer))
    }

    deinit {
        context.withLock { EVP_MAC_CTX_free($0.pointer) }
    }

    /// Fetched once, immutable, alive as long as the process.
    private struct Function: @unchecked Sendable {
        let pointer = EVP_MAC_fetch(nil, "HMAC", nil)
    }

    private static let function = Function()

    /// The code of a message, as long as a digest.
    public func authenticate(_ message: [UInt8]) -> [UInt8] {
        message.withUnsafeBytes { authenticate($0) }
    }

    /// The code of a message.
    public func authenticate(_ message: RawSpan) -> [UInt8] {
        message.withUnsafeBytes { authenticate($0) }
    }

    /// The code of a message.
    public func authenticate(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: algorithm.digestLength) { code, count in
            context.withLock { context in
                Self.start(context.pointer)
                Self.update(context.pointer, message)
                Self.finish(context.pointer, code)
            }
            count = algorithm.digestLength
        }
    }

    /// The code of a message given in pieces.
    public func authenticate(pieces: [[UInt8]]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: algorithm.digestLength) { code, count in
            context.withLock { context in
                Self.start(context.pointer)
                for piece in pieces { piece.withUnsafeBytes { Self.update(context.pointer, $0) } }
                Self.finish(context.pointer, code)
            }
            count = algorithm.digestLength
        }
    }

    /// Whether `code` is the code of the message, whole; compared in constant time.
    public func isValid(_ code: [UInt8], for message: [UInt8]) -> Bool {
        constantTimeEqual(code, authenticate(message))
    }

    private static func start(_ context: OpaquePointer) {
        let done = EVP_MAC_init(context, nil, 0, nil)
        precondition(done == 1, "the library cannot start HMAC")
    }

    private static func update(_ context: OpaquePointer, _ bytes: UnsafeRawBufferPointer) {
        let done = EVP_MAC_update(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        precondition(done == 1, "the library cannot continue HMAC")
    }

    private static func finish(_ context: OpaquePointer, _ code: UnsafeMutableBufferPointer<UInt8>) {
        var length = 0
        let done = EVP_MAC_final(context, code.baseAddress, &length, code.count)
        precondition(done == 1, "the library cannot finish HMAC")
    }
}
