/// The kind of a JSON value.
public enum JSONKind: Sendable, Hashable {
    /// `null`
    case null
    /// `true` or `false`
    case bool
    /// A number.
    case number
    /// A string.
    case string
    /// An array.
    case array
    /// An object.
    case object
}

/// Reads JSON bytes front to back without building anything: it checks the grammar of all it passes as strictly as
/// `JSON.parse`, and says where things stand. Keys that occur twice are the caller's to notice.
///
/// The bytes are handed to each call and must be the same each time.
///
///     var scanner = JSONScanner()
///     try scanner.beginObject(bytes)
///     while let key = try scanner.nextMember(bytes) {
///         let value = try scanner.value(bytes)
///         if key.equals("event_name", in: bytes) { name = value.string(in: bytes) }
///     }
///     try scanner.end(bytes)
public struct JSONScanner: Sendable {
    /// The next byte to read.
    public private(set) var position: Int
    /// Whether a string passed so far has the escape `\u0000`, which PostgreSQL's `jsonb` and `text` refuse.
    public private(set) var hasNUL = false
    private var depth = 0
    private let maxDepth: Int
    /// Whether the innermost open container has had no member yet.
    private var isFirst = false

    /// A scanner.
    /// - Parameters:
    ///   - position: where the document begins.
    ///   - maxDepth: how many arrays and objects may lie in each other, 1 to 64.
    public init(at position: Int = 0, maxDepth: Int = 64) {
        self.position = position
        self.maxDepth = min(maxDepth, 64)
    }

