// SPDX-License-Identifier: Apache-2.0
// Rebuilds the dedup index of a partition: the log is read again from where the dedup window begins, and what entered
// the index is decided by the verdicts of rating.batch, never by judging again (rules 3.1, 5.3). On the way the chain
// is checked: heads link, counts agree, the last message of every batch has its digest.
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/event_cursor.h"
#include "rating/rater_internal.h"

enum {
    BATCHES_AT_ONCE = 512,
    MESSAGES_AT_ONCE = 500,
    CLOSED_AT_ONCE = 10000,
    ARENA_BYTES = 1 << 20,
    PROGRESS_US = 5000000
};

// A row of rating.batch that is being walked.
struct walked {
    int64_t batch_seq, first_offset, next_offset, events, verdict_at;
    instant_us watermark;
    bool has_digest;
    unsigned char digest[SHA256_BYTES];
    size_t verdict_bytes;
    unsigned char *verdicts;
};

struct rebuild {
    struct owner *owner;
    int64_t keep_seq;                 // batches up to this one are outside of the window
    int64_t start_offset;             // where the log is read from
    int64_t read_seq;                 // last row of rating.batch that was read
    unsigned char head[SHA256_BYTES]; // of read_seq
    struct walked *batches;
    size_t batch_count, batch_at;
    struct arena *batch_arena, *event_arena;
    void *range;
    bool log_done, counted_done;
    int64_t closed_after; // number of the last quarantine row that was read
    struct usage_event event;
    struct event_faults faults;
    struct event_cursor cursor;
    unsigned char message_digest[SHA256_BYTES];
    int64_t entries, events, started_us, said_us, offset;
};

// --- where to begin

// Watermark, next offset and head after a batch.
static enum err batch_row_read(struct db *db, const struct owner *owner, int64_t batch_seq, instant_us *watermark,
                               int64_t *next_offset, unsigned char head[SHA256_BYTES], struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    unsigned char *bytes = NULL;
    enum err err = db_query(db,
                            "select watermark, next_offset, head\n"
                            "  from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq = $3::bigint",
                            3,
                            (const char *[]){db_int(arena, owner->row.incarnation), db_int(arena, owner->partition),
                                             db_int(arena, batch_seq)},
                            &result, fault);
    if (!err && db_rows(result) != 1)
        err = fault_set(fault, ERR_CONFLICT, "rating.batch", "batch %lld is missing from the chain",
                        (long long)batch_seq);
    if (!err) {
        *watermark = db_get_instant(result, 0, 0);
        *next_offset = db_get_int(result, 0, 1);
        if (db_get_bytes(result, arena, 0, 2, &bytes) == SHA256_BYTES) memcpy(head, bytes, SHA256_BYTES);
    }
    db_result_free(result);
    arena_free(arena);
    return err;
}

// The last batch below the window, found by halving: batch_seq has no holes and watermarks never fall. 0: none.
static enum err window_find(struct rebuild *rebuild, struct db *db, instant_us keep_from, instant_us *watermark,
                            struct fault *fault)
{
    int64_t outside = 0, inside = rebuild->owner->row.batch_seq + 1; // outside: watermark < keep_from
    while (inside - outside > 1) {
        int64_t middle = outside + (inside - outside) / 2, offset = 0;
        instant_us at = INSTANT_MIN;
        unsigned char head[SHA256_BYTES];
        enum err err = batch_row_read(db, rebuild->owner, middle, &at, &offset, head, fault);
        if (err) return err;
        if (at < keep_from) {
            outside = middle;
            *watermark = at;
            rebuild->start_offset = offset;
            memcpy(rebuild->head, head, SHA256_BYTES);
        } else {
            inside = middle;
        }
    }
    rebuild->keep_seq = rebuild->read_seq = outside;
    return ERR_OK;
}

static enum err range_open(struct rebuild *rebuild, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    const struct rater_source *source = owner->rater->options.source;
    int64_t low = 0, high = 0;
    if (rebuild->start_offset >= owner->row.next_offset) {
        rebuild->log_done = true;
        return ERR_OK;
    }
    enum err err = source->bounds(source->context, owner->partition, &low, &high, fault);
    if (err) return err;
    if (rebuild->start_offset < low)
        return fault_set(fault, ERR_CONFLICT, "kafka",
                         "the dedup window begins at offset %lld, but the log at %lld: identities are missing",
                         (long long)rebuild->start_offset, (long long)low);
    return source->range_open(source->context, owner->partition, rebuild->start_offset, owner->row.next_offset,
                              &rebuild->range, fault);
}

