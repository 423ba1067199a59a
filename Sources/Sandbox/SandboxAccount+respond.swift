import EventLoop
import HTTP
import JSON

extension SandboxAccount {
    /// Answers a call to the API, the token endpoint or the health check; nil if the path belongs to none of them.
    func answer(_ request: HTTPRequest) -> SandboxAnswer? {
        let target = SandboxTarget(path: request.path, query: request.query)
        switch (target.parts.first ?? "", target.parts.count) {
        case ("healthcheck", 1): return SandboxAnswer.data("OK")
        case ("oauth2", 2) where target.parts[1] == "token": return tokenAnswer(request)
        case ("api", 3...) where target.parts[1] == "v2" || target.parts[1] == "v3":
            let isV2 = target.parts[1] == "v2"
            var below = target
            below.parts.removeFirst(2)
            return apiAnswer(request, below, isV2: isV2)
        default: return nil
        }
    }

    private func apiAnswer(_ request: HTTPRequest, _ target: SandboxTarget, isV2: Bool) -> SandboxAnswer {
        let now = time.now()
        let path = target.parts.map { Int($0) == nil ? String($0) : "{id}" }.joined(separator: "/")
        let name = "\(request.method.rawValue) /\(path)"
        let fault = with { state -> SandboxFault.Kind? in
            state.callsByPath[name, default: 0] += 1
            return state.takeFault("/\(path)")
        }
        var answer: SandboxAnswer
        var limitHeaders: [(String, String)] = []
        if let fault {
            answer = fault.answer
        } else if let principal = isV2 ? wsseUser(request, now) : bearerClient(request, now) {
            let (headers, isOver, quirks) = with { state in
                let (headers, isOver) = state.count(principal, at: now)
                return (headers, isOver, state.quirks)
            }
            limitHeaders = headers
            answer =
                isOver
                ? (quirks.plainTextRateLimit ? SandboxFault.Kind.plain429 : .limited429).answer
                : route(request, target)
            if isOver { answer.extraHeaders = [] }
        } else {
            answer = .refuse(401, 1, "Credentials are invalid")
        }
        answer.extraHeaders += limitHeaders
        let status = answer.status
        let quirks = with { state in
            state.callsByStatus[status, default: 0] += 1
            return state.quirks
        }
        if quirks.jsonAsText, answer.contentType.hasPrefix("application/json") {
            answer.contentType = "text/html; charset=utf-8"
        }
        return answer
    }

    private func route(_ request: HTTPRequest, _ target: SandboxTarget) -> SandboxAnswer {
        guard let route = SandboxRoute(request.method.rawValue, target.parts) else { return .notFound }
        let isPermitted = with { state in
            state.callsByPermission[route.permission, default: 0] += 1
            return state.permissions.contains(route.permission)
        }
        guard isPermitted else { return .forbidden }
        switch route {
        case .fields: return fields(language: nil)
        case .fieldsTranslated(let language): return fields(language: language)
        case .choices(let field, let language, _): return choices(field, language)
        case .choicesOfMany: return choices(target)
        case .segments: return segments()
        case .segment(let id): return segment(id)
        case .segmentContacts(let id): return segmentContacts(id, target)
        case .combinedSegments:
            return .data(
                .array(
                    SandboxSegment.combined.map { ["id": .number(JSONNumber(Int64($0.id))), "name": .string($0.name)] })
            )
        case .getData: return getData(request)
        case .updateContacts: return updateContacts(request, target)
        case .exportChanges, .exportList, .exportSegment: return startExport(route, request)
        case .exportStatus(let id): return exportStatus(id)
        case .exportData(let id): return exportData(id)
        case .other: return .refuse(400, 10001, "Not simulated")
        }
    }
}

extension SandboxState {
    /// The fault that befalls a call to `path`, if one is due.
    mutating func takeFault(_ path: String) -> SandboxFault.Kind? {
        for index in faults.indices where faults[index].path.isEmpty || path.contains(faults[index].path) {
            if faults[index].after > 0 {
                faults[index].after -= 1
                continue
            }
            let kind = faults[index].kind
            faults[index].count -= 1
            if faults[index].count <= 0 { faults.remove(at: index) }
            return kind
        }
        return nil
    }

    /// Counts a call of a credential and says what its headers are and whether it is one too many.
    mutating func count(_ principal: String, at now: Timestamp) -> (headers: [(String, String)], isOver: Bool) {
        var window = windows[principal] ?? Window(end: now + .seconds(60), used: 0)
        if now >= window.end { window = Window(end: now + .seconds(60), used: 0) }
        window.used += 1
        windows[principal] = window
        let headers = [
            ("X-RateLimit-Limit", String(callsPerMinute)),
            ("X-Ratelimit-Remaining", String(max(0, callsPerMinute - window.used))),
            ("X-RateLimit-Reset", String(window.end.seconds + 1)),
        ]
        return (headers, window.used > callsPerMinute)
    }
}
