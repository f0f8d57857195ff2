// SPDX-License-Identifier: Apache-2.0
// Price versions: all of the files and all in force, sorted by (book, SKU, match, effective_from), so that repetitions
// and overlaps are neighbours. A hundred thousand of either take well under a second.
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan_price.h"
#include "catalogue/price_model.h"

// What a price must fit; found once per SKU.
struct sku_facts {
    bool known;
    int64_t meter;
    enum aggregation aggregation;
    bool keeps_events;
    enum evaluation_window window;
    const char *meter_id, *unit, **dimensions;
    size_t dimension_count;
};

struct pricing {
    struct plan *plan;
    struct sku_facts *facts; // parallel to plan->skus.things
    struct plan_price *entries;
    size_t count;
    bool *fresh; // parallel to files->prices: to be added
};

// --- what a price refers to

static void add_dimensions(struct plan *plan, struct sku_facts *facts, const struct meter_row *meter, size_t *capacity)
{
    for (size_t i = 0; i < meter->dimension_count; i++) {
        size_t at = 0;
        while (at < facts->dimension_count && strcmp(facts->dimensions[at], meter->dimensions[i]) != 0)
            at++;
        if (at < facts->dimension_count) continue;
        facts->dimensions =
            arena_grow(plan->arena, facts->dimensions, sizeof *facts->dimensions, facts->dimension_count, capacity);
        facts->dimensions[facts->dimension_count++] = meter->dimensions[i];
    }
}

// The meter of a SKU that is in force or was added before; 0: its declaration has an error.
static int64_t meter_of(const struct plan *plan, const struct plan_thing *sku)
{
    if (sku->existing != PLAN_NONE) return plan->existing->skus.row[sku->existing].meter;
    for (size_t i = 0; i < plan->added.skus.count; i++)
        if (plan->added.skus.row[i].number == sku->number) return plan->added.skus.row[i].meter;
    return 0;
}

static const struct sku_facts *facts_of(struct pricing *pricing, const struct plan_thing *sku)
{
    struct plan *plan = pricing->plan;
    struct sku_facts *facts = &pricing->facts[sku - plan->skus.things];
    const struct {
        const struct meter_row *row;
        size_t count;
    } lists[] = {{plan->existing->meters.row, plan->existing->meters.count},
                 {plan->added.meters.row, plan->added.meters.count}};
    size_t capacity = 0;
    if (facts->known) return facts;
    facts->known = true;
    facts->meter = meter_of(plan, sku);
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            const struct meter_row *meter = &lists[l].row[i];
            if (meter->number != facts->meter) continue;
            facts->meter_id = meter->id;
            facts->unit = meter->unit;
            facts->aggregation = meter->aggregation;
            facts->keeps_events = meter->keeps_events;
            facts->window = meter->window;
            add_dimensions(plan, facts, meter, &capacity);
        }
    }
    return facts;
}

static bool has_dimension(const struct sku_facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->dimension_count; i++)
        if (strcmp(facts->dimensions[i], name) == 0) return true;
    return false;
}

// The mapping's dimension, or the scalar itself.
static const struct yaml_node *times_dimension(const struct yaml_node *times)
{
    return times->kind == YAML_MAPPING ? yaml_member(times, "dimension") : times;
}

// Of a price's book; NULL: the book has an error of its own.
static const char *book_currency(const struct plan *plan, const struct file_price *price)
{
    const char *id = plan->files->books.row[price->book].id;
    const struct price_book_row *lists[] = {plan->existing->books.row, plan->added.books.row};
    const size_t counts[] = {plan->existing->books.count, plan->added.books.count};
    for (size_t l = 0; l < 2 && id; l++)
        for (size_t i = 0; i < counts[l]; i++)
            if (strcmp(lists[l][i].id, id) == 0) return lists[l][i].currency;
    return NULL;
}

