import Crypto
import FoundationEssentials
import JSON

/// Public test vectors, which lie outside the project: in the folder that `CHARLES_TEST_VECTORS` names, or in
/// `shared/vectors` beside the checkout or above it. Tests that need them are skipped where there are none.
public enum TestVectors {
    /// The folder, nil where there is none.
    public static let folder: String? = {
        if let named = ProcessInfo.processInfo.environment["CHARLES_TEST_VECTORS"] { return named }
        var parts = #filePath.split(separator: "/").dropLast()
        while !parts.isEmpty {
            let candidate = "/" + (parts + ["shared", "vectors"]).joined(separator: "/")
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
            parts = parts.dropLast()
        }
        return nil
    }()

    /// Whether there are any.
    public static var areAvailable: Bool { folder != nil }

    /// The content of a file of vectors.
    public static func load(_ name: String) throws -> JSON {
        let data = try Data(contentsOf: URL(filePath: (folder ?? "") + "/" + name))
        return try JSON.parse(Array(data))
    }
}

extension JSON {
    /// The bytes of a member in base64.
    public func base64(_ key: String) -> [UInt8]? {
        self[key]?.string.flatMap(Base64.decode)
    }

    /// The bytes of a member in hexadecimal.
    public func hex(_ key: String) -> [UInt8]? {
        self[key]?.string.flatMap(Hex.decode)
    }
}
