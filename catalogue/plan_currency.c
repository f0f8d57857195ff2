// SPDX-License-Identifier: Apache-2.0
// Virtual currencies: their name may change, their places never do, and what is in force is never taken away.
#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

static void add_row(struct plan *plan, const struct virtual_currency_row *row)
{
    struct virtual_currency_row *added = ROW_NEW(&plan->added.currencies);
    *added = *row;
    added->version = plan->version;
}

static void plan_currency(struct plan *plan, const struct file_currency *currency)
{
    const struct virtual_currency_row *new = &currency->row;
    const struct plan_thing *thing =
        plan_declare_once(plan, &plan->currencies, new->code, currency->node, "virtual currency");
    if (!thing || !currency->valid) return;
    if (thing->existing == PLAN_NONE) {
        add_row(plan, new);
        plan_change(plan, true, "virtual_currency", "%s %s, %d place%s", new->code, new->name, new->places,
                    new->places == 1 ? "" : "s");
        return;
    }
    const struct virtual_currency_row *old = &plan->existing->currencies.row[thing->existing];
    struct text differences = {0};
    if (old->places != new->places)
        file_conflict(plan->errors, currency->node,
                      "virtual currency '%s' has %d place%s and never has others: declare a new one", new->code,
                      old->places, old->places == 1 ? "" : "s");
    else if (plan_differs(&differences, "name", old->name, new->name)) {
        add_row(plan, new);
        plan_change(plan, false, "virtual_currency", "%s%s", new->code, differences.data);
    }
    text_free(&differences);
}

void plan_currencies(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->currencies.count; i++)
        if (plan->files->currencies.row[i].row.code) plan_currency(plan, &plan->files->currencies.row[i]);
}

void plan_currency_check(struct plan *plan, const char *code, const struct yaml_node *node)
{
    if (currency_virtual_code(code) && !plan_index_find(&plan->currencies, code))
        file_error(plan->errors, node, "there is no virtual currency '%s'", code);
}
