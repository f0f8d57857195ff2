// SPDX-License-Identifier: Apache-2.0
// How a partition's batches are committed. Two of them: one is fed while the one before it is with the committer. They
// form a stack (rules 3.3): the later one is judged against the index and the earlier one, and is handed over only when
// the earlier one is known to be committed. If the earlier one cannot be committed as it is, both are forgotten and the
// log is read again from the database's offset, by a fresh start.
#include <string.h>

#include "common/crash_point.h"
#include "common/log.h"
#include "rating/rater_internal.h"

enum { WINDOW_COMMITS = 4, WINDOW_COMMITS_MOST_US = 2000000, FLUSH_TRIES = 4 };

void owner_commits_init(struct owner *owner)
{
    owner->batch = batch_new();
    owner->spare = batch_new();
}

void owner_commits_free(struct owner *owner)
{
    owner_batches_forget(owner);
    batch_free(owner->batch);
    batch_free(owner->spare);
}

// --- what follows from an outcome

// When commits take long, fewer and larger batches put more events into a row.
static void commits_note(struct owner *owner, int64_t commit_us)
{
    int64_t wanted = commit_us * WINDOW_COMMITS;
    owner->commits_us = wanted < WINDOW_COMMITS_MOST_US ? wanted : WINDOW_COMMITS_MOST_US;
}

int64_t owner_window_us(const struct owner *owner)
{
    struct rater *rater = owner->rater;
    int64_t window_us = rater->flush_us, age_us = owner->batch_us ? clock_monotonic_us() - owner->batch_us : 0;
    // what was taken over is behind: its first commit comes early, whatever the load
    if (!owner->begun) return window_us;
    // younger than that it is not due, and its rate says little
    if (age_us < window_us || !flush_load_is_small(&rater->load, batch_events(owner->batch), age_us))
        window_us = flush_window_us(rater->load.permille, rater->flush_us, rater->flush_most_us);
    return window_us > owner->commits_us ? window_us : owner->commits_us;
}

static void names_bound(struct owner *owner)
{
    if (dedup_index_count(owner->known) > NAMES_KNOWN_MAX) dedup_index_clear(owner->known); // only a cache
}

static void index_take(struct owner *owner, const struct batch *batch)
{
    const struct catalogue *catalogue = owner->rater->catalogue;
    instant_us keep_from =
        owner->row.watermark - catalogue_longest_accept_us(catalogue) - catalogue_longest_future_us(catalogue);
    batch_take(batch, owner->index, owner->known);
    batch_sequences_take(batch, owner->sequences, owner->row.batch_seq);
    sequence_index_forget(owner->sequences, keep_from, 1024);
    names_bound(owner);
    dedup_index_note(owner->index, owner->row.base_position + owner->row.next_offset, owner->row.watermark);
    dedup_index_forget(owner->index, keep_from);
    dedup_index_sweep(owner->index, 1024 + 4 * batch_verdicts(batch)->count);
    owner->ground.judge.coverage_start = dedup_index_coverage_start(owner->index);
}

static void duplicates_tally(struct rater *rater, struct batch *batch)
{
    size_t count = 0;
    const struct tenant_duplicates *rows = batch_duplicates(batch, &count);
    for (size_t i = 0; i < count; i++)
        duplicate_tally_add(rater->duplicates, rows[i].tenant->number, rows[i].tenant->id, rows[i].events);
}

// The earlier batch is known to be committed; `after` is the row with it.
static void committed(struct owner *owner, const struct partition_row *after)
{
    struct rater *rater = owner->rater;
    struct batch *batch = owner->commit.batch;
    CRASH_POINT("rate.after_commit");
    owner->row = *after;
    owner->begun = true;
    index_take(owner, batch);
    commits_note(owner, owner->commit.took_us);
    owner_metrics_batch(owner, batch_verdicts(batch), owner->commit.took_us);
    duplicates_tally(rater, batch);
    if (rater->options.counters) {
        size_t count = 0;
        const struct usage_row *const *usage = batch_usage(batch, &count);
        counters_feed_batch(rater->options.counters, rater->catalogue, after, usage, count);
    }
    owner->spare = batch;
    owner->commit.batch = NULL;
    owner->ground.earlier = NULL;
    owner_metrics_state(owner);
}

