/// PostgreSQL's binary `numeric`: groups of four decimal digits, with the weight of the first group, a sign and the display
/// scale (`numeric_send`).
enum NumericText {
    /// The decimal text as PostgreSQL would print it; nil for malformed input.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
        func word(_ index: Int) -> Int { Int(bytes[index * 2]) << 8 | Int(bytes[index * 2 + 1]) }
        let groups = word(0)
        let weight = Int(Int16(truncatingIfNeeded: word(1)))
        let scale = word(3)
        guard bytes.count == 8 + groups * 2 else { return nil }
        switch word(2) {
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        case 0x0000, 0x4000: break
        default: return nil
        }
        func group(_ index: Int) -> String {
            guard index >= 0, index < groups else { return "0000" }
            let digits = String(word(4 + index))
            return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        var whole = ""
        if weight >= 0 { for index in 0...weight { whole += group(index) } }
        whole = String(whole.drop { $0 == "0" })
        if whole.isEmpty { whole = "0" }
        var text = (word(2) == 0x4000 ? "-" : "") + whole
        if scale > 0 {
            var fraction = ""
            var index = weight + 1
            while fraction.utf8.count < scale {
                fraction += group(index)
                index += 1
            }
            text += "." + fraction.prefix(scale)
        }
        return text
    }
}
