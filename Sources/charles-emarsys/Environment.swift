import API
import Glibc

/// The settings in the process's environment.
enum Environment {
    /// Those that the service knows, and nothing else.
    static func settings() -> [String: String] {
        var values: [String: String] = [:]
        for setting in Setting.all {
            if let value = getenv(setting.name) { values[setting.name] = String(cString: value) }
        }
        return values
    }
}
