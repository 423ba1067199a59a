import JSON
import TestSupport
import Testing

@Suite("The JSON parsing vectors", .enabled(if: TestVectors.areAvailable))
struct JSONVectorTests {
    /// Where the RFC leaves a choice: numbers of any size are kept as text; what is no Unicode or too deep is refused.
    private static let acceptedChoices: Set<String> = [
        "i_number_double_huge_neg_exp.json", "i_number_huge_exp.json", "i_number_neg_int_huge_exp.json",
        "i_number_pos_double_huge_exp.json", "i_number_real_neg_overflow.json", "i_number_real_pos_overflow.json",
        "i_number_real_underflow.json", "i_number_too_big_neg_int.json", "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    ]

    private func expectation(_ vector: JSON) throws -> (name: String, isAccepted: Bool, bytes: [UInt8]) {
        let name = try #require(vector["name"]?.string)
        let bytes = try #require(vector.base64("base64"))
        switch vector["expect"]?.string {
        case "accept": return (name, true, bytes)
        case "reject": return (name, false, bytes)
        default: return (name, Self.acceptedChoices.contains(name), bytes)
        }
    }

    @Test("the tree parser accepts and rejects what it must, and makes its choices")
    func tree() throws {
        let vectors = try #require(try TestVectors.load("json_parsing.json").array)
        #expect(vectors.count == 318)
        for vector in vectors {
            let (name, isAccepted, bytes) = try expectation(vector)
            #expect(((try? JSON.parse(bytes)) != nil) == isAccepted, "\(name)")
        }
    }

    @Test("the scanner gives the same verdicts")
    func scanner() throws {
        for vector in try #require(try TestVectors.load("json_parsing.json").array) {
            let (name, isAccepted, bytes) = try expectation(vector)
            #expect(JSONScan.isValid(bytes) == isAccepted, "\(name)")
            #expect(JSONScan.isValidStepByStep(bytes) == isAccepted, "\(name), step by step")
        }
    }

    @Test("what was read and written again reads as the same")
    func roundTrip() throws {
        for vector in try #require(try TestVectors.load("json_parsing.json").array) {
            let (name, _, bytes) = try expectation(vector)
            guard let value = try? JSON.parse(bytes) else { continue }
            #expect(try JSON.parse(value.encoded()) == value, "\(name)")
            #expect(try JSON.parse(value.canonical()) == value, "\(name)")
        }
    }
}

/// Both ways to go through a document with the scanner.
enum JSONScan {
    static func isValid(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner()
        do {
            _ = try scanner.value(bytes.span.bytes)
            try scanner.end(bytes.span.bytes)
            return true
        } catch {
            return false
        }
    }

    static func isValidStepByStep(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner()
        do {
            try step(&scanner, bytes)
            try scanner.end(bytes.span.bytes)
            return true
        } catch {
            return false
        }
    }

    private static func step(_ scanner: inout JSONScanner, _ bytes: [UInt8]) throws {
        let span = bytes.span.bytes
        switch try scanner.kind(span) {
        case .object:
            try scanner.beginObject(span)
            while try scanner.nextMember(span) != nil { try step(&scanner, bytes) }
        case .array:
            try scanner.beginArray(span)
            while try scanner.nextElement(span) { try step(&scanner, bytes) }
        default: _ = try scanner.value(span)
        }
    }
}
