import Testing

@testable import Tenancy

@Suite("Phone numbers")
struct PhoneNumberTests {
    private func value(_ raw: String, country: String? = nil) -> String? {
        try? PhoneNumber.normalise(raw, defaultCountry: country).get().value
    }

    private func fault(_ raw: String, country: String? = nil) -> PhoneFault? {
        if case .failure(let fault) = PhoneNumber.normalise(raw, defaultCountry: country) { return fault }
        return nil
    }

    @Test(
        "spellings of one number are one number",
        arguments: [
            "+4915112345678", "4915112345678", "004915112345678", "+49 151 123-456/78", "+49 (0)151 12345678",
            "0049 (0) 151 12345678", "+49(151)12345678", " +49 151 1234 5678 ", "\u{202A}+49 151 12345678\u{202C}",
            "+4901511 2345678", "＋４９１５１１２３４５６７８", "+٤٩١٥١١٢٣٤٥٦٧٨", "+49\u{00A0}151\u{2011}12345678",
            "+004915112345678",
        ])
    func spellings(_ raw: String) {
        #expect(value(raw) == "+4915112345678")
    }

    @Test("a national number needs the tenant's country")
    func national() throws {
        #expect(fault("0151 12345678") == .missingCountryCode)
        #expect(value("0151 12345678", country: "DE") == "+4915112345678")
        #expect(value("(0151) 12345678", country: "de") == "+4915112345678")
        #expect(try PhoneNumber.normalise("0151 12345678", defaultCountry: "DE").get().flags == [.assumedCountry])
        #expect(value("06 1234 5678", country: "IT") == "+390612345678")
    }

    @Test("a trunk zero after the country code goes, except where the number keeps it")
    func trunkZero() throws {
        #expect(value("+49 0151 12345678") == "+4915112345678")
        #expect(try PhoneNumber.normalise("+49 0151 12345678").get().flags == [.trunkZeroRemoved])
        #expect(value("+39 06 1234 5678") == "+390612345678")
        #expect(value("+44 (0)7911 123456") == "+447911123456")
    }

    @Test("the guide's own sample is a number")
    func guideSample() { #expect(value("4911111") == "+4911111") }

    @Test("what is no number says why")
    func faults() {
        #expect(fault("") == .absent)
        #expect(fault("null") == .absent)
        #expect(fault("0") == .absent)
        #expect(fault(" - ") == .absent)
        #expect(fault("0000000") == .absent)
        #expect(fault("+49 151 CALL ME") == .invalidCharacters)
        #expect(fault("+49151+123456") == .invalidCharacters)
        #expect(fault("+4912") == .invalidLength)
        #expect(fault("+49151123456789012") == .invalidLength)
        #expect(fault("+999123456789") == .unknownCountryCode)
        #expect(fault("+2105551234") == .unknownCountryCode)
        #expect(fault("1111111111") == .blocked)
        #expect(fault("123456789") == .blocked)
        #expect(fault("+49 123456789") == .blocked)
        #expect(fault("+49 987654321") == .blocked)
    }

    @Test("the tenant's own numbers identify nobody")
    func blockedList() {
        let result = PhoneNumber.normalise("+49 30 901820", blocked: ["+4930901820"])
        #expect(result == .failure(.blocked))
    }

    @Test("Brazil, Mexico and Argentina have two spellings of a line")
    func variants() throws {
        #expect(try PhoneNumber.normalise("+55 11 987654321").get().variants == ["+551187654321"])
        #expect(try PhoneNumber.normalise("+55 11 87654321").get().variants == ["+5511987654321"])
        #expect(try PhoneNumber.normalise("+52 1 55 1234 5678").get().variants == ["+525512345678"])
        #expect(try PhoneNumber.normalise("+54 11 2345 6789").get().variants == ["+5491123456789"])
        #expect(try PhoneNumber.normalise("+4915112345678").get().variants.isEmpty)
    }
}

@Suite("E-mail addresses")
struct EmailAddressTests {
    @Test("compared in small letters, shown as received")
    func letters() throws {
        let email = try EmailAddress.normalise("  Erika.Mustermann@Example.COM ").get()
        #expect(email.value == "erika.mustermann@example.com")
        #expect(email.shown == "Erika.Mustermann@example.com")
    }

    @Test("plus tags and dots make another address")
    func tags() throws {
        let values = try ["a.b@x.de", "ab@x.de", "ab+c@x.de"].map { try EmailAddress.normalise($0).get().value }
        #expect(Set(values).count == 3)
    }

    @Test("international domains become A-labels")
    func idna() throws {
        #expect(try EmailAddress.normalise("info@Bücher.example").get().value == "info@xn--bcher-kva.example")
        #expect(try EmailAddress.normalise("a@München.de").get().value == "a@xn--mnchen-3ya.de")
    }

    @Test("decomposed letters are the same letters")
    func normalForm() throws {
        let composed = try EmailAddress.normalise("j\u{00FC}rgen@example.com").get()
        let decomposed = try EmailAddress.normalise("ju\u{0308}rgen@example.com").get()
        #expect(Array(composed.value.utf8) == Array(decomposed.value.utf8))
    }

    @Test("the short way through plain addresses answers what the long one does")
    func shortWay() {
        let parts = [
            "a", "B", "7", ".", "-", "_", "+", "@", "@x.de", "test", "Test", "noreply", "x.de", "ab", ")", "\"", "é",
            "!",
        ]
        let blocked: Set<String> = ["ab@x.de", "b@ab.x.de"]
        var random = SplitMix(seed: 11)
        var taken = 0
        for _ in 0..<40_000 {
            let text = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                parts[Int.random(in: 0..<parts.count, using: &random)]
            }
            .joined()
            guard let short = EmailAddress.plain(text, blocked: blocked) else { continue }
            taken += 1
            #expect(short == EmailAddress.general(text, blocked: blocked), "\(text)")
        }
        #expect(taken > 1000)
        for size in [62, 63, 64, 65] {
            for text in [
                String(repeating: "a", count: size) + "@x.de", "a@" + String(repeating: "b", count: size) + ".de",
            ] {
                guard let short = EmailAddress.plain(text, blocked: []) else { continue }
                #expect(short == EmailAddress.general(text, blocked: []), "\(text)")
            }
        }
    }

    @Test("what is no address, and what nobody reads")
    func faults() {
        for raw in ["a", "a@b", "@b.de", "a@@b.de", "a b@c.de", "a@b..de", "a@.de", "a@-b.de", "<a@b.de>"] {
            #expect(EmailAddress.normalise(raw) == .failure(.invalid), "\(raw)")
        }
        for raw in ["noreply@shop.de", "No-Reply@shop.de", "test@test.de", "TEST@test.com"] {
            #expect(EmailAddress.normalise(raw) == .failure(.blocked), "\(raw)")
        }
        for raw in ["", "null", "-", "n/a", "0"] { #expect(EmailAddress.normalise(raw) == .failure(.absent), "\(raw)") }
        #expect(EmailAddress.normalise("shop@shop.de", blocked: ["shop@shop.de"]) == .failure(.blocked))
    }
}

/// Numbers that come again: SplitMix64.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
