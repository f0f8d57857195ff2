// SPDX-License-Identifier: Apache-2.0
// What the steps of a closing chunk share: close_chunk.c (order, checks), close_load.c (reads), close_write.c (numbers and rows).
#pragma once
#include "invoicing/close.h"
#include "invoicing/credit.h"

// What earlier documents billed in a tax group.
struct close_group { struct amount net, tax; };

// Charges to date and earlier documents of one original period of an account.
struct close_source {
    struct billing_period period;
    bool closed;                // earlier period whose late usage this document carries; else the period being closed
    int64_t cut;                // position's cut
    struct usage_basis settled; // what it was settled with: cut and spans, without lines; cut 0: not kept
    struct charge *charges; size_t charge_count; // to date as posted, sorted by key
    struct charge *billed; size_t billed_count;  // quantity and billed_cost in earlier documents, sorted by key
    struct close_group *groups; // one per tax group of the terms (contract_tax.h)
};

// One account of the chunk.
struct close_account {
    struct billing_period *period;
    struct close_source *sources; size_t source_count; // by period start; the last is the period itself
    int64_t cut;                 // that the document bills
    int ordinal;
    struct account_usage usage;  // of the period, at cut
    struct rated rated;          // F at cut
    const struct tenant_share *shares; size_t share_count;
    bool already, refused;
    struct document document;
    struct text body;
    const char *number, *series; char body_hex[SHA256_HEX]; unsigned char body_sha256[SHA256_BYTES];
    const char **earlier; size_t earlier_count; // hashes of earlier documents of the period
    int place; int64_t chunk; instant_us issued_time; int64_t row;
    struct document_party seller, buyer;
    const struct credit_use *credit_uses; size_t credit_use_count; // grants that pay the document, decided at its issue
    struct amount credited;      // their sum, at most the total
};

struct close_work {
    struct db *db;
    const struct catalogue *catalogue;
    const struct close_options *options;
    int64_t cut;
    struct billing_period *periods; // sorted by account
    struct close_account *accounts; size_t count; // one per period, same order
    const struct usage_dimension *dimensions; size_t dimension_count; // sets named by charges, sorted by id
    struct arena *arena;         // of the chunk
    struct arena *result_arena;  // of the run
    struct close_result *result;
    struct fault *fault;
};

enum err close_load(struct close_work *work) MUST_USE;  // locks, sources, F, shares
enum err close_write(struct close_work *work) MUST_USE; // numbers, documents, ledger, periods
void close_result_refuse(struct close_result *result, const char *account, const char *reason, struct arena *arena);
void close_refuse(struct close_work *work, struct close_account *account, const char *format, ...) PRINTF_LIKE(3, 4);
