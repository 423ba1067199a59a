import EventLoop
import HTTP
import JSON

/// Turns the account's answers into HTTP.
struct SandboxResponder: HTTPResponder {
    let account: SandboxAccount
    let sender: SandboxWebhookSender

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        if request.path.hasPrefix("/sandbox") {
            return await SandboxControl(account: account, sender: sender).respond(to: request)
        }
        let delay = account.with { $0.quirks.latencyMilliseconds }
        if delay > 0 { try? await EventLoop.current?.sleep(for: .milliseconds(delay)) }
        let begin = ContinuousClock.now
        let made = account.answer(request)
        let taken = ContinuousClock.now - begin
        account.with { $0.serving += taken }
        guard let answer = made else {
            return HTTPResponse.json(
                ["replyCode": 1, "replyText": "Action is invalid.", "data": ""], status: .notFound)
        }
        return SandboxResponder.response(answer)
    }

    private static func response(_ answer: SandboxAnswer) -> HTTPResponse {
        var headers = HTTPHeaders()
        headers.set("Content-Type", answer.contentType)
        for (name, value) in answer.extraHeaders { headers.add(name, value) }
        if answer.isDropped {
            // A body that fails half-way makes the server end the connection without the last chunk.
            let half = [UInt8](answer.body.prefix(answer.body.count / 2))
            return HTTPResponse(
                status: HTTPStatus(answer.status), headers: headers,
                body: .stream { writer in
                    try await writer.write(half)
                    throw SandboxDrop()
                })
        }
        return HTTPResponse(status: HTTPStatus(answer.status), headers: headers, body: .bytes(answer.body))
    }
}

/// Thrown to end a connection in the middle of an answer.
private struct SandboxDrop: Error {}
