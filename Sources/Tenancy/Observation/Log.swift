import EventLoop
import Glibc
public import JSON

/// Structured logs: one JSON object a line. Fields are given by name, and nobody hands them a secret, an e-mail address or
/// a phone number.
public struct Log: Sendable {
    /// How much a line matters.
    public enum Level: Int, Sendable, Hashable, Comparable, CaseIterable {
        case debug, info, warning, error

        /// The level's name in the settings and in the lines.
        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        /// The level of a name; `warn` counts as `warning`.
        public init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name || (name == "warn" && $0 == .warning) })
            else { return nil }
            self = level
        }

        /// By weight.
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// Lines below it are not written.
    public let level: Level
    private let write: @Sendable ([UInt8]) -> Void

    /// A log that writes to standard error, or wherever `write` takes the lines.
    public init(level: Level = .info, write: @escaping @Sendable ([UInt8]) -> Void = Log.standardError) {
        self.level = level
        self.write = write
    }

    /// A log that writes nothing.
    public static let silent = Log(level: .error) { _ in }

    /// Writes a line: the time, the level, `event` in snake_case and the fields.
    public func callAsFunction(_ level: Level, _ event: String, _ fields: JSONObject = [:]) {
        line(level, event) { writer in
            for member in fields {
                writer.key(dynamic: member.key)
                writer.value(member.value)
            }
        }
    }

    /// Writes a line whose fields `fill` writes.
    public func line(_ level: Level, _ event: String, _ fill: (inout JSONWriter) -> Void) {
        guard level >= self.level else { return }
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.key("time")
        writer.string(SystemTime().now().rfc3339)
        writer.key("level")
        writer.string(level.name)
        writer.key("event")
        writer.string(event)
        fill(&writer)
        writer.endObject()
        write(writer.bytes + [0x0A])
    }

    /// Writes a whole line to standard error with one call, so that lines of several threads do not mix.
    public static let standardError: @Sendable ([UInt8]) -> Void = { line in
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
