/// Header fields in order; names compare without regard to ASCII case (RFC 9110 section 5.1).
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral, Sequence {
    /// One field line.
    public struct Field: Sendable, Hashable {
        /// The name as written.
        public let name: String
        /// The value without white space around it.
        public let value: String

        /// A field line.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The field lines in order.
    public private(set) var fields: [Field]

    /// No fields.
    public init() { fields = [] }

    /// Fields in order.
    public init(_ fields: [Field]) { self.fields = fields }

    /// Fields in order; a repeated name gives a repeated field.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// The number of field lines.
    public var count: Int { fields.count }

    /// Whether there are none.
    public var isEmpty: Bool { fields.isEmpty }

    /// The first value of a name. Setting replaces all of the name, setting nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.equal($0.name, name) }?.value }
        set {
            if let newValue { set(name, newValue) } else { remove(name) }
        }
    }

    /// Every value of a name in order.
    public func values(of name: String) -> [String] {
        fields.compactMap { Self.equal($0.name, name) ? $0.value : nil }
    }

    /// Whether the name occurs.
    public func contains(_ name: String) -> Bool {
        fields.contains { Self.equal($0.name, name) }
    }

    /// Adds a field line and keeps those of the same name.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces all field lines of the name by one, in the place of the first.
    public mutating func set(_ name: String, _ value: String) {
        guard let place = fields.firstIndex(where: { Self.equal($0.name, name) }) else { return add(name, value) }
        fields[place] = Field(name: name, value: value)
        let rest = fields[(place + 1)...].filter { !Self.equal($0.name, name) }
        fields.replaceSubrange((place + 1)..., with: rest)
    }

    /// Removes all field lines of the name.
    public mutating func remove(_ name: String) {
        fields.removeAll { Self.equal($0.name, name) }
    }

    /// Goes through the field lines in order.
    public func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }

    /// Whether every name is a token and every value free of control characters, so that writing them cannot start
    /// another field or message.
    public var areWritable: Bool {
        fields.allSatisfy { field in
            !field.name.isEmpty && field.name.utf8.allSatisfy(HTTPGrammar.isToken)
                && field.value.utf8.allSatisfy(HTTPGrammar.isFieldValue)
        }
    }

    static func equal(_ left: String, _ right: String) -> Bool {
        var left = left.utf8.makeIterator()
        var right = right.utf8.makeIterator()
        while true {
            switch (left.next(), right.next()) {
            case (nil, nil): return true
            case (let one?, let other?) where HTTPGrammar.lowercased(one) == HTTPGrammar.lowercased(other): continue
            default: return false
            }
        }
    }
}
