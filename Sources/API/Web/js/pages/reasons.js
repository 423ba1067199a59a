// Why contacts did not come in, in words.
import { t } from "../core/texts.js";

/** What a reason code means, and what to do about it. */
export function rejectionText(code) {
  const phone = t("Phone not valid");
  const email = t("Email not valid");
  return {
    phone_missing_country_code: [phone, t("No country code. Use +49… or 49…")], phone_invalid_characters: [phone, t("This is not a phone number.")],
    phone_invalid_length: [phone, t("Too short or too long for its country.")], phone_unknown_country_code: [phone, t("No country has this code.")],
    phone_blocked: [t("Phone not used"), t("A placeholder or a number on the block list.")], phone_absent: [t("No phone"), ""], email_absent: [t("No email"), ""],
    email_invalid: [email, t("This is not an email address.")], email_blocked: [t("Email not used"), t("A placeholder or an address on the block list.")],
    no_usable_identifier: [t("No phone and no email"), t("charles needs one of them.")], skipped_suppressed: [t("Erased before"), t("The person asked to be forgotten; an import does not bring them back.")],
    shared_phone: [t("Phone shared by several people"), t("The first keeps it; the others come without.")], not_in_emarsys: [t("Gone in Emarsys"), t("The contact is in the segment but no longer in Emarsys.")],
    phone_shared: [t("Phone shared by several people"), t("The first keeps it; the others come without.")], email_shared: [t("Email shared by several people"), t("The first keeps it; the others come without.")],
    phone_quarantined: [t("Phone of too many people"), t("More than 20 contacts carry it: it identifies nobody.")], email_quarantined: [t("Email of too many people"), t("More than 20 contacts carry it: it identifies nobody.")],
    no_valid_phone: [t("No valid phone"), t("Only contacts with a valid phone are imported.")], too_many_phones: [t("Too many phones"), t("A contact has at most five.")], too_many_emails: [t("Too many emails"), t("A contact has at most five.")],
    invalid_number: [t("Not a number"), ""], invalid_boolean: [t("Not yes or no"), ""], invalid_date: [t("Not a date"), ""],
  }[code] ?? [code.replaceAll("_", " "), ""];
}
