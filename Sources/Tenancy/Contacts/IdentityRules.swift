import FoundationEssentials
import HTTP
public import JSON
import Persistence

/// The rules by which a tenant decides identities, as clients read and change them.
///
/// Stricter rules hold for what comes: contacts that are there stay as they are. ``IdentityPreview`` says what a change
/// would have meant.
public struct IdentityRules: Sendable {
    private let administration: TenantAdministration

    /// Rules that are kept with the tenant.
    public init(administration: TenantAdministration) { self.administration = administration }

    /// The rules in force.
    public static func json(_ tenant: Tenant) -> JSON {
        json(IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry))
    }

    static func json(_ policy: IdentityPolicy) -> JSON {
        [
            "auto_merge": .string(policy.autoMerge.rawValue), "default_country": .optional(policy.defaultCountry),
            "only_valid_phone": .bool(policy.onlyValidPhone),
            "webhook_id_conflict": .string(policy.webhookIDConflict.rawValue),
            "recreate_deleted": .bool(policy.recreatesDeleted), "fold_gmail": .bool(policy.foldsGmail),
            "blocked_phones": .array(policy.blockedPhones.sorted().map { .string($0) }),
            "blocked_emails": .array(policy.blockedEmails.sorted().map { .string($0) }),
        ]
    }

    /// The rules that a body of changes leads to. Throws 422 with every fault.
    public static func changed(_ tenant: Tenant, by body: JSON) throws(Problem) -> IdentityPolicy {
        let changes = try RuleChanges(body)
        var values = tenant.settings.values.object ?? [:]
        for (name, value) in changes.settings { values[name] = value }
        return IdentityPolicy(
            TenantSettings(.object(values)), defaultCountry: changes.country ?? tenant.defaultCountry)
    }

    /// Changes rules. Throws 422 with every fault.
    public func change(_ tenant: Tenant, _ body: JSON, actor: String) async throws -> JSON {
        let policy = try Self.changed(tenant, by: body)
        let input = try RuleChanges(body)
        var changes = TenantAdministration.Changes()
        changes.settings = input.settings.isEmpty ? nil : .object(input.settings)
        if let country = input.country { changes.defaultCountry = .some(country) }
        _ = try await administration.update(tenant.instanceName, changes, actor: actor)
        return Self.json(policy)
    }
}

/// A body of changes, checked.
private struct RuleChanges {
    var settings: JSONObject = [:]
    /// Nil: not named; an inner nil: none from now on.
    var country: String??

    init(_ body: JSON) throws(Problem) {
        guard let object = body.object else { throw .invalid("invalid_type", field: "", "must be an object") }
        var errors: [FieldError] = []
        func fault(_ name: String, _ code: String, _ message: String) {
            errors.append(FieldError(field: name, code: code, message: message))
        }
        for (name, value) in object {
            switch name {
            case "auto_merge":
                guard value.string.flatMap(IdentityPolicy.AutoMerge.init) != nil else {
                    fault(name, "unknown_value", "must be safe, never or always")
                    continue
                }
            case "webhook_id_conflict":
                guard value.string.flatMap(IdentityPolicy.WebhookIDConflict.init) != nil else {
                    fault(name, "unknown_value", "must be phone_holder or park")
                    continue
                }
            case "only_valid_phone", "recreate_deleted", "fold_gmail":
                guard value.bool != nil else {
                    fault(name, "wrong_type", "must be true or false")
                    continue
                }
            case "blocked_phones":
                guard
                    let phones = Self.list(
                        value,
                        { raw -> String? in
                            guard case .success(let phone) = PhoneNumber.normalise(raw) else { return nil }
                            return phone.value
                        })
                else {
                    fault(name, "invalid_phone", "must be a list of at most 1000 phones with country code")
                    continue
                }
                settings[name] = phones
                continue
            case "blocked_emails":
                guard
                    let emails = Self.list(
                        value,
                        { raw -> String? in
                            guard case .success(let email) = EmailAddress.normalise(raw) else { return nil }
                            return email.value
                        })
                else {
                    fault(name, "invalid_email", "must be a list of at most 1000 e-mail addresses")
                    continue
                }
                settings[name] = emails
                continue
            case "default_country":
                if value == .null {
                    country = .some(nil)
                } else if let code = value.string?.uppercased(), CallingCodes.code(ofCountry: code) != nil {
                    country = .some(code)
                } else {
                    fault(name, "unknown_country", "must be a country such as DE, or null")
                }
                continue
            default:
                fault(name, "unknown_field", "is not a rule of identity")
                continue
            }
            settings[name] = value
        }
        guard errors.isEmpty else { throw .invalid(errors) }
    }

    private static func list(_ value: JSON, _ normal: (String) -> String?) -> JSON? {
        guard let items = value.array, items.count <= 1000 else { return nil }
        let values = items.compactMap { $0.string.flatMap(normal) }
        return values.count == items.count ? .array(values.map { .string($0) }) : nil
    }
}