void owner_batches_forget(struct owner *owner)
{
    struct committer *committer = owner->rater->committer;
    committer_wait(committer, &owner->commit);
    if (committer_take(committer, &owner->commit) && owner->commit.err == ERR_OK)
        committed(owner, &owner->commit.after);
    if (owner->commit.batch) owner->spare = owner->commit.batch;
    owner->commit.batch = NULL;
    owner->ground.earlier = NULL;
    owner->doubtful = owner->refused = false;
    owner->batch_us = 0;
    owner_forward_forget(owner);
    batch_begin(owner->batch, owner->row.next_offset, owner->row.watermark);
}

static void lose(struct owner *owner, const struct partition_row *row)
{
    if (owner->rater->options.counters) counters_feed_revoke(owner->rater->options.counters, owner->partition);
    log_warn("partition_lost", LOG_INT("partition", owner->partition), LOG_INT("epoch", owner->row.epoch),
             LOG_INT("their_epoch", row->epoch));
    owner->row = *row;
    if (row->counted_seq >= 0 && !owner->rater->send_on_partitions) owner->rater->outdated = true;
    owner_batches_forget(owner);
    owner_indexes_free(owner);
    owner->wake_us = clock_monotonic_us() + LOST_WAIT_MS * INT64_C(1000);
    owner_move(owner, PARTITION_LOST);
}

// The row is as it was before the batch. A batch whose answer was lost may be tried again as it is; one that was
// refused was judged by a catalogue that is not the newest, or replayed a row that was closed meanwhile.
static void nothing_written(struct owner *owner)
{
    if (!owner->refused) return;
    if (owner->commit.err == ERR_DUPLICATE) { // nobody else's: rows of a batch that the partition does not know
        owner_park(owner, "PostgreSQL refused batch %lld: %s", (long long)owner->row.batch_seq + 1,
                   owner->commit.fault.reason);
        return;
    }
    owner_batch_drop(owner);
    owner->rater->poll_us = 0;
}

