extension SandboxContacts {
    /// Appends the mobile number: mostly `+49…`, sometimes in the forms people type.
    func appendMobile(_ index: Int, to out: inout [UInt8]) {
        let die = roll(index, 137, 1000)
        if die < 60 { return SandboxContacts.appendNull(to: &out) }
        if die < 75 { return SandboxContacts.append("\"\"", to: &out) }
        let garbage: [StaticString] = ["\"n\\/a\"", "\"123\"", "\"unbekannt\"", "\"0000000000\"", "\"+49\""]
        if die < 95 { return SandboxContacts.append(garbage[die % garbage.count], to: &out) }
        let country = country(index)
        let prefix: StaticString = country == 0 ? "151" : (country == 1 ? "664" : "79")
        let code: StaticString = country == 0 ? "49" : (country == 1 ? "43" : "41")
        // Numbers are a permutation of the index, so that only deliberately shared ones are equal.
        let age = age(index, 37)
        let wide = (index &* 48_271 + 1_234_567 + age * 7_919) % 100_000_000
        let number = country == 2 ? wide % 10_000_000 : wide
        let width = country == 2 ? 7 : 8
        out.append(0x22)
        switch die {
        case ..<700:
            out.append(0x2B)
            SandboxContacts.append(code, to: &out)
            SandboxContacts.append(prefix, to: &out)
        case ..<850:
            SandboxContacts.append(code, to: &out)
            SandboxContacts.append(prefix, to: &out)
        case ..<900:
            SandboxContacts.append("00", to: &out)
            SandboxContacts.append(code, to: &out)
            SandboxContacts.append(prefix, to: &out)
        case ..<940:
            SandboxContacts.append("0", to: &out)
            SandboxContacts.append(prefix, to: &out)
            SandboxContacts.append(" \\/ ", to: &out)
        case ..<970:
            out.append(0x2B)
            SandboxContacts.append(code, to: &out)
            SandboxContacts.append(" (0) ", to: &out)
            SandboxContacts.append(prefix, to: &out)
            SandboxContacts.append("-", to: &out)
        default:
            out.append(0x2B)
            SandboxContacts.append(code, to: &out)
            SandboxContacts.append("\u{00A0}", to: &out)
            SandboxContacts.append(prefix, to: &out)
            SandboxContacts.append(" ", to: &out)
        }
        SandboxContacts.appendDigits(number, width: width, to: &out)
        out.append(0x22)
    }

    /// Appends the landline number, which two of five contacts have.
    func appendLandline(_ index: Int, to out: inout [UInt8]) {
        guard roll(index, 115, 5) < 2 else { return SandboxContacts.appendNull(to: &out) }
        out.append(0x22)
        SandboxContacts.append("+4930", to: &out)
        SandboxContacts.appendDigits((index &* 7_919 + 20_000_000) % 100_000_000, width: 8, to: &out)
        out.append(0x22)
    }
}
