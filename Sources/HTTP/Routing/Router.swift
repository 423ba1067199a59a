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

    private var tree = RouteTree()
    /// By the number of their route in the tree.
    private var handlers: [Handler] = []

    /// No routes.
    public init() {}

    /// Adds a route; one of the same method and pattern is replaced.
    /// - Parameters:
    ///   - method: GET serves HEAD too, unless HEAD has a route of its own.
    ///   - pattern: begins with `/`, at most six placeholders, decoded text.
    public mutating func on(_ method: HTTPMethod, _ pattern: String, _ handler: Handler) {
        tree.add(method, pattern, number: handlers.count)
        handlers.append(handler)
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
        var ranges = InlineArray<6, Range<Int>>(repeating: 0..<0)
        guard let node = tree.find(path.span.bytes, &ranges) else { return .notFound }
        guard let route = tree.route(of: method, at: node) else { return .methodNotAllowed(tree.methods(at: node)) }
        return .found(
            handlers[route.number], RouteParameters(names: route.names, bytes: path, ranges: ranges))
    }
}
