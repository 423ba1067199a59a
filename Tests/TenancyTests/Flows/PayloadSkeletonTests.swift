import JSON
import Testing

@testable import Tenancy

@Suite("Filling a flow's skeleton")
struct PayloadSkeletonTests {
    @Test("event data comes first, then additional data, then the skeleton's own value")
    func order() {
        let filled = PayloadSkeleton(["a": "own", "b": "own", "c": "own"])
            .fill(data: ["a": "event"], additional: ["a": "additional", "b": "additional"])
        #expect(filled.payload == ["a": "event", "b": "additional", "c": "own"])
        #expect(filled.missing == ["c"])
    }

    @Test("keys that the skeleton does not name stay out")
    func undeclared() {
        #expect(PayloadSkeleton(["a": ""]).fill(data: ["a": 1, "z": 2], additional: [:]).payload == ["a": 1])
    }

    @Test("objects are filled key by key, and what is missing inside is named")
    func nested() {
        let filled = PayloadSkeleton(["cart": ["value": 0, "currency": "EUR", "coupon": ""]])
            .fill(data: ["cart": ["value": 59.9, "items": 3]], additional: ["cart": ["coupon": "HAPPY24"]])
        #expect(filled.payload == ["cart": ["value": 59.9, "currency": "EUR", "coupon": "HAPPY24"]])
        #expect(filled.missing == ["cart.currency"])
    }

    @Test("an empty object in the skeleton takes whatever comes")
    func openObject() {
        #expect(
            PayloadSkeleton(["cart": [:]]).fill(data: ["cart": ["x": 1]], additional: [:]).payload == ["cart": ["x": 1]]
        )
    }

    @Test("numbers keep their digits")
    func digits() throws {
        let data = try #require(JSON.parse(Array(#"{"value":59.90}"#.utf8)).object)
        #expect(
            PayloadSkeleton(["value": ""]).fill(data: data, additional: [:]).payload["value"]?.description == "59.90")
    }
}
