// SPDX-License-Identifier: Apache-2.0
// Catalogue files into the database, as one new catalogue version or not at all. Called by `turnpike apply` alone.
// The connection is the administrator's (role "admin").
#pragma once
#include "catalogue/catalogue.h"

// What an apply did or would do. Zero-initialise; apply_report_fini at the end.
struct apply_line {
    const char *kind, *text;
    bool added; /* false: a further version of what is there */
};
struct apply_error {
    const char *place, *reason;
}; // place: "file:line:column", or "" for the whole
struct apply_report {
    int64_t version;                    // that was made, or with dry_run would be; 0: nothing to change
    unsigned char digest[SHA256_BYTES]; // of the rows, as in catalog.change
    int64_t recomputed;                 // billing periods that are priced anew
    const char *summary;                // "3 services and 2 meters added"
    const struct apply_line *lines;
    size_t line_count;
    const struct apply_error *errors; // in the order of the files
    size_t error_count;
    struct apply_state *state; // what the pointers above point into
};
void apply_report_fini(struct apply_report *report);

// Reads the files: a file, or a folder's *.yaml and *.yml. To be called first. ERR_INVALID: report->errors says what is
// wrong with them alone; catalogue_apply may still be called, to learn of wrong references, too.
enum err apply_read(const char *const *paths, size_t count, struct apply_report *report) MUST_USE;

// Compares what was read with the database and adds the difference in one transaction (with dry_run: only tells it).
// Waits for another apply or a close that commits. Applying the same files again changes nothing (ERR_OK, version 0).
//   ERR_INVALID, ERR_CONFLICT  the files are wrong, or contradict what is in force: report->errors has all, nothing is
//   written ERR_RETRY                  the database; nothing is written: read the files anew and apply again
//   ERR_UNCERTAIN              the commit's answer was lost: ask apply_was_committed on a new connection
enum err catalogue_apply(struct db *db, bool dry_run, struct apply_report *report, struct fault *fault) MUST_USE;
enum err apply_was_committed(struct db *db, const struct apply_report *report, bool *committed,
                             struct fault *fault) MUST_USE;

// The catalogue that files alone describe, for tests and tools without a database: numbers are given in the order of
// the files. Errors are added to `errors` (may be NULL), one a line; *catalogue is freed with catalogue_release.
enum err catalogue_from_files(const char *const *paths, size_t count, struct catalogue **catalogue,
                              struct text *errors) MUST_USE;
