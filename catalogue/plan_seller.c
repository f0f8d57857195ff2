// SPDX-License-Identifier: Apache-2.0
// Who issues invoices: the operator of the cloud, which there is once, and the partners that resell. A partner is a
// seller and a billing account with the same id.
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

// --- series

// Prefixes of invoice numbers are never shared, not even with one that a seller used long ago: numbers must stay
// unique.
static void check_series(struct plan *plan, const struct yaml_node *node, const char *series, int64_t seller)
{
    for (size_t i = 0; i < plan->existing->sellers.count; i++) {
        const struct seller_row *row = &plan->existing->sellers.row[i];
        if (row->number == seller || strcmp(row->series, series) != 0) continue;
        file_conflict(plan->errors, node, "series %s is or was the one of seller '%s'", series, row->id);
        return;
    }
    for (size_t i = 0; i < plan->added.sellers.count; i++) {
        const struct seller_row *row = &plan->added.sellers.row[i];
        if (row->number == seller || strcmp(row->series, series) != 0) continue;
        const struct plan_thing *other = plan_index_find(&plan->sellers, row->id);
        file_error(plan->errors, node, "series %s is the one of seller '%s' at %s", series, row->id,
                   plan_place(plan, other->node));
        return;
    }
}

// --- one seller

static void add_seller(struct plan *plan, const struct seller_row *new, int64_t number)
{
    struct seller_row *row = ROW_NEW(&plan->added.sellers);
    *row = *new;
    row->number = (int32_t)number;
    row->version = plan->version;
}

static void plan_seller(struct plan *plan, const struct plan_thing *thing, const struct seller_row *new,
                        const struct yaml_node *node)
{
    struct text differences = {0};
    check_series(plan, node, new->series, thing->number);
    if (thing->existing == PLAN_NONE) {
        add_seller(plan, new, thing->number);
        plan_change(plan, true, "seller", "%s %s (series %s)", new->id, new->name, new->series);
        return;
    }
    const struct seller_row *old = &plan->existing->sellers.row[thing->existing];
    plan_differs(&differences, "name", old->name, new->name);
    plan_differs(&differences, "address", old->address, new->address);
    plan_differs(&differences, "tax_id", old->tax_id, new->tax_id);
    plan_differs(&differences, "series", old->series, new->series);
    if (differences.length > 0) {
        add_seller(plan, new, thing->number);
        plan_change(plan, false, "seller", "%s%s", new->id, differences.data);
    }
    text_free(&differences);
}

// --- the operator

static const struct seller_row *operator_in_force(const struct plan *plan)
{
    for (size_t i = 0; i < plan->sellers.count; i++) {
        const struct plan_thing *thing = &plan->sellers.things[i];
        if (thing->existing != PLAN_NONE && plan->existing->sellers.row[thing->existing].account == 0)
            return &plan->existing->sellers.row[thing->existing];
    }
    return NULL;
}

static void plan_operator(struct plan *plan, const struct file_seller *seller, const char **operator_id,
                          const struct yaml_node **operator_node)
{
    const struct plan_thing *thing = plan_declare_once(plan, &plan->sellers, seller->row.id, seller->node, "seller");
    if (!thing) return;
    if (*operator_id && strcmp(*operator_id, seller->row.id) != 0) {
        const char *place = *operator_node ? plan_place(plan, *operator_node) : "in force";
        file_error(plan->errors, seller->node,
                   "there is exactly one operator, and it is '%s' (%s); who resells is declared under partners",
                   *operator_id, place);
        return;
    }
    *operator_id = seller->row.id;
    if (!*operator_node) *operator_node = seller->node;
    if (thing->existing != PLAN_NONE && plan->existing->sellers.row[thing->existing].account != 0)
        file_conflict(plan->errors, seller->node, "'%s' is a partner", seller->row.id);
    else if (seller->valid)
        plan_seller(plan, thing, &seller->row, seller->node);
}

// --- partners

// The account's number is the one that plan_accounts will find, too: declarations come in the same order.
static void plan_partner(struct plan *plan, const struct file_account *partner, bool latest)
{
    struct plan_thing *thing = plan_index_find(&plan->sellers, partner->row.id);
    bool was_operator =
        thing && thing->existing != PLAN_NONE && plan->existing->sellers.row[thing->existing].account == 0;
    const struct plan_thing *account = plan_index_find(&plan->accounts, partner->row.id);
    if (was_operator || (thing && thing->existing == PLAN_NONE && thing->node && thing->node != account->node)) {
        file_error(plan->errors, partner->node, "'%s' is the operator", partner->row.id);
        return;
    }
    if (!thing && account->existing != PLAN_NONE) {
        file_conflict(plan->errors, partner->node, "'%s' is a billing account: a partner is one from its first day",
                      partner->row.id);
        return;
    }
    thing = plan_index_declare(&plan->sellers, partner->row.id, account->node);
    if (!latest || !partner->valid) return; // of several declarations the latest says name and series
    struct seller_row row = {
        .id = partner->row.id,
        .name = partner->row.name,
        .address = partner->row.address,
        .tax_id = partner->row.tax_id,
        .series = partner->series,
        .account = account->number,
    };
    plan_seller(plan, thing, &row, partner->node);
}

// Is there no declaration of the same account with a later effective_from?
static bool is_latest(const struct plan *plan, size_t index)
{
    const struct file_account *accounts = plan->files->accounts.row;
    const struct plan_thing *thing = plan_index_find(&plan->accounts, accounts[index].row.id);
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_account[i])
        if (i != index && accounts[i].terms.effective_from >= accounts[index].terms.effective_from) {
            if (accounts[i].terms.effective_from > accounts[index].terms.effective_from || i > index) return false;
        }
    return true;
}

static void declare_accounts(struct plan *plan)
{
    const struct catalogue_files *files = plan->files;
    plan->next_account = ARENA_ARRAY(plan->arena, size_t, files->accounts.count + 1);
    for (size_t i = 0; i < files->accounts.count; i++) {
        const struct file_account *account = &files->accounts.row[i];
        plan->next_account[i] = PLAN_NONE;
        if (!account->row.id) continue;
        struct plan_thing *thing = plan_index_declare(&plan->accounts, account->row.id, account->node);
        if (thing->last == PLAN_NONE)
            thing->first = i;
        else
            plan->next_account[thing->last] = i;
        thing->last = i;
    }
}

void plan_sellers(struct plan *plan)
{
    const struct catalogue_files *files = plan->files;
    const struct seller_row *operator= operator_in_force(plan);
    const char *operator_id = operator? operator->id : NULL;
    const struct yaml_node *operator_node = NULL;
    declare_accounts(plan);
    for (size_t i = 0; i < files->sellers.count; i++)
        if (files->sellers.row[i].row.id) plan_operator(plan, &files->sellers.row[i], &operator_id, &operator_node);
    if (!operator_id && (plan->accounts.count > 0))
        file_error(plan->errors, NULL, "no seller is declared or in force: accounts buy from exactly one operator");
    for (size_t i = 0; i < files->accounts.count; i++)
        if (files->accounts.row[i].partner && files->accounts.row[i].row.id)
            plan_partner(plan, &files->accounts.row[i], is_latest(plan, i));
}
