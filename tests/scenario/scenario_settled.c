// SPDX-License-Identifier: Apache-2.0
// After every settlement of every scenario: what each position was settled with is what its usage adds up to, read from the
// beginning at the position's cut.
#include <string.h>

#include "invoicing/position_usage.h"
#include "rating/charge.h"
#include "scenario.h"

static enum err compare_position(struct scenario *scenario, const struct billing_period *period,
                                 const struct usage_basis *settled, struct fault *fault)
{
    struct usage_basis basis = *settled;
    const struct usage_basis nothing = {0};
    struct usage_gathered anew, since = {0};
    struct position_usage_difference difference;
    instant_us *boundaries;
    bool agrees;
    size_t count = charge_boundaries(scenario->catalogue, period->agreement, period->start, period->end,
                                     scenario->arena, &boundaries);
    const struct usage_request request = {period->account, period->start, period->end,
                                          period->agreement->zone, boundaries, count, period->agreement->book->per_event};
    enum err err = position_usage_load(scenario->bill, &period, 1, &basis, scenario->arena, fault);
    if (!err)
        err = usage_gather_since(scenario->bill, scenario->catalogue, settled->cut, &request, &nothing, 1,
                                 scenario->arena, &anew, fault);
    if (!err) err = position_usage_agrees(&basis, &since, &anew, scenario->arena, &agrees, &difference);
    if (err || agrees) return err;
    char is[DECIMAL_TEXT_MAX], should[DECIMAL_TEXT_MAX];
    quantity_print(difference.settled, is);
    quantity_print(difference.anew, should);
    return fault_set(fault, ERR_CONFLICT, "", "account %s, period %s was settled with %s of meter %d, not with %s",
                     period->agreement->account->id, period->label, is, difference.line.meter, should);
}

static enum err compare_row(struct scenario *scenario, const struct db_result *result, int row, struct fault *fault)
{
    struct usage_basis settled = {.cut = db_get_int(result, row, 4)};
    struct billing_period period = {.account = db_get_int(result, row, 1),
                                    .start = db_get_instant(result, row, 2),
                                    .end = db_get_instant(result, row, 3)};
    unsigned char *digest;
    period.agreement = catalogue_agreement(scenario->catalogue, period.account, period.start);
    if (!period.agreement || period.agreement->number != db_get_int(result, row, 0)) return ERR_OK;
    ENSURE(db_get_bytes(result, scenario->arena, row, 5, &digest) == SHA256_BYTES);
    memcpy(settled.spans_digest, digest, SHA256_BYTES);
    memcpy(period.label, db_text(result, row, 6), PERIOD_LABEL_MAX - 1);
    return compare_position(scenario, &period, &settled, fault);
}

enum err scenario_compare_settled(struct scenario *scenario, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(scenario->bill,
                            "select p.agreement, p.account, p.period_start, e.period_end, p.cut, p.spans_digest, e.label"
                            "  from invoicing.position p join invoicing.period e using (agreement, account, period_start)"
                            " where p.cut > 0 and not exists (select from invoicing.recompute r where r.agreement = p.agreement"
                            "        and r.account = p.account and r.period_start = p.period_start)",
                            0, NULL, &result, fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result) && !err; row++)
        err = compare_row(scenario, result, row, fault);
    db_result_free(result);
    return err;
}
