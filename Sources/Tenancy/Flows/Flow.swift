import EventLoop
import FoundationEssentials
import JSON

/// What starts a flow.
public enum FlowTrigger: String, Sendable, Hashable, CaseIterable {
    /// A custom event of this name.
    case emarsysEvent = "emarsys_event"
    /// An order event of this name, when its order is linked to a contact and seen for the first time.
    case emarsysOrder = "emarsys_order"
}

/// At most so many runs per contact in so many hours.
public struct FrequencyCap: Sendable, Hashable {
    /// 1 to 1000 runs.
    public let max: Int
    /// 1 to 8760 hours.
    public let hours: Int

    /// A cap; nil where a number is out of range.
    public init?(max: Int, hours: Int) {
        guard (1...1000).contains(max), (1...8760).contains(hours) else { return nil }
        self.max = max
        self.hours = hours
    }

    init?(_ json: JSON?) {
        guard let max = json?["max"]?.int, let hours = json?["hours"]?.int else { return nil }
        self.init(max: max, hours: hours)
    }

    var json: JSON { ["max": .int(max), "hours": .int(hours)] }
}

/// What happens in the charles instance when an event arrives: its name, and the skeleton of the payload it takes.
public struct Flow: Sendable, Hashable {
    /// The flow's id.
    public let id: UUID
    /// For people.
    public var name: String
    /// What starts it.
    public var trigger: FlowTrigger
    /// The event's name; several flows may share one.
    public var eventName: String
    /// Keys with the values that hold where the event has none.
    public var payload: JSONObject
    /// Off: events pass it by.
    public var isEnabled: Bool
    /// On: only contacts with a granted opt-in.
    public var requiresConsent: Bool
    /// How often it may reach one contact.
    public var frequencyCap: FrequencyCap?
    /// Counts the changes; each run keeps the version it ran with.
    public var version: Int
    /// When it was made.
    public let createdAt: Timestamp
    /// When it was changed last.
    public var updatedAt: Timestamp
}

extension Flow {
    /// As clients see it.
    public var json: JSON {
        [
            "id": .string(id.text), "name": .string(name), "trigger": .string(trigger.rawValue),
            "event_name": .string(eventName), "payload": .object(payload), "enabled": .bool(isEnabled),
            "require_consent": .bool(requiresConsent), "frequency_cap": frequencyCap?.json ?? .null,
            "version": .int(version), "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}

extension UUID {
    /// The lower-case form that the API speaks.
    var text: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            withUnsafeBytes(of: uuid) { bytes in
                var place = 0
                for index in 0..<16 {
                    if index == 4 || index == 6 || index == 8 || index == 10 {
                        buffer[place] = UInt8(ascii: "-")
                        place += 1
                    }
                    let (high, low) = (bytes[index] >> 4, bytes[index] & 15)
                    buffer[place] = high + (high < 10 ? 48 : 87)
                    buffer[place + 1] = low + (low < 10 ? 48 : 87)
                    place += 2
                }
            }
            return 36
        }
    }
}
