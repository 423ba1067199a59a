public import HTTP

/// Who works on the operators' host.
public struct OperatorPrincipal: Sendable, Hashable {
    /// What an operator may do.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// Look.
        case viewer
        /// Look and change.
        case manager
    }

    /// The name in the audit log.
    public let name: String
    /// What the operator may do.
    public let role: Role

    /// An operator.
    public init(name: String, role: Role) {
        self.name = name
        self.role = role
    }

    /// The operator in the audit log and beside what it changed.
    public var actor: String { "operator:\(name)" }
}

/// A request of an operator.
public struct OperatorContext: RequestContext {
    /// Who asks.
    public let principal: OperatorPrincipal
    /// The request.
    public let request: HTTPRequest
    /// The placeholders of the route's pattern.
    public let parameters: RouteParameters
}

/// Routes of the operators' host. Permissions there: `read` for viewers and managers, `write` for managers.
public typealias OperatorRoutes = Routes<OperatorContext>
