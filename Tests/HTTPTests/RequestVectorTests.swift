import JSON
import TestSupport
import Testing

@testable import HTTP

@Suite("The HTTP request vectors", .enabled(if: TestVectors.areAvailable))
struct RequestVectorTests {
    private struct Vector {
        let title: String
        let bytes: [UInt8]
        let isAccepted: Bool
        let reason: String
    }

    /// Stricter here than the vectors: HTTP/0.9 is refused, and of transfer codings `chunked` alone is taken.
    private static let stricter: [String: HTTPParseError] = [
        "No HTTP version": .malformedHead,
        "POST with `chunked` as last transfer-encoding": .invalidTransferEncoding,
        "POST with `chunked` as last transfer-encoding (multiple headers)": .invalidTransferEncoding,
    ]

    private func vectors() throws -> [Vector] {
        try #require(try TestVectors.load("http_requests.json").array).compactMap { vector in
            let title = try #require(vector["title"]?.string)
            let bytes = try #require(vector.base64("base64"))
            let reason = vector["reason"]?.string ?? ""
            let firstLine = String(decoding: bytes.prefix { $0 != 0x0D }, as: UTF8.self)
            // Other protocols, tunnels and upgrades.
            let isForeign = firstLine.hasSuffix(" RTSP/1.0") || firstLine.hasSuffix(" ICE/1.0")
            if isForeign || reason == "Pause on CONNECT/Upgrade" { return nil }
            return Vector(title: title, bytes: bytes, isAccepted: vector["expect"] == "accept", reason: reason)
        }
    }

    @Test("are judged right in one piece")
    func whole() throws {
        let vectors = try vectors()
        #expect(vectors.count == 115)
        for vector in vectors {
            let stream = RequestStream(vector.bytes, requiresHost: false)
            if let error = Self.stricter[vector.title] {
                #expect(stream.error == error, "\(vector.title)")
            } else if vector.isAccepted {
                #expect(stream.error == nil, "\(vector.title)")
                #expect(!stream.requests.isEmpty || stream.isUnfinished, "\(vector.title)")
            } else if vector.reason.hasPrefix("Data after") {
                #expect(stream.requests.count == 1 && stream.ignored > 0, "\(vector.title)")
            } else {
                #expect(stream.error != nil, "\(vector.title): \(stream)")
            }
        }
    }

    @Test("are judged the same byte by byte")
    func byteByByte() throws {
        for vector in try vectors() {
            let pieces = vector.bytes.indices.map { vector.bytes[$0...$0] }
            #expect(
                RequestStream(pieces, requiresHost: false) == RequestStream(vector.bytes, requiresHost: false),
                "\(vector.title)")
        }
    }

    @Test("are judged the same in random pieces")
    func randomPieces() throws {
        var random = SplitMix(seed: 7)
        for vector in try vectors() {
            let whole = RequestStream(vector.bytes, requiresHost: false)
            for _ in 0..<20 {
                var pieces: [ArraySlice<UInt8>] = []
                var place = 0
                while place < vector.bytes.count {
                    let end = min(vector.bytes.count, place + Int.random(in: 1...40, using: &random))
                    pieces.append(vector.bytes[place..<end])
                    place = end
                }
                #expect(RequestStream(pieces, requiresHost: false) == whole, "\(vector.title)")
            }
        }
    }

    @Test("without a Host are refused once their framing was right")
    func hostRules() throws {
        for vector in try vectors() where vector.isAccepted && Self.stricter[vector.title] == nil {
            let text = String(decoding: vector.bytes, as: UTF8.self)
            let stream = RequestStream(vector.bytes)
            if text.lowercased().contains("\r\nhost:") {
                #expect(stream.error == nil, "\(vector.title)")
            } else if !RequestStream(vector.bytes, requiresHost: false).requests.isEmpty {
                #expect(stream.error == .missingHost, "\(vector.title)")
            }
        }
    }
}

/// A small reproducible generator, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
