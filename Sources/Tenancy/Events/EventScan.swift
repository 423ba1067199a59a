import EventLoop
import JSON

/// Reads the one object of a usual custom event in a single pass, building no tree.
///
/// It answers nil for whatever is unusual: escapes in keys, a key twice, event_data as text, a fault of any kind. The long way
/// (``EventContent``) judges those, so there is one place that refuses and explains; for what this takes, both say the same.
struct EventScan {
    /// What a top-level key is about.
    private enum Slot: Int, CaseIterable {
        case externalReferenceID, email, phone, name, time, data, deduplicationID
    }

    private(set) var keys = ContactKeys()
    private(set) var name: EventName
    private(set) var timeText: String?
    private(set) var deduplicationID: String?
    private(set) var occurredAt: Timestamp?
    /// Where `event_data` stands.
    private(set) var data: Range<Int>?

    init?(_ bytes: RawSpan, policy: WebhookPolicy) {
        var found: (JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?)
        var seen: UInt32 = 0
        // The object itself and eight levels of event_data.
        var scanner = JSONScanner(maxDepth: 1 + WebhookLimits.eventDataDepth)
        do {
            try scanner.beginObject(bytes)
            while let key = try scanner.nextMember(bytes) {
                if key.hasEscapes { return nil }
                let value = try scanner.value(bytes)
                guard let place = Self.place(of: key.content, in: bytes) else { continue }
                // Aliases beside the canonical key need its rules of precedence.
                let bit: UInt32 = 1 << UInt32(place.rawValue)
                if seen & bit != 0 { return nil }
                seen |= bit
                switch place {
                case .externalReferenceID: found.0 = value
                case .email: found.1 = value
                case .phone: found.2 = value
                case .name: found.3 = value
                case .time: found.4 = value
                case .data: found.5 = value
                case .deduplicationID: found.6 = value
                }
            }
            try scanner.end(bytes)
        } catch {
            return nil
        }
        if scanner.hasNUL { return nil }
        guard let text = found.3?.string(in: bytes),
            let name = EventName(text, blanksToUnderscore: policy.blanksToUnderscore)
        else { return nil }
        self.name = name
        if let slice = found.5, slice.kind != .null {
            guard slice.kind == .object, slice.range.count <= WebhookLimits.eventData else { return nil }
            data = slice.range
        }
        keys.externalReferenceID = Self.text(found.0, bytes)
        keys.email = Self.text(found.1, bytes)
        keys.phone = Self.text(found.2, bytes)
        deduplicationID = Self.text(found.6, bytes)
        timeText = Self.text(found.4, bytes)
        if timeText == nil, let data {
            // The time may stand inside.
            guard let tree = try? JSON.parse(bytes.extracting(data)) else { return nil }
            timeText = AbsentValue.text(tree["event_time"])
        }
        occurredAt = timeText.flatMap(EventContent.time)
    }

    /// The canonical text of `event_data`.
    func canonicalData(_ bytes: RawSpan) -> [UInt8] {
        guard let data, let tree = try? JSON.parse(bytes.extracting(data)) else { return [0x7B, 0x7D] }
        return tree.canonical()
    }

    private static func text(_ slice: JSONSlice?, _ bytes: RawSpan) -> String? {
        guard let slice else { return nil }
        switch slice.kind {
        case .string: return slice.string(in: bytes).flatMap { AbsentValue.text(.string($0)) }
        case .number: return slice.number(in: bytes).flatMap { AbsentValue.text(.number($0)) }
        default: return nil
        }
    }

    /// Which slot a key belongs to, whatever its case.
    private static func place(of range: Range<Int>, in bytes: RawSpan) -> Slot? {
        func matches(_ name: StaticString) -> Bool {
            guard name.utf8CodeUnitCount == range.count else { return false }
            for index in 0..<range.count {
                var byte = bytes.unsafeLoad(fromByteOffset: range.lowerBound + index, as: UInt8.self)
                if byte &- 0x41 < 26 { byte |= 0x20 }
                if byte != name.utf8Start[index] { return false }
            }
            return true
        }
        switch range.count {
        case 2: return matches("id") ? .externalReferenceID : nil
        case 3: return matches("uid") ? .externalReferenceID : nil
        case 4: return matches("data") ? .data : nil
        case 5:
            if matches("email") { return .email }
            if matches("phone") { return .phone }
            return matches("event") ? .name : nil
        case 6:
            if matches("mobile") { return .phone }
            return matches("e_mail") ? .email : nil
        case 9: return matches("timestamp") ? .time : nil
        case 10:
            if matches("event_name") { return .name }
            if matches("event_time") { return .time }
            if matches("event_data") { return .data }
            return matches("contact_id") ? .externalReferenceID : nil
        case 11:
            if matches("external_id") || matches("customer_id") { return .externalReferenceID }
            return matches("custom_data") ? .data : nil
        case 12:
            return matches("phone_number") || matches("mobile_phone") ? .phone : nil
        case 13:
            if matches("email_address") { return .email }
            return matches("mobile_number") ? .phone : nil
        case 16: return matches("deduplication_id") ? .deduplicationID : nil
        case 21: return matches("external_reference_id") ? .externalReferenceID : nil
        default: return nil
        }
    }
}
