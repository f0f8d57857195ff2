// SPDX-License-Identifier: Apache-2.0
// Arithmetic of a document: telescoped rounding per group, lines that add up to their group by largest remainder. Pure.
#include "invoicing/document.h"

#include <stdlib.h>
#include <string.h>

struct remainder { size_t line; int128 rest; };

static int remainder_order(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->rest != b->rest) return a->rest > b->rest ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line); // ties: the earlier line first
}

static int128 floor_to(int128 value, int128 increment)
{
    int128 rest = value % increment;
    return value - (rest < 0 ? rest + increment : rest);
}

// Gives the lines [0, count) amounts that are multiples of the minor unit and add up to net: each its exact cost rounded down, then one
// unit more to the largest remainders; when earlier documents rounded the other way, one unit less to the smallest.
static void share_out(struct document_line *lines, size_t count, struct amount net, int128 increment, struct arena *arena)
{
    struct remainder *order = ARENA_ARRAY(arena, struct remainder, count + 1);
    int128 missing = net.pico;
    for (size_t i = 0; i < count; i++) {
        lines[i].amount.pico = floor_to(lines[i].cost.pico, increment);
        order[i] = (struct remainder){i, lines[i].cost.pico - lines[i].amount.pico};
        missing -= lines[i].amount.pico;
    }
    if (!count) return;
    qsort(order, count, sizeof *order, remainder_order);
    for (size_t i = 0; missing > 0; i = (i + 1) % count, missing -= increment) lines[order[i].line].amount.pico += increment;
    for (size_t i = count - 1; missing < 0; i = (i + count - 1) % count, missing += increment) lines[order[i].line].amount.pico -= increment;
}

// round(rate x base), in one step: a product that is first rounded to 1e-12 can cross the half (0.026315789473 at 19 %).
static enum err round_tax(const struct document_group *group, struct amount *tax)
{
    const struct agreement *terms = group->original->agreement;
    const int128 one = 1000000000000; // rates are fractions at 1e-12
    const int128 increment = currency_increment(terms->currency);
    int128 units;
    const struct price rate = tax_of_group(terms, group->tax_group).rate;
    if (decimal_mul_div(group->base_to_date.pico, rate.pico, one * increment, terms->rounding, &units)) return ERR_LIMIT;
    return decimal_mul_div(units, increment, 1, ROUND_DOWN, &tax->pico);
}

// net = round(base to date) - net before; tax = round(rate x base to date) - tax before (rules 7.1). The rate is the original period's.
static enum err telescope(struct document_group *group)
{
    const struct agreement *terms = group->original->agreement;
    struct amount rounded_net, rounded_tax;
    if (currency_round(terms->currency, group->base_to_date, terms->rounding, &rounded_net)) return ERR_LIMIT;
    if (round_tax(group, &rounded_tax)) return ERR_LIMIT;
    if (amount_sub(rounded_net, group->net_before, &group->net)) return ERR_LIMIT;
    return amount_sub(rounded_tax, group->tax_before, &group->tax);
}

static enum err fill_line(const struct billable *billable, struct document_line *line)
{
    *line = (struct document_line){.billable = billable};
    if (quantity_sub(billable->charge.quantity, billable->billed_quantity, &line->quantity)) return ERR_LIMIT;
    return amount_sub(billable->charge.billed_cost, billable->billed_cost, &line->cost);
}

static enum err add_group(struct document *document, const struct document_group *group)
{
    if (amount_add(document->net, group->net, &document->net) || amount_add(document->tax, group->tax, &document->tax)) return ERR_LIMIT;
    document->needed = document->needed || group->net.pico != 0 || group->tax.pico != 0;
    return amount_add(document->net, document->tax, &document->total);
}

static bool in_group(const struct billable *billable, const struct document_group *group)
{
    return billable->original == group->original && billable->tax_group == group->tax_group;
}

enum err document_groups(const struct billing_period *original, const struct billable *billables, size_t billable_count,
                         struct document_group *groups, size_t *group_count)
{
    const struct contract *contract = original->agreement->contract;
    size_t next = 0;
    *group_count = 0;
    for (size_t tax = 0; tax <= contract->tax_count; tax++) {
        if (tax && contract->taxes[tax - 1].group != (int)tax) continue;
        struct document_group *group = &groups[(*group_count)++];
        *group = (struct document_group){.original = original, .tax_group = (int)tax};
        for (; next < billable_count && billables[next].tax_group == (int)tax; next++)
            if (amount_add(group->base_to_date, billables[next].charge.billed_cost, &group->base_to_date)) return ERR_LIMIT;
    }
    ENSURE(next == billable_count); // they are sorted by their group
    return ERR_OK;
}

static enum err build(const struct billable *billables, size_t billable_count, struct document_group *groups, struct arena *arena, struct document *document)
{
    struct document_line *lines = ARENA_ARRAY(arena, struct document_line, billable_count + 1);
    size_t next = 0;
    for (size_t g = 0; g < document->group_count; g++) {
        size_t first = document->line_count;
        if (telescope(&groups[g]) || add_group(document, &groups[g])) return ERR_LIMIT;
        for (; next < billable_count && in_group(&billables[next], &groups[g]); next++) {
            struct document_line *line = &lines[document->line_count];
            if (fill_line(&billables[next], line) || amount_add(document->cost, line->cost, &document->cost)) return ERR_LIMIT;
            document->line_count += line->quantity.nano != 0 || line->cost.pico != 0;
        }
        share_out(lines + first, document->line_count - first, groups[g].net, currency_increment(groups[g].original->agreement->currency), arena);
    }
    ENSURE(next == billable_count); // every billable belongs to a group, in the same order
    document->lines = lines;
    return ERR_OK;
}

enum err document_build(const struct billing_period *period, int ordinal, const struct billable *billables, size_t billable_count,
                        struct document_group *groups, size_t group_count, struct arena *arena, struct document *document, struct fault *fault)
{
    *document = (struct document){.period = period, .ordinal = ordinal, .groups = groups, .group_count = group_count};
    enum err err = build(billables, billable_count, groups, arena, document);
    return err ? fault_set(fault, err, "", "account %s, period %s: an amount leaves the range of exact amounts", period->agreement->account->id, period->label) : ERR_OK;
}

// Late usage stands in a document only for periods in which a rounded total or a line moved.
static bool is_quiet(const struct document *document, const struct document_group *group)
{
    if (group->net.pico != 0 || group->tax.pico != 0) return false;
    for (size_t i = 0; i < document->line_count; i++)
        if (in_group(document->lines[i].billable, group)) return false;
    return true;
}

void document_drop_quiet_groups(struct document *document, struct document_group *groups)
{
    size_t kept = 0;
    bool own = false;
    const struct document_group *last = NULL; // of the document's own period the first: kept if no other is
    for (size_t g = 0; g < document->group_count; g++) {
        const bool of_period = groups[g].original->start == document->period->start, quiet = is_quiet(document, &groups[g]);
        if (of_period && !last) last = &groups[g];
        own = own || (of_period && !quiet);
    }
    for (size_t g = 0; g < document->group_count; g++)
        if (!is_quiet(document, &groups[g]) || (!own && &groups[g] == last)) groups[kept++] = groups[g];
    document->group_count = kept;
}