enum err rebuild_open(struct owner *owner, struct rebuild **opened, struct fault *fault)
{
    struct rater *rater = owner->rater;
    struct rebuild *rebuild = heap_alloc(sizeof *rebuild);
    rebuild->owner = owner;
    rebuild->batch_arena = arena_new(ARENA_BYTES);
    rebuild->event_arena = arena_new(ARENA_BYTES);
    rebuild->started_us = rebuild->said_us = clock_monotonic_us();
    instant_us watermark = INSTANT_MIN, keep_from = INSTANT_MIN;
    if (owner->row.watermark != INSTANT_MIN)
        keep_from = owner->row.watermark - catalogue_longest_accept_us(rater->catalogue) -
                    catalogue_longest_future_us(rater->catalogue);
    enum err err = window_find(rebuild, rater->db, keep_from, &watermark, fault);
    if (!err && rebuild->keep_seq > 0) dedup_index_start_at(owner->index, rebuild->start_offset, watermark);
    rebuild->offset = rebuild->start_offset;
    if (!err) err = range_open(rebuild, fault);
    if (err) {
        rebuild_free(rebuild);
        return err;
    }
    *opened = rebuild;
    return ERR_OK;
}

void rebuild_free(struct rebuild *rebuild)
{
    if (!rebuild) return;
    if (rebuild->range) rebuild->owner->rater->options.source->range_close(rebuild->range);
    free(rebuild->batches);
    arena_free(rebuild->batch_arena);
    arena_free(rebuild->event_arena);
    free(rebuild);
}

// --- the chain

static enum err chain_broken(const struct rebuild *rebuild, int64_t batch_seq, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_CONFLICT, "rating.batch", "partition %d, batch %lld: %s", rebuild->owner->partition,
                     (long long)batch_seq, what);
}

static enum err walked_read(struct rebuild *rebuild, const struct db_result *result, int at, struct fault *fault)
{
    struct walked *batch = &rebuild->batches[at];
    struct arena *arena = rebuild->batch_arena;
    unsigned char *previous = NULL, *head = NULL, *digest = NULL;
    *batch = (struct walked){
        .batch_seq = db_get_int(result, at, 0),
        .first_offset = db_get_int(result, at, 1),
        .next_offset = db_get_int(result, at, 2),
        .watermark = db_get_instant(result, at, 3),
        .events = db_get_int(result, at, 4),
    };
    batch->verdict_bytes = db_get_bytes(result, arena, at, 5, &batch->verdicts);
    batch->has_digest = db_get_bytes(result, arena, at, 6, &digest) == SHA256_BYTES;
    if (batch->has_digest) memcpy(batch->digest, digest, SHA256_BYTES);
    if (db_get_bytes(result, arena, at, 7, &previous) != SHA256_BYTES ||
        db_get_bytes(result, arena, at, 8, &head) != SHA256_BYTES)
        return chain_broken(rebuild, batch->batch_seq, "a head is not 32 bytes", fault);
    if (batch->batch_seq != rebuild->read_seq + 1)
        return chain_broken(rebuild, rebuild->read_seq + 1, "the row is missing", fault);
    if (memcmp(previous, rebuild->head, SHA256_BYTES) != 0)
        return chain_broken(rebuild, batch->batch_seq, "does not link to the head of the batch before", fault);
    memcpy(rebuild->head, head, SHA256_BYTES);
    rebuild->read_seq = batch->batch_seq;
    return ERR_OK;
}

// Reads the next rows of rating.batch. At the end the head must be the partition's.
static enum err batches_read(struct rebuild *rebuild, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    struct db *db = rater_db(owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    arena_reset(rebuild->batch_arena);
    struct arena *arena = rebuild->batch_arena;
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, owner->row.incarnation), db_int(arena, owner->partition),
                                  db_int(arena, rebuild->read_seq), db_int(arena, owner->row.batch_seq),
                                  db_int(arena, BATCHES_AT_ONCE)};
    enum err err = db_query(db,
                            "select batch_seq, first_offset, next_offset, watermark, events, verdicts, last_digest,\n"
                            "       previous_head, head\n"
                            "  from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq > $3::bigint\n"
                            "   and batch_seq <= $4::bigint\n"
                            " order by batch_seq\n"
                            " limit $5::int",
                            5, values, &result, fault);
    if (err) return err;
    rebuild->batch_count = (size_t)db_rows(result);
    rebuild->batch_at = 0;
    rebuild->batches = heap_grow(rebuild->batches, sizeof *rebuild->batches, rebuild->batch_count + 1);
    for (int i = 0; !err && i < db_rows(result); i++)
        err = walked_read(rebuild, result, i, fault);
    db_result_free(result);
    if (!err && rebuild->read_seq == owner->row.batch_seq && memcmp(rebuild->head, owner->row.head, SHA256_BYTES) != 0)
        err = chain_broken(rebuild, rebuild->read_seq, "is not the head of the partition", fault);
    return err;
}

