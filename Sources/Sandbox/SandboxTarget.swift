/// A request target as the simulated API reads it: parts of the path, and parameters from the query or, in the older
/// style, from a last part of the path (`/filter/10/contacts/offset=0&limit=1000`).
struct SandboxTarget: Sendable {
    var parts: [Substring]
    var parameters: [String: String] = [:]

    init(path: String, query: String?) {
        parts = path.split(separator: "/", omittingEmptySubsequences: true)
        if let last = parts.last, last.contains("=") {
            parse(last)
            parts.removeLast()
        }
        if let query { parse(Substring(query)) }
    }

    private mutating func parse(_ text: Substring) {
        for pair in text.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            parameters[String(halves[0])] = halves.count > 1 ? String(halves[1]) : ""
        }
    }

    /// A parameter that is a whole number; nil if it is missing, empty or something else.
    func number(_ name: String) -> Int? { parameters[name].flatMap { Int($0) } }
}
