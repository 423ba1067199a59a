import EventLoop

/// How far our clock is from Emarsys'.
///
/// WSSE headers are refused with a bare 401 when the clocks differ by more than five minutes, which looks like a wrong
/// secret; the answer's `Date` field tells the two apart.
enum ClockSkew {
    /// Emarsys accepts five minutes; the field is good to a second or two.
    static let tolerated = 270

    /// The difference in seconds, positive when our clock is ahead; nil if `date` is no IMF-fixdate (RFC 9110 5.6.7)
    /// or the difference is small enough to be accepted.
    static func seconds(date: String?, now: Timestamp) -> Int? {
        guard let date, let theirs = timestamp(date) else { return nil }
        let difference = Int(clamping: now.seconds - theirs.seconds)
        return abs(difference) > tolerated ? difference : nil
    }

    /// Reads `Tue, 24 Nov 2026 20:00:58 GMT`.
    private static func timestamp(_ date: String) -> Timestamp? {
        let words = date.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
