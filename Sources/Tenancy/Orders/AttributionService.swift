import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Takes touches, and keeps what orders are attributed by: the window with its history, and discount codes.
public struct AttributionService: Sendable {
    private let database: Database
    private let contacts: any ContactLookup
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, contacts: any ContactLookup, time: any TimeSource) {
        self.database = database
        self.contacts = contacts
        self.time = time
    }

    /// Records a touch, and attributes anew the orders that came after it. Throws 404 `contact_not_found`, 422.
    public func touch(tenant: Tenant, body: JSON) async throws -> Touch {
        let now = time.now()
        let input = try TouchInput(body, now: now)
        let contactID = try await contacts.existing(input.contact, tenant: tenant)
        var flowID = input.flowID
        if flowID == nil, let run = input.flowRunID {
            flowID = try await database.run(.tenant(tenant.id), TouchStore.flow(of: run, tenantID: tenant.id)).first?
                .get(0)
        }
        let touch = Touch(
            id: SecureRandom.uuid(), contactID: contactID, kind: input.kind, flowID: flowID,
            flowRunID: input.flowRunID, campaign: input.campaign, occurredAt: input.occurredAt)
        _ = try await database.run(
            .tenant(tenant.id),
            [
                TouchStore.insert(touch, tenantID: tenant.id, now: now),
                TouchStore.reattribute(
                    contactID: contactID, from: touch.occurredAt, coupons: tenant.settings.couponAttribution,
                    tenantID: tenant.id, now: now),
            ])
        return touch
    }

    /// The window in force, its history, and the rule for discount codes.
    public func settings(tenant: Tenant, rule: String? = nil) async throws -> JSON {
        let windows = try await database.run(.tenant(tenant.id), TouchStore.windows(tenantID: tenant.id))
            .map(TouchStore.window)
        return [
            "window_days": windows.first?["days"] ?? 5,
            "coupon_attribution": .string(rule ?? tenant.settings.couponAttribution), "history": .array(windows),
        ]
    }

    /// Changes `window_days` (1 to 90; for orders placed from now on) and `coupon_attribution` (`unstitched`, `all`, `off`).
    public func setSettings(tenant: Tenant, body: JSON, actor: String) async throws -> JSON {
        let now = time.now()
        var queries: [Query] = []
        var errors: [FieldError] = []
        if let value = body["window_days"] {
            if let days = value.int, (1...90).contains(days) {
                queries.append(TouchStore.putWindow(days: days, actor: actor, tenantID: tenant.id, now: now))
            } else {
                errors.append(FieldError(field: "window_days", code: "out_of_range", message: "must be 1 to 90"))
            }
        }
        let rule = body["coupon_attribution"]?.string
        if let rule, ["unstitched", "all", "off"].contains(rule) {
            queries += TouchStore.putCouponRule(rule, tenantID: tenant.id, now: now)
        } else if body["coupon_attribution"] != nil {
            errors.append(
                FieldError(field: "coupon_attribution", code: "unknown", message: "must be unstitched, all or off"))
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        if !queries.isEmpty { _ = try await database.run(.tenant(tenant.id), queries) }
        return try await settings(tenant: tenant, rule: rule)
    }

    /// The discount codes that belong to a flow or campaign, at most 1000.
    public func coupons(tenantID: UUID) async throws -> [JSON] {
        try await database.run(.tenant(tenantID), TouchStore.coupons(tenantID: tenantID)).map(TouchStore.coupon)
    }

    /// Adds or changes a code `{code, flow_id?, campaign?}`; orders that carry it are attributed anew.
    public func putCoupon(tenant: Tenant, body: JSON) async throws -> JSON {
        guard let code = body["code"]?.string?.trimmed.uppercased(), (1...100).contains(code.utf8.count) else {
            throw Problem.invalid([FieldError(field: "code", code: "invalid", message: "must be 1 to 100 characters")])
        }
        let flowID = body["flow_id"]?.string.flatMap(UUID.init(uuidString:))
        let campaign = body["campaign"]?.string?.trimmed
        guard flowID != nil || campaign?.isEmpty == false else {
            throw Problem.invalid([
                FieldError(field: "campaign", code: "required", message: "name a campaign or a flow_id")
            ])
        }
        let rows = try await database.run(
            .tenant(tenant.id),
            [
                TouchStore.putCoupon(code, flowID: flowID, campaign: campaign, tenantID: tenant.id, now: time.now()),
                TouchStore.reattribute(
                    code: code, coupons: tenant.settings.couponAttribution, tenantID: tenant.id, now: time.now()),
            ])
        return try rows[0].first.map(TouchStore.coupon) ?? .null
    }

    /// Removes a code. Throws 404 `coupon_not_found`.
    public func removeCoupon(tenant: Tenant, code: String) async throws {
        let code = code.trimmed.uppercased()
        let rows = try await database.run(
            .tenant(tenant.id),
            [
                TouchStore.removeCoupon(code, tenantID: tenant.id),
                TouchStore.reattribute(
                    code: code, coupons: tenant.settings.couponAttribution, tenantID: tenant.id, now: time.now()),
            ])
        if rows[0].isEmpty { throw Problem.notFound("coupon_not_found", "There is no such code.") }
    }
}
