// SPDX-License-Identifier: Apache-2.0
// What earlier periods of an account came to: an input of F in the period in which a term ends, and in every period of
// what is held through several (docs/adr/0020).
#pragma once
#include "invoicing/period.h"
#include "rating/charge.h"

// Posted to date in an earlier period under a SKU; of charges that use up what is held (charge_uses_holding) under a
// stage and holding, else stage and holding are 0. Without what makes up for terms, and without prepayments' prices.
struct earlier_row {
    int64_t account;
    instant_us period; // start of the period that wants it
    int64_t agreement; // of the earlier one
    instant_us start;
    int32_t sku;
    enum charge_stage stage;
    int64_t holding;
    struct quantity quantity;
    struct amount effective, billed;
};
struct earlier { const struct earlier_row *rows; size_t count; };

// Reads it for those of the periods that want it, inside the caller's transaction, within what the reader may see. In the arena.
enum err earlier_load(struct db *db, enum usage_reader reader, const struct billing_period *const *periods, size_t count,
                      const struct catalogue *catalogue, struct arena *arena, struct earlier *earlier,
                      struct fault *fault) MUST_USE;

// What a period's F is told of earlier periods; it is gathered here.
struct earlier_sums {
    const struct catalogue *catalogue;
    const struct billing_period *period;
    struct amount *terms;     // one for each limit of the period's contract; NULL: no term ends in the period
    struct used_before *used; // one for each lasting holding of the period
    size_t used_count;
};
// All 0. False: the period wants nothing.
bool earlier_begin(const struct catalogue *catalogue, const struct billing_period *period, struct arena *arena,
                   struct earlier_sums *sums);
// Adds a row of an earlier period of the account. ERR_LIMIT.
enum err earlier_add(struct earlier_sums *sums, const struct earlier_row *row) MUST_USE;
// Adds all charges of an earlier period of the account. ERR_LIMIT.
enum err earlier_add_rated(struct earlier_sums *sums, const struct billing_period *other, const struct rated *rated) MUST_USE;
// Gives the usage what was gathered.
void earlier_tell(const struct earlier_sums *sums, struct account_usage *usage);
// ERR_LIMIT, and says whose sum leaves the range.
enum err earlier_limit_fault(const struct earlier_sums *sums, struct fault *fault);
