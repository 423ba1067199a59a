/// The words behind a command, read.
struct Arguments: Sendable {
    private(set) var positional: [String] = []
    private var values: [String: String] = [:]
    private(set) var flags: Set<String> = []

    /// Reads words; throws ``UsageError`` for an option that is not known or lacks its value.
    init(_ words: [String], options: Set<String>, flags known: Set<String>) throws {
        var rest = words[...]
        var onlyPositional = false
        while let word = rest.popFirst() {
            guard !onlyPositional, word.hasPrefix("-"), word != "-" else {
                positional.append(word)
                continue
            }
            if word == "--" {
                onlyPositional = true
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            let name = String(parts[0].drop { $0 == "-" })
            if options.contains(name) {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                    throw UsageError("--\(name) needs a value")
                }
                values[name] = value
            } else if known.contains(name) || name == "json" || name == "help" || name == "h", parts.count == 1 {
                flags.insert(name == "h" ? "help" : name)
            } else {
                throw UsageError("unknown option \(parts[0])")
            }
        }
    }

    /// The value of an option, if it was given.
    subscript(option: String) -> String? { values[option] }

    /// Whether standard output is to be one JSON document.
    var json: Bool { flags.contains("json") }

    /// Whether a flag was given.
    func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// Exactly the named words; throws ``UsageError`` for more or fewer.
    func words(_ names: String...) throws -> [String] {
        guard positional.count == names.count else {
            let wanted = names.isEmpty ? "no further words" : names.joined(separator: " ")
            throw UsageError("expected \(wanted)")
        }
        return positional
    }

    /// The words behind the first one, which names what to do.
    func action(_ names: String...) throws -> (name: String, words: [String]) {
        guard let first = positional.first, names.contains(first) else {
            throw UsageError("expected one of: \(names.joined(separator: ", "))")
        }
        return (first, Array(positional.dropFirst()))
    }
}
