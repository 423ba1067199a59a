/// What a key may do on its tenant's host. Permissions stand beside each other: none implies another one.
public enum Permission: String, Sendable, Hashable, CaseIterable {
    /// Read contacts, settings, runs and reports.
    case read
    /// Change settings, flows and audiences, start imports, send touches.
    case write
    /// Record opt-ins.
    case consent
    /// Erase people.
    case erase
    /// See and rotate secrets.
    case admin
}

/// A set of permissions.
public struct PermissionSet: OptionSet, Sendable, Hashable {
    /// One bit for each permission.
    public let rawValue: UInt8

    /// A set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A set of permissions.
    public init(_ permissions: some Sequence<Permission>) {
        self = permissions.reduce(into: []) { $0.formUnion(PermissionSet($1)) }
    }

    /// The set of one permission.
    public init(_ permission: Permission) {
        switch permission {
        case .read: self.init(rawValue: 1)
        case .write: self.init(rawValue: 2)
        case .consent: self.init(rawValue: 4)
        case .erase: self.init(rawValue: 8)
        case .admin: self.init(rawValue: 16)
        }
    }

    /// All permissions.
    public static let all = PermissionSet(Permission.allCases)

    /// Whether a permission is in the set.
    public func contains(_ permission: Permission) -> Bool { isSuperset(of: PermissionSet(permission)) }

    /// The permissions in the set, in their fixed order.
    public var permissions: [Permission] { Permission.allCases.filter { contains($0) } }
}
