// SPDX-License-Identifier: Apache-2.0
// One partition in our hands: take its epoch, check that the log is the one that was counted (owner_open.c), rebuild the
// index, rate, and leave it when it is another's. States and their moves:
//
//   waiting -> rebuilding   the epoch is taken, log and database agree
//   waiting -> parked       they do not
//   rebuilding -> rating    the index is as it was at the last commit
//   rebuilding -> parked    the log is not what was counted, or the memory budget is used up
//   rebuilding -> waiting   another epoch was taken meanwhile, or the log was away for long
//   rating -> lost          another owner took the epoch
//   rating -> waiting       the row holds a head that we do not know: taken and rebuilt again
//   rating -> parked        an invariant is broken, or the memory budget is used up
//   waiting -> rating       a newer incarnation counts: what comes is only sent on to it, which needs no index
//   parked -> waiting       a newer incarnation counts
//   lost -> waiting         after a while, as long as the partition is assigned to us
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/range_replay.h"

void owner_move(struct owner *owner, enum partition_state to)
{
    static const bool legal[PARTITION_PARKED + 1][PARTITION_PARKED + 1] = {
        [PARTITION_WAITING] = {[PARTITION_REBUILDING] = true, [PARTITION_PARKED] = true, [PARTITION_RATING] = true},
        [PARTITION_REBUILDING] = {[PARTITION_RATING] = true, [PARTITION_PARKED] = true, [PARTITION_WAITING] = true},
        [PARTITION_RATING] = {[PARTITION_LOST] = true, [PARTITION_WAITING] = true, [PARTITION_PARKED] = true},
        [PARTITION_LOST] = {[PARTITION_WAITING] = true},
        [PARTITION_PARKED] = {[PARTITION_WAITING] = true},
    };
    ENSURE(legal[owner->state][to]);
    log_info("partition_state", LOG_INT("incarnation", owner->rater->options.incarnation),
             LOG_INT("partition", owner->partition),
             LOG_TEXT("from", partition_state_name(owner->state)), LOG_TEXT("to", partition_state_name(to)));
    owner->state = to;
    owner_metrics_state(owner);
}

struct owner *owner_new(struct rater *rater, int partition, int partition_count)
{
    struct owner *owner = heap_alloc(sizeof *owner);
    owner->rater = rater;
    owner->partition = partition;
    owner->partition_count = partition_count;
    owner->state = PARTITION_WAITING;
    owner_commits_init(owner);
    owner->row.watermark = INSTANT_MIN;
    owner_metrics_register(owner);
    return owner;
}

void owner_indexes_free(struct owner *owner)
{
    rebuild_free(owner->rebuild);
    range_replay_free(owner->range);
    dedup_index_free(owner->index);
    dedup_index_free(owner->known);
    sequence_index_free(owner->sequences);
    owner->rebuild = NULL;
    owner->range = NULL;
    owner->index = owner->known = NULL;
    owner->sequences = NULL;
}

void owner_free(struct owner *owner)
{
    if (!owner) return;
    owner_commits_free(owner);
    owner_indexes_free(owner);
    owner_metrics_state(&(struct owner){.metrics = owner->metrics}); // nothing of it stays on the gauges
    free(owner);
}

