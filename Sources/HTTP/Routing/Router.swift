/// Finds the handler of a method and a path.
///
/// Patterns are made of literal segments and placeholders: `/api/v0/contacts/{id}`. A literal wins over a placeholder.
/// Segments are percent-decoded before they are compared, dot segments and empty segments are segments like others, so
/// that nothing is reached under a second name. A path that decodes to no valid text is not found.
public struct Router<Handler: Sendable>: Sendable {
    /// What a look-up gave.
    public enum Match: Sendable {
        /// The handler, and the values of the placeholders.
        case found(Handler, RouteParameters)
        /// The path exists for these methods alone; for `Allow`.
        case methodNotAllowed([HTTPMethod])
        /// No such path.
        case notFound
    }

    private struct Route: Sendable {
        let method: HTTPMethod
        let names: [String]
        let handler: Handler
    }

    private struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        var placeholder: Int?
        var routes: [Route] = []
    }

    private var nodes = [Node()]

    /// No routes.
    public init() {}

    /// Adds a route; one of the same method and pattern is replaced.
    /// - Parameters:
    ///   - method: GET serves HEAD too, unless HEAD has a route of its own.
    ///   - pattern: begins with `/`, at most six placeholders, decoded text.
    public mutating func on(_ method: HTTPMethod, _ pattern: String, _ handler: Handler) {
        precondition(pattern.hasPrefix("/"), "a pattern begins with /")
        var node = 0
        var names: [String] = []
        for segment in pattern.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}") {
                names.append(String(decoding: segment.dropFirst().dropLast(), as: UTF8.self))
                node = placeholder(under: node)
            } else {
                node = literal(Array(segment), under: node)
            }
        }
        precondition(names.count <= RouteParameters.capacity, "too many placeholders")
        nodes[node].routes.removeAll { $0.method == method }
        nodes[node].routes.append(Route(method: method, names: names, handler: handler))
    }

    private mutating func placeholder(under parent: Int) -> Int {
        if let child = nodes[parent].placeholder { return child }
        nodes.append(Node())
        nodes[parent].placeholder = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func literal(_ text: [UInt8], under parent: Int) -> Int {
        if let child = nodes[parent].literals.first(where: { $0.text == text }) { return child.node }
        nodes.append(Node())
        nodes[parent].literals.append((text, nodes.count - 1))
        return nodes.count - 1
    }

    /// Looks up a request.
    public func match(_ request: HTTPRequest) -> Match {
        match(request.method, request.head.pathBytes)
    }

    /// Looks up a path in memory.
    public func match(_ method: HTTPMethod, _ path: String) -> Match {
        match(method, Array(path.utf8)[...])
    }

    /// Looks up the bytes of a path, still percent-encoded and without query; an empty path is `/`.
    public func match(_ method: HTTPMethod, _ path: ArraySlice<UInt8>) -> Match {
        guard path.first ?? UInt8(ascii: "/") == UInt8(ascii: "/") else { return .notFound }
        var ranges = InlineArray<6, Range<Int>>(repeating: 0..<0)
        let start = path.isEmpty ? path.startIndex : path.startIndex + 1
        guard let node = node(path, from: start, at: 0, &ranges, filled: 0) else { return .notFound }
        guard let route = route(of: method, at: node) else {
            return .methodNotAllowed(allowed(at: node))
        }
        return .found(route.handler, RouteParameters(names: route.names, bytes: path, ranges: ranges))
    }

    private func route(of method: HTTPMethod, at node: Int) -> Route? {
        if let route = nodes[node].routes.first(where: { $0.method == method }) { return route }
        return method == .head ? nodes[node].routes.first { $0.method == .get } : nil
    }

    private func allowed(at node: Int) -> [HTTPMethod] {
        var methods = nodes[node].routes.map(\.method)
        if methods.contains(.get), !methods.contains(.head) { methods.append(.head) }
        return methods
    }

    /// Descends segment by segment; back-tracks where a literal leads nowhere but the placeholder beside it may.
    private func node(
        _ path: ArraySlice<UInt8>, from start: Int, at parent: Int, _ ranges: inout InlineArray<6, Range<Int>>,
        filled: Int
    ) -> Int? {
        var end = start
        var isEncoded = false
        while end < path.endIndex, path[end] != UInt8(ascii: "/") {
            if path[end] == UInt8(ascii: "%") { isEncoded = true }
            end += 1
        }
        let segment = path[start..<end]
        let isLast = end == path.endIndex
        let decoded: ArraySlice<UInt8>
        if isEncoded {
            guard let text = HTTPForm.decode(segment) else { return nil }
            decoded = Array(text.utf8)[...]
        } else {
            decoded = segment
        }
        for child in nodes[parent].literals where child.text.count == decoded.count && child.text.elementsEqual(decoded)
        {
            if let found = descend(path, end, isLast, child.node, &ranges, filled) { return found }
        }
        guard let child = nodes[parent].placeholder, !decoded.isEmpty, filled < RouteParameters.capacity else {
            return nil
        }
        ranges[filled] = start..<end
        return descend(path, end, isLast, child, &ranges, filled + 1)
    }

    private func descend(
        _ path: ArraySlice<UInt8>, _ end: Int, _ isLast: Bool, _ child: Int,
        _ ranges: inout InlineArray<6, Range<Int>>, _ filled: Int
    ) -> Int? {
        if isLast { return nodes[child].routes.isEmpty ? nil : child }
        return node(path, from: end + 1, at: child, &ranges, filled: filled)
    }
}
