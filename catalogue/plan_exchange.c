// SPDX-License-Identifier: Apache-2.0
// Exchange rates. A rate may be given anew for the same instant (published figures are corrected): the newest row
// counts. What another rate touches is decided for each by the rates before and after it.
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

struct entry {
    const struct exchange_row *row;
    const struct yaml_node *node; // NULL: in force
    size_t index;                 // of the file's list, or of the rows in force
};

static int entry_order(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = exchange_key_order(a->row, b->row);
    if (!order) order = (a->node != NULL) - (b->node != NULL);
    return order ? order : COMPARE(a->index, b->index);
}

static bool same_pair(const struct exchange_row *a, const struct exchange_row *b)
{
    return strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0;
}

static size_t collect(struct plan *plan, struct entry **entries)
{
    const struct catalogue_files *files = plan->files;
    size_t count = 0;
    *entries = ARENA_ARRAY(plan->arena, struct entry, plan->existing->exchanges.count + files->exchanges.count + 1);
    for (size_t i = 0; i < plan->existing->exchanges.count; i++)
        (*entries)[count++] = (struct entry){&plan->existing->exchanges.row[i], NULL, i};
    for (size_t i = 0; i < files->exchanges.count; i++)
        if (files->exchanges.row[i].valid)
            (*entries)[count++] = (struct entry){&files->exchanges.row[i].row, files->exchanges.row[i].node, i};
    if (count) qsort(*entries, count, sizeof **entries, entry_order);
    return count;
}

static const char *rate_text(struct plan *plan, struct price rate)
{
    char digits[DECIMAL_TEXT_MAX];
    return arena_text(plan->arena, digits, price_print(rate, digits));
}

// The pairs of currencies that have a rate, each once; also those whose rate has an error that was told, so that it is
// not told again of every account.
static void note_pair(struct plan *plan, const struct exchange_row *row)
{
    if (!row->from || !row->to || plan_exchange_known(plan, row->from, row->to)) return;
    plan->pairs = arena_grow(plan->arena, plan->pairs, sizeof *plan->pairs, plan->pair_count, &plan->pair_capacity);
    plan->pairs[plan->pair_count++] = row;
}

static void note_pairs(struct plan *plan)
{
    for (size_t i = 0; i < plan->existing->exchanges.count; i++)
        note_pair(plan, &plan->existing->exchanges.row[i]);
    for (size_t i = 0; i < plan->files->exchanges.count; i++)
        note_pair(plan, &plan->files->exchanges.row[i].row);
}

// old: the row of the same instant; NULL: none.
static void add_row(struct plan *plan, const struct exchange_row *row, const struct exchange_row *old)
{
    struct exchange_row *added = ROW_NEW(&plan->added.exchanges);
    *added = *row;
    added->version = plan->version;
    const char *source = row->source ? arena_print(plan->arena, " (%s)", row->source) : "";
    const char *before = old && old->rate.pico != row->rate.pico
                             ? arena_print(plan->arena, ", before %s", rate_text(plan, old->rate))
                             : "";
    plan_change(plan, !old, "exchange_rate", "1 %s = %s %s from %s%s%s", row->from, rate_text(plan, row->rate), row->to,
                plan_instant(plan, row->effective_from), source, before);
}

// in_force: the rate that held at the entry's instant until now; NULL: none did.
static void plan_entry(struct plan *plan, const struct entry *entry, const struct exchange_row *old,
                       const struct exchange_row *in_force, instant_us next)
{
    const struct exchange_row *row = entry->row;
    if (old && old->rate.pico == row->rate.pico && strcmp(text_or_empty(old->source), text_or_empty(row->source)) == 0)
        return;
    add_row(plan, row, old);
    if (in_force && in_force->rate.pico == row->rate.pico) return;
    struct plan_effect *effect = plan_effect(plan, EFFECT_RATE, entry->node);
    effect->currency = row->from;
    effect->into = row->to;
    effect->from = row->effective_from;
    effect->to = next;
    effect->first = !in_force;
}

void plan_exchanges(struct plan *plan)
{
    struct entry *entries;
    size_t count = collect(plan, &entries);
    note_pairs(plan);
    for (size_t i = 0; i < plan->files->exchanges.count; i++)
        if (plan->files->exchanges.row[i].valid)
            plan_currency_check(plan, plan->files->exchanges.row[i].row.from, plan->files->exchanges.row[i].node);
    const struct exchange_row *in_force = NULL;
    for (size_t first = 0, end; first < count; first = end) {
        const struct exchange_row *old = NULL;
        const struct entry *new = NULL;
        if (in_force && !same_pair(in_force, entries[first].row)) in_force = NULL;
        for (end = first; end < count && exchange_key_order(entries[first].row, entries[end].row) == 0; end++) {
            if (!entries[end].node)
                old = entries[end].row;
            else if (!new)
                new = &entries[end];
            else
                file_error(plan->errors, entries[end].node, "the rate from %s to %s is given twice from %s, first at %s",
                           new->row->from, new->row->to, plan_instant(plan, new->row->effective_from),
                           plan_place(plan, new->node));
        }
        if (old) in_force = old;
        bool more = end < count && same_pair(entries[first].row, entries[end].row);
        if (new) plan_entry(plan, new, old, in_force, more ? entries[end].row->effective_from : INSTANT_MAX);
    }
}

bool plan_exchange_known(const struct plan *plan, const char *from, const char *to)
{
    const struct exchange_row pair = {.from = from, .to = to};
    for (size_t i = 0; i < plan->pair_count; i++)
        if (same_pair(plan->pairs[i], &pair)) return true;
    return false;
}
