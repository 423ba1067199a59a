public import HTTP
public import JSON

/// What the OpenAPI document says of one route beyond its method, path and permission.
public struct RouteDescription: Sendable {
    /// A parameter of the query.
    public struct Parameter: Sendable {
        let name: String
        let text: String
        let schema: JSON

        /// A parameter of the query; a string unless `schema` says something else.
        public init(_ name: String, _ text: String, schema: JSON = ["type": "string"]) {
            self.name = name
            self.text = text
            self.schema = schema
        }
    }

    /// One line in the imperative.
    public var summary: String
    /// The group under which the document lists the route.
    public var tag: String
    /// Parameters of the query.
    public var query: [Parameter]
    /// JSON Schema of the request's body, if it has one.
    public var body: JSON?
    /// JSON Schema of one element of `data`.
    public var item: JSON
    /// The status of success.
    public var status: HTTPStatus
    /// Codes of the problems a client should expect, beyond those that every route has.
    public var problems: [(HTTPStatus, String)]

    /// A description.
    public init(
        _ summary: String, tag: String, query: [Parameter] = [], body: JSON? = nil, item: JSON = ["type": "object"],
        status: HTTPStatus = .ok, problems: [(HTTPStatus, String)] = []
    ) {
        self.summary = summary
        self.tag = tag
        self.query = query
        self.body = body
        self.item = item
        self.status = status
        self.problems = problems
    }

    /// `limit` and `after`.
    public static let paging = [
        Parameter("limit", "At most so many items.", schema: ["type": "integer", "minimum": 1, "maximum": 200]),
        Parameter("after", "`next` of the page before."),
    ]
}
