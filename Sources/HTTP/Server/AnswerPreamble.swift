import EventLoop

/// The fields that every answer begins with, written once a second: `Date`, `X-Content-Type-Options` and the name of
/// `X-Request-Id`. Loop-confined.
final class AnswerPreamble {
    private var bytes: [UInt8] = []
    private var validUntil: MonotonicTime?

    /// The bytes behind the status line, up to the request's id.
    func bytes(at now: MonotonicTime) -> [UInt8] {
        if let validUntil, now < validUntil { return bytes }
        let time = SystemTime().now()
        let next = Duration.microseconds((time.seconds + 1) * 1_000_000 - time.microseconds)
        validUntil = now + next
        bytes = Array("Date: \(time.httpDate)\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: ".utf8)
        return bytes
    }
}

extension Timestamp {
    /// The IMF-fixdate of RFC 9110 section 5.6.7: `Tue, 24 Nov 2026 20:00:58 GMT`.
    public var httpDate: String {
        let text = Timestamp(seconds: seconds).rfc3339.utf8.map { $0 }
        let days = Int(seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7 + 7) % 7]
        let part = { (range: Range<Int>) in String(decoding: text[range], as: UTF8.self) }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months[(Int(part(5..<7)) ?? 1) - 1]
        return "\(weekday), \(part(8..<10)) \(month) \(part(0..<4)) \(part(11..<19)) GMT"
    }
}

/// Ids of requests: 9 random characters of this loop and 6 of a counter. Unique across processes, and at 15 bytes a
/// string without memory of its own. Loop-confined.
final class RequestIDSequence {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private let prefix: UInt64
    private var counter: UInt64

    init() {
        prefix = UInt64.random(in: 0..<(1 << 54))
        counter = UInt64.random(in: 0..<(1 << 32))
    }

    func next() -> String {
        counter &+= 1
        let alphabet = Self.alphabet
        return String(unsafeUninitializedCapacity: 15) { buffer in
            for place in 0..<9 { buffer[place] = alphabet[Int(prefix >> UInt64(place * 6) & 63)] }
            for place in 0..<6 { buffer[9 + place] = alphabet[Int(counter >> UInt64(30 - place * 6) & 63)] }
            return 15
        }
    }
}
