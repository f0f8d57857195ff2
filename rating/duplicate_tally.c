// SPDX-License-Identifier: Apache-2.0
// Open addressing by the tenant's number. Counters only grow, so a tenant that is not among the greatest gets there
// only when its own counter grows: nobody else has to be looked at.
#include "rating/duplicate_tally.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/hash.h"
#include "common/metric.h"

enum { ROOM_FIRST = 1024 };

struct tally_slot {
    int64_t tenant, events; // events 0: empty
};

struct duplicate_tally {
    struct tally_slot *slots;
    size_t room, count; // room: a power of two
    struct tally_top {
        int64_t tenant, events;
    } top[DUPLICATE_TOP]; // events 0: free
    int64_t total;
};

static struct metric *top_metrics[DUPLICATE_TOP], *rest_metric; // of the process

struct duplicate_tally *duplicate_tally_new(void)
{
    struct duplicate_tally *tally = heap_alloc(sizeof *tally);
    tally->room = ROOM_FIRST;
    tally->slots = heap_alloc(tally->room * sizeof *tally->slots);
    for (int i = 0; i < DUPLICATE_TOP && !rest_metric; i++)
        top_metrics[i] = metric_register_unlabelled(
            METRIC_COUNTER, "turnpike_rate_tenant_duplicates_total",
            "Duplicates in committed batches since the process began, of the tenants with the most.");
    rest_metric = metric_register(METRIC_GAUGE, "turnpike_rate_tenant_duplicates_rest", "",
                                  "Duplicates of all tenants that have no turnpike_rate_tenant_duplicates_total.");
    metric_set(rest_metric, 0);
    return tally;
}

void duplicate_tally_free(struct duplicate_tally *tally)
{
    if (!tally) return;
    for (int i = 0; i < DUPLICATE_TOP; i++)
        metric_relabel(top_metrics[i], NULL, 0);
    free(tally->slots);
    free(tally);
}

// The slot of the tenant, or the empty one where it belongs.
static struct tally_slot *slot_of(const struct duplicate_tally *tally, int64_t tenant)
{
    size_t at = (size_t)fast_hash64(&tenant, sizeof tenant);
    while (tally->slots[at &= tally->room - 1].events > 0 && tally->slots[at].tenant != tenant)
        at++;
    return &tally->slots[at];
}

static void grow(struct duplicate_tally *tally)
{
    struct tally_slot *old = tally->slots;
    size_t old_room = tally->room;
    tally->room *= 2;
    tally->slots = heap_alloc(tally->room * sizeof *tally->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].events > 0) *slot_of(tally, old[i].tenant) = old[i];
    free(old);
}

static void label_print(struct text *labels, const char *id)
{
    text_add_string(labels, "tenant=\"");
    for (; *id; id++) {
        if (*id == '"' || *id == '\\') text_add_char(labels, '\\');
        text_add_char(labels, *id);
    }
    text_add_char(labels, '"');
}

// The place of the tenant among the greatest; else the one that it takes, if it has more; else -1.
static int place_of(const struct duplicate_tally *tally, int64_t tenant, int64_t events)
{
    int least = 0;
    for (int i = 0; i < DUPLICATE_TOP; i++) {
        if (tally->top[i].events > 0 && tally->top[i].tenant == tenant) return i;
        if (tally->top[i].events < tally->top[least].events) least = i;
    }
    return tally->top[least].events < events ? least : -1;
}

static void top_note(struct duplicate_tally *tally, int64_t tenant, const char *id, int64_t events)
{
    int place = place_of(tally, tenant, events);
    if (place < 0) return;
    struct tally_top *top = &tally->top[place];
    if (top->tenant == tenant && top->events > 0) {
        metric_set(top_metrics[place], events);
    } else {
        struct text labels = {0};
        label_print(&labels, id);
        metric_relabel(top_metrics[place], labels.data, events);
        text_free(&labels);
    }
    *top = (struct tally_top){tenant, events};
}

void duplicate_tally_add(struct duplicate_tally *tally, int64_t tenant, const char *id, int64_t events)
{
    int64_t named = 0;
    if (events <= 0) return;
    if (2 * (tally->count + 1) > tally->room) grow(tally);
    struct tally_slot *slot = slot_of(tally, tenant);
    tally->count += slot->events == 0;
    slot->tenant = tenant;
    slot->events += events;
    tally->total += events;
    top_note(tally, tenant, id, slot->events);
    for (int i = 0; i < DUPLICATE_TOP; i++)
        named += tally->top[i].events;
    metric_set(rest_metric, tally->total - named);
}

int64_t duplicate_tally_of(const struct duplicate_tally *tally, int64_t tenant)
{
    return slot_of(tally, tenant)->events;
}
