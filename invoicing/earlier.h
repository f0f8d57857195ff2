// SPDX-License-Identifier: Apache-2.0
// What the earlier periods of a term were billed: an input of F in the period in which the term ends (docs/adr/0020).
#pragma once
#include "catalogue/contract_limit.h"
#include "invoicing/period.h"
#include "rating/charge.h"

// Posted to date under a SKU, without what makes up for terms.
struct earlier_row {
    int64_t account;
    instant_us last;  // start of the period in which the term ends
    instant_us start; // of the earlier one
    int32_t sku;
    struct amount billed;
};
struct earlier { const struct earlier_row *rows; size_t count; };

// Reads it for those of the periods in which a term ends, inside the caller's transaction. In the arena.
enum err earlier_load(struct db *db, const struct billing_period *const *periods, size_t count, struct arena *arena,
                      struct earlier *earlier, struct fault *fault) MUST_USE;

// One sum for each limit of the period's contract (account_usage.earlier); NULL: no term ends in it.
struct amount *earlier_sums(const struct billing_period *period, struct arena *arena);
// Adds what a period that began at `start` was billed under a SKU to the sums of the terms that it belongs to. ERR_LIMIT.
enum err earlier_add(const struct catalogue *catalogue, const struct billing_period *period, instant_us start,
                     int32_t sku, enum charge_stage stage, struct amount billed, struct amount *sums) MUST_USE;
// The same for all charges of such a period.
enum err earlier_add_rated(const struct catalogue *catalogue, const struct billing_period *period, instant_us start,
                           const struct rated *rated, struct amount *sums) MUST_USE;
