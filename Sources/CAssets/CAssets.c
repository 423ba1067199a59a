// Written by tools/embed; do not edit.
#include "CAssets.h"
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char a0[] = {
#embed "../../db/checks/gate.sql" if_empty(0)
};
static const struct casset all[] = {
    {"db/checks/gate.sql", a0, sizeof a0},
};
const struct casset *casset_all(size_t *count) {
    *count = 1;
    return all;
}
