/// What an account's owner gives us to call Emarsys with.
///
/// WSSE credentials work on `/api/v2` and end on 2026-12-31; OAuth 2.0 client credentials work on `/api/v3`.
/// The paths below both versions are the same.
public enum EmarsysCredential: Sendable, Hashable {
    /// An API user of the form `account_name001` and its secret.
    case wsse(username: String, secret: String)
    /// An OAuth 2.0 client; accounts that manage credentials in SAP Cloud Identity have their own token URL.
    case oauth2(clientID: String, clientSecret: String, tokenURL: String)

    /// The token URL of accounts that were not given one of their own.
    public static let defaultTokenURL = "https://auth.emarsys.net/oauth2/token"

    /// The day on which Emarsys stops accepting WSSE.
    public static let wsseSunset = "2026-12-31"

    /// `/api/v2` for WSSE, `/api/v3` for OAuth 2.0.
    public var apiPath: String {
        switch self {
        case .wsse: "/api/v2"
        case .oauth2: "/api/v3"
        }
    }

    /// The API user or client id: names the budget that Emarsys counts calls against, and is no secret.
    public var principal: String {
        switch self {
        case .wsse(let username, _): username
        case .oauth2(let clientID, _, _): clientID
        }
    }

    /// Whether both halves can be put into a header at all: not empty, at most 512 bytes, and a name of printable
    /// ASCII without quotes, backslashes and (OAuth, RFC 6749 2.3.1) colons.
    public var isWellFormed: Bool {
        let secret: String
        let forbidden: [UInt8]
        switch self {
        case .wsse(_, let value): (secret, forbidden) = (value, [0x22, 0x5C])
        case .oauth2(_, let value, _): (secret, forbidden) = (value, [0x22, 0x5C, 0x3A])
        }
        let name = principal.utf8
        return !name.isEmpty && name.count <= 512 && !secret.isEmpty && secret.utf8.count <= 512
            && name.allSatisfy { $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }
            && secret.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

/// Printing a credential never shows its secret, by whatever way it is printed.
extension EmarsysCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The kind alone.
    public var description: String {
        switch self {
        case .wsse: "wsse credential"
        case .oauth2: "oauth2 credential"
        }
    }

    /// The kind alone.
    public var debugDescription: String { description }

    /// Without children, so that `dump` finds nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
