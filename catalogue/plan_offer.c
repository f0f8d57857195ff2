// SPDX-License-Identifier: Apache-2.0
// Offers, which never change, and holdings, of which only the end may be set later. What is held from the past on
// touches the account's periods since then.
#include <string.h>

#include "catalogue/offer_kind.h"
#include "catalogue/plan.h"

// --- offers

static bool resolve_references(struct plan *plan, const struct file_offer *offer)
{
    static const char *const kinds[] = {
        [OFFER_REFERS_SKU] = "sku", [OFFER_REFERS_SERVICE] = "service", [OFFER_REFERS_BOOK] = "price book"};
    const struct plan_index *const indexes[] = {[OFFER_REFERS_SKU] = &plan->skus,
                                                [OFFER_REFERS_SERVICE] = &plan->services,
                                                [OFFER_REFERS_BOOK] = &plan->books};
    bool known = true;
    for (size_t i = 0; i < offer->reference_count; i++) {
        const struct file_offer_reference *each = &offer->references[i];
        if (!plan_resolve(plan, indexes[each->kind], &each->reference, kinds[each->kind])) known = false;
    }
    return known;
}

static void add_offer(struct plan *plan, const struct file_offer *offer, int64_t number)
{
    struct offer_row *row = ROW_NEW(&plan->added.offers);
    *row = offer->row;
    row->number = number;
    row->version = plan->version;
}

static void plan_offer(struct plan *plan, const struct file_offer *offer)
{
    const struct offer_row *new = &offer->row;
    struct plan_thing *thing = plan_declare_once(plan, &plan->offers, new->id, offer->node, "offer");
    if (!thing || !offer->valid || !resolve_references(plan, offer)) return;
    if (thing->existing == PLAN_NONE) {
        add_offer(plan, offer, thing->number);
        plan_change(plan, true, "offer", "%s %s: %s %s", new->id, new->name, offer_forms[new->kind].name, new->terms);
        return;
    }
    const struct offer_row *old = &plan->existing->offers.row[thing->existing];
    struct text differences = {0};
    if (old->kind != new->kind || strcmp(old->terms, new->terms) != 0 ||
        strcmp(text_or_empty(old->currency), text_or_empty(new->currency)) != 0) {
        file_conflict(plan->errors, offer->kind_node,
                      "the terms of offer '%s' are in force since catalogue version %lld and never change: make a new "
                      "offer",
                      new->id, (long long)old->version);
    } else if (plan_differs(&differences, "name", old->name, new->name)) {
        add_offer(plan, offer, thing->number);
        plan_change(plan, false, "offer", "%s%s", new->id, differences.data);
    }
    text_free(&differences);
}

void plan_offers(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->offers.count; i++)
        if (plan->files->offers.row[i].row.id) plan_offer(plan, &plan->files->offers.row[i]);
}

// --- holdings

static const char *offer_currency(const struct plan *plan, const struct plan_thing *offer)
{
    if (offer->existing != PLAN_NONE) return plan->existing->offers.row[offer->existing].currency;
    for (size_t i = 0; i < plan->added.offers.count; i++)
        if (plan->added.offers.row[i].number == offer->number) return plan->added.offers.row[i].currency;
    return NULL; // its declaration has an error
}

static bool is_subscription(const struct plan *plan, const struct plan_thing *offer)
{
    if (offer->existing != PLAN_NONE) return plan->existing->offers.row[offer->existing].kind == OFFER_SUBSCRIPTION;
    for (size_t i = 0; i < plan->added.offers.count; i++)
        if (plan->added.offers.row[i].number == offer->number)
            return plan->added.offers.row[i].kind == OFFER_SUBSCRIPTION;
    return true; // its declaration has an error
}

static const char *account_currency(const struct plan *plan, int64_t account)
{
    const struct catalogue_rows *lists[] = {plan->existing, &plan->added};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->agreements.count; i++)
            if (lists[l]->agreements.row[i].account == account) return lists[l]->agreements.row[i].currency;
    return NULL;
}

static void add_holding(struct plan *plan, const struct holding_row *row, bool added, const char *account,
                        const char *offer)
{
    bool open = row->effective_to == INSTANT_NONE;
    *ROW_NEW(&plan->added.holdings) = *row;
    plan_change(plan, added, "holding", "%s: %s holds %lld of %s from %s%s%s", row->id, account,
                (long long)row->quantity, offer, plan_instant(plan, row->effective_from), open ? "" : " to ",
                open ? "" : plan_instant(plan, row->effective_to));
}

static void touch_account(struct plan *plan, const struct yaml_node *node, int64_t account, instant_us from,
                          instant_us to)
{
    struct plan_effect *effect = plan_effect(plan, EFFECT_HOLDING, node);
    effect->account = account;
    effect->from = from;
    effect->to = to == INSTANT_NONE ? INSTANT_MAX : to;
}

static bool open_end(instant_us to)
{
    return to == INSTANT_NONE || to == INSTANT_MAX;
}

static void change_holding(struct plan *plan, const struct file_holding *holding, const struct holding_row *old,
                           const struct holding_row *new, const char *account, const char *offer)
{
    bool same_end = old->effective_to == new->effective_to || (open_end(old->effective_to) && open_end(new->effective_to));
    bool same = old->account == new->account && old->offer == new->offer && old->quantity == new->quantity &&
                old->effective_from == new->effective_from && old->anchor == new->anchor;
    if (same && same_end) return;
    if (!same || !open_end(old->effective_to)) {
        file_conflict(plan->errors, holding->node,
                      "holding '%s' is in force since catalogue version %lld, and but for an end that it has not yet it "
                      "never changes: end it and make a new one",
                      new->id, (long long)old->version);
        return;
    }
    add_holding(plan, new, false, account, offer);
    touch_account(plan, holding->to_node, new->account, new->effective_to, INSTANT_MAX);
}

static void plan_holding(struct plan *plan, const struct file_holding *holding)
{
    struct plan_thing *thing = plan_declare_once(plan, &plan->holdings, holding->row.id, holding->node, "holding");
    struct plan_thing *account = plan_resolve(plan, &plan->accounts, &holding->account, "billing account");
    struct plan_thing *offer = plan_resolve(plan, &plan->offers, &holding->offer, "offer");
    if (!thing || !account || !offer || !holding->valid) return;
    const char *wanted = offer_currency(plan, offer), *has = account_currency(plan, account->number);
    if (wanted && has && strcmp(wanted, has) != 0)
        file_error(plan->errors, holding->offer.node, "account '%s' is in %s, offer '%s' in %s", account->id, has,
                   offer->id, wanted);
    if (holding->anchor_node && !is_subscription(plan, offer))
        file_error(plan->errors, holding->anchor_node, "offer '%s' has no intervals: an anchor is for subscriptions",
                   offer->id);
    struct holding_row row = holding->row;
    row.version = plan->version;
    row.number = thing->number;
    row.account = account->number;
    row.offer = offer->number;
    if (thing->existing != PLAN_NONE) {
        change_holding(plan, holding, &plan->existing->holdings.row[thing->existing], &row, account->id, offer->id);
        return;
    }
    add_holding(plan, &row, true, account->id, offer->id);
    if (account->existing != PLAN_NONE)
        touch_account(plan, holding->from_node, account->number, row.effective_from, row.effective_to);
}

void plan_holdings(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->holdings.count; i++)
        if (plan->files->holdings.row[i].row.id) plan_holding(plan, &plan->files->holdings.row[i]);
}
