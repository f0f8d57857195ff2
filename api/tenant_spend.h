// SPDX-License-Identifier: Apache-2.0
// Live spend of one tenant in a billing period of its payer: F over one snapshot (rules 6.3), the tenant's share of it.
// An estimate: nothing is posted, running usage goes on, and shares of tiered prices move with the other tenants of the
// payer.
#pragma once
#include "api/tenant_usage.h"
#include "invoicing/period.h"

struct spend_line {
    const struct sku *sku;
    const char *unit; // of the quantity
    struct quantity quantity;
    struct amount cost; // exact
    bool shared;        // part of it is a share of a tiered price
};

struct tenant_spend {
    struct billing_period period;
    const struct spend_line *lines; // sorted by service and SKU id
    size_t line_count;
    struct amount total, rounded; // exact, and to the currency's minor unit as the agreement rounds
    size_t unpriced;              // usage records of the tenant that no price takes
    instant_us as_of;
};

// The billing period with a label ("2026-10"; NULL: the one that contains now), of the account that pays for the tenant
// at its end or now, whichever is earlier. Pure. ERR_INVALID: the label. ERR_NOT_FOUND: nobody pays for the tenant
// then.
enum err tenant_spend_period(const struct catalogue *catalogue, const struct tenant *tenant, const char *label,
                             instant_us now, struct billing_period *period, struct fault *fault) MUST_USE;
// In the caller's transaction, which should be a snapshot. Everything lives in the arena and the catalogue.
enum err tenant_spend_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue,
                           const struct tenant *tenant, const struct billing_period *period, struct arena *arena,
                           struct tenant_spend *spend, struct fault *fault) MUST_USE;
