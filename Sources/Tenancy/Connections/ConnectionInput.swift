import Emarsys
import HTTP

/// What a customer enters about a connection.
public struct ConnectionInput: Sendable {
    /// What the customer calls it.
    public var name: String
    /// How calls are signed.
    public var auth: StoredConnection.Auth
    /// API user or client id.
    public var principal: String
    /// Nil keeps the stored secret of the same principal.
    public var secret: String?
    /// OAuth alone; nil means the default.
    public var tokenURL: String?
    /// Nil means the default.
    public var baseURL: String?

    /// An input.
    public init(
        name: String, auth: StoredConnection.Auth, principal: String, secret: String?, tokenURL: String?,
        baseURL: String?
    ) {
        self.name = name
        self.auth = auth
        self.principal = principal
        self.secret = secret
        self.tokenURL = tokenURL
        self.baseURL = baseURL
    }

    /// Checks what can be checked without a call. Throws 422.
    func check(_ policy: EmarsysEndpointPolicy) throws(Problem) {
        var errors: [FieldError] = []
        if name.isEmpty || name.unicodeScalars.count > 100 {
            errors.append(FieldError(field: "name", code: "invalid_name", message: "must have 1 to 100 characters"))
        }
        if let fault = Self.fault(baseURL, policy) {
            errors.append(FieldError(field: "base_url", code: "base_url_not_permitted", message: fault))
        }
        if let fault = Self.fault(tokenURL, policy) {
            errors.append(FieldError(field: "token_url", code: "token_url_not_permitted", message: fault))
        }
        guard let first = errors.first else { return }
        throw .invalid(errors, code: errors.count == 1 ? first.code : "validation_failed")
    }

    func credential(secret: String) -> EmarsysCredential {
        switch auth {
        case .wsse: .wsse(username: principal, secret: secret)
        case .oauth2:
            .oauth2(
                clientID: principal, clientSecret: secret, tokenURL: tokenURL ?? EmarsysCredential.defaultTokenURL)
        }
    }

    private static func fault(_ text: String?, _ policy: EmarsysEndpointPolicy) -> String? {
        guard let text else { return nil }
        do {
            _ = try policy.permitted(text)
            return nil
        } catch {
            return switch error {
            case .malformed: "must be an absolute URL without credentials, query and fragment"
            case .hostNotPermitted: "must be a host below emarsys.net"
            case .httpsRequired: "must be https on the usual port"
            }
        }
    }
}
