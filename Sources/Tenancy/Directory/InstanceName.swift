/// The label of a tenant's host.
public enum InstanceName {
    /// Names that no tenant can have.
    public static let reserved: Set<String> = ["operator", "www", "api", "app", "admin", "status", "mail"]

    /// Whether `name` is one DNS label in lower case: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
    public static func isLabel(_ name: some StringProtocol) -> Bool {
        let bytes = name.utf8
        guard (1...63).contains(bytes.count), !name.hasPrefix("-"), !name.hasSuffix("-") else { return false }
        return bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    /// Whether a tenant can have the name.
    public static func isAvailable(_ name: String) -> Bool { isLabel(name) && !reserved.contains(name) }
}
