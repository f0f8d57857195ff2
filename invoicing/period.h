// SPDX-License-Identifier: Apache-2.0
// Billing periods: civil months in the agreement's zone, half-open, stored as instants when first needed (rules 1.3, 6.5).
#pragma once
#include "catalogue/catalogue.h"

enum { PERIOD_LABEL_MAX = 8 }; // "2026-10" and NUL

struct billing_period {
    const struct agreement *agreement; // terms at period_start
    int64_t account;
    instant_us start, end;
    char label[PERIOD_LABEL_MAX];
};

// Reads "YYYY-MM". ERR_INVALID with the reason.
enum err period_label_read(const char *label, int *year, int *month, struct fault *fault) MUST_USE;
// The account's period that contains an instant, under the terms in force at its start. ERR_NOT_FOUND: the account has no
// agreement then.
enum err period_of(const struct catalogue *catalogue, int64_t account, instant_us instant, struct billing_period *period, struct fault *fault) MUST_USE;
// The account's period with a label.
enum err period_of_label(const struct catalogue *catalogue, int64_t account, int year, int month, struct billing_period *period, struct fault *fault) MUST_USE;
int period_order(const void *left, const void *right); // by (account, start), for qsort

// Makes the rows of invoicing.period that are missing. Where a row has other instants, because the zone data has changed since it was
// made, the frozen ones win: they are put into periods, and the log says so.
enum err period_ensure(struct db *db, struct billing_period *periods, size_t count, struct arena *arena, struct fault *fault) MUST_USE;

// Holds the catalogue shared until the caller's transaction ends, and says which version is the newest.
enum err period_hold_catalogue(struct db *db, int64_t *version, struct fault *fault) MUST_USE;
