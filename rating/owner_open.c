// SPDX-License-Identifier: Apache-2.0
// How a partition is opened, from waiting to rebuilding: its epoch is taken, and the log is compared with what was counted
// (rules 2.3). Epochs and the ends of the logs are asked for all waiting partitions at once: what would have to be asked
// of each alone takes long when a rater gets hundreds.
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/rater_internal.h"

enum { HELD_WAIT_MS = 200, OUTDATED_WAIT_MS = 100, FAILED_WAIT_MS = 1000 };

static void wait_for(struct owner *owner, int64_t wait_ms)
{
    owner->wake_us = clock_monotonic_us() + wait_ms * 1000;
}

// --- taking

// The partition's row was taken: nothing of before counts any more.
static void begin(struct owner *owner, const struct partition_row *row)
{
    struct rater *rater = owner->rater;
    owner->row = *row;
    owner_batches_forget(owner);
    owner->restart = false;
    owner->gap_offset = -1;
    owner_indexes_free(owner);
    if (row->counted_seq >= 0 && !rater->send_on_partitions) { // where to is not known yet
        rater->outdated = true;
        wait_for(owner, OUTDATED_WAIT_MS);
        return;
    }
    owner->taken = true;
}

// Takes the epochs of these partitions. What somebody holds is tried again soon.
static enum err epochs_take(struct rater *rater, struct owner **owners, int count, struct fault *fault)
{
    struct partition_row *rows = heap_alloc((size_t)count * sizeof *rows);
    for (int i = 0; i < count; i++)
        rows[i] = (struct partition_row){.incarnation = rater->options.incarnation, .partition = owners[i]->partition};
    enum err err = partition_rows_take(rater->db, rows, count, rater->options.instance, fault);
    for (int i = 0; !err && i < count; i++) {
        if (rows[i].epoch > 0) {
            begin(owners[i], &rows[i]);
            continue;
        }
        log_info("partition_row_held", LOG_INT("partition", owners[i]->partition));
        wait_for(owners[i], HELD_WAIT_MS);
    }
    free(rows);
    return err;
}

// Kafka does not have one of them: which? It is parked.
static enum err bounds_ask_each(struct rater *rater, struct bus_watermark *bounds, int count, struct fault *fault)
{
    const struct rater_source *source = rater->options.source;
    enum err err = ERR_OK;
    for (int i = 0; !err && i < count; i++) {
        err = source->bounds(source->context, &bounds[i], 1, fault);
        if (err != ERR_CONFLICT) continue;
        err = ERR_OK;
        rater->owners[bounds[i].partition]->taken = false;
        owner_park(rater->owners[bounds[i].partition], "%s", fault->reason);
    }
    return err;
}

// Asks for the ends of the logs of those that were taken. All are asked after they were taken: nobody else can have
// counted beyond them.
static enum err bounds_ask(struct rater *rater, struct owner **owners, int count, struct fault *fault)
{
    const struct rater_source *source = rater->options.source;
    struct bus_watermark *bounds = heap_alloc((size_t)count * sizeof *bounds);
    int asked = 0;
    for (int i = 0; i < count; i++)
        if (owners[i]->taken) bounds[asked++].partition = owners[i]->partition;
    enum err err = source->bounds(source->context, bounds, asked, fault);
    if (err == ERR_CONFLICT) err = bounds_ask_each(rater, bounds, asked, fault);
    for (int i = 0; !err && i < asked; i++)
        rater->owners[bounds[i].partition]->log = bounds[i];
    free(bounds);
    return err;
}

// They are taken again later.
static void taking_failed(struct owner **owners, int count)
{
    int64_t now = clock_monotonic_us();
    for (int i = 0; i < count; i++) {
        owners[i]->taken = false;
        if (owners[i]->wake_us <= now) wait_for(owners[i], FAILED_WAIT_MS);
    }
}

static bool is_due(const struct owner *owner, int64_t now)
{
    return owner && owner->state == PARTITION_WAITING && !owner->taken && now >= owner->wake_us;
}

void owners_take(struct rater *rater)
{
    struct fault fault = {0};
    int64_t now = clock_monotonic_us();
    struct owner **due = NULL;
    int count = 0;
    for (int i = 0; i < rater->options.partitions; i++) {
        if (!is_due(rater->owners[i], now)) continue;
        if (!due) due = heap_alloc((size_t)rater->options.partitions * sizeof *due);
        due[count++] = rater->owners[i];
    }
    if (count == 0) return;
    enum err err = epochs_take(rater, due, count, &fault);
    if (err) rater_db_failed(rater, err, &fault);
    if (!err) {
        err = bounds_ask(rater, due, count, &fault);
        if (err) log_warn("partitions_wait", LOG_INT("partitions", count), LOG_FAULT(&fault));
    }
    if (err) taking_failed(due, count);
    free(due);
}

