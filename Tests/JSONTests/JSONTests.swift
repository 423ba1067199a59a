import JSON
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("numbers keep their text")
    func numbersKeepTheirText() throws {
        let text = #"{"amount":12.50,"id":12345678901234567890,"tiny":1e-400}"#
        let json = try JSON.parse(text)
        #expect(json.description == text)
        #expect(json["amount"]?.number?.text == "12.50")
        #expect(json["id"]?.int64 == nil)
        #expect(json["tiny"]?.double == 0)
        #expect(try JSON.parse("1e400").double == nil)
        #expect(try JSON.parse("7.00").int64 == 7)
        #expect(try JSON.parse("7.01").int64 == nil)
        #expect(JSONNumber(decimal: "-0.10")?.text == "-0.10")
        for wrong in ["", "+1", "01", "1.", ".5", "1e", "0x1", "NaN", "1 ", " 1", "1_0"] {
            #expect(JSONNumber(decimal: wrong) == nil, "\(wrong)")
        }
    }

    @Test("escapes are resolved, written again only where they are needed")
    func escapes() throws {
        let json = try JSON.parse(#""a\u0041\n\"\\\/\ud83d\ude00é\u0000""#)
        #expect(json.string == "aA\n\"\\/😀é\0")
        #expect(json.description == #""aA\n\"\\/😀é\u0000""#)
        #expect(JSON.string("\u{1}\u{1F}\u{7F}").description == "\"\\u0001\\u001f\u{7F}\"")
        #expect(try JSON.parse(#""e\u0301""#).string == "e\u{301}")
    }

    @Test("a repeated key keeps the last value, or is refused on demand, however it is escaped")
    func duplicates() throws {
        let text = #"{"a":1,"b":2,"\u0061":3}"#
        #expect(try JSON.parse(text).description == #"{"a":3,"b":2}"#)
        #expect(throws: JSONError(.duplicateKey, at: 13)) { try JSON.parse(text, duplicateKeys: .refuse) }
        #expect(throws: JSONError.self) { try JSON.parse(#"[{"x":{"k":1,"k":1}}]"#, duplicateKeys: .refuse) }
    }

    @Test("nesting is bounded where the caller says", arguments: [1, 2, 64])
    func depth(_ limit: Int) throws {
        let fits = Array((String(repeating: "[", count: limit) + String(repeating: "]", count: limit)).utf8)
        let tooDeep = Array((String(repeating: "[", count: limit + 1) + String(repeating: "]", count: limit + 1)).utf8)
        #expect(throws: Never.self) { try JSON.parse(fits, maxDepth: limit) }
        #expect(throws: JSONError(.tooDeep, at: limit)) { try JSON.parse(tooDeep, maxDepth: limit) }
        var scanner = JSONScanner(maxDepth: limit)
        #expect(throws: Never.self) { try scanner.value(fits.span.bytes) }
        scanner = JSONScanner(maxDepth: limit)
        #expect(throws: JSONError(.tooDeep, at: limit)) { try scanner.value(tooDeep.span.bytes) }
    }

    @Test("objects are equal whatever their order; canonical text sorts the keys")
    func order() throws {
        let one = try JSON.parse(#"{"b":[1,{"d":1,"c":2}],"a":null}"#)
        let other = try JSON.parse(#"{"a":null,"b":[1,{"c":2,"d":1}]}"#)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one.canonical() == other.canonical())
        #expect(String(decoding: one.canonical(), as: UTF8.self) == #"{"a":null,"b":[1,{"c":2,"d":1}]}"#)
        #expect(one != (try JSON.parse(#"{"b":[1,{"d":1,"c":2}]}"#)))
    }

    @Test("members are found, replaced and removed in small and large objects", arguments: [3, 40])
    func members(_ count: Int) {
        var object = JSONObject()
        for index in 0..<count { object["key \(index)"] = .int(index) }
        object["key 1"] = "one"
        object["key 0"] = nil
        #expect(object.count == count - 1)
        #expect(object["key 0"] == nil)
        #expect(object["key 1"] == "one")
        #expect(object["key \(count - 1)"] == .int(count - 1))
        #expect(object.keys.first == "key 1")
        object["key 0"] = true
        #expect(object.keys.last == "key 0")
    }

    @Test("literals make trees")
    func literals() {
        var json: JSON = ["name": "Ada", "age": 36, "ratio": 0.5, "tags": ["a", nil, true]]
        #expect(json.description == #"{"name":"Ada","age":36,"ratio":0.5,"tags":["a",null,true]}"#)
        json["age"] = nil
        json["tags"] = .optional(nil as String?)
        #expect(json.description == #"{"name":"Ada","ratio":0.5,"tags":null}"#)
        #expect(json["tags"]?.isNull == true)
        #expect(json["name"]?["deeper"] == nil)
    }

    @Test("the writer sets commas and colons")
    func writer() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("list")
        writer.beginArray()
        writer.int(Int64.min)
        writer.beginObject()
        writer.endObject()
        writer.string("x")
        writer.string(nil)
        writer.endArray()
        writer.key("raw")
        writer.raw(Array("[1, 2]".utf8))
        writer.key(dynamic: "quo\"te")
        writer.bool(false)
        writer.key("big")
        writer.int(UInt64.max)
        writer.endObject()
        let expected =
            #"{"list":[-9223372036854775808,{},"x",null],"raw":[1, 2],"quo\"te":false,"big":18446744073709551615}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        #expect(throws: Never.self) { try JSON.parse(writer.bytes) }
    }
}
