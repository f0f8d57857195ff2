// SPDX-License-Identifier: Apache-2.0
// The rows of the catalogue's tables in memory, and the one way from rows to a catalogue. Filled from the database
// (catalogue_load.c), from parsed files (apply) and by tests; the references between rows are checked here for all.
// Every row carries the catalogue version that wrote it; of several rows with one key the highest version is in force.
#pragma once
#include "catalogue/catalogue.h"

extern const char *const evaluation_windows[WINDOW_COUNT]; // in files and in the database

struct service_row {
    int64_t version;
    int32_t number;
    const char *id, *name, *category, *subcategory;
};
struct meter_row {
    int64_t version;
    int32_t number;
    instant_us effective_from; // INSTANT_MIN: reaches back without limit
    const char *id, *name, *event_type, *unit;
    enum aggregation aggregation;
    const char *value_property, *resource_property, *state_property; // NULL if none
    const char *times_property;                                      // NULL if none
    bool has_fee;
    struct event_fee fee; // if has_fee
    bool keeps_events;
    const char **running_states;
    size_t running_count;
    const char **stopped_states;
    size_t stopped_count;
    const char **dimensions;
    size_t dimension_count; // any order
    enum evaluation_window window;
    int slot_minutes, accept_days, future_seconds;
};
struct sku_row {
    int64_t version;
    int32_t number, service, meter;
    const char *id, *name;
};
struct virtual_currency_row {
    int64_t version;
    const char *code, *name;
    int places; // in which people write amounts; nothing is rounded to them
};
struct price_book_row {
    int64_t version;
    int32_t number, parent /* 0: none */;
    const char *id, *name, *currency;
};
struct exchange_row {
    int64_t version;
    const char *from, *to; // codes of currencies; `from` may be a virtual one
    instant_us effective_from; // INSTANT_MIN: reaches back without limit
    struct price rate;
    const char *source; // where it was published; NULL: not said
};
struct price_row {
    int64_t version, number;
    int32_t book, sku;
    const char *match;                       // canonical JSON object; NULL is {}
    instant_us effective_from, effective_to; // INSTANT_MIN; 0, INSTANT_NONE or INSTANT_MAX: until the next version
    enum price_model model;
    const char *unit;
    struct quantity per;
    struct price price; // models without tiers
    int minimum_seconds;
    int64_t increment_us; // 0: none
    struct quantity free; // pricing units
    struct amount fixed, minimum_spend, maximum_spend;
    struct quantity round_to; // pricing units of which the period's quantity is made a multiple; 0: none
    enum rounding round_mode; // ROUND_HALF_UP if there is none
    bool per_event;
    struct price_event_fee event_fee; // if per_event
    enum price_daily daily;
    const char *hours; // when it holds (price_window.h); NULL or "": always
    const char *times; // what quantities are multiplied by (price_times.h), canonical JSON; NULL or "": nothing
    bool withdrawn;    // from effective_from on there is no price of this match and hours
};
struct price_tier_row {
    int64_t price;
    int tier;
    struct quantity up_to /* pricing units */;
    bool last;
    struct price unit_price;
    struct amount flat;
    struct quantity block; // pricing units; 0: none
};
struct seller_row {
    int64_t version;
    int32_t number;
    const char *id, *name, *address, *tax_id, *series;
    int64_t account;
};
struct account_row {
    int64_t version, number;
    const char *id, *name, *address, *tax_id, *email;
};
struct agreement_row {
    int64_t version, number;
    instant_us effective_from; // INSTANT_MIN for the first
    int32_t seller;
    int64_t account;
    int level;
    int32_t book;
    const char *currency, *zone, *tax_name;
    struct price tax_rate;
    enum rounding rounding;
    const char *stages;     // names joined by ","; NULL: the default order
    const char *deductions; // canonical JSON of contract.h; NULL: none
};
struct offer_row {
    int64_t version, number;
    const char *id, *name;
    enum offer_kind kind;
    const char *currency; // NULL: none
    const char *terms;    // canonical JSON of offer_kind.h
};
struct holding_row {
    int64_t version, number;
    const char *id;
    int64_t account, offer, quantity;
    instant_us effective_from, effective_to; // INSTANT_NONE or INSTANT_MAX: open
    instant_us anchor;                       // INSTANT_NONE: effective_from
};
struct tenant_row {
    int64_t version, number;
    const char *id, *name;
};
struct membership_row {
    int64_t version, tenant, account;
    instant_us effective_from;
};

#define ROWS(type)                                                                                                     \
    struct {                                                                                                           \
        struct type *row;                                                                                              \
        size_t count, capacity;                                                                                        \
    }
struct catalogue_rows {
    int64_t version;     // of the catalogue that is built
    struct arena *arena; // where the rows' texts and lists lie; literals are fine, too
    ROWS(service_row) services;
    ROWS(meter_row) meters;
    ROWS(sku_row) skus;
    ROWS(virtual_currency_row) currencies;
    ROWS(price_book_row) books;
    ROWS(exchange_row) exchanges;
    ROWS(price_row) prices;
    ROWS(price_tier_row) tiers;
    ROWS(seller_row) sellers;
    ROWS(account_row) accounts;
    ROWS(agreement_row) agreements;
    ROWS(offer_row) offers;
    ROWS(holding_row) holdings;
    ROWS(tenant_row) tenants;
    ROWS(membership_row) memberships;
    char *chunk;
    size_t chunk_left; // of rows_text
};

void catalogue_rows_init(struct catalogue_rows *rows, int64_t version); // with an arena of its own
void catalogue_rows_fini(struct catalogue_rows *rows);                  // also the arena, if no catalogue took it
// Appends a zeroed row: struct sku_row *sku = ROW_NEW(&rows.skus); valid until the next one of that table is added.
#define ROW_NEW(list)                                                                                                  \
    ((__typeof__((list)->row))rows_grow((void **)&(list)->row, sizeof *(list)->row, &(list)->count, &(list)->capacity))
void *rows_grow(void **rows, size_t size, size_t *count, size_t *capacity);
// Copy of a text in the arena, packed (millions of ids), NUL-terminated.
const char *rows_text(struct catalogue_rows *rows, const char *text, size_t length);

// Builds the catalogue; *catalogue is freed with catalogue_release. The rows are sorted in place. On success the
// catalogue takes rows->arena over (rows->arena becomes NULL); the arrays stay the caller's (catalogue_rows_fini).
// ERR_INVALID: rows contradict each other or break a rule; place names the row ("price 12", "tenant t-1"). Pure but for
// reading zone files (ERR_RETRY, ERR_BUG as zone_open).
enum err catalogue_build(struct catalogue_rows *rows, struct catalogue **catalogue, struct fault *fault) MUST_USE;

// Adds the rows of a version of the database (0: the newest; rows->version is set) to empty rows, in a snapshot like
// catalogue_load's. For apply, which puts its files' rows beside them. ERR_NOT_FOUND: no such version.
enum err catalogue_rows_load(struct db *db, int64_t version, struct catalogue_rows *rows, struct fault *fault) MUST_USE;
