// SPDX-License-Identifier: Apache-2.0
// The frame around the partitions: connection, catalogue, clock, and who is called when. What a partition does is in
// owner.c.
#include "rating/rater.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crash_point.h"
#include "common/file.h"
#include "common/log.h"
#include "rating/rater_internal.h"

#define RECEIVED_JUMP_US HOUR_US // ahead of the database's clock (rules 1.4)

enum {
    BATCH_BYTES_MAX = 512 << 20, // of messages
    BATCH_MEMORY_LEAST = 1 << 20,
    POLL_US = 1000000,
    OPENING_TURN_US = 5000000,
    OPENING_SLICE_US = 100000, // of a tick, for all partitions that are being opened
    IDLE_TICK_MS = 100,
    COMMITTING_TICK_MS = 5, // while a commit is under way
    BACKOFF_LEAST_MS = 100,
    BACKOFF_MOST_MS = 5000
};

// --- making

static enum err keys_read(struct rater *rater, struct fault *fault)
{
    struct text secret = {0};
    const char *path = config_text(rater->options.config, "secrets.identity_key_file");
    if (!path) return fault_set(fault, ERR_INVALID, "secrets.identity_key_file", "is not set");
    enum err err = secret_read(path, &secret, fault);
    if (!err) err = hash_key_derive(secret.data, "identity", &rater->identity_key, fault);
    if (!err) err = hash_key_derive(secret.data, "content", &rater->content_key, fault);
    if (!err) err = hash_key_derive(secret.data, "forward", &rater->forward_key, fault);
    if (!err) rater->secret_hex = heap_text(secret.data);
    text_free(&secret);
    return err;
}

enum err rater_new(const struct rater_options *options, struct rater **made, struct fault *fault)
{
    struct rater *rater = heap_alloc(sizeof *rater);
    rater->options = *options;
    rater->duplicates = duplicate_tally_new();
    rater->backoff = BACKOFF(BACKOFF_LEAST_MS, BACKOFF_MOST_MS);
    rater->owners = heap_alloc((size_t)options->partitions * sizeof(struct owner *));
    rater->kept = heap_alloc((size_t)options->partitions * sizeof *rater->kept);
    rater->index_keep_us = config_int(options->config, "rate.index_keep") * 1000;
    rater->own_budget.limit_bytes = config_int(options->config, "rate.index_memory");
    rater->own_budget.folder = options->index_folder;
    rater->budget = options->budget ? options->budget : &rater->own_budget;
    rater->budget->give_way = kept_index_give_way; // of older raters nothing is kept: they only send on
    rater->budget->give_way_context = rater;
    rater->flush_us = config_int(options->config, "rate.flush_interval") * 1000;
    rater->flush_most_us = config_int(options->config, "rate.flush_interval_most") * 1000;
    rater->quarantine_rows = config_int(options->config, "rate.quarantine_rows");
    rater->flush_events = config_int(options->config, "rate.flush_events");
    rater->marker_us = config_int(options->config, "rate.marker_interval") * 1000;
    rater->flush_bytes = BATCH_BYTES_MAX;
    rater->wished = INSTANT_MIN;
    enum err err = keys_read(rater, fault);
    if (!err) err = committer_open(options->config, &rater->committer, fault);
    if (err) {
        rater_free(rater);
        return err;
    }
    *made = rater;
    return ERR_OK;
}

void rater_free(struct rater *rater)
{
    if (!rater) return;
    for (int i = 0; i < rater->options.partitions; i++)
        owner_free(rater->owners[i]);
    free(rater->owners);
    kept_index_free_all(rater);
    free(rater->kept);
    if (rater->budget->give_way_context == rater) rater->budget->give_way = NULL;
    committer_close(rater->committer);
    duplicate_tally_free(rater->duplicates);
    catalogue_release(rater->catalogue);
    db_close(rater->db);
    free(rater->secret_hex);
    free(rater);
}

// --- connection

bool rater_connected(const struct rater *rater)
{
    return rater->db != NULL;
}

instant_us rater_now(const struct rater *rater)
{
    if (!rater->options.database_clock) return clock_now(rater->options.clock);
    return clock_monotonic_us() + rater->clock_offset_us;
}

static enum err clock_read(struct rater *rater, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(rater->db, "select clock_timestamp()", 0, NULL, &result, fault);
    if (!err) rater->clock_offset_us = db_get_instant(result, 0, 0) - clock_monotonic_us();
    db_result_free(result);
    return err;
}

