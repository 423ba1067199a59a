import API
import EventLoop
import JSON
import Tenancy

/// `secrets rotate`
enum SecretsCommand: Command {
    static let name = "secrets"
    static let summary = "Renew master keys and the instances' data keys"
    static let options: Set<String> = ["settle"]
    static let flags: Set<String> = ["data-keys", "background"]
    static let help = """
        Usage: charles-emarsys secrets rotate [--data-keys] [--settle DURATION] [--background] [--json]

        Master key: put the new one first in CHARLES_MASTER_KEYS, keep the old one behind it, restart the service, then
        rotate. Every data key that another master key wraps is wrapped anew. The old master key can go when this command
        has ended well.

          --data-keys   also give each instance a new data key and seal everything anew that the former one sealed
          --settle      how long processes may go on with what they remember before the former key is given up, twice
                        (default 90s; 0s where no service runs)
          --background  only begin: the running service does the work

        May be stopped and started again at any time, beside the running service: it goes on where it was.
        """

    static func run(_ arguments: Arguments) async throws {
        let (_, words) = try arguments.action("rotate")
        guard words.isEmpty else { throw UsageError("rotate takes no further words") }
        guard let settle = SettingReader.duration(arguments["settle"] ?? "90s") else {
            throw UsageError("--settle is a duration such as 90s")
        }
        let tools = try AdministrationTools()
        let rotation = KeyRotation(
            database: tools.database, secrets: tools.secrets, time: tools.time, settle: settle)
        try await rotation.begin(withDataKeys: arguments.has("data-keys"))
        if arguments.has("background") {
            return Output.show(
                ["master_key": .string(tools.masterKeys.currentID), "finished": false], asJSON: arguments.json
            ) { "begun: the running service goes on" }
        }
        var sum = KeyRotation.Report()
        while !sum.isFinished {
            guard let report = try await rotation.pass(progress: { show($0) }) else {
                // Another process has just ended it.
                sum.isFinished = true
                break
            }
            sum.rewrapped += report.rewrapped
            sum.made += report.made
            sum.resealed += report.resealed
            sum.removed += report.removed
            sum.unreadable = report.unreadable
            sum.isFinished = report.isFinished
            guard report.unreadable == 0, !report.isFinished else { break }
            Progress.show("\(report.waiting) instances wait until no process uses their former data key")
            try await tools.time.sleep(for: min(.seconds(5), max(.milliseconds(50), settle / 10)))
        }
        let final = sum
        Output.show(
            [
                "master_key": .string(tools.masterKeys.currentID), "rewrapped": .int(final.rewrapped),
                "data_keys": .int(final.made), "resealed": .int(final.resealed), "removed": .int(final.removed),
                "unreadable": .int(final.unreadable), "finished": .bool(final.isFinished),
            ], asJSON: arguments.json
        ) {
            "master key \(tools.masterKeys.currentID): \(final.rewrapped) data keys wrapped anew"
                + (arguments.has("data-keys")
                    ? "; \(final.made) new data keys, \(final.resealed) values sealed anew, \(final.removed) former keys removed"
                    : "")
        }
        guard final.unreadable == 0 else {
            throw Failure(
                "\(final.unreadable) data keys or values need a master key that is not configured")
        }
    }

    private static func show(_ report: KeyRotation.Report) {
        Progress.show(
            "\(report.rewrapped) data keys wrapped anew, \(report.made) made; \(report.resealed) values sealed anew")
    }
}
