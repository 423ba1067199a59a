/// A part of the product that customer success switches on for each tenant.
public enum Feature: String, Sendable, Hashable, CaseIterable {
    /// The connection to Emarsys: settings, imports, opt-in export, custom events.
    case emarsys
    /// The order webhook.
    case orderEvents = "order_events"
}

/// The features that are switched on for a tenant.
public struct FeatureSet: OptionSet, Sendable, Hashable {
    /// One bit for each feature.
    public let rawValue: UInt8

    /// A set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A set of features.
    public init(_ features: some Sequence<Feature>) {
        self = features.reduce(into: []) { $0.formUnion(FeatureSet($1)) }
    }

    /// The set of one feature.
    public init(_ feature: Feature) {
        switch feature {
        case .emarsys: self.init(rawValue: 1)
        case .orderEvents: self.init(rawValue: 2)
        }
    }

    /// Whether a feature is on.
    public func contains(_ feature: Feature) -> Bool { isSuperset(of: FeatureSet(feature)) }
}