static void check_fit(struct plan *plan, const struct file_price *price, const struct sku_facts *facts)
{
    if (!facts->meter_id) return; // the SKU or its meter has an error of its own
    for (size_t i = 0; price->match && price->match->kind == YAML_MAPPING && i < price->match->count; i++)
        if (!has_dimension(facts, price->match->keys[i]->text))
            file_error(plan->errors, price->match->keys[i], "'%.64s' is no dimension of meter %s, which SKU %s prices",
                       price->match->keys[i]->text, facts->meter_id, price->sku.id);
    const struct yaml_node *times = price->times ? times_dimension(price->times) : NULL;
    if (times && times->kind == YAML_SCALAR && !has_dimension(facts, times->text))
        file_error(plan->errors, times, "'%.64s' is no dimension of meter %s, which SKU %s prices", times->text,
                   facts->meter_id, price->sku.id);
    const char *currency = price_forms[price->row.model].money ? book_currency(plan, price) : NULL;
    if (currency && strcmp(currency, facts->unit) != 0)
        file_error(plan->errors, price->node, "a dynamic price is in the book's currency, %s, but meter %s counts %s",
                   currency, facts->meter_id, facts->unit);
    if (price->row.per_event && !facts->keeps_events)
        file_error(plan->errors, price->per_event,
                   "per_event of a price needs every event, and meter %s does not keep them: a meter with keep: events does; a fee that "
                   "depends on no other event is per_event of a meter",
                   facts->meter_id);
    if (price->row.daily && !price_daily_window(facts->window))
        file_error(plan->errors, price->node, "daily goes with usage of slots or days, and meter %s has one value a period",
                   facts->meter_id);
    if (price->increment && facts->aggregation != AGGREGATION_INTERVAL)
        file_error(plan->errors, price->increment, "increment_seconds is for interval meters, and %s is none",
                   facts->meter_id);
    if (price->minimum && facts->aggregation != AGGREGATION_INTERVAL)
        file_error(plan->errors, price->minimum, "minimum_seconds is for interval meters, and %s is none",
                   facts->meter_id);
}

// --- sorting

static const char *hours_of(const struct plan_price *entry)
{
    return entry->row->hours ? entry->row->hours : "";
}

static int compare_entries(const void *a, const void *b)
{
    const struct plan_price *x = a, *y = b;
    if (x->row->book != y->row->book) return COMPARE(x->row->book, y->row->book);
    if (x->row->sku != y->row->sku) return COMPARE(x->row->sku, y->row->sku);
    int order = strcmp(x->row->match, y->row->match);
    if (order == 0) order = strcmp(hours_of(x), hours_of(y));
    if (order != 0) return order;
    if (x->row->effective_from != y->row->effective_from)
        return COMPARE(x->row->effective_from, y->row->effective_from);
    if (!x->node != !y->node) return x->node ? 1 : -1; // what is in force comes first
    return COMPARE(x->index, y->index);
}

static void collect_in_force(struct pricing *pricing)
{
    const struct catalogue_rows *existing = pricing->plan->existing;
    const struct price_tier_row *tiers = existing->tiers.row;
    for (size_t i = 0; i < existing->prices.count; i++) {
        const struct price_row *row = &existing->prices.row[i];
        size_t low = 0, high = existing->tiers.count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (tiers[middle].price < row->number)
                low = middle + 1;
            else
                high = middle;
        }
        while (high < existing->tiers.count && tiers[high].price == row->number)
            high++;
        pricing->entries[pricing->count++] =
            (struct plan_price){.row = row, .tiers = high > low ? &tiers[low] : NULL, .tier_count = high - low};
    }
}

static void collect_declared(struct pricing *pricing)
{
    struct plan *plan = pricing->plan;
    for (size_t i = 0; i < plan->files->prices.count; i++) {
        struct file_price *price = &plan->files->prices.row[i];
        const char *book_id = plan->files->books.row[price->book].id;
        const struct plan_thing *book = book_id ? plan_index_find(&plan->books, book_id) : NULL;
        const struct plan_thing *sku = plan_resolve(plan, &plan->skus, &price->sku, "SKU");
        if (sku) check_fit(plan, price, facts_of(pricing, sku));
        if (!sku || !book || !price->valid) continue;
        price->row.version = plan->version;
        price->row.book = (int32_t)book->number;
        price->row.sku = (int32_t)sku->number;
        pricing->entries[pricing->count++] = (struct plan_price){.row = &price->row,
                                                            .tiers = price->tiers,
                                                            .tier_count = price->tier_count,
                                                            .node = price->node,
                                                            .index = i};
    }
}

// --- neighbours

static bool same_match(const struct plan_price *a, const struct plan_price *b)
{
    return a->row->book == b->row->book && a->row->sku == b->row->sku && strcmp(a->row->match, b->row->match) == 0;
}

// Versions of one price: the same hours, too.
static bool same_line(const struct plan_price *a, const struct plan_price *b)
{
    return same_match(a, b) && strcmp(hours_of(a), hours_of(b)) == 0;
}

static bool is_open(const struct price_row *row)
{
    return row->effective_to == INSTANT_NONE || row->effective_to == INSTANT_MAX;
}

static bool same_tiers(const struct plan_price *a, const struct plan_price *b)
{
    for (size_t i = 0; i < a->tier_count && i < b->tier_count; i++)
        if (a->tiers[i].last != b->tiers[i].last || a->tiers[i].up_to.nano != b->tiers[i].up_to.nano ||
            a->tiers[i].unit_price.pico != b->tiers[i].unit_price.pico ||
            a->tiers[i].flat.pico != b->tiers[i].flat.pico || a->tiers[i].block.nano != b->tiers[i].block.nano)
            return false;
    return a->tier_count == b->tier_count;
}

