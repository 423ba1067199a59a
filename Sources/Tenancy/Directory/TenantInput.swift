import HTTP

/// Checks what operators enter about a tenant, and collects the faults.
struct TenantInput {
    private var errors: [FieldError] = []

    mutating func instanceName(_ name: String) -> String {
        if !InstanceName.isLabel(name) {
            fault("instance_name", "invalid_instance_name", "must be one DNS label of a-z, 0-9 and - (63 at most)")
        } else if InstanceName.reserved.contains(name) {
            fault("instance_name", "reserved_instance_name", "is reserved")
        }
        return name
    }

    mutating func displayName(_ name: String) -> String {
        let trimmed = name.drop { $0.isWhitespace }
        let text = String(trimmed.prefix(200))
        if text.isEmpty || trimmed.count > 200 || text.utf8.contains(where: { $0 < 0x20 }) {
            fault("display_name", "invalid_display_name", "must have 1 to 200 characters")
        }
        return text
    }

    mutating func timeZone(_ name: String) -> String {
        let isName =
            (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
                    || [0x2B, 0x2D, 0x2F, 0x5F].contains($0)
            }
        if !isName { fault("time_zone", "unknown_time_zone", "is not a time zone such as Europe/Berlin") }
        return name
    }

    mutating func currency(_ code: String?) -> String? {
        letters(code, 3, "default_currency", "invalid_currency", "must be an ISO 4217 code such as EUR")
    }

    mutating func country(_ code: String?) -> String? {
        letters(code, 2, "default_country", "invalid_country", "must be an ISO 3166-1 code such as DE")
    }

    /// Throws 422 if anything was wrong; one fault alone gives the answer its code.
    func finish() throws(Problem) {
        guard !errors.isEmpty else { return }
        throw .invalid(errors, code: errors.count == 1 ? errors[0].code : "validation_failed")
    }

    private mutating func letters(_ text: String?, _ count: Int, _ field: String, _ code: String, _ message: String)
        -> String?
    {
        guard let text, !text.isEmpty else { return nil }
        let upper = text.uppercased()
        guard upper.utf8.count == count, upper.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            fault(field, code, message)
            return nil
        }
        return upper
    }

    private mutating func fault(_ field: String, _ code: String, _ message: String) {
        errors.append(FieldError(field: field, code: code, message: message))
    }
}
