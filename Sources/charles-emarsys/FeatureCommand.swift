import API
import Tenancy

/// `feature enable|disable`
enum FeatureCommand: Command {
    static let name = "feature"
    static let summary = "Switch a feature of an instance on or off"
    static let options: Set<String> = ["note"]
    static let help = """
        Usage: charles-emarsys feature enable|disable NAME FEATURE [--note TEXT] [--json]

        FEATURE is emarsys or order_events. The note stands in the audit log. Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("enable", "disable")
        guard words.count == 2 else { throw UsageError("expected NAME FEATURE") }
        guard let feature = Feature(rawValue: words[1]) else { throw UsageError("FEATURE is emarsys or order_events") }
        let record = try await AdministrationTools().administration.setFeature(
            words[0], feature, enabled: action == "enable", note: arguments["note"], actor: AdministrationTools.actor)
        Output.show(TenantJSON.object(record), asJSON: arguments.json) {
            "\(feature.rawValue) of \(record.instanceName) is \(record.features.contains(feature) ? "on" : "off")"
        }
    }
}
