import HTTP
import JSON

/// What is known about one of the permissions that the customer guide asks for.
public struct EmarsysPermission: Sendable, Hashable {
    /// What a probe found.
    public enum Status: String, Sendable, Hashable {
        case granted, missing, unverified
    }

    /// The permission's name in Emarsys.
    public var permission: String
    /// What the probe found.
    public var status: Status
    /// What to do about it, in a sentence.
    public var detail: String
}

/// The harmless call that shows whether a permission is granted.
///
/// Emarsys answers 403 before it looks at a request, so a request that is refused for its content proves the
/// permission as well as one that succeeds. None of these calls changes or evaluates anything: lists are read, batches
/// are empty, exports lack what they need to start, segments are asked for without the required `limit`.
struct PermissionProbe {
    /// The call.
    static func call(_ operation: EmarsysOperation) -> EmarsysCall {
        switch operation {
        case .contactGetData:
            post(operation, "/contact/getdata", #"{"keyId":"id","keyValues":[],"fields":["1"]}"#)
        case .contactUpdate:
            EmarsysCall(
                operation: operation, method: .put, path: "/contact/?create_if_not_exists=0",
                body: [UInt8](#"{"key_id":"id","contacts":[]}"#.utf8))
        case .contactSingleUpdate:
            // No contact has the id 0, and no field is given.
            EmarsysCall(operation: operation, method: .put, path: "/contact/0", body: [UInt8]("{}".utf8))
        case .exportContactChanged: post(operation, "/contact/getchanges", "{}")
        case .exportContactList: post(operation, "/email/getcontacts", "{}")
        case .exportSegment: post(operation, "/export/filter", "{}")
        case .exportStatus: get(operation, "/export/0")
        case .exportDownload: get(operation, "/export/0/data")
        case .fieldGet: get(operation, "/field")
        case .fieldList: get(operation, "/field/translate/en")
        case .fieldMultiChoiceGet: get(operation, "/field/choices?fields=5&language=en")
        case .fieldSingleChoiceList: get(operation, "/field/5/choice")
        case .fieldSingleChoiceLangList: get(operation, "/field/5/choice/lang/en")
        case .fieldSingleChoiceTransList: get(operation, "/field/5/choice/translate/en")
        case .segmentGet: get(operation, "/filter")
        case .segmentList: get(operation, "/filter/0")
        case .segmentContactList: get(operation, "/filter/0/contacts")
        case .combinedSegmentList: get(operation, "/combinedsegments")
        }
    }

    private static func get(_ operation: EmarsysOperation, _ path: String) -> EmarsysCall {
        EmarsysCall(operation: operation, method: .get, path: path)
    }

    private static func post(_ operation: EmarsysOperation, _ path: String, _ body: String) -> EmarsysCall {
        EmarsysCall(operation: operation, method: .post, path: path, body: [UInt8](body.utf8))
    }

    /// What the outcome of a probe means.
    static func finding(_ operation: EmarsysOperation, _ error: EmarsysError?) -> EmarsysPermission {
        let name = operation.permission
        guard let error else { return EmarsysPermission(permission: name, status: .granted, detail: "Granted.") }
        if operation == .contactSingleUpdate, error.httpStatus == 404 || error.httpStatus == 405 {
            // The one call that is not documented: an account that does not know it says nothing by that.
            return EmarsysPermission(
                permission: name, status: .unverified,
                detail: "Cannot be tested: check in Emarsys under Security Settings > API Users that "
                    + "\"\(name)\" is switched on. Nothing here depends on it.")
        }
        if error.origin == .answer {
            switch error.httpStatus {
            case 403:
                return EmarsysPermission(
                    permission: name, status: .missing,
                    detail: "In Emarsys open Security Settings > API Users (or Management > Security Settings > API "
                        + "Credentials), edit this API user, switch on \"\(name)\" and save.")
            case 200, 202, 400, 404, 405, 410, 412, 415, 422, 423:
                return EmarsysPermission(permission: name, status: .granted, detail: "Granted.")
            default: break
            }
        }
        return EmarsysPermission(
            permission: name, status: .unverified,
            detail: "Emarsys gave no clear answer (\(error.code)): test the connection again.")
    }
}

extension EmarsysClient {
    /// Finds out by one call whether Emarsys can be reached and knows the credential.
    ///
    /// A missing permission is no failure here: ``probePermissions()`` tells those apart.
    public func checkCredential() async throws(EmarsysError) {
        var prober = self
        prober.retry = .never
        prober.urgency = .urgent
        prober.longestBudgetWait = .seconds(10)
        do {
            _ = try await prober.data(EmarsysCall(operation: .fieldGet, method: .get, path: "/field"))
        } catch {
            guard error.httpStatus == 403, error.origin == .answer else { throw error }
        }
    }

    /// Finds out which of the 18 permissions of the customer guide are granted.
    ///
    /// - Throws: the error of the first call if the credential itself is refused or Emarsys cannot be reached
    public func probePermissions() async throws(EmarsysError) -> [EmarsysPermission] {
        var prober = self
        prober.retry = .never
        prober.urgency = .urgent
        prober.longestBudgetWait = .seconds(10)
        var findings: [EmarsysPermission] = []
        for operation in EmarsysOperation.allCases {
            do {
                _ = try await prober.send(PermissionProbe.call(operation)) { body throws(EmarsysError) in body.count }
                findings.append(PermissionProbe.finding(operation, nil))
            } catch {
                let isFirst = findings.isEmpty
                let isCredential = error.httpStatus == 401 || error.origin == .tokenAnswer || error.origin == .notSent
                if isCredential || (isFirst && error.origin == .network) { throw error }
                findings.append(PermissionProbe.finding(operation, error))
            }
        }
        return findings
    }
}
