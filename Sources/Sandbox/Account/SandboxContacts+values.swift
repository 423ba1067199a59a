extension SandboxContacts {
    /// Appends the JSON value of a field.
    func append(_ field: Int, of index: Int, to out: inout [UInt8]) {
        switch field {
        case 1: appendName(index, field, Names.first, to: &out)
        case 2: appendName(index, field, Names.last, to: &out)
        case 3: appendEmail(owner(index, 3), to: &out)
        case 4: appendDate(index, field, years: 1945...2006, blankPercent: 30, to: &out)
        case 5: appendChoice(index, field, ["1", "2"], blankPercent: 15, to: &out)
        case 9, 46: appendChoice(index, field, ["1", "2", "4"], blankPercent: 30, to: &out)
        case 0: appendChoices(index, field, ["1", "2", "3"], to: &out)
        case 10: appendStreet(index, to: &out)
        case 11: appendText(Names.cities[roll(index, 11, UInt64(Names.cities.count))], to: &out)
        case 13: appendNumber(10_000 + roll(index, 13, 80_000), to: &out)
        case 14: appendText(SandboxContacts.countries[country(index)], to: &out)
        case 15: appendLandline(index, to: &out)
        case 31: appendChoice(index, field, ["1", "1", "1", "2"], blankPercent: 10, to: &out)
        case 37: appendMobile(owner(index, 37), to: &out)
        case 48: appendDate(index, field, years: 2012...2025, blankPercent: 0, to: &out)
        case 503: appendChoice(index, field, ["1", "1", "2", "3", "4"], blankPercent: 20, to: &out)
        case 504: appendChoices(index, field, ["11", "12", "13", "14", "15", "16"], to: &out)
        case 505: appendNumber(roll(index, 505 + age(index, 505), 50_000), to: &out)
        case 506: appendDate(index, field, years: 2023...2026, blankPercent: 40, to: &out)
        case 507:
            appendText("Filiale \(Names.plainCities[roll(index, 507, UInt64(Names.plainCities.count))])", to: &out)
        case 508: appendProfile(index, to: &out)
        case 509: appendText("C-\(index + 1)", to: &out)
        case 510: appendText("https:\\/\\/shop.example\\/people\\/\(index + 1)", to: &out)
        case 512: appendNumber(35 + roll(index, 512, 12), to: &out)
        case 513: appendDate(index, field, years: 1990...2024, blankPercent: 70, to: &out)
        case 514: appendChoice(index, field, ["1", "2"], blankPercent: 50, to: &out)
        case 515...530: appendText("trait \(roll(index, field + 100 * age(index, field), 40))", to: &out)
        default: SandboxContacts.appendNull(to: &out)
        }
    }

    static let countries: [StaticString] = ["65", "10", "168"]

    /// 0 Germany, 1 Austria, 2 Switzerland.
    func country(_ index: Int) -> Int {
        let die = roll(index, 14, 100)
        return die < 80 ? 0 : (die < 92 ? 1 : 2)
    }

    static func appendNull(to out: inout [UInt8]) {
        out.append(contentsOf: [0x6E, 0x75, 0x6C, 0x6C])
    }

    private func appendText(_ text: String, to out: inout [UInt8]) {
        out.append(0x22)
        out.append(contentsOf: text.utf8)
        out.append(0x22)
    }

    private func appendText(_ text: StaticString, to out: inout [UInt8]) {
        out.append(0x22)
        SandboxContacts.append(text, to: &out)
        out.append(0x22)
    }

    static func append(_ text: StaticString, to out: inout [UInt8]) {
        text.withUTF8Buffer { out.append(contentsOf: $0) }
    }

    private func appendNumber(_ number: Int, to out: inout [UInt8]) {
        out.append(0x22)
        SandboxContacts.appendDigits(number, to: &out)
        out.append(0x22)
    }

    /// Appends a number in decimal, padded by zeroes to `width`.
    static func appendDigits(_ number: Int, width: Int = 1, to out: inout [UInt8]) {
        let start = out.count
        var rest = max(0, number)
        repeat {
            out.append(UInt8(0x30 + rest % 10))
            rest /= 10
        } while rest > 0 || out.count - start < width
        out[start...].reverse()
    }

    private func appendName(_ index: Int, _ field: Int, _ names: [StaticString], to out: inout [UInt8]) {
        let die = roll(index, 100 + field, 100)
        if die < 2 { return SandboxContacts.appendNull(to: &out) }
        if die == 2 { return appendText("" as StaticString, to: &out) }
        let name = names[roll(index, field + 1000 * age(index, field), UInt64(names.count))]
        if die == 3 {
            out.append(contentsOf: [0x22, 0x20])
            SandboxContacts.append(name, to: &out)
            out.append(contentsOf: [0x20, 0x22])
        } else {
            appendText(name, to: &out)
        }
    }

    private func appendEmail(_ index: Int, to out: inout [UInt8]) {
        let die = roll(index, 103, 100)
        if die < 3 { return SandboxContacts.appendNull(to: &out) }
        if die == 3 { return appendText("" as StaticString, to: &out) }
        if die == 4 { return appendText("not an e-mail" as StaticString, to: &out) }
        out.append(0x22)
        let start = out.count
        SandboxContacts.append(Names.plainFirst[roll(index, 1, UInt64(Names.first.count))], to: &out)
        out.append(0x2E)
        SandboxContacts.append(Names.plainLast[roll(index, 2, UInt64(Names.last.count))], to: &out)
        out.append(0x2E)
        SandboxContacts.appendDigits(index, to: &out)
        SandboxContacts.append("@example.com", to: &out)
        if die == 5 { out[start] &= 0xDF }
        out.append(0x22)
    }

    private func appendDate(
        _ index: Int, _ field: Int, years: ClosedRange<Int>, blankPercent: Int, to out: inout [UInt8]
    ) {
        let die = dice(index, 200 + field + 1000 * age(index, field))
        if Int(die % 100) < blankPercent { return SandboxContacts.appendNull(to: &out) }
        out.append(0x22)
        SandboxContacts.appendDigits(years.lowerBound + Int(die / 100 % UInt64(years.count)), width: 4, to: &out)
        out.append(0x2D)
        SandboxContacts.appendDigits(1 + Int(die / 10_000 % 12), width: 2, to: &out)
        out.append(0x2D)
        SandboxContacts.appendDigits(1 + Int(die / 200_000 % 28), width: 2, to: &out)
        out.append(0x22)
    }

    private func appendChoice(
        _ index: Int, _ field: Int, _ ids: [StaticString], blankPercent: Int, to out: inout [UInt8]
    ) {
        let die = dice(index, 300 + field + 1000 * age(index, field))
        if Int(die % 100) < blankPercent { return SandboxContacts.appendNull(to: &out) }
        appendText(ids[Int(die / 100 % UInt64(ids.count))], to: &out)
    }

    private func appendChoices(_ index: Int, _ field: Int, _ ids: [StaticString], to out: inout [UInt8]) {
        let die = dice(index, 400 + field + 1000 * age(index, field))
        out.append(0x5B)
        var isFirst = true
        for (bit, id) in ids.enumerated() where die >> UInt64(bit) & 1 == 1 {
            if !isFirst { out.append(0x2C) }
            isFirst = false
            appendText(id, to: &out)
        }
        out.append(0x5D)
    }

    private func appendStreet(_ index: Int, to out: inout [UInt8]) {
        out.append(0x22)
        SandboxContacts.append(Names.streets[roll(index, 10, UInt64(Names.streets.count))], to: &out)
        out.append(0x20)
        SandboxContacts.appendDigits(1 + roll(index, 510, 140), to: &out)
        out.append(0x22)
    }

    private func appendProfile(_ index: Int, to out: inout [UInt8]) {
        let die = roll(index, 508, 10)
        if die > 2 { return SandboxContacts.appendNull(to: &out) }
        out.append(0x22)
        for line in 0...die {
            SandboxContacts.append("Mag \\\"klassisch\\\" \u{1F9E5} und l\\u00e4ssig;\\n", to: &out)
            SandboxContacts.append(Names.streets[roll(index, 520 + line, UInt64(Names.streets.count))], to: &out)
        }
        out.append(0x22)
    }
}
