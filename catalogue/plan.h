// SPDX-License-Identifier: Apache-2.0
// What an apply would do: files compared with the rows that are in force give the rows to add, the lines that tell a
// person, and which past usage is priced anew. Decides only: no I/O, no clock. Private to catalogue/.
//
// Rows are only ever added. A difference that cannot be added (what was in force would change) is an error of the kind
// ERR_CONFLICT; a contradiction within the files is ERR_INVALID.
#pragma once
#include "catalogue/file.h"
#include "catalogue/lookup.h"

#define PLAN_NONE SIZE_MAX

// A thing with an id. Numbers of new things follow the highest one there is.
struct plan_thing {
    const char *id;
    int64_t number;
    size_t existing;              // index of its newest row in force; PLAN_NONE: new
    const struct yaml_node *node; // where it is declared first; NULL: only in force
    size_t first, last;           // declarations by index, linked by plan.next_account or next_tenant
};
struct plan_index {
    struct lookup lookup;
    struct plan_thing *things;
    size_t count;
    int64_t highest, highest_existing; // numbers
};

struct plan_change {
    const char *kind, *text;
    bool added; /* false: a further version of what is there */
};

// Past usage that is priced anew from an instant on.
enum plan_effect_kind {
    EFFECT_PRICE,  // of a meter (0: of all) in a book and the books below it
    EFFECT_MEMBER, // of a tenant, which an account did or does pay
    EFFECT_TERMS,  // of an account: all of its periods that start there
    EFFECT_HOLDING, // of an account alone
    EFFECT_RATE     // of accounts whose prices are converted between two currencies: periods that start there
};
struct plan_effect {
    enum plan_effect_kind kind;
    const struct yaml_node *node;
    int32_t book, meter;
    int64_t account, tenant;
    instant_us from, to;
    const char *currency, *into; // of a rate
    bool first;                  // there was no rate then: nothing can have been charged
};

struct plan {
    struct arena *arena;
    struct catalogue_files *files;
    struct file_errors *errors;            // the files' own
    const struct catalogue_rows *existing; // agreements and memberships sorted by plan_sort
    struct catalogue_rows added;           // texts lie in files->arena and existing->arena
    int64_t version;                       // of the added rows
    instant_us watermark;                  // highest received time of all partitions; INSTANT_MIN: nothing was received
    struct plan_index services, meters, skus, books, sellers, accounts, tenants, offers, holdings;
    struct plan_index currencies; // virtual, by code; without numbers
    size_t *next_account, *next_tenant; // parallel to the files' lists: the next declaration of the same id
    const struct exchange_row **pairs; // of currencies that have a rate, each once
    size_t pair_count, pair_capacity;
    struct plan_change *changes;
    size_t change_count, change_capacity;
    struct plan_effect *effects;
    size_t effect_count, effect_capacity;
};

// Orders what the plan searches in. Before plan_make.
void plan_sort(struct catalogue_rows *existing);
// Fills the rest of a plan whose first part is set (arena, files, existing, version, watermark). ERR_INVALID,
// ERR_CONFLICT: see files->errors. plan_fini afterwards in any case.
enum err plan_make(struct plan *plan) MUST_USE;
void plan_fini(struct plan *plan);

// Latest event time at which events of the meter's type may have been counted, when `watermark` is the highest received
// time; INSTANT_NONE: none was, or the row only gives a version in force another name. Nothing that was counted may be
// counted otherwise by a version that begins before (rules 3.5).
instant_us plan_meter_bound(const struct plan *plan, const struct meter_row *meter, instant_us watermark);

// --- for the parts

// Existing things first, each row with plan_index_put, then declarations.
void plan_index_init(struct plan_index *index, struct arena *arena, size_t most);
void plan_index_put(struct plan_index *index, const char *id, int64_t number, size_t row); // rows by rising version
struct plan_thing *plan_index_find(const struct plan_index *index, const char *id);
// The thing of this id, made if it is new; node is remembered if it is the first.
struct plan_thing *plan_index_declare(struct plan_index *index, const char *id, const struct yaml_node *node);
// The thing that a reference names; NULL: nothing was named (then an error was told before), or there is none (told
// here).
struct plan_thing *plan_resolve(struct plan *plan, const struct plan_index *index,
                                const struct file_reference *reference, const char *kind);
// Declares what may be declared once. NULL, and an error: it was before.
struct plan_thing *plan_declare_once(struct plan *plan, struct plan_index *index, const char *id,
                                     const struct yaml_node *node, const char *kind);
void plan_change(struct plan *plan, bool added, const char *kind, const char *format, ...) PRINTF_LIKE(4, 5);
struct plan_effect *plan_effect(struct plan *plan, enum plan_effect_kind kind, const struct yaml_node *node);
// Adds ", what: old -> new" if they differ; NULL counts as "".
bool plan_differs(struct text *out, const char *what, const char *old, const char *new);
const char *plan_place(const struct plan *plan, const struct yaml_node *node); // in the arena
const char *plan_instant(const struct plan *plan, instant_us instant);         // "the beginning" for INSTANT_MIN

// --- the deductions of terms (plan_contract.c)
bool plan_contract(struct plan *plan, const struct file_contract *contract); // what it names is there
const char *plan_contract_stages(struct plan *plan, const struct file_contract *contract); // NULL: the default order
const char *plan_contract_deductions(struct plan *plan, const struct file_contract *contract); // NULL: none
const char *plan_contract_words(struct plan *plan, const struct agreement_row *row); // "" or ", ..."

void plan_services(struct plan *plan);
void plan_meters(struct plan *plan);
void plan_skus(struct plan *plan);
void plan_currencies(struct plan *plan);
// Tells of a well-formed code of a virtual currency that none is declared with it; a wrong declaration counts, as it
// was told of.
void plan_currency_check(struct plan *plan, const char *code, const struct yaml_node *node);
void plan_books(struct plan *plan);
void plan_prices(struct plan *plan);
void plan_sellers(struct plan *plan);  // operator and partners
void plan_accounts(struct plan *plan); // and agreements
void plan_exchanges(struct plan *plan);
bool plan_exchange_known(const struct plan *plan, const char *from, const char *to); // in force or added
void plan_offers(struct plan *plan);
void plan_holdings(struct plan *plan);
void plan_tenants(struct plan *plan);  // and memberships
