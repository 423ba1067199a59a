// Written by tools/embed; do not edit.
#include "CAssets.h"
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char a0[] = {
#embed "../../Sources/API/Web/components.css" if_empty(0)
};
static const unsigned char a1[] = {
#embed "../../Sources/API/Web/docs.css" if_empty(0)
};
static const unsigned char a2[] = {
#embed "../../Sources/API/Web/docs.html" if_empty(0)
};
static const unsigned char a3[] = {
#embed "../../Sources/API/Web/icons.svg" if_empty(0)
};
static const unsigned char a4[] = {
#embed "../../Sources/API/Web/js/connect/combobox.js" if_empty(0)
};
static const unsigned char a5[] = {
#embed "../../Sources/API/Web/js/connect/connection.js" if_empty(0)
};
static const unsigned char a6[] = {
#embed "../../Sources/API/Web/js/connect/contact-import.js" if_empty(0)
};
static const unsigned char a7[] = {
#embed "../../Sources/API/Web/js/connect/name.js" if_empty(0)
};
static const unsigned char a8[] = {
#embed "../../Sources/API/Web/js/connect/permissions.js" if_empty(0)
};
static const unsigned char a9[] = {
#embed "../../Sources/API/Web/js/connect/pop-up.js" if_empty(0)
};
static const unsigned char a10[] = {
#embed "../../Sources/API/Web/js/connect/segments.js" if_empty(0)
};
static const unsigned char a11[] = {
#embed "../../Sources/API/Web/js/connect/webhook.js" if_empty(0)
};
static const unsigned char a12[] = {
#embed "../../Sources/API/Web/js/core/alert-words.js" if_empty(0)
};
static const unsigned char a13[] = {
#embed "../../Sources/API/Web/js/core/alerts.js" if_empty(0)
};
static const unsigned char a14[] = {
#embed "../../Sources/API/Web/js/core/api.js" if_empty(0)
};
static const unsigned char a15[] = {
#embed "../../Sources/API/Web/js/core/csv.js" if_empty(0)
};
static const unsigned char a16[] = {
#embed "../../Sources/API/Web/js/core/dialog.js" if_empty(0)
};
static const unsigned char a17[] = {
#embed "../../Sources/API/Web/js/core/dom.js" if_empty(0)
};
static const unsigned char a18[] = {
#embed "../../Sources/API/Web/js/core/format.js" if_empty(0)
};
static const unsigned char a19[] = {
#embed "../../Sources/API/Web/js/core/german-codes.js" if_empty(0)
};
static const unsigned char a20[] = {
#embed "../../Sources/API/Web/js/core/german.js" if_empty(0)
};
static const unsigned char a21[] = {
#embed "../../Sources/API/Web/js/core/list.js" if_empty(0)
};
static const unsigned char a22[] = {
#embed "../../Sources/API/Web/js/core/live.js" if_empty(0)
};
static const unsigned char a23[] = {
#embed "../../Sources/API/Web/js/core/router.js" if_empty(0)
};
static const unsigned char a24[] = {
#embed "../../Sources/API/Web/js/core/shell.js" if_empty(0)
};
static const unsigned char a25[] = {
#embed "../../Sources/API/Web/js/core/texts.js" if_empty(0)
};
static const unsigned char a26[] = {
#embed "../../Sources/API/Web/js/docs.js" if_empty(0)
};
static const unsigned char a27[] = {
#embed "../../Sources/API/Web/js/operator.js" if_empty(0)
};
static const unsigned char a28[] = {
#embed "../../Sources/API/Web/js/operator/queues.js" if_empty(0)
};
static const unsigned char a29[] = {
#embed "../../Sources/API/Web/js/operator/tenant.js" if_empty(0)
};
static const unsigned char a30[] = {
#embed "../../Sources/API/Web/js/operator/tenants.js" if_empty(0)
};
static const unsigned char a31[] = {
#embed "../../Sources/API/Web/js/pages/audiences.js" if_empty(0)
};
static const unsigned char a32[] = {
#embed "../../Sources/API/Web/js/pages/conflicts.js" if_empty(0)
};
static const unsigned char a33[] = {
#embed "../../Sources/API/Web/js/pages/contact.js" if_empty(0)
};
static const unsigned char a34[] = {
#embed "../../Sources/API/Web/js/pages/contacts.js" if_empty(0)
};
static const unsigned char a35[] = {
#embed "../../Sources/API/Web/js/pages/deliveries.js" if_empty(0)
};
static const unsigned char a36[] = {
#embed "../../Sources/API/Web/js/pages/events.js" if_empty(0)
};
static const unsigned char a37[] = {
#embed "../../Sources/API/Web/js/pages/flows.js" if_empty(0)
};
static const unsigned char a38[] = {
#embed "../../Sources/API/Web/js/pages/import-state.js" if_empty(0)
};
static const unsigned char a39[] = {
#embed "../../Sources/API/Web/js/pages/imports.js" if_empty(0)
};
static const unsigned char a40[] = {
#embed "../../Sources/API/Web/js/pages/marketplace.js" if_empty(0)
};
static const unsigned char a41[] = {
#embed "../../Sources/API/Web/js/pages/order-box.js" if_empty(0)
};
static const unsigned char a42[] = {
#embed "../../Sources/API/Web/js/pages/orders.js" if_empty(0)
};
static const unsigned char a43[] = {
#embed "../../Sources/API/Web/js/pages/reasons.js" if_empty(0)
};
static const unsigned char a44[] = {
#embed "../../Sources/API/Web/js/pages/rejections.js" if_empty(0)
};
static const unsigned char a45[] = {
#embed "../../Sources/API/Web/js/pages/reports.js" if_empty(0)
};
static const unsigned char a46[] = {
#embed "../../Sources/API/Web/js/pages/rules.js" if_empty(0)
};
static const unsigned char a47[] = {
#embed "../../Sources/API/Web/js/pages/settings.js" if_empty(0)
};
static const unsigned char a48[] = {
#embed "../../Sources/API/Web/js/pages/sign-in.js" if_empty(0)
};
static const unsigned char a49[] = {
#embed "../../Sources/API/Web/js/tenant.js" if_empty(0)
};
static const unsigned char a50[] = {
#embed "../../Sources/API/Web/mark.svg" if_empty(0)
};
static const unsigned char a51[] = {
#embed "../../Sources/API/Web/operator.html" if_empty(0)
};
static const unsigned char a52[] = {
#embed "../../Sources/API/Web/pages.css" if_empty(0)
};
static const unsigned char a53[] = {
#embed "../../Sources/API/Web/tenant.html" if_empty(0)
};
static const unsigned char a54[] = {
#embed "../../Sources/API/Web/tokens.css" if_empty(0)
};
static const unsigned char a55[] = {
#embed "../../db/checks/gate.sql" if_empty(0)
};
static const unsigned char a56[] = {
#embed "../../db/distributed/generate.sql" if_empty(0)
};
static const unsigned char a57[] = {
#embed "../../db/distributed/switch.sql" if_empty(0)
};
static const unsigned char a58[] = {
#embed "../../db/migrations/0001_roles_and_tenancy.sql" if_empty(0)
};
static const unsigned char a59[] = {
#embed "../../db/migrations/0002_lanes_and_jobs.sql" if_empty(0)
};
static const unsigned char a60[] = {
#embed "../../db/migrations/0003_connection.sql" if_empty(0)
};
static const unsigned char a61[] = {
#embed "../../db/migrations/0004_contacts_and_imports.sql" if_empty(0)
};
static const unsigned char a62[] = {
#embed "../../db/migrations/0005_consent.sql" if_empty(0)
};
static const unsigned char a63[] = {
#embed "../../db/migrations/0006_events_flows_deliveries.sql" if_empty(0)
};
static const unsigned char a64[] = {
#embed "../../db/migrations/0007_orders_touches_audiences.sql" if_empty(0)
};
static const unsigned char a65[] = {
#embed "../../db/migrations/0010_stitching.sql" if_empty(0)
};
static const unsigned char a66[] = {
#embed "../../db/migrations/0011_identity.sql" if_empty(0)
};
static const unsigned char a67[] = {
#embed "../../db/migrations/0012_imports.sql" if_empty(0)
};
static const unsigned char a68[] = {
#embed "../../db/migrations/0013_privacy.sql" if_empty(0)
};
static const unsigned char a69[] = {
#embed "../../db/migrations/0014_contact_reads.sql" if_empty(0)
};
static const unsigned char a70[] = {
#embed "../../db/migrations/0015_plain_insertion.sql" if_empty(0)
};
static const unsigned char a71[] = {
#embed "../../db/migrations/0020_deliveries_and_replays.sql" if_empty(0)
};
static const unsigned char a72[] = {
#embed "../../db/migrations/0025_attribution.sql" if_empty(0)
};
static const unsigned char a73[] = {
#embed "../../db/migrations/0026_audiences.sql" if_empty(0)
};
static const unsigned char a74[] = {
#embed "../../db/migrations/0027_reports.sql" if_empty(0)
};
static const unsigned char a75[] = {
#embed "../../db/migrations/0028_orders_of_contact.sql" if_empty(0)
};
static const unsigned char a76[] = {
#embed "../../db/migrations/0030_consent_state.sql" if_empty(0)
};
static const unsigned char a77[] = {
#embed "../../db/migrations/0031_opt_in_of_contact.sql" if_empty(0)
};
static const unsigned char a78[] = {
#embed "../../db/migrations/0032_opt_in_export_work.sql" if_empty(0)
};
static const unsigned char a79[] = {
#embed "../../db/migrations/0033_pinned_export_plans.sql" if_empty(0)
};
static const unsigned char a80[] = {
#embed "../../db/migrations/0035_operators.sql" if_empty(0)
};
static const unsigned char a81[] = {
#embed "../../db/migrations/0036_pauses.sql" if_empty(0)
};
static const unsigned char a82[] = {
#embed "../../db/migrations/0040_reporting_access.sql" if_empty(0)
};
static const unsigned char a83[] = {
#embed "../../db/migrations/0050_identifier_owner_by_value.sql" if_empty(0)
};
static const unsigned char a84[] = {
#embed "../../db/migrations/0051_facts_from_rows_to_holders.sql" if_empty(0)
};
static const unsigned char a85[] = {
#embed "../../db/migrations/0052_new_contacts_in_bulk.sql" if_empty(0)
};
static const unsigned char a86[] = {
#embed "../../db/migrations/0053_claim_by_the_right_index.sql" if_empty(0)
};
static const unsigned char a87[] = {
#embed "../../db/migrations/0054_identifiers_in_order.sql" if_empty(0)
};
static const unsigned char a88[] = {
#embed "../../db/migrations/0057_import_counts.sql" if_empty(0)
};
static const unsigned char a89[] = {
#embed "../../db/migrations/0058_deleted_contacts.sql" if_empty(0)
};
static const unsigned char a90[] = {
#embed "../../db/migrations/0059_one_opt_in_state.sql" if_empty(0)
};
static const unsigned char a91[] = {
#embed "../../db/migrations/0060_whatsapp_ids.sql" if_empty(0)
};
static const unsigned char a92[] = {
#embed "../../db/migrations/0061_released_phones.sql" if_empty(0)
};
static const unsigned char a93[] = {
#embed "../../db/migrations/0063_told_to_the_end.sql" if_empty(0)
};
static const unsigned char a94[] = {
#embed "../../db/migrations/0064_connection_status.sql" if_empty(0)
};
static const unsigned char a95[] = {
#embed "../../db/migrations/0065_erasing_and_keeping.sql" if_empty(0)
};
static const unsigned char a96[] = {
#embed "../../db/migrations/0066_nothing_of_orders.sql" if_empty(0)
};
static const unsigned char a97[] = {
#embed "../../db/migrations/0068_contacts_in_full_and_late_attribution.sql" if_empty(0)
};
static const unsigned char a98[] = {
#embed "../../db/migrations/0069_audience_facts.sql" if_empty(0)
};
static const unsigned char a99[] = {
#embed "../../db/migrations/0070_totals_of_several_currencies.sql" if_empty(0)
};
static const unsigned char a100[] = {
#embed "../../db/migrations/0075_conversation_details.sql" if_empty(0)
};
static const unsigned char a101[] = {
#embed "../../db/migrations/0078_traces.sql" if_empty(0)
};
static const unsigned char a102[] = {
#embed "../../db/migrations/0079_tenant_archives.sql" if_empty(0)
};
static const unsigned char a103[] = {
#embed "../../db/migrations/0080_key_rotation.sql" if_empty(0)
};
static const unsigned char a104[] = {
#embed "../../db/migrations/0084_reporting_speed.sql" if_empty(0)
};
static const unsigned char a105[] = {
#embed "../../db/migrations/0085_pauses_in_two_statements.sql" if_empty(0)
};
static const unsigned char a106[] = {
#embed "../../db/migrations/0090_contact_cards.sql" if_empty(0)
};
static const unsigned char a107[] = {
#embed "../../db/migrations/0091_lanes_on_the_move.sql" if_empty(0)
};
static const unsigned char a108[] = {
#embed "../../db/migrations/0092_undone_merges_show_what_is_held.sql" if_empty(0)
};
static const unsigned char a109[] = {
#embed "../../db/migrations/0100_late_refunds.sql" if_empty(0)
};
static const unsigned char a110[] = {
#embed "../../db/migrations/0101_phone_changes.sql" if_empty(0)
};
static const unsigned char a111[] = {
#embed "../../db/migrations/0102_deliveries_of_the_instance.sql" if_empty(0)
};
static const unsigned char a112[] = {
#embed "../../db/migrations/0103_entry_in_one_expression.sql" if_empty(0)
};
static const unsigned char a113[] = {
#embed "../../db/migrations/0104_audiences_in_one_look.sql" if_empty(0)
};
static const unsigned char a114[] = {
#embed "../../db/migrations/0105_tenants_unknown_to_statistics.sql" if_empty(0)
};
static const unsigned char a115[] = {
#embed "../../db/migrations/0106_no_statistics_of_bodies.sql" if_empty(0)
};
static const unsigned char a116[] = {
#embed "../../db/reporting/10_views.sql" if_empty(0)
};
static const unsigned char a117[] = {
#embed "../../db/reporting/20_all_tenants.sql" if_empty(0)
};
static const unsigned char a118[] = {
#embed "../../db/reporting/30_closed_doors.sql" if_empty(0)
};
static const struct casset all[] = {
    {"Sources/API/Web/components.css", a0, sizeof a0},
    {"Sources/API/Web/docs.css", a1, sizeof a1},
    {"Sources/API/Web/docs.html", a2, sizeof a2},
    {"Sources/API/Web/icons.svg", a3, sizeof a3},
    {"Sources/API/Web/js/connect/combobox.js", a4, sizeof a4},
    {"Sources/API/Web/js/connect/connection.js", a5, sizeof a5},
    {"Sources/API/Web/js/connect/contact-import.js", a6, sizeof a6},
    {"Sources/API/Web/js/connect/name.js", a7, sizeof a7},
    {"Sources/API/Web/js/connect/permissions.js", a8, sizeof a8},
    {"Sources/API/Web/js/connect/pop-up.js", a9, sizeof a9},
    {"Sources/API/Web/js/connect/segments.js", a10, sizeof a10},
    {"Sources/API/Web/js/connect/webhook.js", a11, sizeof a11},
    {"Sources/API/Web/js/core/alert-words.js", a12, sizeof a12},
    {"Sources/API/Web/js/core/alerts.js", a13, sizeof a13},
    {"Sources/API/Web/js/core/api.js", a14, sizeof a14},
    {"Sources/API/Web/js/core/csv.js", a15, sizeof a15},
    {"Sources/API/Web/js/core/dialog.js", a16, sizeof a16},
    {"Sources/API/Web/js/core/dom.js", a17, sizeof a17},
    {"Sources/API/Web/js/core/format.js", a18, sizeof a18},
    {"Sources/API/Web/js/core/german-codes.js", a19, sizeof a19},
    {"Sources/API/Web/js/core/german.js", a20, sizeof a20},
    {"Sources/API/Web/js/core/list.js", a21, sizeof a21},
    {"Sources/API/Web/js/core/live.js", a22, sizeof a22},
    {"Sources/API/Web/js/core/router.js", a23, sizeof a23},
    {"Sources/API/Web/js/core/shell.js", a24, sizeof a24},
    {"Sources/API/Web/js/core/texts.js", a25, sizeof a25},
    {"Sources/API/Web/js/docs.js", a26, sizeof a26},
    {"Sources/API/Web/js/operator.js", a27, sizeof a27},
    {"Sources/API/Web/js/operator/queues.js", a28, sizeof a28},
    {"Sources/API/Web/js/operator/tenant.js", a29, sizeof a29},
    {"Sources/API/Web/js/operator/tenants.js", a30, sizeof a30},
    {"Sources/API/Web/js/pages/audiences.js", a31, sizeof a31},
    {"Sources/API/Web/js/pages/conflicts.js", a32, sizeof a32},
    {"Sources/API/Web/js/pages/contact.js", a33, sizeof a33},
    {"Sources/API/Web/js/pages/contacts.js", a34, sizeof a34},
    {"Sources/API/Web/js/pages/deliveries.js", a35, sizeof a35},
    {"Sources/API/Web/js/pages/events.js", a36, sizeof a36},
    {"Sources/API/Web/js/pages/flows.js", a37, sizeof a37},
    {"Sources/API/Web/js/pages/import-state.js", a38, sizeof a38},
    {"Sources/API/Web/js/pages/imports.js", a39, sizeof a39},
    {"Sources/API/Web/js/pages/marketplace.js", a40, sizeof a40},
    {"Sources/API/Web/js/pages/order-box.js", a41, sizeof a41},
    {"Sources/API/Web/js/pages/orders.js", a42, sizeof a42},
    {"Sources/API/Web/js/pages/reasons.js", a43, sizeof a43},
    {"Sources/API/Web/js/pages/rejections.js", a44, sizeof a44},
    {"Sources/API/Web/js/pages/reports.js", a45, sizeof a45},
    {"Sources/API/Web/js/pages/rules.js", a46, sizeof a46},
    {"Sources/API/Web/js/pages/settings.js", a47, sizeof a47},
    {"Sources/API/Web/js/pages/sign-in.js", a48, sizeof a48},
    {"Sources/API/Web/js/tenant.js", a49, sizeof a49},
    {"Sources/API/Web/mark.svg", a50, sizeof a50},
    {"Sources/API/Web/operator.html", a51, sizeof a51},
    {"Sources/API/Web/pages.css", a52, sizeof a52},
    {"Sources/API/Web/tenant.html", a53, sizeof a53},
    {"Sources/API/Web/tokens.css", a54, sizeof a54},
    {"db/checks/gate.sql", a55, sizeof a55},
    {"db/distributed/generate.sql", a56, sizeof a56},
    {"db/distributed/switch.sql", a57, sizeof a57},
    {"db/migrations/0001_roles_and_tenancy.sql", a58, sizeof a58},
    {"db/migrations/0002_lanes_and_jobs.sql", a59, sizeof a59},
    {"db/migrations/0003_connection.sql", a60, sizeof a60},
    {"db/migrations/0004_contacts_and_imports.sql", a61, sizeof a61},
    {"db/migrations/0005_consent.sql", a62, sizeof a62},
    {"db/migrations/0006_events_flows_deliveries.sql", a63, sizeof a63},
    {"db/migrations/0007_orders_touches_audiences.sql", a64, sizeof a64},
    {"db/migrations/0010_stitching.sql", a65, sizeof a65},
    {"db/migrations/0011_identity.sql", a66, sizeof a66},
    {"db/migrations/0012_imports.sql", a67, sizeof a67},
    {"db/migrations/0013_privacy.sql", a68, sizeof a68},
    {"db/migrations/0014_contact_reads.sql", a69, sizeof a69},
    {"db/migrations/0015_plain_insertion.sql", a70, sizeof a70},
    {"db/migrations/0020_deliveries_and_replays.sql", a71, sizeof a71},
    {"db/migrations/0025_attribution.sql", a72, sizeof a72},
    {"db/migrations/0026_audiences.sql", a73, sizeof a73},
    {"db/migrations/0027_reports.sql", a74, sizeof a74},
    {"db/migrations/0028_orders_of_contact.sql", a75, sizeof a75},
    {"db/migrations/0030_consent_state.sql", a76, sizeof a76},
    {"db/migrations/0031_opt_in_of_contact.sql", a77, sizeof a77},
    {"db/migrations/0032_opt_in_export_work.sql", a78, sizeof a78},
    {"db/migrations/0033_pinned_export_plans.sql", a79, sizeof a79},
    {"db/migrations/0035_operators.sql", a80, sizeof a80},
    {"db/migrations/0036_pauses.sql", a81, sizeof a81},
    {"db/migrations/0040_reporting_access.sql", a82, sizeof a82},
    {"db/migrations/0050_identifier_owner_by_value.sql", a83, sizeof a83},
    {"db/migrations/0051_facts_from_rows_to_holders.sql", a84, sizeof a84},
    {"db/migrations/0052_new_contacts_in_bulk.sql", a85, sizeof a85},
    {"db/migrations/0053_claim_by_the_right_index.sql", a86, sizeof a86},
    {"db/migrations/0054_identifiers_in_order.sql", a87, sizeof a87},
    {"db/migrations/0057_import_counts.sql", a88, sizeof a88},
    {"db/migrations/0058_deleted_contacts.sql", a89, sizeof a89},
    {"db/migrations/0059_one_opt_in_state.sql", a90, sizeof a90},
    {"db/migrations/0060_whatsapp_ids.sql", a91, sizeof a91},
    {"db/migrations/0061_released_phones.sql", a92, sizeof a92},
    {"db/migrations/0063_told_to_the_end.sql", a93, sizeof a93},
    {"db/migrations/0064_connection_status.sql", a94, sizeof a94},
    {"db/migrations/0065_erasing_and_keeping.sql", a95, sizeof a95},
    {"db/migrations/0066_nothing_of_orders.sql", a96, sizeof a96},
    {"db/migrations/0068_contacts_in_full_and_late_attribution.sql", a97, sizeof a97},
    {"db/migrations/0069_audience_facts.sql", a98, sizeof a98},
    {"db/migrations/0070_totals_of_several_currencies.sql", a99, sizeof a99},
    {"db/migrations/0075_conversation_details.sql", a100, sizeof a100},
    {"db/migrations/0078_traces.sql", a101, sizeof a101},
    {"db/migrations/0079_tenant_archives.sql", a102, sizeof a102},
    {"db/migrations/0080_key_rotation.sql", a103, sizeof a103},
    {"db/migrations/0084_reporting_speed.sql", a104, sizeof a104},
    {"db/migrations/0085_pauses_in_two_statements.sql", a105, sizeof a105},
    {"db/migrations/0090_contact_cards.sql", a106, sizeof a106},
    {"db/migrations/0091_lanes_on_the_move.sql", a107, sizeof a107},
    {"db/migrations/0092_undone_merges_show_what_is_held.sql", a108, sizeof a108},
    {"db/migrations/0100_late_refunds.sql", a109, sizeof a109},
    {"db/migrations/0101_phone_changes.sql", a110, sizeof a110},
    {"db/migrations/0102_deliveries_of_the_instance.sql", a111, sizeof a111},
    {"db/migrations/0103_entry_in_one_expression.sql", a112, sizeof a112},
    {"db/migrations/0104_audiences_in_one_look.sql", a113, sizeof a113},
    {"db/migrations/0105_tenants_unknown_to_statistics.sql", a114, sizeof a114},
    {"db/migrations/0106_no_statistics_of_bodies.sql", a115, sizeof a115},
    {"db/reporting/10_views.sql", a116, sizeof a116},
    {"db/reporting/20_all_tenants.sql", a117, sizeof a117},
    {"db/reporting/30_closed_doors.sql", a118, sizeof a118},
};
const struct casset *casset_all(size_t *count) {
    *count = 119;
    return all;
}
