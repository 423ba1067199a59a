/// A phone number as it is stored and compared.
public struct NormalisedPhone: Sendable, Hashable {
    /// What was done to a number on its way to E.164.
    public enum Flag: String, Sendable, Hashable {
        /// A national number was completed with the tenant's default country.
        case assumedCountry = "assumed_country"
        /// A trunk zero after the country code was removed: +49 0151… is +49 151…
        case trunkZeroRemoved = "trunk_zero_removed"
    }

    /// E.164 with a leading `+`, 8 to 16 characters.
    public let value: String
    /// What was done to it.
    public let flags: [Flag]

    /// Other spellings of the same line, for look-up only and never stored: the ninth digit of Brazil, the 1 of Mexico, the 9
    /// of Argentina.
    public var variants: [String] { PhoneNumber.variants(of: value) }
}

/// Why a phone number cannot be used.
public enum PhoneFault: String, Error, Sendable, Hashable {
    /// Empty, or a word that stands for nothing.
    case absent = "phone_absent"
    /// A national number, and the tenant has no default country.
    case missingCountryCode = "phone_missing_country_code"
    /// Letters or other characters that no phone number has.
    case invalidCharacters = "phone_invalid_characters"
    /// Fewer than 7 or more than 15 digits.
    case invalidLength = "phone_invalid_length"
    /// No country has this code.
    case unknownCountryCode = "phone_unknown_country_code"
    /// A number that nobody has: equal digits, a run such as 123456789, or one on the tenant's list.
    case blocked = "phone_blocked"
}

