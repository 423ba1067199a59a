extension Timestamp {
    /// Parses an RFC 3339 date-time, such as `2026-11-24T20:00:58.25+01:00`. Years 0001 to 9999; digits beyond the
    /// microsecond are cut; second 60 is taken as the next minute's first.
    public init?(rfc3339 text: some StringProtocol) {
        var scanner = DigitScanner(bytes: Array(text.utf8))
        guard let year = scanner.number(digits: 4), scanner.take("-"), let month = scanner.number(digits: 2),
            scanner.take("-"), let day = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
            let hour = scanner.number(digits: 2), scanner.take(":"), let minute = scanner.number(digits: 2),
            scanner.take(":"), let second = scanner.number(digits: 2)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        guard year >= 1, date.isValid, hour <= 23, minute <= 59, second <= 60 else { return nil }
        var fraction: Int64 = 0
        if scanner.take(".") {
            guard let microseconds = scanner.fraction() else { return nil }
            fraction = microseconds
        }
        var offset: Int64 = 0
        if !scanner.take("Z") && !scanner.take("z") {
            let isEast = scanner.take("+")
            guard isEast || scanner.take("-"), let hours = scanner.number(digits: 2), scanner.take(":"),
                let minutes = scanner.number(digits: 2), hours <= 23, minutes <= 59
            else { return nil }
            offset = (hours * 60 + minutes) * (isEast ? 60 : -60)
        }
        guard scanner.isAtEnd else { return nil }
        let seconds = date.daysSince1970 * 86400 + hour * 3600 + minute * 60 + second - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    /// The RFC 3339 form in UTC, with as many fraction digits (0, 3 or 6) as needed: `2026-11-24T20:00:58.250Z`.
    public var rfc3339: String {
        let seconds = seconds
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let date = CivilDate(daysSince1970: days)
        let secondOfDay = seconds - days * 86400
        let fraction = microseconds - seconds * 1_000_000
        return String(unsafeUninitializedCapacity: 32) { buffer in
            var writer = DigitWriter(buffer: buffer)
            writer.number(date.year, digits: 4)
            writer.byte("-")
            writer.number(date.month, digits: 2)
            writer.byte("-")
            writer.number(date.day, digits: 2)
            writer.byte("T")
            writer.number(secondOfDay / 3600, digits: 2)
            writer.byte(":")
            writer.number(secondOfDay / 60 % 60, digits: 2)
            writer.byte(":")
            writer.number(secondOfDay % 60, digits: 2)
            if fraction != 0 {
                writer.byte(".")
                if fraction % 1000 == 0 {
                    writer.number(fraction / 1000, digits: 3)
                } else {
                    writer.number(fraction, digits: 6)
                }
            }
            writer.byte("Z")
            return writer.count
        }
    }
}

extension Timestamp: CustomStringConvertible {
    /// The RFC 3339 form.
    public var description: String { rfc3339 }
}

private struct DigitScanner {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    mutating func digit() -> Int64? {
        guard position < bytes.count, (48...57).contains(bytes[position]) else { return nil }
        defer { position += 1 }
        return Int64(bytes[position] - 48)
    }

    mutating func number(digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// At least one digit; the first six count.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while let digit = digit() {
            if count < 6 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in 0..<max(0, 6 - count) { value *= 10 }
        return value
    }
}

/// Writes decimal digits into memory that is known to be large enough (at most 27 bytes here; a year beyond 9999,
/// which only a clock gone mad gives, keeps its last four digits).
private struct DigitWriter {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    var count = 0

    init(buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func byte(_ character: Unicode.Scalar) {
        buffer[count] = UInt8(truncatingIfNeeded: character.value)
        count += 1
    }

    mutating func number(_ value: Int64, digits: Int) {
        var rest = value.magnitude
        for place in stride(from: digits - 1, through: 0, by: -1) {
            buffer[count + place] = UInt8(48 + rest % 10)
            rest /= 10
        }
        count += digits
    }
}
