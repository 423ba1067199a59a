/// What a failed call means for the work that made it.
public enum EmarsysFailureClass: String, Sendable, Hashable, CaseIterable {
    /// Passing: the same call may succeed later.
    case retry
    /// The token or header was refused: try once more with a fresh one.
    case reauthenticate
    /// Nothing will work until a person changes something in Emarsys or in the connection.
    case stopConnection
    /// This job cannot succeed as it stands; others can.
    case stopJob
    /// Only the row in question is affected.
    case skipRow
    /// Only the row in question is affected, and it may succeed later.
    case retryRow
}

extension EmarsysError {
    /// What the error means for the work that met it.
    public var failureClass: EmarsysFailureClass {
        switch origin {
        case .network, .unreadable, .cancelled: return .retry
        case .deadline: return .retry
        case .notSent: return .stopJob
        case .tokenAnswer:
            // RFC 6749 5.2: invalid_client arrives as 400 or 401.
            return EmarsysError.isPassing(httpStatus) ? .retry : .stopConnection
        case .answer: break
        }
        switch (httpStatus, replyCode) {
        case (401, _): return triedAgain ? .stopConnection : .reauthenticate
        case (403, _): return .stopConnection
        case (400, 4001): return .retry  // the same export is still running
        case (200..<300, 7003), (200..<300, 15011): return .retry
        case (let status, _) where EmarsysError.isPassing(status): return .retry
        default: return .stopJob
        }
    }

    /// Whether waiting may help for this HTTP status, whatever the body says.
    static func isPassing(_ status: Int) -> Bool {
        switch status {
        case 202, 408, 423, 425, 429, 500, 502, 503, 504: true
        case 520...599: true  // what content networks in front of Emarsys add
        default: false
        }
    }

    /// What a code in a row's errors means for that row.
    public static func rowClass(_ code: Int) -> EmarsysFailureClass {
        switch code {
        case 2009: .retryRow  // two writers created the same contact at once
        case 2004: .stopJob  // the key field cannot be used as a key: true for every row
        default: .skipRow
        }
    }

    /// A stable name for logs, reports and API answers.
    public var code: String {
        switch origin {
        case .network: return "emarsys_unreachable"
        case .unreadable: return "emarsys_answer_unreadable"
        case .notSent: return "emarsys_call_not_permitted"
        case .deadline: return "emarsys_deadline_exceeded"
        case .cancelled: return "emarsys_call_cancelled"
        case .tokenAnswer:
            return EmarsysError.isPassing(httpStatus) ? "emarsys_token_unavailable" : "emarsys_credentials_invalid"
        case .answer: break
        }
        switch (httpStatus, replyCode) {
        case (401, _): return "emarsys_credentials_invalid"
        case (403, _): return "emarsys_permission_missing"
        case (404, 10002): return "segment_not_found"
        case (202, 10001): return "segment_evaluating"
        case (423, _): return "segment_busy"
        case (429, _), (_, 7003), (_, 15011): return "emarsys_rate_limited"
        case (400, 4001): return "export_already_running"
        case (404, 4005): return "export_not_ready"
        case (410, 4003): return "export_expired"
        case (400, 2004), (400, 2015): return "key_field_not_usable"
        case (500..., _): return "emarsys_unavailable"
        default: return "emarsys_refused"
        }
    }

    /// What the person who looks after the connection can do about it, in a sentence.
    public var advice: String {
        switch code {
        case "emarsys_credentials_invalid":
            if let clockSkewSeconds {
                return
                    "The clock of this server is off by \(clockSkewSeconds) seconds, and Emarsys refuses headers that are "
                    + "more than five minutes away: set the clock right (NTP)."
            }
            return "Check the user name and secret of the connection, or create a new API credential in Emarsys under "
                + "Management > Security Settings > API Credentials."
        case "emarsys_permission_missing":
            return
                "Grant \(permission ?? "the missing permission") to the API user in Emarsys under Security Settings > "
                + "API Users, then test the connection again."
        case "segment_not_found": return "The segment was deleted in Emarsys: choose another one."
        case "segment_evaluating", "segment_busy":
            return "Emarsys is still evaluating a segment for this API user; the next run tries again."
        case "emarsys_rate_limited":
            return "Another program uses up the API user's calls: give charles an API user of its own."
        case "key_field_not_usable": return "Ask Emarsys support to index the field that is used as a key."
        default:
            return failureClass == .retry ? "Nothing to do: it is tried again." : "See the text that Emarsys answered."
        }
    }
}
