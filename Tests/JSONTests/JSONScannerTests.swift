import JSON
import Testing

@Suite("The JSON scanner")
struct JSONScannerTests {
    private let webhook = Array(
        #" {"event_name": "cart", "contact": {"phone": "+49 30", "tags": [1, [], {"a": {}}]}, "n": 2.5, "\u0065": null, "ok": true} "#
            .utf8)

    @Test("finds the members of the outer object with kinds and texts")
    func members() throws {
        let bytes = webhook.span.bytes
        var scanner = JSONScanner()
        var found: [String] = []
        try scanner.beginObject(bytes)
        while let key = try scanner.nextMember(bytes) {
            let value = try scanner.value(bytes)
            let text = bytes.extracting(value.range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            found.append("\(key.string(in: bytes) ?? "") \(value.kind) \(text)")
        }
        try scanner.end(bytes)
        #expect(
            found == [
                #"event_name string "cart""#, #"contact object {"phone": "+49 30", "tags": [1, [], {"a": {}}]}"#,
                "n number 2.5", "e null null", "ok bool true",
            ])
        #expect(!scanner.hasNUL)
    }

    @Test("steps into what is nested and out again")
    func nested() throws {
        let bytes = webhook.span.bytes
        var scanner = JSONScanner()
        var phone: String?
        var elements = 0
        try scanner.beginObject(bytes)
        while let key = try scanner.nextMember(bytes) {
            guard key.equals("contact", in: bytes) else {
                _ = try scanner.value(bytes)
                continue
            }
            try scanner.beginObject(bytes)
            while let inner = try scanner.nextMember(bytes) {
                if inner.equals("phone", in: bytes) {
                    phone = try scanner.value(bytes).string(in: bytes)
                } else {
                    try scanner.beginArray(bytes)
                    while try scanner.nextElement(bytes) {
                        _ = try scanner.value(bytes)
                        elements += 1
                    }
                }
            }
        }
        try scanner.end(bytes)
        #expect(phone == "+49 30")
        #expect(elements == 3)
    }

    @Test(
        "notices the escaped NUL in values and keys, at any depth",
        arguments: [
            (#"{"a":"x\u0000"}"#, true), (#"{"a":[{"\u0000":1}]}"#, true), (#"{"\u0000":1}"#, true),
            (#"{"a":"\\u0000"}"#, false), (#"{"a":"\u0001"}"#, false),
        ])
    func escapedNUL(_ text: String, _ expected: Bool) throws {
        let bytes = Array(text.utf8)
        var scanner = JSONScanner()
        try scanner.beginObject(bytes.span.bytes)
        while try scanner.nextMember(bytes.span.bytes) != nil { _ = try scanner.value(bytes.span.bytes) }
        #expect(scanner.hasNUL == expected)
        scanner = JSONScanner()
        _ = try scanner.value(bytes.span.bytes)
        #expect(scanner.hasNUL == expected)
    }

    @Test("refuses another kind than the one stepped into")
    func kinds() {
        let bytes = Array("[1]".utf8)
        var scanner = JSONScanner()
        #expect(throws: JSONError(.unexpectedKind, at: 0)) { try scanner.beginObject(bytes.span.bytes) }
        #expect(throws: Never.self) { try scanner.beginArray(bytes.span.bytes) }
    }

    @Test("every cut of a document is refused, as a tree and as a scan")
    func cuts() {
        let whole = Array(#"{"a":[true,false,null,-1.5e+3,"\ud83d\ude00é😀"],"b":{"c":""}}"#.utf8)
        #expect(JSONScan.isValid(whole))
        for length in 0..<whole.count {
            let cut = Array(whole[..<length])
            #expect((try? JSON.parse(cut)) == nil)
            #expect(!JSONScan.isValid(cut))
            #expect(!JSONScan.isValidStepByStep(cut))
        }
    }

    @Test("a flipped byte gives one verdict in all three readers")
    func mutations() {
        let whole = Array(#"{"a":[true,false,null,-1.5e+3,"\ud83d\ude00é😀"],"b":{"c":""}}"#.utf8)
        for place in whole.indices {
            for value in UInt8.min...UInt8.max {
                var changed = whole
                changed[place] = value
                let verdict = (try? JSON.parse(changed)) != nil
                if JSONScan.isValid(changed) != verdict || JSONScan.isValidStepByStep(changed) != verdict {
                    Issue.record("byte \(place) as \(value)")
                }
            }
        }
    }

    @Test("the depth counts what was stepped into")
    func depthFromOutside() throws {
        let bytes = Array("[[[1]]]".utf8)
        for (limit, fits) in [(3, true), (2, false)] {
            var scanner = JSONScanner(maxDepth: limit)
            try scanner.beginArray(bytes.span.bytes)
            _ = try scanner.nextElement(bytes.span.bytes)
            #expect(((try? scanner.value(bytes.span.bytes)) != nil) == fits)
        }
    }

    @Test("strings are UTF-8 exactly where the standard library says so")
    func encodings() {
        let edges: [UInt8] = [
            0x20, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for first in edges {
            for second in edges {
                for third in edges {
                    for last in [0x20, 0x7F, 0x80, 0xBF, 0xC0] as [UInt8] {
                        let content = [first, second, third, last]
                        let isText = String(validating: content, as: UTF8.self) != nil
                        if JSONScan.isValid([0x22] + content + [0x22]) != isText { Issue.record("\(content)") }
                    }
                }
            }
        }
    }
}