/// The one normaliser of phone numbers, for writing and for looking up.
///
/// Nothing is guessed: a number that starts with 1 to 9 is taken as country code and national number, never as a national
/// number of a default region (libphonenumber's FAQ: 49 is Germany's code and an area code). Whether the numbering plan knows the
/// number is not asked, since plans change.
public enum PhoneNumber {
    /// Brings a number into E.164.
    ///
    /// - Parameters:
    ///   - raw: as received
    ///   - defaultCountry: ISO 3166-1 alpha-2, to complete national numbers with; nil refuses them
    ///   - blocked: the tenant's own numbers and its block list, in E.164
    public static func normalise(_ raw: String, defaultCountry: String? = nil, blocked: Set<String> = [])
        -> Result<NormalisedPhone, PhoneFault>
    {
        guard IdentifierText.present(raw) != nil else { return .failure(.absent) }
        guard var text = cleaned(raw) else { return .failure(.invalidCharacters) }
        var flags: [NormalisedPhone.Flag] = []
        let startsInternationally = text.first == 0x2B || text.starts(with: [0x30, 0x30]) || isDigit1To9(text.first)
        text = withoutBrackets(text, dropsTrunkZero: startsInternationally)
        if text.isEmpty { return .failure(.absent) }

        var digits: [UInt8]
        if text.first == 0x2B {
            digits = Array(text.dropFirst())
            // "+0049…" is seen where a form puts a plus in front of whatever was typed.
            if digits.starts(with: [0x30, 0x30]) { digits.removeFirst(2) }
        } else if text.starts(with: [0x30, 0x30]) {
            digits = Array(text.dropFirst(2))
        } else if isDigit1To9(text.first) {
            digits = text
        } else if let country = defaultCountry, let code = CallingCodes.code(ofCountry: country) {
            let keepsZero = CallingCodes.keepsTrunkZero.contains(code)
            digits = Array(code.utf8) + (keepsZero ? text : Array(text.dropFirst()))
            flags.append(.assumedCountry)
        } else {
            return .failure(text.contains(where: { $0 == 0x2B }) ? .invalidCharacters : .missingCountryCode)
        }
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return .failure(.invalidCharacters) }
        guard digits.count >= 2 else { return .failure(.invalidLength) }
        guard let length = CallingCodes.lengthOfCode(digits) else {
            return .failure(digits.count < 7 ? .invalidLength : .unknownCountryCode)
        }
        let code = String(decoding: digits[..<length], as: UTF8.self)
        if digits.count > length, digits[length] == 0x30, !CallingCodes.keepsTrunkZero.contains(code) {
            digits.remove(at: length)
            if !flags.contains(.assumedCountry) { flags.append(.trunkZeroRemoved) }
            if digits.count > length, digits[length] == 0x30 { return .failure(.blocked) }
        }
        guard (7...15).contains(digits.count) else { return .failure(.invalidLength) }
        let value = "+" + String(decoding: digits, as: UTF8.self)
        if isNobodys(digits) || isNobodys(digits[length...], atLeast: 7) || blocked.contains(value) {
            return .failure(.blocked)
        }
        return .success(NormalisedPhone(value: value, flags: flags))
    }

    /// Digits, plus and brackets; separators and invisible marks dropped, digits of any script made ASCII. Nil where something
    /// else is left.
    private static func cleaned(_ raw: String) -> [UInt8]? {
        var text: [UInt8] = []
        text.reserveCapacity(raw.utf8.count)
        for scalar in raw.unicodeScalars {
            switch scalar.value {
            case 0x30...0x39, 0x28, 0x29: text.append(UInt8(scalar.value))
            case 0x2B, 0xFF0B, 0xFE62, 0x207A:
                // Only the first plus counts, and only in front.
                guard !text.contains(where: { $0 != 0x28 }) else { return nil }
                text.append(0x2B)
            case 0x20, 0x2D, 0x2E, 0x2F, 0xB7: continue
            // Hyphens, dashes, minus signs, full-width separators.
            case 0x2010...0x2015, 0x2043, 0x2212, 0xFE58, 0xFE63, 0xFF0D, 0xFF0E, 0xFF0F, 0x30FC: continue
            case 0xFF08: text.append(0x28)
            case 0xFF09: text.append(0x29)
            default:
                if IdentifierText.isBlank(scalar) { continue }
                guard scalar.value >= 0x80, let number = scalar.properties.numericValue,
                    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit,
                    number >= 0, number <= 9
                else { return nil }
                text.append(0x30 + UInt8(number))
            }
        }
        return text
    }

    /// Brackets are decoration, except that a bracketed zero after a country code is the trunk zero.
    private static func withoutBrackets(_ text: [UInt8], dropsTrunkZero: Bool) -> [UInt8] {
        guard text.contains(0x28) || text.contains(0x29) else { return text }
        var result: [UInt8] = []
        var index = 0
        while index < text.count {
            if dropsTrunkZero, !result.isEmpty, text[index] == 0x28, index + 2 < text.count, text[index + 1] == 0x30,
                text[index + 2] == 0x29
            {
                index += 3
                continue
            }
            if text[index] != 0x28, text[index] != 0x29 { result.append(text[index]) }
            index += 1
        }
        return result
    }

    private static func isDigit1To9(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x31 && $0 <= 0x39 } ?? false }

    /// Equal digits, or a run up or down of at least eight.
    private static func isNobodys(_ digits: some BidirectionalCollection<UInt8>, atLeast: Int = 1) -> Bool {
        guard digits.count >= atLeast, let first = digits.first else { return false }
        if digits.allSatisfy({ $0 == first }) { return true }
        guard digits.count >= 8 else { return false }
        func isRun(_ step: Int) -> Bool {
            zip(digits, digits.dropFirst()).allSatisfy { (Int($0) - 48 + step + 10) % 10 == Int($1) - 48 }
        }
        return isRun(1) || isRun(-1)
    }

    static func variants(of value: String) -> [String] {
        let digits = value.dropFirst()
        if digits.hasPrefix("55") {
            let area = digits.dropFirst(2).prefix(2)
            let line = digits.dropFirst(4)
            if line.count == 9, line.first == "9" { return ["+55\(area)\(line.dropFirst())"] }
            if line.count == 8 { return ["+55\(area)9\(line)"] }
        } else if digits.hasPrefix("521"), digits.count == 13 {
            return ["+52\(digits.dropFirst(3))"]
        } else if digits.hasPrefix("52"), digits.count == 12 {
            return ["+521\(digits.dropFirst(2))"]
        } else if digits.hasPrefix("549"), digits.count == 13 {
            return ["+54\(digits.dropFirst(3))"]
        } else if digits.hasPrefix("54"), digits.count == 12 {
            return ["+549\(digits.dropFirst(2))"]
        }
        return []
    }
}
