/// The calls that this integration makes, and the permission each needs.
public enum EmarsysOperation: String, Sendable, Hashable, CaseIterable {
    case contactGetData = "contact.getdata"
    case contactSingleUpdate = "contact.singleUpdate"
    case contactUpdate = "contact.update"
    case exportContactChanged = "export.contact.changed"
    case exportContactList = "export.contactlist"
    case exportDownload = "export.download"
    case exportSegment = "export.segment"
    case exportStatus = "export.status"
    case fieldGet = "field.get"
    case fieldList = "field.list"
    case fieldMultiChoiceGet = "field.multichoice.get"
    case fieldSingleChoiceList = "field.singlechoice.list"
    case fieldSingleChoiceLangList = "field.singlechoice.lang.list"
    case fieldSingleChoiceTransList = "field.singlechoice.trans.list"
    case segmentGet = "segment.get"
    case segmentList = "segment.list"
    case segmentContactList = "segment.contact.list"
    case combinedSegmentList = "combinedsegment.list"

    /// The name that Emarsys shows beside the switch.
    public var permission: String { rawValue }
}
