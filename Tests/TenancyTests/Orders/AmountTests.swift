import JSON
import Testing

@testable import Tenancy

@Suite("Amounts")
struct AmountTests {
    @Test(
        "are read exactly",
        arguments: [
            ("114.90", "114.90"), ("0", "0.00"), ("-10", "-10.00"), ("12,50", "12.50"), ("0.00005", "0.0001"),
            ("0.00004", "0.00"), ("-0.00005", "-0.0001"), ("1.2e1", "12.00"), ("120e-1", "12.00"),
            ("99999999999999.9999", "99999999999999.9999"), (" 7.5 ", "7.50"), ("84.033613", "84.0336"),
        ])
    func reading(text: String, expected: String) throws {
        #expect(try #require(Amount(text)).text == expected)
    }

    @Test(
        "that are none are refused",
        arguments: ["", "abc", "1.2.3", "1.234,50", "--1", "1e99", "100000000000000", "€ 5", "1 000", "NaN"])
    func refusing(text: String) {
        #expect(Amount(text) == nil)
    }

    @Test("multiply without a floating point")
    func product() throws {
        let price = try #require(Amount("0.1"))
        let quantity = try #require(Amount("3"))
        #expect(price.times(quantity)?.text == "0.30")
        #expect(try #require(Amount("99999999999999")).times(try #require(Amount("99999999999999"))) == nil)
    }

    @Test("are taken from JSON with the digits that were sent")
    func json() throws {
        let document = try JSON.parse(Array(#"{"a":0.1,"b":"59.9","c":true}"#.utf8))
        #expect(Amount(document["a"])?.text == "0.10")
        #expect(Amount(document["b"])?.text == "59.90")
        #expect(Amount(document["c"]) == nil)
    }
}
