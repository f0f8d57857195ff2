// SPDX-License-Identifier: Apache-2.0
// The stages of a contract (docs/contracts.md) inside F: what they share. Stages of units see the priced usage before
// anything is multiplied and take units out of it; stages of money see the charges and change them or add some. Each is
// one file (stage_*.c), listed in stage_table.c by its place in enum contract_stage. Pure.
#pragma once
#include "catalogue/contract.h"
#include "rating/price.h"

struct stage_work {
    const struct catalogue *catalogue;
    const struct agreement *agreement; // whose contract it is
    const struct account_usage *usage;
    struct price_item *items; // stages of units: lower quantity and open, and reorder; never add
    size_t item_count;
    struct charge_list *charges; // stages of units append what they covered; those of money change and append
    struct arena *arena;
    struct fault *fault;
};
typedef enum err stage_run(struct stage_work *work);
extern stage_run *const stage_runs[CONTRACT_STAGE_COUNT]; // NULL: nothing of its kind can be in a catalogue

// Runs the contract's stages of units, or those of money, in its order.
enum err stages_run(struct stage_work *work, bool units) MUST_USE;

stage_run stage_free_run, stage_package_run, stage_reservation_run, stage_savings_plan_run, stage_discount_run,
    stage_coupon_run, stage_limit_run, stage_prepayment_run;

// Fees of subscriptions: in every contract, before its stages of money.
stage_run stage_fee_run;

// The rate of the negotiated discount on a SKU; 0: none.
struct price stage_discount_rate(const struct contract *contract, const struct sku *sku);
