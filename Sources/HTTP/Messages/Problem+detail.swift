extension Problem {
    /// What a refusal says where nothing more particular is known: `detail` stands in every problem.
    static func detail(of status: HTTPStatus, _ code: String) -> String {
        if status == .notFound, code.hasSuffix("_not_found") {
            return "There is no such \(code.dropLast("_not_found".count).replacing("_", with: " "))."
        }
        return sentences[status.code] ?? "The request was answered with \(status)."
    }

    private static let sentences: [Int: String] = [
        400: "The request cannot be read; see the code.",
        401: "Send a valid credential.",
        403: "This is not allowed.",
        404: "There is nothing at this address.",
        405: "This address does not take this method; Allow lists those it takes.",
        408: "The request did not come completely in time.",
        409: "This does not fit the present state; see the code.",
        410: "This was removed for good.",
        411: "Send a Content-Length.",
        413: "The body is larger than this address accepts.",
        414: "The address of the request is too long.",
        415: "This kind of body is not accepted here.",
        417: "The expectation cannot be met; only 100-continue is known.",
        422: "The input was read and cannot be accepted; see the code.",
        429: "There were too many requests; try again later.",
        431: "The head of the request is too large.",
        500: "Something went wrong here. It was written down under the request_id.",
        501: "The request asks for something that this service does not know.",
        503: "The service cannot answer right now; try again.",
        505: "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
    ]
}