// Reads the row after a try whose outcome is not known, or that found another row (rules 3.4).
static enum err resolve(struct owner *owner, struct fault *fault)
{
    struct partition_row row;
    struct db *db = rater_db(owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    enum err err = partition_row_read(db, owner->rater->options.incarnation, owner->partition, &row, fault);
    if (err) return err;
    owner->doubtful = false;
    if (row.epoch != owner->row.epoch || row.epoch_nonce != owner->row.epoch_nonce) {
        lose(owner, &row);
    } else if (owner->commit.batch && batch_was_committed(owner->commit.batch, row.head)) {
        log_info("commit_found", LOG_INT("partition", owner->partition), LOG_INT("batch_seq", row.batch_seq));
        owner->refused = false;
        committed(owner, &row);
    } else if (row.batch_seq == owner->row.batch_seq && memcmp(row.head, owner->row.head, SHA256_BYTES) == 0) {
        nothing_written(owner);
    } else {
        log_error("partition_head_unknown", LOG_INT("partition", owner->partition), LOG_INT("batch_seq", row.batch_seq),
                  LOG_TEXT("action", "the index is rebuilt"));
        owner_batches_forget(owner);
        owner_move(owner, PARTITION_WAITING);
    }
    return ERR_OK;
}

// The outcome of the committer's last try, if there is one that was not seen to.
static enum err outcome_take(struct owner *owner, struct fault *fault)
{
    struct commit *commit = &owner->commit;
    if (!committer_take(owner->rater->committer, commit)) return ERR_OK;
    if (fault) *fault = commit->fault;
    switch (commit->err) {
    case ERR_OK:
        committed(owner, &commit->after);
        return ERR_OK;
    case ERR_CONFLICT:
    case ERR_DUPLICATE: // another owner has committed a batch of this number
        owner->doubtful = owner->refused = true;
        return ERR_OK;
    case ERR_UNCERTAIN:
        log_warn("commit_uncertain", LOG_INT("partition", owner->partition), LOG_FAULT(&commit->fault));
        owner->doubtful = true;
        return ERR_OK;
    case ERR_RETRY:
    case ERR_LIMIT:
        owner->rater->poll_us = 0; // is our own connection alive?
        return commit->err;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_BUG:
        break;
    }
    owner_park(owner, "PostgreSQL refused batch %lld: %s", (long long)owner->row.batch_seq + 1, commit->fault.reason);
    return ERR_OK;
}

// --- handing over

// Gives the committer the batch that is to be tried again or else the one that was fed, and feeds another. Not before
// what it sends on to other partitions is in the log.
static void hand_over(struct owner *owner)
{
    struct rater *rater = owner->rater;
    struct commit *commit = &owner->commit;
    struct fault fault = {0};
    if (!commit->batch) {
        if (batch_reserve(owner->batch, owner->index, &fault) ||
            batch_sequences_pack(owner->batch, owner->sequences, owner->row.batch_seq + 1, &fault)) {
            owner_park(owner, "%s", fault.reason);
            return;
        }
        commit->batch = owner->batch;
        owner->batch = owner->spare;
        owner->spare = NULL;
        owner_forward_forget(owner);
        owner_batch_begin(owner);
    }
    if (!owner_forwarded(owner)) return;
    commit->before = owner->row;
    commit->catalogue_version = catalogue_version(rater->catalogue);
    committer_submit(rater->committer, commit);
}

static bool is_large(const struct owner *owner)
{
    const struct rater *rater = owner->rater;
    return batch_events(owner->batch) >= rater->flush_events || batch_bytes(owner->batch) >= rater->flush_bytes ||
           batch_memory(owner->batch) >= rater->batch_memory;
}

int64_t owner_due_us(const struct owner *owner)
{
    const struct rater *rater = owner->rater;
    if (batch_empty(owner->batch)) return INT64_MAX;
    if (is_large(owner)) return 0;
    if (!batch_only_markers(owner->batch)) return owner->batch_us + owner_window_us(owner);
    bool wished = rater->wished > owner->row.watermark && batch_watermark(owner->batch) > owner->row.watermark;
    return wished ? 0 : owner->batch_us + MINUTE_US; // rules 1.4
}

enum err owner_proceed(struct owner *owner, struct fault *fault)
{
    if (committer_busy(owner->rater->committer, &owner->commit)) return ERR_OK;
    enum err err = owner_settle(owner, fault);
    if (err || owner->state != PARTITION_RATING) return err;
    if (owner->commit.batch || clock_monotonic_us() >= owner_due_us(owner)) hand_over(owner);
    return ERR_OK;
}

enum err owner_settle(struct owner *owner, struct fault *fault)
{
    committer_wait(owner->rater->committer, &owner->commit);
    enum err err = outcome_take(owner, fault);
    return !err && owner->doubtful ? resolve(owner, fault) : err;
}

enum err owner_flush(struct owner *owner, struct fault *fault)
{
    for (int tries = 0; tries < FLUSH_TRIES; tries++) {
        enum err err = owner_settle(owner, fault);
        if (err || owner->state != PARTITION_RATING || !owner_pending(owner)) return err;
        hand_over(owner);
    }
    return fault_set(fault, ERR_RETRY, "", "partition %d is not committed yet", owner->partition);
}

bool owner_pending(const struct owner *owner)
{
    return owner->commit.batch || !batch_empty(owner->batch);
}

bool owner_full(const struct owner *owner)
{
    return owner->state == PARTITION_RATING && is_large(owner);
}
