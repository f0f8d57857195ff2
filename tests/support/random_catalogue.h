// SPDX-License-Identifier: Apache-2.0
// Random catalogues that change: files of three versions, as an operator would apply them one after the other, and
// the catalogue of each. Every price model, `when`, `times`, increments, free units and limits; discounts of all
// levels, packages, reservations, savings plans, coupons, subscriptions, limits of periods and terms; two accounts, a
// partner and its customer, tenants that move between them.
#pragma once
#include "catalogue/catalogue_build.h"
#include "catalogue/file.h"
#include "tests/support/dice.h"

enum { RANDOM_VERSIONS = 3, RANDOM_DAYS = 35, RANDOM_ACCOUNTS = 4, RANDOM_TENANTS = 5 };
enum { RANDOM_METERS = 12, RANDOM_SKUS = 13 };

struct random_meter {
    const char *id;
    enum aggregation aggregation;
    bool size, region; // its dimensions
};
extern const struct random_meter random_meters[RANDOM_METERS];
extern const char *const random_accounts[RANDOM_ACCOUNTS], *const random_sizes[3], *const random_regions[2];
extern const char *const random_skus[RANDOM_SKUS]; // of the services s and n

// An instant of the 35 days from 2026-03-01 on, on a bound of `grain` microseconds.
instant_us random_instant(struct dice *dice, int64_t grain);
// Adds `name: "DECIMAL", `: below `most`, with up to `places` (at most 6) fraction digits.
void random_decimal(struct text *out, struct dice *dice, const char *name, int places, int most);
// Adds `name: INSTANT, `.
void random_at(struct text *out, const char *name, instant_us instant);
// Adds what the terms of an account deduct: members of a flow mapping. What is drawn by `further` changes none of the
// throws of `dice`, so that it makes nothing else rarer.
void random_contract(struct text *out, struct dice *dice, struct dice *further);
// Adds offers, and holdings to the files of all versions.
void random_offers(struct text *offers, struct text *holdings, struct dice *dice, struct dice *further);
// Adds a price book that begins with `head` to the files of all versions.
void random_book(struct text *files, struct dice *dice, const char *head);

struct random_catalogue {
    struct text texts[RANDOM_VERSIONS]; // what each version adds
    struct catalogue *versions[RANDOM_VERSIONS];
    struct catalogue_files files[RANDOM_VERSIONS]; // where the rows' texts lie
    struct catalogue_rows rows;
    struct arena *arena;
};
// Aborts with the errors if the files are wrong.
void random_catalogue_make(struct dice *dice, struct random_catalogue *made);
void random_catalogue_free(struct random_catalogue *made);
