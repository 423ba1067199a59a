/// The permissions of Emarsys API credentials.
public enum SandboxPermission {
    /// The 18 that the customer guide asks for.
    public static let guide: Set<String> = [
        "contact.getdata", "contact.singleUpdate", "contact.update", "export.contact.changed", "export.contactlist",
        "export.download", "export.segment", "export.status", "field.get", "field.list", "field.multichoice.get",
        "field.singlechoice.list", "field.singlechoice.lang.list", "field.singlechoice.trans.list", "segment.get",
        "segment.list", "segment.contact.list", "combinedsegment.list",
    ]

    /// Those of endpoints that this account knows and the guide does not ask for.
    public static let others: Set<String> = [
        "contact.create", "contact.list", "segment.contact.count", "segment.contacts.run",
        "segment.contacts.run.status", "contactlist.contact.ids", "combinedsegment.get", "customer.settings",
    ]
}
