import CAssets
import Crypto
public import HTTP
import Synchronization

/// The pages, styles and scripts that are compiled into the binary.
///
/// `/assets/…` names a file; each address that the pages know answers their document, which then shows what the address
/// asks for. Files carry an entity tag and are asked for again (`no-cache`): a new release shows at once, and an unchanged
/// file costs a 304. Browsers that take gzip get it: nothing in these files is secret.
public struct EmbeddedPages: PageSource {
    private final class File: Sendable {
        let type: String
        let tag: String
        let bytes: [UInt8]
        private let packed = Mutex<[UInt8]?>(nil)

        init(type: String, tag: String, bytes: [UInt8]) {
            self.type = type
            self.tag = tag
            self.bytes = bytes
        }

        /// Compressed when it is first asked for, so that starting costs nothing.
        var gzip: [UInt8] {
            packed.withLock { packed in
                if let packed { return packed }
                let made = Gzip.compress(bytes)
                packed = made
                return made
            }
        }
    }

    private static let root = "Sources/API/Web/"
    private static let tenantPages: Set<String> = [
        "contacts", "conflicts", "orders", "audiences", "flows", "events", "imports", "reports", "deliveries",
        "settings",
    ]
    private static let operatorPages: Set<String> = ["tenants", "queues"]

    /// Where the API's own page is, beside the API and not part of it.
    static let documentation = "/api/docs"

    private let files: [String: File]

    /// Reads the embedded files.
    public init() {
        var files: [String: File] = [:]
        var count = 0
        if let all = casset_all(&count) {
            for asset in UnsafeBufferPointer(start: all, count: count) {
                let path = String(cString: asset.path)
                guard path.hasPrefix(Self.root), let type = Self.type(of: path) else { continue }
                let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.length))
                let tag = Hex.encode(SHA256.hash(bytes).prefix(12))
                files[String(path.dropFirst(Self.root.count))] = File(type: type, tag: tag, bytes: bytes)
            }
        }
        self.files = files
    }

    /// The names of all files, for the tests.
    var names: [String] { files.keys.sorted() }

    /// The answer to `GET` or `HEAD` of a page or file; nil where there is none.
    public func response(to request: HTTPRequest, on site: Site) -> HTTPResponse? {
        guard request.method == .get || request.method == .head else { return nil }
        let path = request.path
        if path.hasPrefix("/assets/") {
            return files[String(path.dropFirst("/assets/".count))].map { answer($0, to: request) }
        }
        if path == Self.documentation { return files["docs.html"].map { answer($0, to: request) } }
        let first = path.split(separator: "/", maxSplits: 1).first.map(String.init)
        switch site {
        case .tenant:
            guard first.map(Self.tenantPages.contains) ?? true else { return nil }
            return files["tenant.html"].map { answer($0, to: request) }
        case .operator:
            guard first.map(Self.operatorPages.contains) ?? true else { return nil }
            return files["operator.html"].map { answer($0, to: request) }
        }
    }

    private func answer(_ file: File, to request: HTTPRequest) -> HTTPResponse {
        let isPacked = Self.takesGzip(request.header("Accept-Encoding"))
        // Two forms of one file are two things to a cache.
        let tag = "\"" + file.tag + (isPacked ? "-gzip" : "") + "\""
        var headers: HTTPHeaders = [
            "Content-Type": file.type, "ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding",
        ]
        if request.header("If-None-Match") == tag { return HTTPResponse(status: .notModified, headers: headers) }
        if isPacked { headers.set("Content-Encoding", "gzip") }
        return HTTPResponse(status: .ok, headers: headers, body: .bytes(isPacked ? file.gzip : file.bytes))
    }

    /// Whether an `Accept-Encoding` names gzip (RFC 9110, 12.5.3) and does not refuse it by `q=0`.
    static func takesGzip(_ field: String?) -> Bool {
        (field ?? "").lowercased().split(separator: ",").contains { part in
            let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard words.first == "gzip" else { return false }
            return !words.dropFirst().contains {
                $0.hasPrefix("q=0") && !$0.dropFirst(2).contains { "123456789".contains($0) }
            }
        }
    }

    private static func type(of path: String) -> String? {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }
}
