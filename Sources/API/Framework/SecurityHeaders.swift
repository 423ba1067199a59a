import HTTP

/// Fields that every answer carries, so that a browser does no more with it than it was made for.
enum SecurityHeaders {
    /// Pages load scripts, styles and data from their own host only, and are framed by nobody.
    static let pagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    static let dataPolicy = "default-src 'none'; frame-ancestors 'none'"

    /// The server itself adds `X-Request-Id` and `X-Content-Type-Options`.
    static func complete(_ response: inout HTTPResponse, isPage: Bool) {
        if isPage {
            response.headers.add("Content-Security-Policy", pagePolicy)
            response.headers.add("X-Frame-Options", "DENY")
            response.headers.add("Referrer-Policy", "no-referrer")
            response.headers.add("Cross-Origin-Opener-Policy", "same-origin")
        } else {
            response.headers.add("Content-Security-Policy", dataPolicy)
            response.headers.add("Referrer-Policy", "no-referrer")
            if !response.headers.contains("Cache-Control") { response.headers.add("Cache-Control", "no-store") }
        }
    }
}
