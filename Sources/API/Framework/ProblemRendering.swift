import HTTP
import JSON
import Persistence
import Tenancy

/// The one place where an error becomes an answer. Nothing of an unknown error reaches the client.
struct ProblemRendering: Sendable {
    let log: Log

    func problem(for error: any Error, requestID: String) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case let error as any ProblemConvertible:
            return error.problem
        case let error as DatabaseError:
            return problem(for: error, requestID: requestID)
        case is CancellationError:
            return .unavailable("shutting_down")
        default:
            log(.error, "request_failed", ["request_id": .string(requestID), "error": .string("\(type(of: error))")])
            return Problem(.internalServerError, "internal_error")
        }
    }

    private func problem(for error: DatabaseError, requestID: String) -> Problem {
        // `description` holds codes, names and static SQL only.
        let fields: JSONObject = ["request_id": .string(requestID), "error": .string(error.description)]
        if error.isRetryable || error.code == .timedOut {
            log(.warning, "database_unavailable", fields)
            return .unavailable("database_unavailable", "The database does not answer right now; try again.")
        }
        switch error.sqlState {
        case "22021", "22P05":
            return .invalid("invalid_text", field: "", "text must not contain U+0000")
        default:
            log(.error, "database_error", fields)
            return Problem(.internalServerError, "internal_error")
        }
    }
}