void owner_park(struct owner *owner, const char *format, ...)
{
    struct fault fault = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(owner->parked_reason, sizeof owner->parked_reason, format, arguments);
    va_end(arguments);
    owner_batches_forget(owner);
    if (owner->state == PARTITION_RATING && owner->rater->options.counters)
        counters_feed_revoke(owner->rater->options.counters, owner->partition);
    owner_move(owner, PARTITION_PARKED);
    log_error("partition_parked", LOG_INT("partition", owner->partition), LOG_TEXT("reason", owner->parked_reason));
    owner_indexes_free(owner);
    struct db *db = rater_db(owner->rater);
    enum err err = db ? partition_row_park(db, &owner->row, owner->parked_reason, &fault) : ERR_RETRY;
    if (err) log_warn("partition_parked_unsaid", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
}

// --- rebuilding -> rating

void owner_batch_begin(struct owner *owner)
{
    struct rater *rater = owner->rater;
    struct fault fault = {0};
    const struct batch *earlier = owner->commit.batch;
    batch_begin(owner->batch, earlier ? batch_next_offset(earlier) : owner->row.next_offset,
                earlier ? batch_watermark(earlier) : owner->row.watermark);
    owner->batch_us = 0;
    owner->ground.earlier = earlier;
    owner->ground.index = owner->index;
    owner->ground.sequences = owner->sequences;
    owner->ground.known = owner->known;
    owner->ground.identity_key = rater->identity_key;
    owner->ground.content_key = rater->content_key;
    owner->ground.forward_key = rater->forward_key;
    ENSURE(judge_open(&owner->ground.judge, rater->catalogue, rater->secret_hex, &fault) == ERR_OK);
    owner->ground.base_position = owner->row.base_position;
    owner->ground.quarantine_rows = rater->quarantine_rows;
    owner->ground.sends_on = owner->row.counted_seq >= 0;
    owner->ground.judge.partition = owner->ground.sends_on ? -1 : owner->partition;
    owner->ground.judge.partition_count = rater->options.partitions;
    owner->ground.judge.coverage_start = dedup_index_coverage_start(owner->index);
}

static void source_start(struct owner *owner)
{
    const struct rater_source *source = owner->rater->options.source;
    struct fault fault = {0};
    enum err err = source->start(source->context, owner->partition, batch_next_offset(owner->batch), &fault);
    if (!err || err == ERR_NOT_FOUND) { // not ours any more: the revocation is on its way
        owner->restart = false;
        return;
    }
    log_warn("partition_start_failed", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
    owner->wake_us = clock_monotonic_us() + SECOND_US;
}

void owner_rating_begin(struct owner *owner)
{
    struct rater *rater = owner->rater;
    struct fault fault = {0};
    owner->retry_quarantine = owner->retry_ranges = owner->restart = true;
    owner->retry_after = 0;
    owner->message_us = owner->marker_us = clock_monotonic_us();
    owner->begun = false;
    owner_batch_begin(owner);
    owner_move(owner, PARTITION_RATING);
    if (owner->row.parked && partition_row_park(rater->db, &owner->row, NULL, &fault))
        log_warn("partition_unparked_unsaid", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
    if (rater->options.counters) counters_feed_assign(rater->options.counters, rater->catalogue, &owner->row);
    source_start(owner);
}

static void step_rebuilding(struct owner *owner, int64_t until_us)
{
    struct rater *rater = owner->rater;
    struct fault fault = {0};
    bool done = false;
    enum err err = rebuild_step(owner->rebuild, until_us, &done, &fault);
    if (err == ERR_CONFLICT || err == ERR_LIMIT) {
        owner_park(owner, "%s", fault.reason);
    } else if (err) {
        log_warn("rebuild_interrupted", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
        rater_db_failed(rater, err, &fault);
        owner->wake_us = clock_monotonic_us() + SECOND_US;
        owner_move(owner, PARTITION_WAITING);
    } else if (done) {
        rebuild_free(owner->rebuild);
        owner->rebuild = NULL;
        owner_rating_begin(owner);
    }
}

// --- rating

// May this message be fed? What was fed before a restart is left out. A gap is believed only when a fresh start shows
// the same first offset again (rules 3.3).
static bool in_turn(struct owner *owner, int64_t offset)
{
    int64_t expected = batch_next_offset(owner->batch);
    if (offset < expected) return false;
    if (offset == expected) {
        owner->gap_offset = -1;
        return true;
    }
    if (owner->gap_offset == offset) {
        log_warn("log_gap", LOG_INT("partition", owner->partition), LOG_INT("from", expected), LOG_INT("to", offset));
        owner->gap_offset = -1;
        return true;
    }
    owner->gap_offset = offset;
    owner->restart = true;
    return false;
}

void owner_feed(struct owner *owner, const struct bus_message *message)
{
    if (owner->state != PARTITION_RATING || owner->restart) return;
    if (!in_turn(owner, message->offset)) return;
    if (message->received_time == INSTANT_NONE) {
        owner_park(owner,
                   "the message at offset %lld has no LogAppendTime: the topic's message.timestamp.type is wrong",
                   (long long)message->offset);
        return;
    }
    if (message->received_time > owner->rater->feed_jump) {
        char received[INSTANT_TEXT_MAX];
        instant_print(message->received_time, received);
        owner_park(owner,
                   "the message at offset %lld was received at %s, more than an hour ahead of the database's clock",
                   (long long)message->offset, received);
        return;
    }
    owner->message_us = owner->rater->feed_us;
    if (!owner->batch_us) owner->batch_us = owner->message_us;
    int64_t bad_marks = batch_bad_marks(owner->batch);
    batch_feed(owner->batch, &owner->ground, message);
    if (batch_bad_marks(owner->batch) > bad_marks)
        log_warn("forward_mark_invalid", LOG_INT("partition", owner->partition), LOG_INT("offset", message->offset),
                 LOG_TEXT("action", "read as a message without one"));
}

void owner_batch_drop(struct owner *owner)
{
    owner_batches_forget(owner);
    owner_batch_begin(owner);
    owner->restart = true;
    source_start(owner);
}

static void step_rating(struct owner *owner)
{
    struct fault fault = {0};
    if (owner->restart) source_start(owner);
    enum err err = owner_proceed(owner, &fault);
    if (err) {
        rater_db_failed(owner->rater, err, &fault);
        owner->wake_us = clock_monotonic_us() + SECOND_US / 10;
    }
    if (owner->state == PARTITION_RATING) marker_step(owner);
}

void owner_take_again(struct owner *owner)
{
    owner_batches_forget(owner); // one that was committed after all still goes to the counters
    if (owner->state == PARTITION_RATING && owner->rater->options.counters)
        counters_feed_revoke(owner->rater->options.counters, owner->partition);
    owner_indexes_free(owner);
    owner->wake_us = 0;
    owner->taken = false;
    if (owner->state != PARTITION_WAITING) owner_move(owner, PARTITION_WAITING);
}

void owner_step(struct owner *owner, int64_t until_us)
{
    if (clock_monotonic_us() < owner->wake_us) return;
    switch (owner->state) {
    case PARTITION_WAITING:
        owner_open(owner);
        break;
    case PARTITION_REBUILDING:
        step_rebuilding(owner, until_us);
        break;
    case PARTITION_RATING:
        step_rating(owner);
        break;
    case PARTITION_LOST:
        owner_move(owner, PARTITION_WAITING);
        break;
    case PARTITION_NONE:
    case PARTITION_PARKED:
        break;
    }
}