struct db *rater_db(struct rater *rater)
{
    if (rater->db) return rater->db;
    struct fault fault = {0};
    if (clock_monotonic_us() < rater->connect_us) return NULL;
    enum err err = db_open(rater->options.config, "rate", NULL, &rater->db, &fault);
    if (!err) err = clock_read(rater, &fault);
    if (err) {
        rater_db_failed(rater, err, &fault);
        return NULL;
    }
    // it may be another server, or this one restored: nothing is taken for granted of any partition (rules 3.2)
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->owners[i] && rater->owners[i]->state == PARTITION_RATING) rater->owners[i]->doubtful = true;
    if (rater->away_said) log_info("database_back", LOG_TEXT("database", "postgres"));
    rater->away_said = false;
    backoff_reset(&rater->backoff);
    return rater->db;
}

void rater_db_failed(struct rater *rater, enum err err, const struct fault *fault)
{
    if (rater->db && db_alive(rater->db) && err != ERR_UNCERTAIN) {
        log_warn("database_statement_failed", LOG_TEXT("error", err_name(err)), LOG_FAULT(fault));
        return;
    }
    db_close(rater->db);
    rater->db = NULL;
    int64_t wait_ms = backoff_next_ms(&rater->backoff);
    rater->connect_us = clock_monotonic_us() + wait_ms * 1000;
    if (!rater->away_said)
        log_warn("database_away", LOG_TEXT("action", "rating waits and goes on by itself"),
                 LOG_TEXT("error", err_name(err)), LOG_FAULT(fault));
    rater->away_said = true;
}

// --- catalogue

static void catalogue_replace(struct rater *rater, struct catalogue *catalogue)
{
    int64_t before = rater->catalogue ? catalogue_version(rater->catalogue) : 0;
    // rows of a batch in hand point into the old one
    for (int i = 0; i < rater->options.partitions; i++) {
        struct owner *owner = rater->owners[i];
        if (!owner || owner->state != PARTITION_RATING) continue;
        owner->retry_quarantine = owner->retry_ranges = true;
        owner->retry_after = 0;
        if (owner_pending(owner))
            owner_batch_drop(owner);
        else
            owner_batch_begin(owner);
    }
    catalogue_release(rater->catalogue);
    rater->catalogue = catalogue;
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->owners[i] && rater->owners[i]->state == PARTITION_RATING) owner_batch_begin(rater->owners[i]);
    log_info("catalogue_loaded", LOG_INT("version", catalogue_version(catalogue)), LOG_INT("before", before));
}

// Is it known of every batch that was handed over what became of it? Waits for those that are being committed.
static bool batches_settle(struct rater *rater)
{
    struct fault fault = {0};
    bool settled = true;
    for (int i = 0; i < rater->options.partitions; i++) {
        struct owner *owner = rater->owners[i];
        if (!owner || owner->state != PARTITION_RATING) continue;
        enum err err = owner_settle(owner, &fault);
        if (err) rater_db_failed(rater, err, &fault);
        settled = settled && !owner->doubtful;
    }
    return settled && rater->db;
}

enum err rater_catalogue_refresh(struct rater *rater, struct fault *fault)
{
    int64_t newest = 0;
    struct db *db = rater_db(rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    enum err err = catalogue_newest(db, &newest, fault);
    if (err) return err;
    if (rater->catalogue && catalogue_version(rater->catalogue) == newest) return ERR_OK;
    if (!batches_settle(rater)) return ERR_OK; // asked again later
    struct catalogue *catalogue = NULL;
    err = catalogue_load(rater->db, 0, &catalogue, fault);
    if (!err) catalogue_replace(rater, catalogue);
    return err;
}

// --- assignment

// A partition has two batches; all of them together stay within the setting. What is only sent on takes little: the
// batches of an older incarnation have an eighth of it beside those of the one that counts.
static void memory_share(struct rater *rater)
{
    int64_t owned = 0;
    for (int i = 0; i < rater->options.partitions; i++)
        owned += rater->owners[i] != NULL;
    int64_t all = config_int(rater->options.config, "rate.batch_memory") / (rater->send_on_partitions ? 8 : 1);
    int64_t share = all / (2 * (owned > 0 ? owned : 1));
    rater->batch_memory = share > BATCH_MEMORY_LEAST ? share : BATCH_MEMORY_LEAST;
}

void rater_assign(struct rater *rater, int partition, int partition_count)
{
    if (partition < 0 || partition >= rater->options.partitions) {
        log_error("partition_unknown", LOG_INT("partition", partition),
                  LOG_INT("partitions", rater->options.partitions));
        return;
    }
    owner_free(rater->owners[partition]);
    rater->owners[partition] = owner_new(rater, partition, partition_count);
    memory_share(rater);
    log_info("partition_assigned", LOG_INT("partition", partition));
}

void rater_revoke(struct rater *rater, int partition)
{
    if (partition < 0 || partition >= rater->options.partitions || !rater->owners[partition]) return;
    struct owner *owner = rater->owners[partition];
    struct fault fault = {0};
    if (owner->state == PARTITION_RATING && owner_flush(owner, &fault))
        log_warn("partition_revoked_with_batch", LOG_INT("partition", partition),
                 LOG_TEXT("action", "the next owner reads it again"), LOG_FAULT(&fault));
    if (rater->options.counters) counters_feed_revoke(rater->options.counters, partition);
    if (owner->state == PARTITION_RATING) kept_index_put(owner);
    owner_free(owner);
    rater->owners[partition] = NULL;
    memory_share(rater);
    log_info("partition_revoked", LOG_INT("partition", partition));
}

void rater_send_on(struct rater *rater, int partitions)
{
    if (rater->send_on_partitions == partitions) return;
    rater->send_on_partitions = partitions;
    rater->outdated = false;
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->owners[i]) owner_take_again(rater->owners[i]);
    kept_index_free_all(rater);
    rater->options.counters = NULL;
    memory_share(rater);
}

