import JSON

/// An amount of money or a quantity with four decimal places, exact: `numeric(18, 4)`, never binary floating point.
public struct Amount: Sendable, Hashable, Comparable {
    /// Ten-thousandths.
    let units: Int64

    private static let limit: Int64 = 1_000_000_000_000_000_000

    /// 0
    public static let zero = Amount(units: 0)

    private init(units: Int64) { self.units = units }

    private init?(wide: Int128) {
        guard wide.magnitude < Self.limit.magnitude, let units = Int64(exactly: wide) else { return nil }
        self.units = units
    }

    /// Reads `12`, `-12.5`, `12,50`, `1.2e1`; at most 14 digits before the point. What lies behind the fourth place is rounded
    /// half away from zero. nil for anything else.
    public init?(_ text: String) {
        var bytes = Array(text.trimmed.utf8)[...]
        guard !bytes.isEmpty, bytes.count <= 40 else { return nil }
        var isNegative = false
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") {
            isNegative = bytes.removeFirst() == UInt8(ascii: "-")
        }
        var exponent = 0
        if let place = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            guard let value = Int(String(decoding: bytes[(place + 1)...], as: UTF8.self)), abs(value) <= 30 else {
                return nil
            }
            exponent = value
            bytes = bytes[..<place]
        }
        var value: Int128 = 0
        var digits = 0
        var places: Int?
        for byte in bytes {
            if byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") {
                guard places == nil else { return nil }
                places = 0
                continue
            }
            guard (48...57).contains(byte) else { return nil }
            digits += 1
            value = value * 10 + Int128(byte - 48)
            if let before = places { places = before + 1 }
        }
        guard digits > 0, digits <= 34 else { return nil }
        var shift = 4 - (places ?? 0) + exponent
        while shift > 0 {
            guard value < Int128(Self.limit) * 10 else { return nil }
            value *= 10
            shift -= 1
        }
        if shift < 0 {
            var divisor: Int128 = 1
            for _ in 0..<min(-shift, 37) { divisor *= 10 }
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
            value = quotient + (remainder * 2 >= divisor ? 1 : 0)
        }
        self.init(wide: isNegative ? -value : value)
    }

    /// From a JSON string or number.
    init?(_ json: JSON?) {
        switch json {
        case .string(let text)?: self.init(text)
        case .number(let number)?: self.init(number.text)
        default: return nil
        }
    }

    /// The product, rounded half away from zero; nil where it is too large.
    func times(_ other: Amount) -> Amount? {
        let product = Int128(units) * Int128(other.units)
        let half: Int128 = product < 0 ? -5000 : 5000
        return Amount(wide: (product + half) / 10_000)
    }

    /// The sum; nil where it is too large.
    func plus(_ other: Amount) -> Amount? { Amount(wide: Int128(units) + Int128(other.units)) }

    /// The difference; nil where it is too large.
    func minus(_ other: Amount) -> Amount? { Amount(wide: Int128(units) - Int128(other.units)) }

    /// The amount without its sign.
    var magnitude: Amount { Amount(units: abs(units)) }

    /// At least two decimal places, four where they are needed: `12.50`, `0.0125`.
    public var text: String {
        let magnitude = units.magnitude
        var fraction = String(magnitude % 10_000)
        fraction = String(repeating: "0", count: 4 - fraction.utf8.count) + fraction
        while fraction.utf8.count > 2, fraction.hasSuffix("0") { fraction.removeLast() }
        return (units < 0 ? "-" : "") + String(magnitude / 10_000) + "." + fraction
    }

    /// Orders by value.
    public static func < (left: Amount, right: Amount) -> Bool { left.units < right.units }
}