static bool same_event_fee(const struct price_row *a, const struct price_row *b)
{
    const struct price_event_fee *x = &a->event_fee, *y = &b->event_fee;
    return a->per_event == b->per_event && x->fixed.pico == y->fixed.pico && x->minimum.pico == y->minimum.pico &&
           x->maximum.pico == y->maximum.pico && x->free_events == y->free_events &&
           x->free_amount.nano == y->free_amount.nano;
}

static bool same_price(const struct plan_price *a, const struct plan_price *b)
{
    const struct price_row *x = a->row, *y = b->row;
    return strcmp(text_or_empty(x->times), text_or_empty(y->times)) == 0 && x->withdrawn == y->withdrawn && x->model == y->model && strcmp(x->unit, y->unit) == 0 && x->per.nano == y->per.nano &&
           x->price.pico == y->price.pico && x->minimum_seconds == y->minimum_seconds && x->increment_us == y->increment_us && is_open(x) == is_open(y) &&
           (is_open(x) || x->effective_to == y->effective_to) && x->free.nano == y->free.nano &&
           same_event_fee(x, y) && x->fixed.pico == y->fixed.pico && x->minimum_spend.pico == y->minimum_spend.pico &&
           x->maximum_spend.pico == y->maximum_spend.pico && x->round_to.nano == y->round_to.nano &&
           x->round_mode == y->round_mode && x->daily == y->daily && same_tiers(a, b);
}

static const char *where(struct plan *plan, const struct plan_price *entry)
{
    if (entry->node) return arena_print(plan->arena, "at %s", plan_place(plan, entry->node));
    return arena_print(plan->arena, "in force since catalogue version %lld", (long long)entry->row->version);
}

// `again` has the same key as `first`, which is in force or stands earlier in the files.
static void tell_repetition(struct plan *plan, const struct plan_price *first, const struct plan_price *again)
{
    if (first->node)
        file_error(plan->errors, again->node,
                   "this price is there twice: the same book, SKU, match, when and effective_from (%s) %s",
                   plan_instant(plan, again->row->effective_from), where(plan, first));
    else if (!same_price(first, again))
        file_conflict(plan->errors, again->node,
                      "the price from %s is %s and never changes: give a further one with a later effective_from",
                      plan_instant(plan, again->row->effective_from), where(plan, first));
}

// `before` begins earlier than `after`, for the same match.
static void check_overlap(struct plan *plan, const struct plan_price *before, const struct plan_price *after)
{
    if (is_open(before->row) || before->row->effective_to <= after->row->effective_from) return;
    if (!before->node && !after->node) return; // cannot be: an apply would not have let it in
    bool at_after = after->node && (!before->node || after->index > before->index);
    const struct plan_price *later = at_after ? after : before, *other = at_after ? before : after;
    if (other->node)
        file_error(plan->errors, later->node, "two versions of this price overlap from %s to %s: the other is %s",
                   plan_instant(plan, after->row->effective_from), plan_instant(plan, before->row->effective_to),
                   where(plan, other));
    else
        file_conflict(plan->errors, later->node, "this price overlaps one that is %s, from %s to %s",
                      where(plan, other), plan_instant(plan, after->row->effective_from),
                      plan_instant(plan, before->row->effective_to));
}

// in_force: the version that this one takes the place of; NULL: none. One without an end is not resumed after this
// one's.
static void note_effect(struct pricing *pricing, const struct plan_price *entry, const struct plan_price *in_force,
                        const struct plan_price *next)
{
    struct plan *plan = pricing->plan;
    const struct file_price *price = &plan->files->prices.row[entry->index];
    const struct sku_facts *facts = facts_of(pricing, plan_index_find(&plan->skus, price->sku.id));
    // nothing was ever counted by a new meter, or priced by a new book
    if (facts->meter > plan->meters.highest_existing || entry->row->book > plan->books.highest_existing) return;
    bool open = is_open(entry->row) || (in_force && is_open(in_force->row));
    instant_us to = open ? INSTANT_MAX : entry->row->effective_to;
    if (next && next->row->effective_from < to) to = next->row->effective_from;
    const struct plan_effect *last = plan->effect_count > 0 ? &plan->effects[plan->effect_count - 1] : NULL;
    if (last && last->kind == EFFECT_PRICE && last->book == entry->row->book && last->meter == facts->meter &&
        last->from == entry->row->effective_from && last->to == to)
        return; // the usual case: thousands of matches change at once
    struct plan_effect *effect = plan_effect(plan, EFFECT_PRICE, entry->node);
    effect->book = entry->row->book;
    effect->meter = (int32_t)facts->meter;
    effect->from = entry->row->effective_from;
    effect->to = to;
}

