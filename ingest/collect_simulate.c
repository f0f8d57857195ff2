// SPDX-License-Identifier: Apache-2.0
// A simulated cloud as a feed: tenant after tenant, the events of one in memory at a time.
#include <stdlib.h>

#include "ingest/collect_feed.h"

struct collect_simulate {
    struct simulation simulation;
    struct simulate_events events;
    int64_t tenant, record;
    size_t next; // of the tenant's events
};

struct collect_simulate *collect_simulate_open(const struct simulation *simulation)
{
    struct collect_simulate *simulate = heap_alloc(sizeof *simulate);
    simulate->simulation = *simulation;
    return simulate;
}

void collect_simulate_close(struct collect_simulate *simulate)
{
    if (!simulate) return;
    simulate_events_free(&simulate->events);
    free(simulate);
}

static void make_tenant(struct collect_simulate *simulate)
{
    struct simulate_tenant tenant;
    simulate_tenant_make(&simulate->simulation, simulate->tenant, &tenant);
    simulate_events_make(&simulate->simulation, &tenant, &simulate->events);
    simulate->next = 0;
}

static enum err simulate_seek(void *self, const struct collect_mark *mark, struct fault *fault)
{
    struct collect_simulate *simulate = self;
    simulate->tenant = mark->offset;
    simulate->record = mark->record;
    if (simulate->tenant < simulate->simulation.tenants) make_tenant(simulate);
    if (mark->line == 0) return ERR_OK;
    if (simulate->tenant >= simulate->simulation.tenants || (uint64_t)mark->line > simulate->events.count)
        return fault_set(fault, ERR_CONFLICT, "simulated", "the cursor is of another version: --again sends all");
    simulate->next = (size_t)mark->line;
    return ERR_OK;
}

static enum err simulate_next(void *self, struct collect_record *record, struct fault *fault)
{
    struct collect_simulate *simulate = self;
    (void)fault;
    while (simulate->tenant < simulate->simulation.tenants && simulate->next == simulate->events.count) {
        if (++simulate->tenant < simulate->simulation.tenants) make_tenant(simulate);
    }
    if (simulate->tenant >= simulate->simulation.tenants) return ERR_NOT_FOUND;
    const struct simulate_span *span = &simulate->events.spans[simulate->next++];
    record->events[0] = (struct slice){simulate->events.json.data + span->start, span->length};
    record->count = 1;
    record->refusal[0] = 0;
    record->line = ++simulate->record;
    record->mark = (struct collect_mark){simulate->record, (int64_t)simulate->next, simulate->tenant};
    return ERR_OK;
}

struct collect_feed collect_simulate_feed(struct collect_simulate *simulate)
{
    return (struct collect_feed){simulate, simulate_seek, simulate_next, NULL};
}
