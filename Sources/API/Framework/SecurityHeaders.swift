import HTTP

/// Fields that every answer carries, so that a browser does no more with it than it was made for.
enum SecurityHeaders {
    /// Pages load scripts, styles and data from their own host only, and are framed by nobody.
    static let pagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    static let dataPolicy = "default-src 'none'; frame-ancestors 'none'"

    private static let page = HTTPFieldBlock([
        "Content-Security-Policy": pagePolicy, "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    ])
    private static let cacheableData = HTTPFieldBlock([
        "Content-Security-Policy": dataPolicy, "Referrer-Policy": "no-referrer",
    ])
    private static let data = HTTPFieldBlock([
        "Content-Security-Policy": dataPolicy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    ])

    /// The server itself adds `X-Request-Id` and `X-Content-Type-Options`.
    static func complete(_ response: inout HTTPResponse, isPage: Bool) {
        response.sharedFields = isPage ? page : response.headers.contains("Cache-Control") ? cacheableData : data
    }
}