bool rater_sends_on(const struct rater *rater)
{
    return rater->send_on_partitions > 0;
}

bool rater_is_outdated(const struct rater *rater)
{
    return rater->outdated;
}

void rater_stop(struct rater *rater, int partition, const char *reason)
{
    struct owner *owner = partition >= 0 && partition < rater->options.partitions ? rater->owners[partition] : NULL;
    if (owner && owner->state == PARTITION_RATING) owner_park(owner, "%s", reason);
}

void rater_feed(struct rater *rater, const struct bus_message *messages, int count)
{
    CRASH_POINT("rate.after_poll");
    rater->feed_us = clock_monotonic_us();
    rater->feed_jump = rater_now(rater) + RECEIVED_JUMP_US;
    for (int i = 0; i < count; i++) {
        int partition = messages[i].partition;
        if (partition < 0 || partition >= rater->options.partitions || !rater->owners[partition]) continue;
        struct owner *owner = rater->owners[partition];
        owner_feed(owner, &messages[i]);
        // what is fed at once is judged at once; the digest is only of its last message
        bool last = i + 1 == count || messages[i + 1].partition != partition;
        if (!last || owner->state != PARTITION_RATING) continue;
        batch_judge(owner->batch, &owner->ground);
        if (batch_next_offset(owner->batch) == messages[i].offset + 1 && !batch_empty(owner->batch))
            batch_digest(owner->batch, &messages[i]);
    }
}

bool rater_full(const struct rater *rater)
{
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->owners[i] && owner_full(rater->owners[i])) return true;
    return false;
}

void rater_waited(struct rater *rater, int64_t waited_us)
{
    flush_load_waited(&rater->load, waited_us);
}

void rater_wait(struct rater *rater, int timeout_ms)
{
    committer_wait_any(rater->committer, timeout_ms);
}

bool rater_pending(const struct rater *rater)
{
    for (int i = 0; i < rater->options.partitions; i++) {
        const struct owner *owner = rater->owners[i];
        if (owner && owner->state == PARTITION_RATING && owner_pending(owner)) return true;
    }
    return false;
}

// --- the tick

// Once a second: is there a newer catalogue, does a close wait, does somebody want a replay?
static void poll(struct rater *rater)
{
    struct fault fault = {0};
    enum err err = rater_catalogue_refresh(rater, &fault);
    if (!err && rater->db) err = clock_read(rater, &fault);
    if (!err && rater->db) err = marker_wish_read(rater->db, &rater->wished, &fault);
    for (int i = 0; !err && rater->db && i < rater->options.partitions; i++)
        if (rater->owners[i] && rater->owners[i]->state == PARTITION_RATING)
            err = replay_step(rater->owners[i], &fault);
    if (err) rater_db_failed(rater, err, &fault);
    identity_days_step(rater);
    kept_index_step(rater);
}

// In how many milliseconds the partition has something to do, as far as is known.
static int64_t owner_wake_ms(const struct owner *owner)
{
    if (owner->state == PARTITION_REBUILDING) return 0;
    if (owner->state != PARTITION_RATING) return IDLE_TICK_MS;
    if (owner->commit.batch) return COMMITTING_TICK_MS;
    int64_t due_us = owner_due_us(owner), now = clock_monotonic_us();
    if (due_us <= now) return 0;
    return due_us - now < IDLE_TICK_MS * INT64_C(1000) ? (due_us - now + 999) / 1000 : IDLE_TICK_MS;
}

