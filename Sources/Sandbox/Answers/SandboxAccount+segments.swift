import EventLoop
import JSON

extension SandboxAccount {
    /// `GET /filter`.
    func segments() -> SandboxAnswer {
        let (segments, swapped) = with { ($0.segments, $0.quirks.swappedIDTypes) }
        return .data(
            .array(
                segments.map { segment in
                    guard !swapped else { return ["id": .string(String(segment.id)), "name": .string(segment.name)] }
                    var item = SandboxAccount.description(of: segment)
                    item["criteriaTypes"] = ["contact"]
                    item["baseContactListId"] = 0
                    item["predefinedSegmentId"] = .null
                    return .object(item)
                }))
    }

    /// `GET /filter/{id}`.
    func segment(_ id: Int) -> SandboxAnswer {
        guard let segment = with({ $0.segments.first { $0.id == id } }) else {
            return .refuse(404, 10002, "Segment doesn't exist.")
        }
        return .data(.object(SandboxAccount.description(of: segment)))
    }

    private static func description(of segment: SandboxSegment) -> JSONObject {
        [
            "id": .number(JSONNumber(Int64(segment.id))), "name": .string(segment.name),
            "type": .string(segment.type), "tags": [],
        ]
    }

    /// `GET /filter/{id}/contacts?offset=&limit=`: 202 while the segment is evaluated, 423 while another one is.
    func segmentContacts(_ id: Int, _ target: SandboxTarget) -> SandboxAnswer {
        guard let limit = target.number("limit") else {
            return .refuse(400, 10001, "Missing parameter: limit")
        }
        guard limit > 0, limit < 1_000_000 else { return .refuse(400, 10001, "limit must be less than 1000000") }
        let offset = target.number("offset") ?? 0
        guard offset >= 0 else { return .refuse(400, 10001, "offset must not be negative") }
        let all = SandboxSegment(id: 0, name: "", type: "standard", membership: .everybody)
        let members: [Int]
        let now = time.now()
        switch with({ $0.evaluate(id, id == 0 ? all : nil, at: now) }) {
        case .refused(let answer): return answer
        case .members(let found): members = found
        }
        let page = members.dropFirst(offset).prefix(limit)
        var out: [UInt8] = []
        out.reserveCapacity(page.count * 12 + 2)
        out.append(0x5B)
        for index in page {
            if out.count > 1 { out.append(0x2C) }
            out.append(0x22)
            SandboxContacts.appendDigits(index + SandboxContacts.firstID, to: &out)
            out.append(0x22)
        }
        out.append(0x5D)
        return .data(raw: out)
    }
}

extension SandboxState {
    enum EvaluationResult {
        case refused(SandboxAnswer)
        case members([Int])
    }

    /// One question for a segment's contacts.
    mutating func evaluate(_ id: Int, _ everybody: SandboxSegment?, at now: Timestamp) -> EvaluationResult {
        guard let segment = everybody ?? segments.first(where: { $0.id == id }) else {
            if evaluation?.segment == id { evaluation = nil }
            return .refused(.refuse(404, 10002, "Segment doesn't exist."))
        }
        if let evaluation, evaluation.segment != id, now < evaluation.end {
            return .refused(.refuse(423, 10003, "Admin is already running a segment."))
        }
        let calls = evaluation?.segment == id ? evaluation?.calls ?? 0 : 0
        if calls < quirks.evaluationCalls {
            evaluation = Evaluation(segment: id, calls: calls + 1, end: now + .seconds(120))
            return .refused(.refuse(202, 10001, "The segment is currently evaluated."))
        }
        evaluation = nil
        return .members(members(of: segment))
    }
}
