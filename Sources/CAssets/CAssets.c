// Written by tools/embed; do not edit.
#include "CAssets.h"
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char a0[] = {
#embed "../../db/checks/gate.sql" if_empty(0)
};
static const unsigned char a1[] = {
#embed "../../db/migrations/0001_roles_and_tenancy.sql" if_empty(0)
};
static const unsigned char a2[] = {
#embed "../../db/migrations/0002_lanes_and_jobs.sql" if_empty(0)
};
static const unsigned char a3[] = {
#embed "../../db/migrations/0003_connection.sql" if_empty(0)
};
static const unsigned char a4[] = {
#embed "../../db/migrations/0004_contacts_and_imports.sql" if_empty(0)
};
static const unsigned char a5[] = {
#embed "../../db/migrations/0005_consent.sql" if_empty(0)
};
static const unsigned char a6[] = {
#embed "../../db/migrations/0006_events_flows_deliveries.sql" if_empty(0)
};
static const unsigned char a7[] = {
#embed "../../db/migrations/0007_orders_touches_audiences.sql" if_empty(0)
};
static const unsigned char a8[] = {
#embed "../../db/migrations/0020_deliveries_and_replays.sql" if_empty(0)
};
static const unsigned char a9[] = {
#embed "../../db/migrations/0030_consent_state.sql" if_empty(0)
};
static const unsigned char a10[] = {
#embed "../../db/migrations/0031_opt_in_of_contact.sql" if_empty(0)
};
static const unsigned char a11[] = {
#embed "../../db/migrations/0035_operators.sql" if_empty(0)
};
static const unsigned char a12[] = {
#embed "../../db/migrations/0040_reporting_access.sql" if_empty(0)
};
static const unsigned char a13[] = {
#embed "../../db/reporting/10_views.sql" if_empty(0)
};
static const unsigned char a14[] = {
#embed "../../db/reporting/20_all_tenants.sql" if_empty(0)
};
static const unsigned char a15[] = {
#embed "../../db/reporting/30_closed_doors.sql" if_empty(0)
};
static const struct casset all[] = {
    {"db/checks/gate.sql", a0, sizeof a0},
    {"db/migrations/0001_roles_and_tenancy.sql", a1, sizeof a1},
    {"db/migrations/0002_lanes_and_jobs.sql", a2, sizeof a2},
    {"db/migrations/0003_connection.sql", a3, sizeof a3},
    {"db/migrations/0004_contacts_and_imports.sql", a4, sizeof a4},
    {"db/migrations/0005_consent.sql", a5, sizeof a5},
    {"db/migrations/0006_events_flows_deliveries.sql", a6, sizeof a6},
    {"db/migrations/0007_orders_touches_audiences.sql", a7, sizeof a7},
    {"db/migrations/0020_deliveries_and_replays.sql", a8, sizeof a8},
    {"db/migrations/0030_consent_state.sql", a9, sizeof a9},
    {"db/migrations/0031_opt_in_of_contact.sql", a10, sizeof a10},
    {"db/migrations/0035_operators.sql", a11, sizeof a11},
    {"db/migrations/0040_reporting_access.sql", a12, sizeof a12},
    {"db/reporting/10_views.sql", a13, sizeof a13},
    {"db/reporting/20_all_tenants.sql", a14, sizeof a14},
    {"db/reporting/30_closed_doors.sql", a15, sizeof a15},
};
const struct casset *casset_all(size_t *count) {
    *count = 16;
    return all;
}
