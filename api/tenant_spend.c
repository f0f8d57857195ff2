// SPDX-License-Identifier: Apache-2.0
// Rates the payer's usage as it is now and takes out what falls to one tenant.
#include "api/tenant_spend.h"

#include <stdlib.h>
#include <string.h>

#include "invoicing/earlier.h"
#include "rating/charge.h"

enum err tenant_spend_period(const struct catalogue *catalogue, const struct tenant *tenant, const char *label,
                             instant_us now, struct billing_period *period, struct fault *fault)
{
    int year = 0, month = 0;
    enum err err = label ? period_label_read(label, &year, &month, fault) : ERR_OK;
    int64_t payer = catalogue_payer(catalogue, tenant->number, now);
    // where a month begins depends on the payer, and the payer on the month: the second look settles it
    for (int look = 0; look < 2 && !err; look++) {
        if (!payer) return fault_set(fault, ERR_NOT_FOUND, "", "nobody pays for this tenant in this period");
        err = label ? period_of_label(catalogue, payer, year, month, period, fault)
                    : period_of(catalogue, payer, now, period, fault);
        if (err) break;
        instant_us last = period->end - SLOT_US;
        int64_t found = catalogue_payer(catalogue, tenant->number, last < now ? last : now);
        if (found == payer) break;
        payer = found;
    }
    return err;
}

struct gather {
    const struct catalogue *catalogue;
    const struct rated *rated;
    struct spend_line *lines;
    size_t count;
    struct fault *fault;
};

static enum err add_share(struct gather *gather, const struct tenant_share *share)
{
    const struct charge *charge = &gather->rated->charges[share->charge];
    const struct sku *sku = catalogue_sku_number(gather->catalogue, charge->sku);
    const struct meter *meter = sku ? catalogue_meter_newest(gather->catalogue, sku->meter) : NULL;
    size_t at = 0;
    ENSURE(sku && meter); // it was rated with this catalogue
    while (at < gather->count && gather->lines[at].sku != sku)
        at++;
    if (at == gather->count) gather->lines[gather->count++] = (struct spend_line){.sku = sku, .unit = meter->unit};
    struct spend_line *line = &gather->lines[at];
    // a minimum duration adds money, not usage
    const struct quantity used = charge->stage != STAGE_MINIMUM ? share->quantity : QUANTITY_ZERO;
    line->shared = line->shared || charge->tenant == 0;
    if (quantity_add(line->quantity, used, &line->quantity) || amount_add(line->cost, share->billed_cost, &line->cost))
        return fault_set(gather->fault, ERR_LIMIT, "", "the sum of SKU %s leaves the range of exact numbers", sku->id);
    return ERR_OK;
}

static int line_order(const void *left, const void *right)
{
    const struct spend_line *a = left, *b = right;
    int order = strcmp(a->sku->service->id, b->sku->service->id);
    return order ? order : strcmp(a->sku->id, b->sku->id);
}

static enum err gather_lines(const struct catalogue *catalogue, const struct tenant *tenant, const struct rated *rated,
                             const struct tenant_share *shares, size_t share_count, struct arena *arena,
                             struct tenant_spend *spend, struct fault *fault)
{
    struct gather gather = {.catalogue = catalogue, .rated = rated, .fault = fault};
    enum err err = ERR_OK;
    gather.lines = ARENA_ARRAY(arena, struct spend_line, share_count + 1);
    for (size_t i = 0; i < share_count && !err; i++)
        if (shares[i].tenant == tenant->number) err = add_share(&gather, &shares[i]);
    for (size_t i = 0; i < gather.count && !err; i++)
        if (amount_add(spend->total, gather.lines[i].cost, &spend->total))
            err = fault_set(fault, ERR_LIMIT, "", "the total leaves the range of exact amounts");
    if (gather.count) qsort(gather.lines, gather.count, sizeof *gather.lines, line_order);
    for (size_t i = 0; i < rated->unpriced_count; i++)
        spend->unpriced += rated->unpriced[i].tenant == tenant->number;
    spend->lines = gather.lines;
    spend->line_count = gather.count;
    return err;
}

// What earlier periods used, as far as they are settled.
static enum err tell_earlier(struct db *db, enum usage_reader reader, const struct catalogue *catalogue,
                             const struct billing_period *period, struct arena *arena, struct account_usage *usage,
                             struct fault *fault)
{
    struct earlier_sums sums;
    struct earlier earlier;
    if (!earlier_begin(catalogue, period, arena, &sums)) return ERR_OK;
    enum err err = earlier_load(db, reader, &period, 1, catalogue, arena, &earlier, fault);
    for (size_t i = 0; i < earlier.count && !err; i++)
        if (earlier_add(&sums, &earlier.rows[i])) err = earlier_limit_fault(&sums, fault);
    earlier_tell(&sums, usage);
    return err;
}

enum err tenant_spend_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue,
                           const struct tenant *tenant, const struct billing_period *period, struct arena *arena,
                           struct tenant_spend *spend, struct fault *fault)
{
    const struct agreement *terms = period->agreement;
    struct account_usage usage = {0};
    struct rated rated = {0};
    const struct tenant_share *shares = NULL;
    size_t share_count = 0;
    instant_us *changes;
    size_t change_count = charge_boundaries(catalogue, terms, period->start, period->end, arena, &changes);
    const struct usage_request request = {.account = period->account,
                                          .period_start = period->start,
                                          .period_end = period->end,
                                          .zone = terms->zone,
                                          .boundaries = changes,
                                          .boundary_count = change_count,
                                          .events = terms->book->per_event};
    *spend = (struct tenant_spend){.period = *period};
    enum err err = usage_load(db, reader, catalogue, USAGE_CUT_LIVE, &request, 1, arena, &usage, fault);
    instant_us due = INSTANT_NONE;
    if (!err) err = usage_due(db, reader, USAGE_CUT_LIVE, &due, fault);
    if (!err) usage_set_due(&usage, due);
    if (!err) err = tell_earlier(db, reader, catalogue, period, arena, &usage, fault);
    if (!err) err = charge_rate(catalogue, terms, &usage, arena, &rated, fault);
    if (!err) err = charge_share(catalogue, terms, &usage, &rated, arena, &shares, &share_count, fault);
    if (!err) err = gather_lines(catalogue, tenant, &rated, shares, share_count, arena, spend, fault);
    if (!err && currency_round(terms->currency, spend->total, terms->rounding, &spend->rounded))
        err = fault_set(fault, ERR_LIMIT, "", "the total cannot be rounded");
    return err ? err : usage_as_of(db, reader, &spend->as_of, fault);
}
