public import HTTP
import JSON

extension Problem {
    /// 400: the request cannot be read at all.
    public static func badRequest(_ code: String, _ detail: String? = nil) -> Problem {
        Problem(.badRequest, code, detail: detail)
    }

    /// 401: no credential, or one that is not known here. One code for all causes.
    public static let unauthorized = Problem(
        .unauthorized, "unauthorized", detail: "Send a valid key in X-API-Key, or sign in.",
        headers: ["WWW-Authenticate": "ApiKey"])

    /// 403: known, and not allowed.
    public static func forbidden(_ code: String, _ detail: String? = nil) -> Problem {
        Problem(.forbidden, code, detail: detail)
    }

    /// 403: the key has not the permission.
    public static func permissionDenied(_ permission: Permission) -> Problem {
        Problem(.forbidden, "permission_denied", detail: "The permission \"\(permission.rawValue)\" is needed.")
    }

    /// 403: customer success has not switched the feature on.
    public static func featureNotEnabled(_ feature: Feature) -> Problem {
        Problem(
            .forbidden, "feature_not_enabled", detail: "Please reach out to your CSM to enable it.",
            extensions: ["feature": .string(feature.rawValue)])
    }

    /// 404
    public static func notFound(_ code: String, _ detail: String? = nil) -> Problem {
        Problem(.notFound, code, detail: detail)
    }

    /// 409
    public static func conflict(_ code: String, _ detail: String? = nil) -> Problem {
        Problem(.conflict, code, detail: detail)
    }

    /// 410
    public static func gone(_ code: String, _ detail: String? = nil) -> Problem {
        Problem(.gone, code, detail: detail)
    }

    /// 422: the input was read and is not acceptable. `validation_failed` unless the fault has a code of its own.
    public static func invalid(_ errors: [FieldError], code: String = "validation_failed") -> Problem {
        Problem(.unprocessableContent, code, detail: errors.first.map { "\($0.field): \($0.message)" }, errors: errors)
    }

    /// 422 for one field, under a code of its own.
    public static func invalid(_ code: String, field: String, _ message: String) -> Problem {
        .invalid([FieldError(field: field, code: code, message: message)], code: code)
    }

    /// 422 for something that is not a field's fault.
    public static func unprocessable(_ code: String, _ detail: String) -> Problem {
        Problem(.unprocessableContent, code, detail: detail)
    }

    /// 503: try again after `retryAfter` seconds.
    public static func unavailable(_ code: String = "unavailable", _ detail: String? = nil, retryAfter: Int = 2)
        -> Problem
    {
        Problem(.serviceUnavailable, code, detail: detail, headers: ["Retry-After": String(retryAfter)])
    }
}
