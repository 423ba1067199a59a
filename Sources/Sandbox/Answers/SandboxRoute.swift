/// The endpoints of the simulated API and the permission that each needs.
enum SandboxRoute: Sendable, Hashable {
    case fields
    case fieldsTranslated(String)
    case choices(Int, language: String?, permission: String)
    case choicesOfMany
    case segments
    case segment(Int)
    case segmentContacts(Int)
    case combinedSegments
    case getData
    case updateContacts
    case exportChanges
    case exportList
    case exportSegment
    case exportStatus(Int)
    case exportData(Int)
    /// Known, but outside the permissions of the customer guide.
    case other(String)

    var permission: String {
        switch self {
        case .fields: "field.get"
        case .fieldsTranslated: "field.list"
        case .choices(_, _, let permission): permission
        case .choicesOfMany: "field.multichoice.get"
        case .segments: "segment.get"
        case .segment: "segment.list"
        case .segmentContacts: "segment.contact.list"
        case .combinedSegments: "combinedsegment.list"
        case .getData: "contact.getdata"
        case .updateContacts: "contact.update"
        case .exportChanges: "export.contact.changed"
        case .exportList: "export.contactlist"
        case .exportSegment: "export.segment"
        case .exportStatus: "export.status"
        case .exportData: "export.download"
        case .other(let permission): permission
        }
    }

    /// Finds the endpoint of a path below `/api/v2` or `/api/v3`, split at its slashes.
    init?(_ method: String, _ path: [Substring]) {
        let number = path.count > 1 ? Int(path[1]) : nil
        switch (method, path.first ?? "", path.count) {
        case ("GET", "field", 1): self = .fields
        case ("GET", "field", 2) where path[1] == "choices": self = .choicesOfMany
        case ("GET", "field", 3) where path[1] == "translate": self = .fieldsTranslated(String(path[2]))
        case ("GET", "field", 3...) where path[2] == "choice":
            guard let number else { return nil }
            guard path.count == 5 else {
                guard path.count == 3 else { return nil }
                self = .choices(number, language: nil, permission: "field.singlechoice.list")
                return
            }
            switch path[3] {
            case "translate":
                self = .choices(number, language: String(path[4]), permission: "field.singlechoice.trans.list")
            case "lang": self = .choices(number, language: String(path[4]), permission: "field.singlechoice.lang.list")
            default: return nil
            }
        case ("GET", "filter", 1): self = .segments
        case ("GET", "filter", 2):
            guard let number else { return nil }
            self = .segment(number)
        case ("GET", "filter", 3) where path[2] == "contacts":
            guard let number else { return nil }
            self = .segmentContacts(number)
        case ("GET", "filter", 4) where path[3] == "count": self = .other("segment.contact.count")
        case ("POST", "filter", 3) where path[2] == "runs": self = .other("segment.contacts.run")
        case ("GET", "filter", 3) where path[1] == "runs": self = .other("segment.contacts.run.status")
        case ("GET", "combinedsegments", 1): self = .combinedSegments
        case ("GET", "combinedsegments", 2): self = .other("combinedsegment.get")
        case ("GET", "contactlist", 3): self = .other("contactlist.contact.ids")
        case ("GET", "settings", 1): self = .other("customer.settings")
        case ("POST", "contact", 2) where path[1] == "getdata": self = .getData
        case ("POST", "contact", 2) where path[1] == "getchanges": self = .exportChanges
        case ("GET", "contact", 2) where path[1] == "query": self = .other("contact.list")
        case ("POST", "contact", 1): self = .other("contact.create")
        case ("PUT", "contact", 1): self = .updateContacts
        case ("PUT", "contact", 2): self = .other("contact.singleUpdate")
        case ("POST", "email", 2) where path[1] == "getcontacts": self = .exportList
        case ("POST", "export", 2) where path[1] == "filter": self = .exportSegment
        case ("GET", "export", 2):
            guard let number else { return nil }
            self = .exportStatus(number)
        case ("GET", "export", 3) where path[2] == "data":
            guard let number else { return nil }
            self = .exportData(number)
        default: return nil
        }
    }
}