static bool is_opening(const struct owner *owner)
{
    return owner->state == PARTITION_WAITING || owner->state == PARTITION_REBUILDING;
}

static int64_t step(struct rater *rater, int partition, int64_t until_us)
{
    struct owner *owner = rater->owners[partition];
    owner_step(owner, until_us);
    return owner_wake_ms(owner);
}

static void turn_begin(struct rater *rater, int partition)
{
    rater->opening = partition;
    rater->turn_us = clock_monotonic_us();
}

// Goes on with what is being opened for a slice of time, so that what is rating need not wait for long. Each has a turn of
// some seconds, so that the first ones rate early and none waits for one that is stuck. Returns when it wants to be called
// again.
static int64_t openings_step(struct rater *rater)
{
    int partitions = rater->options.partitions;
    int64_t now = clock_monotonic_us(), until_us = now + OPENING_SLICE_US, wake_ms = IDLE_TICK_MS;
    owners_take(rater);
    if (now >= rater->turn_us + OPENING_TURN_US) turn_begin(rater, (rater->opening + 1) % partitions);
    for (int i = 0, first = rater->opening; i < partitions; i++) {
        int partition = (first + i) % partitions;
        if (!rater->owners[partition] || !is_opening(rater->owners[partition])) continue;
        if (clock_monotonic_us() >= until_us) return 0;
        if (!rater_db(rater)) return IDLE_TICK_MS;
        if (partition != rater->opening) turn_begin(rater, partition);
        int64_t wanted_ms = step(rater, partition, until_us);
        if (wanted_ms < wake_ms) wake_ms = wanted_ms;
    }
    return wake_ms;
}

int rater_tick(struct rater *rater)
{
    struct fault fault = {0};
    if (!rater_db(rater)) return IDLE_TICK_MS;
    if (!rater->catalogue) {
        enum err err = rater_catalogue_refresh(rater, &fault);
        if (err) {
            rater_db_failed(rater, err, &fault);
            return IDLE_TICK_MS;
        }
    }
    int64_t now = clock_monotonic_us();
    flush_load_look(&rater->load, now);
    if (now >= rater->poll_us) {
        poll(rater);
        rater->poll_us = now + POLL_US;
    }
    int64_t wake_ms = IDLE_TICK_MS;
    for (int i = 0; i < rater->options.partitions; i++) {
        if (!rater->owners[i] || is_opening(rater->owners[i]) || !rater_db(rater)) continue;
        int64_t wanted_ms = step(rater, i, now);
        if (wanted_ms < wake_ms) wake_ms = wanted_ms;
    }
    int64_t wanted_ms = rater_db(rater) ? openings_step(rater) : IDLE_TICK_MS;
    if (wanted_ms < wake_ms) wake_ms = wanted_ms;
    return wake_ms > 0 ? (int)wake_ms : 0;
}

enum err rater_flush(struct rater *rater, struct fault *fault)
{
    if (!rater_db(rater)) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    enum err err = rater_catalogue_refresh(rater, fault);
    if (!err) owners_take(rater);
    for (int i = 0; !err && i < rater->options.partitions; i++) {
        struct owner *owner = rater->owners[i];
        if (!owner || !rater_db(rater)) continue;
        owner_step(owner, clock_monotonic_us() + OPENING_SLICE_US);
        if (owner->state == PARTITION_WAITING || owner->state == PARTITION_REBUILDING || owner->restart)
            err = fault_set(fault, ERR_RETRY, "", "partition %d is %s", i, partition_state_name(owner->state));
        else if (owner->state == PARTITION_RATING)
            err = owner_flush(owner, fault);
        if (!err && owner->state == PARTITION_RATING) err = replay_step(owner, fault);
    }
    if (err) rater_db_failed(rater, err, fault);
    return err;
}

// --- status

const char *partition_state_name(enum partition_state state)
{
    static const char *const names[] = {"none", "waiting", "rebuilding", "rating", "lost", "parked"};
    return names[state];
}

void rater_status(const struct rater *rater, int partition, struct partition_status *status)
{
    *status = (struct partition_status){.state = PARTITION_NONE, .watermark = INSTANT_MIN};
    if (partition < 0 || partition >= rater->options.partitions || !rater->owners[partition]) return;
    const struct owner *owner = rater->owners[partition];
    status->state = owner->state;
    memcpy(status->parked_reason, owner->parked_reason, sizeof status->parked_reason);
    status->batch_seq = owner->row.batch_seq;
    status->next_offset = owner->row.next_offset;
    status->watermark = owner->row.watermark;
    status->fed_offset = batch_next_offset(owner->batch);
    status->index_entries = owner->index ? dedup_index_count(owner->index) : 0;
}