// --- comparing

// Does the message before next_offset have the digest that was committed with it?
static enum err last_message_check(struct owner *owner, struct fault *fault)
{
    const struct rater_source *source = owner->rater->options.source;
    void *range = NULL;
    enum err err = source->range_open(source->context, owner->partition, owner->row.next_offset - 1,
                                      owner->row.next_offset, &range, fault);
    if (err) return err;
    struct bus_message message;
    unsigned char digest[SHA256_BYTES];
    int count = 0;
    int64_t deadline = clock_monotonic_us() + 5 * SECOND_US;
    while (!(err = source->range_read(range, &message, 1, &count, fault)) && count == 0)
        if (clock_monotonic_us() > deadline) {
            err = fault_set(fault, ERR_RETRY, "kafka", "the message at offset %lld does not come",
                            (long long)(owner->row.next_offset - 1));
            break;
        }
    if (!err) {
        sha256_of(message.data, message.length, digest);
        bool same =
            message.offset == owner->row.next_offset - 1 && memcmp(digest, owner->row.last_digest, SHA256_BYTES) == 0;
        source->range_release(range, &message, count);
        if (!same) err = ERR_CONFLICT;
    }
    source->range_close(range);
    if (err == ERR_CONFLICT || err == ERR_NOT_FOUND)
        return fault_set(fault, ERR_CONFLICT, "kafka",
                         "the message at offset %lld is not the one that was counted there: the topic was made anew or"
                         " its end was cut",
                         (long long)(owner->row.next_offset - 1));
    return err;
}

// Is the log the one that the row speaks of (rules 2.3)?
static enum err log_check(struct owner *owner, struct fault *fault)
{
    const struct rater *rater = owner->rater;
    int64_t low = owner->log.low, high = owner->log.high;
    // what is only sent on may stand in any partition: so a topic whose partitions were added to is left by growing
    if (owner->partition_count != rater->options.partitions && owner->row.counted_seq < 0)
        return fault_set(fault, ERR_CONFLICT, "kafka", "the topic has %d partitions, incarnation %d has %d",
                         owner->partition_count, rater->options.incarnation, rater->options.partitions);
    if (owner->row.next_offset > high)
        return fault_set(
            fault, ERR_CONFLICT, "kafka",
            "the log ends at offset %lld, but %lld were counted: the topic was made anew or its end was cut",
            (long long)high, (long long)owner->row.next_offset);
    if (owner->row.next_offset < low)
        return fault_set(fault, ERR_CONFLICT, "kafka",
                         "the log begins at offset %lld: messages %lld to %lld were removed before they were counted",
                         (long long)low, (long long)owner->row.next_offset, (long long)low - 1);
    if (!owner->row.has_digest) return ERR_OK;
    // a topic that is to be retired has a retention: what was sent on may be gone
    if (owner->row.next_offset == low && owner->row.counted_seq >= 0) return ERR_OK;
    if (owner->row.next_offset == low)
        return fault_set(fault, ERR_CONFLICT, "kafka",
                         "the log begins at offset %lld, so that nothing shows it to be the one that was counted",
                         (long long)low);
    return last_message_check(owner, fault);
}

static void indexes_new(struct owner *owner)
{
    owner->index = dedup_index_new(owner->rater->budget);
    owner->sequences = sequence_index_new(owner->rater->budget);
}

// After the log was checked.
static enum err opening_begin(struct owner *owner, struct fault *fault)
{
    if (owner->row.counted_seq >= 0) {
        indexes_new(owner);
        owner_rating_begin(owner); // nothing is judged: there is nothing to know
        return ERR_OK;
    }
    struct partition_row up_to;
    bool kept = false;
    enum err err = kept_index_take(owner, &up_to, &kept, fault);
    if (err) return err;
    if (!kept) indexes_new(owner);
    err = rebuild_open(owner, kept ? &up_to : NULL, &owner->rebuild, fault);
    if (!err) owner_move(owner, PARTITION_REBUILDING);
    return err;
}

void owner_open(struct owner *owner)
{
    struct rater *rater = owner->rater;
    struct fault fault = {0};
    if (!owner->taken) return;
    owner->taken = false;
    owner->known = dedup_index_new(NULL);
    enum err err = log_check(owner, &fault);
    if (!err) err = opening_begin(owner, &fault);
    if (!err) return;
    if (err == ERR_CONFLICT) {
        owner_park(owner, "%s", fault.reason);
        return;
    }
    log_warn("partition_waits", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
    if (rater->db && !db_alive(rater->db)) rater_db_failed(rater, err, &fault);
    wait_for(owner, FAILED_WAIT_MS);
}
