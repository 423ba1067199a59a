/// Compresses files of the pages for browsers: gzip (RFC 1952) around one DEFLATE block with the fixed codes (RFC 1951, 3.2.6).
///
/// The fixed codes need no statistics of the text and come within a fifth of what the best codes would reach on scripts.
enum Gzip {
    /// The bytes as a gzip member.
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255]
        out.reserveCapacity(bytes.count / 2 + 32)
        var writer = DeflateWriter(into: out)
        writer.put(1, bits: 1)  // the last block
        writer.put(1, bits: 2)  // fixed codes
        deflate(bytes, &writer)
        writer.symbol(256)
        out = writer.finish()
        for value in [CRC32.of(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                out.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        return out
    }

    private static let window = 32_768
    private static let shortest = 3
    private static let longest = 258
    /// How many earlier places with the same three bytes are looked at.
    private static let patience = 48
    private static let buckets = 1 << 14

    /// Text as literals and references to what stands earlier.
    private static func deflate(_ bytes: [UInt8], _ writer: inout DeflateWriter) {
        var latest = [Int32](repeating: -1, count: buckets)
        var earlier = [Int32](repeating: -1, count: bytes.count)
        func bucket(_ at: Int) -> Int {
            let three = UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
            return Int((three &* 0x9E37_79B1) >> 18)
        }
        func note(_ at: Int) {
            guard at + shortest <= bytes.count else { return }
            let bucket = bucket(at)
            earlier[at] = latest[bucket]
            latest[bucket] = Int32(at)
        }
        func best(_ at: Int) -> (length: Int, distance: Int) {
            guard at + shortest <= bytes.count else { return (0, 0) }
            var found = (length: 0, distance: 0)
            var candidate = Int(latest[bucket(at)])
            var left = patience
            let most = min(longest, bytes.count - at)
            while candidate >= 0, at - candidate <= window, left > 0 {
                var length = 0
                while length < most, bytes[candidate + length] == bytes[at + length] { length += 1 }
                if length > found.length { found = (length, at - candidate) }
                if length == most { break }
                candidate = Int(earlier[candidate])
                left -= 1
            }
            return found.length >= shortest ? found : (0, 0)
        }
        var at = 0
        while at < bytes.count {
            let found = best(at)
            note(at)
            // One literal more may begin a longer reference.
            if found.length == 0 || (found.length < 32 && best(at + 1).length > found.length) {
                writer.symbol(Int(bytes[at]))
                at += 1
                continue
            }
            writer.reference(length: found.length, distance: found.distance)
            for passed in 1..<found.length { note(at + passed) }
            at += found.length
        }
    }
}

/// Bits of a DEFLATE stream, the lowest first.
private struct DeflateWriter {
    private static let lengths = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let distances = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]

    private var bytes: [UInt8]
    private var pending: UInt64 = 0
    private var count = 0

    init(into bytes: [UInt8]) { self.bytes = bytes }

    mutating func put(_ value: Int, bits: Int) {
        pending |= UInt64(value) << UInt64(count)
        count += bits
        while count >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            count -= 8
        }
    }

    /// A literal, the end of the block, or the code of a length.
    mutating func symbol(_ symbol: Int) {
        switch symbol {
        case ..<144: code(0x30 + symbol, bits: 8)
        case ..<256: code(0x190 + symbol - 144, bits: 9)
        case ..<280: code(symbol - 256, bits: 7)
        default: code(0xC0 + symbol - 280, bits: 8)
        }
    }

    mutating func reference(length: Int, distance: Int) {
        let longer = Self.lengths.firstIndex { $0 > length } ?? Self.lengths.count
        symbol(257 + longer - 1)
        put(length - Self.lengths[longer - 1], bits: longer - 1 < 8 || longer == 29 ? 0 : (longer - 1) / 4 - 1)
        let farther = Self.distances.firstIndex { $0 > distance } ?? Self.distances.count
        code(farther - 1, bits: 5)
        put(distance - Self.distances[farther - 1], bits: farther - 1 < 4 ? 0 : (farther - 1) / 2 - 1)
    }

    /// Codes stand with their highest bit first.
    private mutating func code(_ value: Int, bits: Int) {
        var turned = 0
        for bit in 0..<bits where value & (1 << bit) != 0 { turned |= 1 << (bits - 1 - bit) }
        put(turned, bits: bits)
    }

    mutating func finish() -> [UInt8] {
        if count > 0 { bytes.append(UInt8(truncatingIfNeeded: pending)) }
        return bytes
    }
}

/// The check sum of gzip (RFC 1952, 8).
private enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { start in
        (0..<8).reduce(UInt32(start)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    }
}