// A batch whose messages were all walked: do its counts and its last message agree?
static enum err batch_finish(struct rebuild *rebuild, struct walked *batch, struct fault *fault)
{
    if (batch->verdict_at != batch->events && batch->next_offset != batch->first_offset)
        return chain_broken(rebuild, batch->batch_seq, "the log has another number of events than verdicts", fault);
    if (batch->has_digest && memcmp(batch->digest, rebuild->message_digest, SHA256_BYTES) != 0)
        return chain_broken(rebuild, batch->batch_seq, "the last message is not the one that was counted", fault);
    dedup_index_note(rebuild->owner->index, batch->next_offset, batch->watermark);
    return ERR_OK;
}

// The batch of an offset, or ERR_NOT_FOUND behind the last one; batches before it are finished.
static enum err batch_of(struct rebuild *rebuild, int64_t offset, struct walked **found, struct fault *fault)
{
    for (;;) {
        if (rebuild->batch_at == rebuild->batch_count) {
            if (rebuild->read_seq == rebuild->owner->row.batch_seq) return ERR_NOT_FOUND;
            enum err err = batches_read(rebuild, fault);
            if (err) return err;
            continue;
        }
        struct walked *batch = &rebuild->batches[rebuild->batch_at];
        if (offset < batch->next_offset) {
            *found = batch;
            return ERR_OK;
        }
        enum err err = batch_finish(rebuild, batch, fault);
        if (err) return err;
        rebuild->batch_at++;
    }
}

// --- the log

static enum err entry_put(struct rebuild *rebuild, const struct dedup_entry *entry, struct fault *fault)
{
    enum err err = dedup_index_reserve(rebuild->owner->index, entry, 1, fault);
    if (err) return err;
    dedup_index_put(rebuild->owner->index, entry);
    rebuild->entries++;
    return ERR_OK;
}

static enum err event_put(struct rebuild *rebuild, const struct walked *batch, int64_t offset, struct fault *fault)
{
    const struct rater *rater = rebuild->owner->rater;
    const struct usage_event *event = &rebuild->event;
    rebuild->faults.count = 0;
    if (event_decode(rebuild->cursor.raw, &rater->content_key, rebuild->event_arena, &rebuild->event, &rebuild->faults))
        return chain_broken(rebuild, batch->batch_seq, "an event that was counted cannot be read", fault);
    struct dedup_entry entry = {
        .identity = event_identity(&rater->identity_key, event->subject, event->source, event->id),
        .content = event->content.high,
        .offset = offset,
        .event_index = rebuild->cursor.index,
    };
    return entry_put(rebuild, &entry, fault);
}

static enum err message_walk(struct rebuild *rebuild, const struct bus_message *message, struct fault *fault)
{
    struct walked *batch = NULL;
    enum err err = batch_of(rebuild, message->offset, &batch, fault);
    if (err == ERR_NOT_FOUND)
        return fault_set(fault, ERR_CONFLICT, "kafka", "no batch has the message at offset %lld",
                         (long long)message->offset);
    if (err) return err;
    event_cursor_open(&rebuild->cursor, message, rebuild->event_arena);
    for (enum event_step step; (step = event_cursor_next(&rebuild->cursor)) != EVENT_END; batch->verdict_at++) {
        enum verdict verdict;
        if (verdict_read(batch->verdicts, batch->verdict_bytes, batch->events, batch->verdict_at, &verdict))
            return chain_broken(rebuild, batch->batch_seq, "the log has another number of events than verdicts", fault);
        rebuild->events++;
        if (verdict != VERDICT_COUNTED) continue;
        if (step != EVENT_RAW) return chain_broken(rebuild, batch->batch_seq, "a counted event is damaged", fault);
        err = event_put(rebuild, batch, message->offset, fault);
        if (err) return err;
    }
    if (message->offset == batch->next_offset - 1) sha256_of(message->data, message->length, rebuild->message_digest);
    rebuild->offset = message->offset + 1;
    return ERR_OK;
}

