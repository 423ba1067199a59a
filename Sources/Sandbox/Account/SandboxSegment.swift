/// A segment of the simulated account.
struct SandboxSegment: Sendable {
    enum Membership: Sendable {
        case everybody
        case nobody
        /// The first so many contacts.
        case first(Int)
        /// About so many of a hundred contacts.
        case percent(Int)
        /// More contacts than the account holds; those beyond exist for this segment alone.
        case tooMany
    }

    var id: Int
    var name: String
    var type: String
    var membership: Membership

    static let initial: [SandboxSegment] = [
        SandboxSegment(id: 1001, name: "All contacts", type: "standard", membership: .everybody),
        SandboxSegment(id: 1002, name: "Newsletter subscribers", type: "standard", membership: .percent(60)),
        SandboxSegment(id: 1003, name: "VIP customers", type: "standard", membership: .percent(5)),
        SandboxSegment(id: 1004, name: "WhatsApp audience", type: "standard", membership: .percent(30)),
        SandboxSegment(id: 1005, name: "Everyone ever seen (600,000)", type: "standard", membership: .tooMany),
        SandboxSegment(id: 1006, name: "Nobody", type: "standard", membership: .nobody),
        SandboxSegment(id: 1007, name: "VIP without newsletter", type: "combined", membership: .percent(3)),
        SandboxSegment(id: 1008, name: "Bought in the last 30 days", type: "relational", membership: .percent(10)),
        SandboxSegment(id: 1009, name: "Likely to buy", type: "ai", membership: .percent(20)),
        SandboxSegment(id: 1010, name: "Test contacts", type: "standard", membership: .first(25)),
    ]

    static let combined: [(id: Int, name: String)] = [(21, "VIP or newsletter"), (33, "VIP without newsletter")]
}

extension SandboxContacts {
    /// The contact indices of a segment, in ascending order.
    func members(of segment: SandboxSegment) -> [Int] {
        switch segment.membership {
        case .everybody: Array(0..<count)
        case .nobody: []
        case .first(let number): Array(0..<max(0, min(number, count)))
        case .percent(let percent): (0..<count).filter { roll($0, segment.id, 100) < percent }
        case .tooMany: Array(0..<virtualCount)
        }
    }
}
