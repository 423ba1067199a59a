/// What to do with an object that has a key twice.
public enum JSONDuplicateKeys: Sendable {
    /// The last value stays, in the place of the first (what most parsers do).
    case lastWins
    /// `JSONError.Reason.duplicateKey`; for anything that decides on trust.
    case refuse
}

extension JSON {
    /// Reads a whole document by RFC 8259, strictly: valid UTF-8 without a byte order mark, no half surrogate pairs,
    /// nothing behind the value.
    /// - Parameters:
    ///   - bytes: the text in UTF-8.
    ///   - maxDepth: how many arrays and objects may lie in each other, 1 to 512.
    ///   - duplicateKeys: what to do with repeated keys.
    public static func parse(
        _ bytes: [UInt8], maxDepth: Int = 64, duplicateKeys: JSONDuplicateKeys = .lastWins
    ) throws(JSONError) -> JSON {
        try parse(bytes.span.bytes, maxDepth: maxDepth, duplicateKeys: duplicateKeys)
    }

    /// The same for a piece of an array.
    public static func parse(
        _ bytes: ArraySlice<UInt8>, maxDepth: Int = 64, duplicateKeys: JSONDuplicateKeys = .lastWins
    ) throws(JSONError) -> JSON {
        try parse(bytes.span.bytes, maxDepth: maxDepth, duplicateKeys: duplicateKeys)
    }

    /// The same for a text in memory.
    public static func parse(
        _ text: String, maxDepth: Int = 64, duplicateKeys: JSONDuplicateKeys = .lastWins
    ) throws(JSONError) -> JSON {
        try parse(Array(text.utf8), maxDepth: maxDepth, duplicateKeys: duplicateKeys)
    }

    /// The same for a view of bytes.
    public static func parse(
        _ bytes: RawSpan, maxDepth: Int = 64, duplicateKeys: JSONDuplicateKeys = .lastWins
    ) throws(JSONError) -> JSON {
        var parser = JSONTreeParser(maxDepth: min(maxDepth, 512), duplicateKeys: duplicateKeys)
        let value = try parser.value(bytes)
        JSONGrammar.skipWhitespace(bytes, &parser.position)
        guard parser.position == bytes.byteCount else { throw JSONError(.trailingBytes, at: parser.position) }
        return value
    }
}

/// Builds the tree by recursive descent; `maxDepth` bounds the recursion.
private struct JSONTreeParser {
    var position = 0
    var depth = 0
    let maxDepth: Int
    let duplicateKeys: JSONDuplicateKeys

    init(maxDepth: Int, duplicateKeys: JSONDuplicateKeys) {
        self.maxDepth = maxDepth
        self.duplicateKeys = duplicateKeys
    }

    mutating func value(_ bytes: RawSpan) throws(JSONError) -> JSON {
        JSONGrammar.skipWhitespace(bytes, &position)
        guard position < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
        let start = position
        switch JSONGrammar.byte(bytes, position) {
        case UInt8(ascii: "{"): return try .object(object(bytes))
        case UInt8(ascii: "["): return try .array(array(bytes))
        case JSONGrammar.quote: return try .string(string(bytes))
        case UInt8(ascii: "t"):
            try JSONGrammar.literal("true", bytes, &position)
            return .bool(true)
        case UInt8(ascii: "f"):
            try JSONGrammar.literal("false", bytes, &position)
            return .bool(false)
        case UInt8(ascii: "n"):
            try JSONGrammar.literal("null", bytes, &position)
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try JSONGrammar.number(bytes, &position)
            return .number(JSONNumber(checked: JSONGrammar.text(bytes, start..<position, hasEscapes: false)))
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    private mutating func string(_ bytes: RawSpan) throws(JSONError) -> String {
        position += 1
        let start = position
        let traits = try JSONGrammar.string(bytes, &position)
        return JSONGrammar.text(bytes, start..<(position - 1), hasEscapes: traits.hasEscapes)
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > maxDepth { throw JSONError(.tooDeep, at: position) }
        position += 1
    }

    /// The next byte that is not white space, read.
    private mutating func next(_ bytes: RawSpan) throws(JSONError) -> UInt8 {
        JSONGrammar.skipWhitespace(bytes, &position)
        guard position < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
        position += 1
        return JSONGrammar.byte(bytes, position - 1)
    }

    private mutating func array(_ bytes: RawSpan) throws(JSONError) -> [JSON] {
        try enter()
        defer { depth -= 1 }
        var elements: [JSON] = []
        if try next(bytes) == UInt8(ascii: "]") { return elements }
        position -= 1
        while true {
            elements.append(try value(bytes))
            switch try next(bytes) {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "]"): return elements
            default: throw JSONError(.unexpectedByte, at: position - 1)
            }
        }
    }

    private mutating func object(_ bytes: RawSpan) throws(JSONError) -> JSONObject {
        try enter()
        defer { depth -= 1 }
        var object = JSONObject()
        var byte = try next(bytes)
        if byte == UInt8(ascii: "}") { return object }
        while true {
            guard byte == JSONGrammar.quote else { throw JSONError(.unexpectedByte, at: position - 1) }
            let keyStart = position - 1
            position = keyStart
            let key = try string(bytes)
            guard try next(bytes) == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position - 1) }
            let member = try value(bytes)
            if !object.appendIfNew(key, member) {
                if duplicateKeys == .refuse { throw JSONError(.duplicateKey, at: keyStart) }
                object[key] = member
            }
            switch try next(bytes) {
            case UInt8(ascii: ","): byte = try next(bytes)
            case UInt8(ascii: "}"): return object
            default: throw JSONError(.unexpectedByte, at: position - 1)
            }
        }
    }
}