static enum err log_step(struct rebuild *rebuild, struct fault *fault)
{
    const struct rater_source *source = rebuild->owner->rater->options.source;
    struct bus_message messages[MESSAGES_AT_ONCE];
    int count = 0;
    enum err err = source->range_read(rebuild->range, messages, MESSAGES_AT_ONCE, &count, fault);
    if (err == ERR_NOT_FOUND) {
        struct walked *batch = NULL;
        rebuild->log_done = true;
        err = batch_of(rebuild, rebuild->owner->row.next_offset, &batch, fault); // finishes what is left
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (err) return err;
    for (int i = 0; !err && i < count; i++)
        err = message_walk(rebuild, &messages[i], fault);
    if (count > 0) source->range_release(rebuild->range, messages, count);
    arena_reset(rebuild->event_arena);
    return err;
}

// --- quarantine: rows that a replay counted, and rows that hold their identity

static enum err closed_put(struct rebuild *rebuild, const struct db_result *result, struct fault *fault)
{
    enum err err = ERR_OK;
    for (int i = 0; !err && i < db_rows(result); i++) {
        rebuild->closed_after = db_get_int(result, i, 0);
        struct dedup_entry found, entry = {
                                      .identity = db_get_uuid(result, i, 1),
                                      .content = db_get_uuid(result, i, 2).high,
                                      .offset = db_get_int(result, i, 3),
                                      .event_index = (int32_t)db_get_int(result, i, 4),
                                      .held = db_get_bool(result, i, 5),
                                  };
        // what the log says of an identity is nearer to what was counted than the row that it closed
        if (!dedup_index_find(rebuild->owner->index, entry.identity, &found) || found.held)
            err = entry_put(rebuild, &entry, fault);
    }
    return err;
}

static enum err quarantine_step(struct rebuild *rebuild, bool *done, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    struct db *db = rater_db(owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, owner->row.incarnation), db_int(arena, owner->partition),
                                  db_int(arena, rebuild->start_offset), db_int(arena, rebuild->closed_after),
                                  db_int(arena, CLOSED_AT_ONCE)};
    enum err err = db_query(db,
                            "select quarantine, identity, content, message_offset, event_index, state = 'open'\n"
                            "  from rating.quarantine\n"
                            " where incarnation = $1::int and partition = $2::int and identity is not null\n"
                            "   and reason <> 'misrouted' and quarantine > $4::bigint\n"
                            "   and (state = 'open' or (state = 'counted' and message_offset >= $3::bigint))\n"
                            " order by quarantine\n"
                            " limit $5::int",
                            5, values, &result, fault);
    if (!err) {
        err = closed_put(rebuild, result, fault);
        *done = db_rows(result) < CLOSED_AT_ONCE;
    }
    db_result_free(result);
    arena_free(arena);
    return err;
}

// --- progress

static void progress_say(struct rebuild *rebuild, bool done)
{
    int64_t now = clock_monotonic_us();
    if (!done && now - rebuild->said_us < PROGRESS_US) return;
    rebuild->said_us = now;
    int64_t all = rebuild->owner->row.next_offset - rebuild->start_offset,
            read = rebuild->offset - rebuild->start_offset;
    int64_t spent_us = now - rebuild->started_us, left_us = read > 0 ? spent_us * (all - read) / read : 0;
    log_info(done ? "index_rebuilt" : "index_rebuilding", LOG_INT("partition", rebuild->owner->partition),
             LOG_INT("percent", all > 0 ? read * 100 / all : 100), LOG_INT("events", rebuild->events),
             LOG_INT("entries", rebuild->entries), LOG_INT("spent_ms", spent_us / 1000),
             LOG_INT("left_s", left_us / SECOND_US));
}

enum err rebuild_step(struct rebuild *rebuild, bool *done, struct fault *fault)
{
    int64_t end_us = clock_monotonic_us() + REBUILD_SLICE_MS * INT64_C(1000);
    enum err err = ERR_OK;
    *done = false;
    while (!err && !*done && clock_monotonic_us() < end_us) {
        if (!rebuild->log_done)
            err = log_step(rebuild, fault);
        else
            err = quarantine_step(rebuild, done, fault);
    }
    progress_say(rebuild, *done);
    return err;
}
