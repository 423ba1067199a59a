import Crypto
import EventLoop
import HTTP
import Persistence
import Tenancy

/// `Idempotency-Key` on routes that create something: the first answer is given again to each copy of the request.
///
/// A copy under way: 409 `idempotency_key_in_use`. The key of another request: 422 `idempotency_key_reused`. Answers of 5xx
/// are not remembered: the work may be tried again.
struct Idempotency: Sendable {
    let database: Database
    let secrets: SecretBox
    let time: any TimeSource

    /// Runs `work`, or gives the answer it gave before.
    func answer(
        _ scope: IdempotencyScope, _ request: HTTPRequest, actor: String,
        _ work: () async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        guard let key = request.header("Idempotency-Key") else { return try await work() }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw Problem.invalid(
                "invalid_idempotency_key", field: "Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        }
        let hash = Self.hash(request, actor)
        switch try await IdempotencyStore.begin(scope, key: key, hash: hash, now: time.now(), in: database) {
        case .begun: break
        case .inFlight:
            throw Problem.conflict("idempotency_key_in_use", "The same request is under way; ask again in a moment.")
        case .mismatch:
            throw Problem.unprocessable("idempotency_key_reused", "The key was sent with another request before.")
        case .answered(let status, let contentType, let sealed):
            let body = try await secrets.openAnswer(sealed, scope: scope)
            return HTTPResponse(
                status: HTTPStatus(status),
                headers: ["Content-Type": contentType, "Idempotency-Replayed": "true"], body: .bytes(body))
        }
        do {
            let response = try await work()
            try await remember(response, scope, key)
            return response
        } catch {
            try? await IdempotencyStore.abandon(scope, key: key, in: database)
            throw error
        }
    }

    private func remember(_ response: HTTPResponse, _ scope: IdempotencyScope, _ key: String) async throws {
        guard response.status.code < 500, case .bytes(let bytes) = response.body else {
            return try await IdempotencyStore.abandon(scope, key: key, in: database)
        }
        // Answers can hold a secret that is shown once, so they are sealed like one.
        let sealed = try await secrets.sealAnswer(bytes, scope: scope)
        try await IdempotencyStore.finish(
            scope, key: key, status: response.status.code,
            contentType: response.headers["Content-Type"] ?? "application/json", sealed: sealed, in: database)
    }

    private static func hash(_ request: HTTPRequest, _ actor: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [request.method.rawValue, request.target, actor] {
            bytes.append(contentsOf: part.utf8)
            bytes.append(0)
        }
        bytes.append(contentsOf: request.body)
        return SHA256.hash(bytes)
    }
}
