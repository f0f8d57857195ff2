// SPDX-License-Identifier: Apache-2.0
// Events of other partitions, and all events of an incarnation that does not count any more, are sent on before their batch is committed (rules 2.4): packed by their own partitions,
// marked with the received_time of their first position, acknowledged by all replicas. A batch that is dropped after
// that, or an owner that is killed, sends them again; their ids decide, so they count once. Nothing waits here: a batch
// is held back until the acknowledgements have come.
#include <stdlib.h>

#include "common/crash_point.h"
#include "common/log.h"
#include "ingest/packing.h"
#include "rating/rater_internal.h"

enum { AGAIN_US = 1000000, ARENA_BYTES = 1 << 16 };

static enum err emit(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    struct owner *owner = context;
    const struct rater_source *source = owner->rater->options.source;
    (void)events;
    return source->forward(source->context, partition, message.data, message.length, owner->forward, fault);
}

// Of the incarnation that counts the events.
static int owner_forward_partitions(const struct owner *owner)
{
    const struct rater *rater = owner->rater;
    return owner->ground.sends_on ? rater->send_on_partitions : rater->options.partitions;
}

// The events of one received_time at a time, in log order.
static enum err send_all(struct owner *owner, const struct forward_row *rows, size_t count, struct fault *fault)
{
    struct rater *rater = owner->rater;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct text buffer = {0};
    enum err err = ERR_OK;
    for (size_t from = 0, to; !err && from < count; from = to) {
        const struct packing_mark mark = {rows[from].received_time, &owner->ground.forward_key};
        for (to = from + 1; to < count && rows[to].received_time == rows[from].received_time;)
            to++;
        arena_reset(arena);
        struct admitted_event *events = ARENA_ARRAY(arena, struct admitted_event, to - from);
        for (size_t i = from; i < to; i++)
            events[i - from] = (struct admitted_event){rows[i].raw, rows[i].shard};
        err = packing_run_marked(events, to - from, owner_forward_partitions(owner),
                                 (uint64_t)catalogue_version(rater->catalogue), &mark, arena, &buffer, emit, owner,
                                 fault);
    }
    text_free(&buffer);
    arena_free(arena);
    return err;
}

static void send(struct owner *owner, const struct forward_row *rows, size_t count)
{
    struct fault fault = {0};
    owner->forward = heap_alloc(sizeof *owner->forward);
    enum err err = send_all(owner, rows, count, &fault);
    if (!err) return;
    owner->forward->failed = true;
    log_warn("forward_not_sent", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
}

bool owner_forwarded(struct owner *owner)
{
    const struct rater_source *source = owner->rater->options.source;
    size_t count = 0;
    const struct forward_row *rows = batch_forwards(owner->commit.batch, &count);
    if (count == 0 || owner->forwarded) return true;
    if (!owner->forward && clock_monotonic_us() >= owner->forward_us) send(owner, rows, count);
    if (!owner->forward) return false;
    if (owner->forward->waiting > 0) source->forward_poll(source->context);
    if (owner->forward->waiting > 0) return false;
    bool failed = owner->forward->failed;
    owner_forward_forget(owner);
    if (failed) {
        owner->forward_us = clock_monotonic_us() + AGAIN_US;
        log_warn("forward_failed", LOG_INT("partition", owner->partition), LOG_INT("events", (int64_t)count),
                 LOG_TEXT("action", "they are sent again"));
        return false;
    }
    CRASH_POINT("rate.after_forward");
    log_debug("forwarded", LOG_INT("partition", owner->partition), LOG_INT("events", (int64_t)count));
    owner->forwarded = true;
    return true;
}

void owner_forward_forget(struct owner *owner)
{
    struct forward_ticket *ticket = owner->forward;
    owner->forward = NULL;
    owner->forwarded = false;
    if (!ticket) return;
    ticket->abandoned = true;
    if (ticket->waiting == 0) free(ticket);
}

void forward_reported(struct forward_ticket *ticket, bool delivered)
{
    ENSURE(ticket->waiting > 0);
    ticket->waiting--;
    ticket->failed = ticket->failed || !delivered;
    if (ticket->abandoned && ticket->waiting == 0) free(ticket);
}
