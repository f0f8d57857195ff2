// SPDX-License-Identifier: Apache-2.0
// From what a closing chunk has read to documents without numbers: which charge keys are billed, in an order that no internal
// number decides, and the body. Pure but for the memory it takes.
#include "invoicing/close_draft.h"

static struct billable billable_of(const struct close_work *work, const struct close_account *account, const struct close_source *source,
                                   const struct charge *charge, const struct charge *billed)
{
    struct billable billable = {.original = &source->period, .charge = *charge, .dimensions = close_dimensions(work, account, charge->dimension_set)};
    if (billed) billable.billed_quantity = billed->quantity, billable.billed_cost = billed->billed_cost;
    return billable;
}

static struct charge nothing_of(const struct charge *key)
{
    struct charge charge = *key;
    charge.quantity = QUANTITY_ZERO;
    charge.list_cost = charge.contracted_cost = charge.effective_cost = charge.billed_cost = AMOUNT_ZERO;
    return charge;
}

// Both lists are sorted by key: every key of either becomes a billable.
static void merge(const struct close_work *work, const struct close_account *account, const struct close_source *source, struct billable *out, size_t *count)
{
    for (size_t c = 0, b = 0; c < source->charge_count || b < source->billed_count;) {
        int order = c == source->charge_count ? 1 : b == source->billed_count ? -1 : charge_order(&source->charges[c], &source->billed[b]);
        const struct charge gone = order > 0 ? nothing_of(&source->billed[b]) : source->charges[c];
        out[(*count)++] = billable_of(work, account, source, &gone, order >= 0 ? &source->billed[b] : NULL);
        c += order <= 0;
        b += order >= 0;
    }
}

// The groups of a source, with what earlier documents billed in them.
static enum err add_groups(const struct close_source *source, const struct billable *billables, size_t count, struct document_group *groups, size_t *group_count)
{
    enum err err = document_groups(&source->period, billables, count, groups, group_count);
    for (size_t g = 0; g < *group_count && !err; g++) {
        const struct close_group *before = &source->groups[groups[g].tax_group];
        groups[g].net_before = before->net, groups[g].tax_before = before->tax;
    }
    return err;
}

static enum err collect(const struct close_work *work, struct close_account *account, struct billable **billables, size_t *count, struct document_group *groups, size_t *group_count)
{
    size_t most = 0, taken = 0;
    for (size_t s = 0; s < account->source_count; s++) most += account->sources[s].charge_count + account->sources[s].billed_count;
    *billables = ARENA_ARRAY(work->arena, struct billable, most + 1);
    for (size_t s = 0; s < account->source_count; s++) {
        const struct close_source *source = &account->sources[s];
        size_t first = taken;
        merge(work, account, source, *billables, &taken);
        enum err err = billables_sort(work->catalogue, *billables + first, taken - first, work->arena, work->fault);
        if (err) return err;
        size_t added;
        if (add_groups(source, *billables + first, taken - first, groups + *group_count, &added)) return fault_set(work->fault, ERR_LIMIT, "", "the sum of charges leaves the range of exact amounts");
        *group_count += added;
    }
    // the tenants' shares of what the period's own usage costs; of late usage they are not told
    for (struct billable *each = *billables; each < *billables + taken; each++)
        if (each->original == &account->sources[account->source_count - 1].period && !each->charge.tenant)
            each->shares = charge_shares_of(&account->rated, account->shares, account->share_count, &each->charge, &each->share_count);
    *count = taken;
    return ERR_OK;
}

enum err close_draft(struct close_work *work, struct close_account *account)
{
    struct billable *billables = NULL;
    size_t count = 0, group_count = 0, most = 0;
    for (size_t s = 0; s < account->source_count; s++) most += account->sources[s].period.agreement->contract->tax_count + 1;
    struct document_group *groups = ARENA_ARRAY(work->arena, struct document_group, most + 1);
    enum err err = collect(work, account, &billables, &count, groups, &group_count);
    if (!err) err = document_build(account->period, account->ordinal, billables, count, groups, group_count, work->arena, &account->document, work->fault);
    if (err || !account->document.needed) return err;
    document_drop_quiet_groups(&account->document, groups);
    const struct agreement *terms = account->period->agreement;
    document_party_seller(terms->seller, work->options->party_key, &account->seller);
    document_party_buyer(terms->account, work->options->party_key, &account->buyer);
    document_body(work->catalogue, &account->document, &account->seller, &account->buyer, &account->body);
    sha256_of(account->body.data, account->body.length, account->body_sha256);
    hex_print(account->body_sha256, SHA256_BYTES, account->body_hex);
    return ERR_OK;
}
