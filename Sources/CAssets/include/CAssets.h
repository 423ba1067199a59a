// Files compiled into the binary: migrations, checks, reporting SQL and the web pages.
#ifndef CASSETS_H
#define CASSETS_H

#include <stddef.h>

/// One embedded file.
struct casset {
    /// Path below the repository's root, e.g. "db/migrations/0001_foundations.sql".
    const char *path;
    const unsigned char *bytes;
    size_t length;
};

/// All embedded files, sorted by path.
const struct casset *casset_all(size_t *count);

#endif
