// SPDX-License-Identifier: Apache-2.0
// The steps of a plan, and what they share: things by id, the lines for people, places.
#include "catalogue/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/catalogue_write.h"

// --- things by id

void plan_index_init(struct plan_index *index, struct arena *arena, size_t most)
{
    *index = (struct plan_index){.things = ARENA_ARRAY(arena, struct plan_thing, most + 1)};
    lookup_init(&index->lookup, arena, most + 1);
}

struct plan_thing *plan_index_find(const struct plan_index *index, const char *id)
{
    uint64_t hash = lookup_hash_text(slice_of(id));
    for (struct lookup_walk walk = lookup_start(&index->lookup, hash); lookup_step(&index->lookup, &walk);)
        if (strcmp(index->things[walk.index].id, id) == 0) return &index->things[walk.index];
    return NULL;
}

static struct plan_thing *add_thing(struct plan_index *index, const char *id, int64_t number, size_t row)
{
    struct plan_thing *thing = &index->things[index->count];
    *thing = (struct plan_thing){.id = id, .number = number, .existing = row, .first = PLAN_NONE, .last = PLAN_NONE};
    lookup_add(&index->lookup, lookup_hash_text(slice_of(id)), index->count++);
    if (number > index->highest) index->highest = number;
    return thing;
}

void plan_index_put(struct plan_index *index, const char *id, int64_t number, size_t row)
{
    struct plan_thing *thing = plan_index_find(index, id);
    if (thing)
        thing->existing = row;
    else
        add_thing(index, id, number, row);
    index->highest_existing = index->highest;
}

struct plan_thing *plan_index_declare(struct plan_index *index, const char *id, const struct yaml_node *node)
{
    struct plan_thing *thing = plan_index_find(index, id);
    if (!thing) thing = add_thing(index, id, index->highest + 1, PLAN_NONE);
    if (!thing->node) thing->node = node;
    return thing;
}

struct plan_thing *plan_declare_once(struct plan *plan, struct plan_index *index, const char *id,
                                     const struct yaml_node *node, const char *kind)
{
    struct plan_thing *before = plan_index_find(index, id);
    if (!before || !before->node) return plan_index_declare(index, id, node);
    file_error(plan->errors, node, "%s '%s' is declared twice, first at %s", kind, id, plan_place(plan, before->node));
    return NULL;
}

struct plan_thing *plan_resolve(struct plan *plan, const struct plan_index *index,
                                const struct file_reference *reference, const char *kind)
{
    if (!reference->id) return NULL;
    struct plan_thing *thing = plan_index_find(index, reference->id);
    if (!thing) file_error(plan->errors, reference->node, "there is no %s '%s'", kind, reference->id);
    return thing;
}

// --- words

void plan_change(struct plan *plan, bool added, const char *kind, const char *format, ...)
{
    char words[1024];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words, sizeof words, format, arguments) < 0) words[0] = 0;
    va_end(arguments);
    plan->changes =
        arena_grow(plan->arena, plan->changes, sizeof *plan->changes, plan->change_count, &plan->change_capacity);
    plan->changes[plan->change_count++] =
        (struct plan_change){kind, arena_text(plan->arena, words, strlen(words)), added};
}

struct plan_effect *plan_effect(struct plan *plan, enum plan_effect_kind kind, const struct yaml_node *node)
{
    plan->effects =
        arena_grow(plan->arena, plan->effects, sizeof *plan->effects, plan->effect_count, &plan->effect_capacity);
    struct plan_effect *effect = &plan->effects[plan->effect_count++];
    *effect = (struct plan_effect){.kind = kind, .node = node, .from = INSTANT_MIN, .to = INSTANT_MAX};
    return effect;
}

bool plan_differs(struct text *out, const char *what, const char *old, const char *new)
{
    old = text_or_empty(old);
    new = text_or_empty(new);
    if (strcmp(old, new) == 0) return false;
    text_print(out, ", %s: ", what);
    text_add_json_string(out, old, strlen(old));
    text_add_string(out, " -> ");
    text_add_json_string(out, new, strlen(new));
    return true;
}

