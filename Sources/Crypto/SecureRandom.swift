import COpenSSL
import FoundationEssentials
import Synchronization

/// Randomness for keys, nonces, tokens and ids, from the library's generator.
public enum SecureRandom {
    /// So many random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            // Without randomness nothing here can go on safely.
            let done = count == 0 ? 1 : RAND_bytes(buffer.baseAddress, Int32(count))
            precondition(done == 1, "no randomness")
            initialized = count
        }
    }

    /// A random UUID (RFC 9562 version 4). Ids need a few bytes each and often, so they are drawn from a stock.
    public static func uuid() -> UUID {
        var bytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &bytes) { buffer in
            stock.withLock { stock in
                if stock.used + 16 > stock.bytes.count { stock = Stock(bytes: self.bytes(1024)) }
                for index in 0..<16 {
                    buffer[index] = stock.bytes[stock.used + index]
                    stock.bytes[stock.used + index] = 0
                }
                stock.used += 16
            }
        }
        bytes.6 = bytes.6 & 0x0F | 0x40
        bytes.8 = bytes.8 & 0x3F | 0x80
        return UUID(uuid: bytes)
    }

    private struct Stock {
        var bytes: [UInt8] = []
        var used = 0
    }

    private static let stock = Mutex(Stock())

    /// A random token in base64url.
    /// - Parameter byteCount: bytes of randomness; 32 for anything that grants access.
    public static func token(_ byteCount: Int) -> String {
        Base64URL.encode(bytes(byteCount))
    }
}
