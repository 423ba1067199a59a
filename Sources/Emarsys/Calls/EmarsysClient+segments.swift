import EventLoop
import HTTP
import JSON

/// What a single question for a segment's contacts gave.
public enum SegmentAnswer: Sendable, Hashable {
    /// The contact ids.
    case ready([String])
    /// Emarsys is still evaluating this segment, or another one for the same API user: the error says which.
    case notReady(EmarsysError)
}

extension EmarsysClient {
    /// All segments, as `GET /filter` lists them.
    public func segments() async throws(EmarsysError) -> [EmarsysSegment] {
        EmarsysClient.segments(try await data(EmarsysCall(operation: .segmentGet, method: .get, path: "/filter")))
    }

    /// The combined segments. Their ids are a space of their own: they cannot be used where a segment id is asked for.
    public func combinedSegments() async throws(EmarsysError) -> [EmarsysSegment] {
        EmarsysClient.segments(
            try await data(EmarsysCall(operation: .combinedSegmentList, method: .get, path: "/combinedsegments")),
            type: "combined")
    }

    private static func segments(_ data: JSON, type: String = "standard") -> [EmarsysSegment] {
        (data.array ?? []).compactMap { item in
            guard let id = item["id"]?.looseInt else { return nil }
            return EmarsysSegment(
                id: Int64(id), name: item["name"]?.looseText ?? "", type: item["type"]?.string ?? type)
        }
    }

    /// Asks once for the contact ids of a segment.
    ///
    /// - Parameters:
    ///   - id: the segment; 0 means all contacts
    ///   - offset: how many ids to skip; the order between calls is not documented, so prefer one call
    ///   - limit: 1 to 999,999
    public func askForSegmentContacts(_ id: Int64, offset: Int = 0, limit: Int = 999_999)
        async throws(EmarsysError) -> SegmentAnswer
    {
        let now = time.now()
        guard shared.claimSegment(id, key: connection.key, now: now, until: now + .seconds(90)) else {
            return .notReady(
                EmarsysError(httpStatus: 423, replyCode: 10003, text: "another segment is being evaluated"))
        }
        let call = EmarsysCall(
            operation: .segmentContactList, method: .get,
            path: "/filter/\(id)/contacts?offset=\(max(0, offset))&limit=\(min(max(1, limit), 999_999))",
            isPolled: true, maxResponseBytes: 64 << 20)
        let ids: [String]
        do {
            ids = try await send(call) { body throws(EmarsysError) in try SegmentContactsReader.ids(body) }
        } catch {
            // While Emarsys evaluates our segment the turn is ours; any other answer ends it.
            if error.httpStatus == 202 { return .notReady(error) }
            shared.releaseSegment(id, key: connection.key)
            if error.httpStatus == 423 { return .notReady(error) }
            throw error
        }
        shared.releaseSegment(id, key: connection.key)
        return .ready(ids)
    }

    /// The contact ids of a segment, asked for until Emarsys has evaluated it.
    ///
    /// - Parameters:
    ///   - id: the segment; 0 means all contacts
    ///   - offset: how many ids to skip
    ///   - limit: 1 to 999,999
    ///   - poll: how long and how often to ask
    ///   - onWait: called before each wait with the time of the next question; throwing ends the wait
    public func segmentContacts(
        _ id: Int64, offset: Int = 0, limit: Int = 999_999, poll: SegmentPollPlan = SegmentPollPlan(),
        onWait: (@Sendable (Timestamp) async throws -> Void)? = nil
    ) async throws(EmarsysError) -> [String] {
        var plan = poll
        while true {
            switch try await askForSegmentContacts(id, offset: offset, limit: limit) {
            case .ready(let ids): return ids
            case .notReady(let error):
                switch plan.notReady(at: time.now(), retryAfterSeconds: error.retryAfterSeconds) {
                case .giveUp:
                    shared.releaseSegment(id, key: connection.key)
                    throw EmarsysError(
                        .deadline, httpStatus: error.httpStatus, replyCode: error.replyCode,
                        text: "Emarsys did not finish evaluating the segment in time")
                case .again(let moment):
                    if let onWait {
                        do { try await onWait(moment) } catch {
                            throw EmarsysError(.cancelled, text: "the wait for the segment was ended")
                        }
                    }
                    try await sleep(until: moment)
                }
            }
        }
    }
}