    /// The kind of the value that comes next, by its first byte.
    public mutating func kind(_ bytes: RawSpan) throws(JSONError) -> JSONKind {
        JSONGrammar.skipWhitespace(bytes, &position)
        guard position < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
        switch JSONGrammar.byte(bytes, position) {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case JSONGrammar.quote: return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    /// Steps into an object.
    /// - Throws: `unexpectedKind` where the next value is none.
    public mutating func beginObject(_ bytes: RawSpan) throws(JSONError) {
        guard try kind(bytes) == .object else { throw JSONError(.unexpectedKind, at: position) }
        try open()
    }

    /// Steps into an array.
    /// - Throws: `unexpectedKind` where the next value is none.
    public mutating func beginArray(_ bytes: RawSpan) throws(JSONError) {
        guard try kind(bytes) == .array else { throw JSONError(.unexpectedKind, at: position) }
        try open()
    }

    /// The key of the next member, whose value has to be read next; nil at the end of the object, which is left then.
    public mutating func nextMember(_ bytes: RawSpan) throws(JSONError) -> JSONSlice? {
        guard try advance(bytes, closing: UInt8(ascii: "}")) else { return nil }
        let start = position
        let traits = try key(bytes)
        return JSONSlice(kind: .string, range: start..<traits.end, hasEscapes: traits.hasEscapes)
    }

    /// Whether another element comes, which has to be read next; false at the end of the array, which is left then.
    public mutating func nextElement(_ bytes: RawSpan) throws(JSONError) -> Bool {
        try advance(bytes, closing: UInt8(ascii: "]"))
    }

    /// Reads one value of any kind with all it contains.
    public mutating func value(_ bytes: RawSpan) throws(JSONError) -> JSONSlice {
        let kind = try kind(bytes)
        let start = position
        var hasEscapes = false
        switch kind {
        case .object, .array: try container(bytes)
        case .string: hasEscapes = try string(bytes)
        case .number: try JSONGrammar.number(bytes, &position)
        case .bool, .null: try literal(bytes)
        }
        return JSONSlice(kind: kind, range: start..<position, hasEscapes: hasEscapes)
    }

    /// Checks that nothing but white space is left.
    public mutating func end(_ bytes: RawSpan) throws(JSONError) {
        JSONGrammar.skipWhitespace(bytes, &position)
        guard position == bytes.byteCount else { throw JSONError(.trailingBytes, at: position) }
    }

    private mutating func open() throws(JSONError) {
        depth += 1
        if depth > maxDepth { throw JSONError(.tooDeep, at: position) }
        position += 1
        isFirst = true
    }

    /// Passes the comma before the next member, or the closing byte.
    private mutating func advance(_ bytes: RawSpan, closing: UInt8) throws(JSONError) -> Bool {
        let byte = try next(bytes)
        defer { isFirst = false }
        if byte == closing {
            depth -= 1
            return false
        }
        if isFirst {
            position -= 1
        } else if byte != UInt8(ascii: ",") {
            throw JSONError(.unexpectedByte, at: position - 1)
        }
        JSONGrammar.skipWhitespace(bytes, &position)
        return true
    }

    /// The next byte that is not white space, read.
    @inline(__always)
    private mutating func next(_ bytes: RawSpan) throws(JSONError) -> UInt8 {
        JSONGrammar.skipWhitespace(bytes, &position)
        guard position < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
        position += 1
        return JSONGrammar.byte(bytes, position - 1)
    }

    /// Reads a string from its opening quote on.
    /// - Returns: whether it has escapes.
    @inline(__always)
    private mutating func string(_ bytes: RawSpan) throws(JSONError) -> Bool {
        position += 1
        let traits = try JSONGrammar.string(bytes, &position)
        if traits.hasNUL { hasNUL = true }
        return traits.hasEscapes
    }

    /// Reads a key and its colon.
    /// - Returns: where the key ends, its closing quote included.
    @inline(__always)
    private mutating func key(_ bytes: RawSpan) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
        guard position < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: position) }
        guard JSONGrammar.byte(bytes, position) == JSONGrammar.quote else {
            throw JSONError(.unexpectedByte, at: position)
        }
        let hasEscapes = try string(bytes)
        let end = position
        guard try next(bytes) == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position - 1) }
        return (end, hasEscapes)
    }

    private mutating func literal(_ bytes: RawSpan) throws(JSONError) {
        switch JSONGrammar.byte(bytes, position) {
        case UInt8(ascii: "t"): try JSONGrammar.literal("true", bytes, &position)
        case UInt8(ascii: "f"): try JSONGrammar.literal("false", bytes, &position)
        default: try JSONGrammar.literal("null", bytes, &position)
        }
    }

    /// Passes an array or object without recursion: one bit for each open container says whether it is an object.
    private mutating func container(_ bytes: RawSpan) throws(JSONError) {
        var objects: UInt64 = 0
        var level = 0
        while true {
            var isComplete = true
            switch try kind(bytes) {
            case .string: _ = try string(bytes)
            case .number: try JSONGrammar.number(bytes, &position)
            case .bool, .null: try literal(bytes)
            case .object:
                isComplete = try enter(bytes, level, closing: UInt8(ascii: "}"))
                if !isComplete {
                    objects = objects << 1 | 1
                    level += 1
                    _ = try key(bytes)
                }
            case .array:
                isComplete = try enter(bytes, level, closing: UInt8(ascii: "]"))
                if !isComplete {
                    objects <<= 1
                    level += 1
                }
            }
            while isComplete {
                if level == 0 { return }
                let byte = try next(bytes)
                let isObject = objects & 1 == 1
                if byte == UInt8(ascii: ",") {
                    if isObject {
                        JSONGrammar.skipWhitespace(bytes, &position)
                        _ = try key(bytes)
                    }
                    isComplete = false
                } else if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    objects >>= 1
                    level -= 1
                } else {
                    throw JSONError(.unexpectedByte, at: position - 1)
                }
            }
        }
    }

    /// Passes an opening byte, and the closing one where nothing lies between.
    /// - Returns: whether the container was empty.
    private mutating func enter(_ bytes: RawSpan, _ level: Int, closing: UInt8) throws(JSONError) -> Bool {
        if depth + level + 1 > maxDepth { throw JSONError(.tooDeep, at: position) }
        position += 1
        if try next(bytes) == closing { return true }
        position -= 1
        return false
    }
}