const char *plan_place(const struct plan *plan, const struct yaml_node *node)
{
    char place[FAULT_PLACE_MAX];
    yaml_place(node, place);
    return arena_text(plan->arena, place, strlen(place));
}

const char *plan_instant(const struct plan *plan, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant == INSTANT_MIN) return "the beginning";
    return arena_text(plan->arena, text, instant_print(instant, text));
}

// --- the steps

static int compare_agreements(const void *a, const void *b)
{
    const struct agreement_row *x = a, *y = b;
    if (x->account != y->account) return COMPARE(x->account, y->account);
    if (x->effective_from != y->effective_from) return COMPARE(x->effective_from, y->effective_from);
    return COMPARE(x->version, y->version);
}

static int compare_memberships(const void *a, const void *b)
{
    const struct membership_row *x = a, *y = b;
    if (x->tenant != y->tenant) return COMPARE(x->tenant, y->tenant);
    if (x->effective_from != y->effective_from) return COMPARE(x->effective_from, y->effective_from);
    return COMPARE(x->version, y->version);
}

static int compare_tiers(const void *a, const void *b)
{
    const struct price_tier_row *x = a, *y = b;
    return x->price != y->price ? COMPARE(x->price, y->price) : COMPARE(x->tier, y->tier);
}

void plan_sort(struct catalogue_rows *existing)
{
    rows_sort(existing->agreements.row, existing->agreements.count, sizeof *existing->agreements.row,
              compare_agreements);
    rows_sort(existing->exchanges.row, existing->exchanges.count, sizeof *existing->exchanges.row, exchange_order);
    rows_sort(existing->memberships.row, existing->memberships.count, sizeof *existing->memberships.row,
              compare_memberships);
    rows_sort(existing->tiers.row, existing->tiers.count, sizeof *existing->tiers.row, compare_tiers);
}

// Rows of services, SKUs, books, sellers, accounts and tenants come sorted by number and version.
#define PUT_ALL(plan, list, index, more)                                                                               \
    do {                                                                                                               \
        plan_index_init(&(plan)->index, (plan)->arena, (plan)->existing->list.count + (more));                         \
        for (size_t i_ = 0; i_ < (plan)->existing->list.count; i_++)                                                   \
            plan_index_put(&(plan)->index, (plan)->existing->list.row[i_].id, (plan)->existing->list.row[i_].number,   \
                           i_);                                                                                        \
    } while (0)

static void index_existing(struct plan *plan)
{
    const struct catalogue_files *files = plan->files;
    PUT_ALL(plan, services, services, files->services.count);
    PUT_ALL(plan, meters, meters, files->meters.count);
    PUT_ALL(plan, skus, skus, files->skus.count);
    plan_index_init(&plan->currencies, plan->arena, plan->existing->currencies.count + files->currencies.count);
    for (size_t i = 0; i < plan->existing->currencies.count; i++)
        plan_index_put(&plan->currencies, plan->existing->currencies.row[i].code, 0, i);
    PUT_ALL(plan, books, books, files->books.count);
    PUT_ALL(plan, sellers, sellers, files->sellers.count + files->accounts.count);
    PUT_ALL(plan, accounts, accounts, files->accounts.count);
    PUT_ALL(plan, offers, offers, files->offers.count);
    PUT_ALL(plan, holdings, holdings, files->holdings.count);
    PUT_ALL(plan, tenants, tenants, files->tenants.count);
}

enum err plan_make(struct plan *plan)
{
    static void (*const steps[])(struct plan *) = {
        plan_services,  plan_meters, plan_skus,    plan_currencies, plan_books,    plan_exchanges,
        plan_prices,    plan_sellers, plan_accounts, plan_offers,     plan_holdings, plan_tenants,
    };
    hash_init();
    plan->errors = &plan->files->errors;
    plan->added = (struct catalogue_rows){.version = plan->version};
    index_existing(plan);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        steps[i](plan);
    catalogue_rows_order(&plan->added);
    return file_errors_result(plan->errors);
}

void plan_fini(struct plan *plan)
{
    catalogue_rows_fini(&plan->added);
}
