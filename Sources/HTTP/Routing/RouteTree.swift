/// The patterns of a router as a tree of segments.
struct RouteTree: Sendable {
    /// What a path leads to with one method.
    struct Route: Sendable {
        let method: HTTPMethod
        /// The names of the placeholders on the way.
        let names: [String]
        /// The caller's.
        let number: Int
    }

    /// A segment. Nodes refer to each other by index, so that a look-up counts no references; 0 is the root and stands
    /// for "none" elsewhere.
    private struct Node: Sendable {
        /// Where the text of a literal stands in `texts`.
        var text = 0..<0
        var firstLiteral = 0
        var nextLiteral = 0
        var placeholder = 0
        /// Whether a path may end here.
        var hasRoutes = false
    }

    private var nodes = [Node()]
    private var texts: [UInt8] = []
    /// The routes of each node.
    private var routes: [[Route]] = [[]]

    mutating func add(_ method: HTTPMethod, _ pattern: String, number: Int) {
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
        nodes[node].hasRoutes = true
        routes[node].removeAll { $0.method == method }
        routes[node].append(Route(method: method, names: names, number: number))
    }

    private mutating func add(_ node: Node) -> Int {
        nodes.append(node)
        routes.append([])
        return nodes.count - 1
    }

    private mutating func placeholder(under parent: Int) -> Int {
        if nodes[parent].placeholder == 0 { nodes[parent].placeholder = add(Node()) }
        return nodes[parent].placeholder
    }

    private mutating func literal(_ text: [UInt8], under parent: Int) -> Int {
        var child = nodes[parent].firstLiteral
        while child != 0 {
            if texts[nodes[child].text].elementsEqual(text) { return child }
            child = nodes[child].nextLiteral
        }
        texts += text
        var node = Node()
        node.text = texts.count - text.count..<texts.count
        node.nextLiteral = nodes[parent].firstLiteral
        child = add(node)
        nodes[parent].firstLiteral = child
        return child
    }

    /// The route of a method; that of GET for HEAD where there is no other.
    func route(of method: HTTPMethod, at node: Int) -> Route? {
        for route in routes[node] where route.method == method { return route }
        return method == .head ? route(of: .get, at: node) : nil
    }

    /// The methods that a path has.
    func methods(at node: Int) -> [HTTPMethod] {
        var methods = routes[node].map(\.method)
        if methods.contains(.get), !methods.contains(.head) { methods.append(.head) }
        return methods
    }

    /// The node of a path, still percent-encoded; an empty path is `/`.
    func find(_ path: RawSpan, _ ranges: inout InlineArray<6, Range<Int>>) -> Int? {
        if path.byteCount == 0 { return find(path, from: 0, at: 0, &ranges, filled: 0) }
        guard HTTPScanner.byte(path, 0) == UInt8(ascii: "/") else { return nil }
        return find(path, from: 1, at: 0, &ranges, filled: 0)
    }

    /// Descends by the segment that begins at `start`; goes back where a literal leads nowhere but the placeholder
    /// beside it may.
    private func find(
        _ path: RawSpan, from start: Int, at parent: Int, _ ranges: inout InlineArray<6, Range<Int>>, filled: Int
    ) -> Int? {
        var end = start
        var isEncoded = false
        while end < path.byteCount {
            let byte = HTTPScanner.byte(path, end)
            if byte == UInt8(ascii: "/") { break }
            if byte == UInt8(ascii: "%") { isEncoded = true }
            end += 1
        }
        if isEncoded {
            let raw = path.extracting(start..<end).withUnsafeBytes { Array($0) }
            guard let text = HTTPForm.decode(raw[...]) else { return nil }
            let decoded = Array(text.utf8)
            return descend(path, start..<end, decoded.span.bytes, at: parent, &ranges, filled)
        }
        return descend(path, start..<end, path.extracting(start..<end), at: parent, &ranges, filled)
    }

    private func descend(
        _ path: RawSpan, _ segment: Range<Int>, _ decoded: RawSpan, at parent: Int,
        _ ranges: inout InlineArray<6, Range<Int>>, _ filled: Int
    ) -> Int? {
        var child = nodes[parent].firstLiteral
        while child != 0 {
            if isText(of: child, decoded), let found = proceed(path, segment.upperBound, at: child, &ranges, filled) {
                return found
            }
            child = nodes[child].nextLiteral
        }
        let placeholder = nodes[parent].placeholder
        guard placeholder != 0, decoded.byteCount > 0, filled < RouteParameters.capacity else { return nil }
        ranges[filled] = segment
        return proceed(path, segment.upperBound, at: placeholder, &ranges, filled + 1)
    }

    private func proceed(
        _ path: RawSpan, _ end: Int, at child: Int, _ ranges: inout InlineArray<6, Range<Int>>, _ filled: Int
    ) -> Int? {
        if end == path.byteCount { return nodes[child].hasRoutes ? child : nil }
        return find(path, from: end + 1, at: child, &ranges, filled: filled)
    }

    @inline(__always)
    private func isText(of node: Int, _ segment: RawSpan) -> Bool {
        let text = nodes[node].text
        guard text.count == segment.byteCount else { return false }
        let known = texts.span.bytes
        for index in 0..<text.count
        where HTTPScanner.byte(known, text.lowerBound + index) != HTTPScanner.byte(segment, index) {
            return false
        }
        return true
    }
}
