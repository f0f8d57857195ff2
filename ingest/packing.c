// SPDX-License-Identifier: Apache-2.0
// A counting sort by partition, then one message after the other.
#include "ingest/packing.h"

enum { LENGTH_BYTES = 4, PARTITIONS_MAX = SHARD_COUNT };

// Event numbers grouped by partition in the order of the request; starts[p] to starts[p + 1] are those of partition p.
static uint32_t *events_by_partition(const struct admitted_event *events, size_t count, int partitions,
                                     struct arena *arena, uint32_t *starts)
{
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *next = ARENA_ARRAY(arena, uint32_t, (size_t)partitions);
    for (size_t i = 0; i < count; i++)
        starts[events[i].shard % partitions + 1]++;
    for (int p = 0; p < partitions; p++) {
        starts[p + 1] += starts[p];
        next[p] = starts[p];
    }
    for (size_t i = 0; i < count; i++)
        order[next[events[i].shard % partitions]++] = (uint32_t)i;
    return order;
}

static bool is_full(const struct text *buffer, size_t held, struct slice event)
{
    return held == MESSAGE_EVENTS_MAX || buffer->length + LENGTH_BYTES + event.length > MESSAGE_BYTES_MAX;
}

static void begin(struct text *buffer, uint64_t catalogue_version, const struct packing_mark *mark)
{
    if (mark)
        message_begin_forwarded(buffer, catalogue_version, mark->received_time);
    else
        message_begin(buffer, MESSAGE_EVENTS, catalogue_version, 0);
}

enum err packing_run(const struct admitted_event *events, size_t count, int partitions, uint64_t catalogue_version,
                     struct arena *arena, struct text *buffer, packing_emit *emit, void *context, struct fault *fault)
{
    return packing_run_marked(events, count, partitions, catalogue_version, NULL, arena, buffer, emit, context, fault);
}

enum err packing_run_marked(const struct admitted_event *events, size_t count, int partitions,
                            uint64_t catalogue_version, const struct packing_mark *mark, struct arena *arena,
                            struct text *buffer, packing_emit *emit, void *context, struct fault *fault)
{
    ENSURE(partitions > 0 && partitions <= PARTITIONS_MAX && (partitions & (partitions - 1)) == 0);
    uint32_t *starts = ARENA_ARRAY(arena, uint32_t, (size_t)partitions + 1);
    const uint32_t *order = events_by_partition(events, count, partitions, arena, starts);
    enum err err = ERR_OK;
    for (int p = 0; p < partitions && err == ERR_OK; p++) {
        for (uint32_t i = starts[p]; i < starts[p + 1] && err == ERR_OK;) {
            size_t held = 0;
            begin(buffer, catalogue_version, mark);
            // the first event always goes in: it is at most EVENT_BYTES_MAX
            for (; i < starts[p + 1] && (held == 0 || !is_full(buffer, held, events[order[i]].raw)); i++, held++)
                message_add(buffer, events[order[i]].raw);
            if (mark) message_mark(buffer, mark->key);
            message_finish(buffer);
            err = emit(context, p, (struct slice){buffer->data, buffer->length}, held, fault);
        }
    }
    return err;
}
