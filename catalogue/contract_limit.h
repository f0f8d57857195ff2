// SPDX-License-Identifier: Apache-2.0
// The least and the most that an account is billed for a period, and the least for a term of several (docs/contracts.md).
// Private to catalogue/, rating/ and invoicing/.
#pragma once
#include "catalogue/catalogue.h"

enum { CONTRACT_LIMITS_MAX = 100 };

// Holds for billing periods that begin in [from, to): for each of them, or, with `term`, a minimum for all of them together.
struct contract_limit {
    bool term;
    const struct service *const *services; size_t service_count; // none: all
    instant_us from, to;
    struct amount minimum_spend; // 0: none
    bool has_maximum;
    struct amount maximum_spend;
    const struct sku *booked; // under which the minimum is paid; NULL only without one
};

// Is it of a term of which the period is the last? Pure.
bool contract_term_ends(const struct contract_limit *limit, instant_us period_start, instant_us period_end);
// Does a minimum fall due at the end of the period? Pure.
bool contract_has_minimum(const struct contract *contract, instant_us period_start, instant_us period_end);
// From the first begin to the last end of minimums; INSTANT_MAX, INSTANT_MIN if it has none. Pure.
void contract_minimum_time(const struct contract *contract, instant_us *from, instant_us *to);

struct json_value;
// Sets the contract's limits from the member "limits" of the stored form. ERR_INVALID: they cannot be read, or name what
// is not there.
enum err contract_limits_build(struct catalogue *catalogue, const struct json_value *root, const char *account,
                               struct contract *contract, struct fault *fault) MUST_USE;
