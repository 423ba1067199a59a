// What the Emarsys API user has to be allowed, as the customer guide lists it.
export const PERMISSIONS = ["contact.getdata", "contact.singleUpdate", "contact.update", "export.contact.changed", "export.contactlist",
  "export.download", "export.segment", "export.status", "field.get", "field.list", "field.multichoice.get", "field.singlechoice.list",
  "field.singlechoice.lang.list", "field.singlechoice.trans.list", "segment.get", "segment.list", "segment.contact.list",
  "combinedsegment.list"];
