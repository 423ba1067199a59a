import EventLoop
import FoundationEssentials
import Persistence

/// Events find their contacts by the rules that imports follow too.
public struct StitchedContacts: EventContacts {
    /// Finds the key that knows a tenant's erased people; nil where nobody was ever erased.
    public typealias Suppressions = @Sendable (_ tenantID: UUID) async throws -> SuppressionKey?

    private let suppressions: Suppressions

    /// - Parameter suppressions: Keeps erased people from coming back.
    public init(suppressions: @escaping Suppressions) { self.suppressions = suppressions }

    /// The phone in E.164.
    public func phone(_ raw: String, defaultCountry: String?) -> Result<String, ContactKeyFault> {
        PhoneNumber.normalise(raw, defaultCountry: defaultCountry).map(\.value)
            .mapError { ContactKeyFault($0.rawValue) }
    }

    /// The e-mail as it is compared.
    public func email(_ raw: String) -> Result<String, ContactKeyFault> {
        EmailAddress.normalise(raw).map(\.value).mapError { ContactKeyFault($0.rawValue) }
    }

    /// Finds or creates the contacts.
    public func stitch(
        _ keys: [ContactKeys], tenantID: UUID, tenant: EventTenant, in transaction: Transaction, now: Timestamp
    ) async throws -> [EventStitching] {
        let rows = keys.map {
            IncomingContact(externalReferenceID: $0.externalReferenceID, phone: $0.phone, email: $0.email)
        }
        return try await Stitching.stitch(
            rows, source: .webhook,
            policy: IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry), in: transaction,
            now: now, suppressions: try await suppressions(tenantID)
        ).map(EventStitching.init)
    }
}

extension EventStitching {
    /// What stitching answered.
    init(_ outcome: StitchOutcome) {
        let action: Action =
            switch outcome.action {
            case .created: .created
            case .updated: .updated
            case .unchanged: .unchanged
            case .merged(let loser): .merged(loser: loser)
            case .rejected(let code), .skipped(let code): .none(code: code)
            }
        self.init(contactID: outcome.contactID, action: action, notes: outcome.notes)
    }
}