static void set_end(struct plan_price *entry, const struct plan_price *next)
{
    entry->to = is_open(entry->row) ? INSTANT_MAX : entry->row->effective_to;
    if (next && same_line(entry, next) && next->row->effective_from < entry->to) entry->to = next->row->effective_from;
}

// Compares neighbours, drops repetitions, and marks what is to be added.
static void walk_entries(struct pricing *pricing)
{
    size_t kept = 0;
    struct plan_price *entries = pricing->entries;
    for (size_t i = 0; i < pricing->count; i++) {
        struct plan_price *before = kept > 0 && same_line(&entries[kept - 1], &entries[i]) ? &entries[kept - 1] : NULL;
        if (before && before->row->effective_from == entries[i].row->effective_from) {
            if (entries[i].node) tell_repetition(pricing->plan, before, &entries[i]);
            continue;
        }
        if (before) check_overlap(pricing->plan, before, &entries[i]);
        if (entries[i].node) pricing->fresh[entries[i].index] = true;
        entries[kept++] = entries[i];
    }
    const struct plan_price *in_force = NULL;
    for (size_t i = 0; i < kept; i++)
        set_end(&entries[i], i + 1 < kept ? &entries[i + 1] : NULL);
    for (size_t from = 0, to; from < kept; from = to) {
        for (to = from + 1; to < kept && same_match(&entries[from], &entries[to]);)
            to++;
        plan_price_windows(pricing->plan, &entries[from], to - from);
    }
    for (size_t i = 0; i < kept; i++) {
        const struct plan_price *next = i + 1 < kept && same_line(&entries[i], &entries[i + 1]) ? &entries[i + 1] : NULL;
        if (in_force && !same_line(in_force, &entries[i])) in_force = NULL;
        if (entries[i].node)
            note_effect(pricing, &entries[i], in_force, next);
        else
            in_force = &entries[i];
    }
}

// --- adding

static void tell_price(struct plan *plan, const struct file_price *price)
{
    const struct price_row *row = &price->row;
    char amount[DECIMAL_TEXT_MAX];
    const char *end = is_open(row) ? "" : arena_print(plan->arena, " to %s", plan_instant(plan, row->effective_to));
    const struct price_form *form = &price_forms[row->model];
    const char *hours = row->hours && *row->hours ? arena_print(plan->arena, " (%s)", row->hours) : "";
    if (row->withdrawn) {
        plan_change(plan, true, "price", "%s %s %s%s withdrawn from %s", plan->files->books.row[price->book].id,
                    price->sku.id, row->match, hours, plan_instant(plan, row->effective_from));
        return;
    }
    const char *model = row->model == PRICE_PER_UNIT || row->model == PRICE_GRADUATED ? "" : form->name, *what = "";
    if (form->price)
        price_print(row->price, amount);
    else
        amount_print(form->tier_prices ? (struct amount){price->tiers[0].unit_price.pico} : price->tiers[0].flat,
                     amount);
    if (form->tiers)
        what = arena_print(plan->arena, " (first of %zu %s%stiers)", price->tier_count, model, *model ? " " : "");
    else if (*model)
        what = arena_print(plan->arena, " (%s)", model);
    plan_change(plan, true, "price", "%s %s %s%s %s per %s%s from %s%s", plan->files->books.row[price->book].id,
                price->sku.id, row->match, hours, amount, row->unit, what, plan_instant(plan, row->effective_from), end);
}

static void add_price(struct plan *plan, struct file_price *price, int64_t number)
{
    price->row.number = number;
    *ROW_NEW(&plan->added.prices) = price->row;
    for (size_t i = 0; i < price->tier_count; i++) {
        struct price_tier_row *tier = ROW_NEW(&plan->added.tiers);
        *tier = price->tiers[i];
        tier->price = number;
    }
    tell_price(plan, price);
}

void plan_prices(struct plan *plan)
{
    size_t most = plan->existing->prices.count + plan->files->prices.count;
    int64_t highest = 0;
    struct pricing pricing = {
        .plan = plan,
        .facts = ARENA_ARRAY(plan->arena, struct sku_facts, plan->skus.count + 1),
        .entries = ARENA_ARRAY(plan->arena, struct plan_price, most + 1),
        .fresh = ARENA_ARRAY(plan->arena, bool, plan->files->prices.count + 1),
    };
    collect_in_force(&pricing);
    collect_declared(&pricing);
    rows_sort(pricing.entries, pricing.count, sizeof *pricing.entries, compare_entries);
    walk_entries(&pricing);
    for (size_t i = 0; i < plan->existing->prices.count; i++)
        if (plan->existing->prices.row[i].number > highest) highest = plan->existing->prices.row[i].number;
    for (size_t i = 0; i < plan->files->prices.count; i++)
        if (pricing.fresh[i]) add_price(plan, &plan->files->prices.row[i], ++highest);
}
