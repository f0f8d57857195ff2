// SPDX-License-Identifier: Apache-2.0
// The in-process log.
#include "scenario_log.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/text.h"

enum { LOG_PARTITIONS_MAX = 16, DRAIN_SECONDS = 30 };

struct stored { struct text data; instant_us received_time; };
struct log_partition { struct stored *messages; int64_t count, capacity; int64_t fed; /* -1: not started */ };
struct scenario_log {
    const struct clock *clock;
    int partitions;
    struct log_partition list[LOG_PARTITIONS_MAX];
    struct rater_source source;
};
struct log_range { struct scenario_log *log; int partition; int64_t next, end; };

static struct bus_message message_of(const struct scenario_log *log, int partition, int64_t offset)
{
    const struct stored *stored = &log->list[partition].messages[offset];
    return (struct bus_message){.partition = partition, .offset = offset, .received_time = stored->received_time, .data = stored->data.data, .length = stored->data.length};
}

static enum err log_bounds(void *context, struct bus_watermark *bounds, int count, struct fault *fault)
{
    const struct scenario_log *log = context;
    (void)fault;
    for (int i = 0; i < count; i++)
        bounds[i] = (struct bus_watermark){.partition = bounds[i].partition, .high = log->list[bounds[i].partition].count};
    return ERR_OK;
}

static enum err log_range_open(void *context, int partition, int64_t offset, int64_t end, void **range, struct fault *fault)
{
    struct log_range *opened = heap_alloc(sizeof *opened);
    (void)fault;
    *opened = (struct log_range){context, partition, offset, end};
    *range = opened;
    return ERR_OK;
}

static enum err log_range_read(void *range, struct bus_message *messages, int most, int *count, struct fault *fault)
{
    struct log_range *open = range;
    (void)fault;
    *count = 0;
    while (*count < most && open->next < open->end && open->next < open->log->list[open->partition].count)
        messages[(*count)++] = message_of(open->log, open->partition, open->next++);
    return *count ? ERR_OK : ERR_NOT_FOUND;
}

static void log_range_release(void *range, struct bus_message *messages, int count)
{
    (void)range, (void)messages, (void)count; // the log owns the bytes
}

static void log_range_close(void *range)
{
    free(range);
}

static enum err log_start(void *context, int partition, int64_t offset, struct fault *fault)
{
    struct scenario_log *log = context;
    (void)fault;
    log->list[partition].fed = offset;
    return ERR_OK;
}

// In the log at once: the ticket has nothing to wait for.
static enum err log_forward(void *context, int partition, const void *data, size_t length, struct forward_ticket *ticket, struct fault *fault)
{
    (void)ticket, (void)fault;
    scenario_log_append(context, partition, data, length);
    return ERR_OK;
}

static void log_forward_poll(void *context)
{
    (void)context;
}

struct scenario_log *scenario_log_new(int partitions, const struct clock *clock)
{
    struct scenario_log *log = heap_alloc(sizeof *log);
    ENSURE(partitions >= 1 && partitions <= LOG_PARTITIONS_MAX);
    log->clock = clock;
    log->partitions = partitions;
    log->source = (struct rater_source){log, log_bounds, log_range_open, log_range_read, log_range_release, log_range_close, log_start, NULL, log_forward, log_forward_poll};
    scenario_log_detach(log);
    return log;
}

void scenario_log_free(struct scenario_log *log)
{
    if (!log) return;
    for (int p = 0; p < log->partitions; p++) {
        for (int64_t i = 0; i < log->list[p].count; i++) text_free(&log->list[p].messages[i].data);
        free(log->list[p].messages);
    }
    free(log);
}

void scenario_log_append(struct scenario_log *log, int partition, const void *data, size_t length)
{
    struct log_partition *target = &log->list[partition];
    if (target->count == target->capacity) {
        target->capacity = target->capacity ? target->capacity * 2 : 64;
        target->messages = heap_grow(target->messages, sizeof *target->messages, (size_t)target->capacity);
    }
    struct stored *stored = &target->messages[target->count++];
    *stored = (struct stored){.received_time = clock_now(log->clock)};
    text_add(&stored->data, data, length);
}

const struct rater_source *scenario_log_source(struct scenario_log *log)
{
    return &log->source;
}

void scenario_log_detach(struct scenario_log *log)
{
    for (int p = 0; p < log->partitions; p++) log->list[p].fed = -1;
}

static void feed(struct scenario_log *log, struct rater *rater)
{
    for (int p = 0; p < log->partitions; p++) {
        struct log_partition *partition = &log->list[p];
        while (partition->fed >= 0 && partition->fed < partition->count && !rater_full(rater)) {
            const struct bus_message message = message_of(log, p, partition->fed++);
            rater_feed(rater, &message, 1);
        }
    }
}

// Not only fed: a newer catalogue makes the rater drop what it was fed and ask for it again.
static bool committed(const struct scenario_log *log, const struct rater *rater)
{
    bool all = true;
    for (int p = 0; p < log->partitions; p++) {
        struct partition_status status;
        rater_status(rater, p, &status);
        all = all && (status.state == PARTITION_PARKED || (status.state == PARTITION_RATING && status.next_offset >= log->list[p].count));
    }
    return all;
}

enum err scenario_log_drain(struct scenario_log *log, struct rater *rater, struct fault *fault)
{
    int64_t deadline = clock_monotonic_us() + DRAIN_SECONDS * SECOND_US;
    while (clock_monotonic_us() < deadline) {
        feed(log, rater);
        rater_tick(rater);
        enum err err = rater_flush(rater, fault);
        if (!err && committed(log, rater)) return ERR_OK;
        if (err && err != ERR_RETRY) return err;
    }
    return fault_set(fault, ERR_RETRY, "", "the rater did not commit everything within %d s", DRAIN_SECONDS);
}
