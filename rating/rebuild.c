// SPDX-License-Identifier: Apache-2.0
// Rebuilds the dedup index of a partition from the batches of its window. Those that wrote their identities as rows are
// read from there (rebuild_rows.c). Before them, or if the rows are damaged, the log is read again, and what entered
// the index is decided by the verdicts of rating.batch, never by judging again (rules 3.1, 5.3). On the way the chain
// is checked: heads link, counts and digests agree. Last come the quarantine rows.
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/rebuild_internal.h"

enum {
    BATCHES_AT_ONCE = 512,
    MESSAGES_AT_ONCE = 500,
    CLOSED_AT_ONCE = 10000,
    ARENA_BYTES = 1 << 20,
    PROGRESS_US = 5000000
};

// --- where to begin

// The chain behind a batch, and whether the batch wrote its identities as rows.
static enum err place_read(struct db *db, const struct chain_part *part, int64_t batch_seq, struct place *place,
                           bool *has_rows, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    unsigned char *bytes = NULL;
    enum err err = db_query(db,
                            "select watermark, next_offset, head, identities is not null\n"
                            "  from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq = $3::bigint",
                            3,
                            (const char *[]){db_int(arena, part->incarnation), db_int(arena, part->partition),
                                             db_int(arena, batch_seq)},
                            &result, fault);
    if (!err && db_rows(result) != 1)
        err = fault_set(fault, ERR_CONFLICT, "rating.batch", "batch %lld is missing from the chain",
                        (long long)batch_seq);
    if (!err) {
        *place = (struct place){
            .batch_seq = batch_seq, .watermark = db_get_instant(result, 0, 0), .next_offset = db_get_int(result, 0, 1)};
        *has_rows = db_get_bool(result, 0, 3);
        if (db_get_bytes(result, arena, 0, 2, &bytes) == SHA256_BYTES) memcpy(place->head, bytes, SHA256_BYTES);
    }
    db_result_free(result);
    arena_free(arena);
    return err;
}

// Moves the place to the last batch whose watermark is below `from` or, if rows are wanted, that has none. Found by
// halving: batch_seq has no holes and watermarks never fall.
static enum err place_find(const struct chain_part *part, struct db *db, instant_us from, bool want_rows,
                           struct place *place, struct fault *fault)
{
    int64_t inside = part->last.batch_seq + 1;
    struct place first;
    bool first_has_rows = false;
    if (inside - place->batch_seq < 2) return ERR_OK;
    enum err err = place_read(db, part, place->batch_seq + 1, &first, &first_has_rows, fault);
    if (err || (first.watermark >= from && (!want_rows || first_has_rows))) return err; // mostly all of it is inside
    *place = first;
    while (inside - place->batch_seq > 1) {
        struct place middle;
        bool has_rows = false;
        err = place_read(db, part, place->batch_seq + (inside - place->batch_seq) / 2, &middle, &has_rows, fault);
        if (err) return err;
        if (middle.watermark < from || (want_rows && !has_rows))
            *place = middle;
        else
            inside = middle.batch_seq;
    }
    return ERR_OK;
}

// From where on rating.batch_identity has rows.
static enum err kept_from_read(struct db *db, instant_us *kept_from, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, "select kept_from from rating.identity_coverage", 0, NULL, &result, fault);
    if (!err) *kept_from = db_rows(result) == 1 ? db_get_instant(result, 0, 0) : INSTANT_MAX;
    db_result_free(result);
    return err;
}

static enum err log_missing(const struct rebuild *rebuild, int64_t low, struct fault *fault)
{
    return fault_set(fault, ERR_CONFLICT, "kafka",
                     "the dedup window begins at offset %lld, but the log at %lld: identities are missing",
                     (long long)rebuild->part->keep.next_offset, (long long)low);
}

// Identities before the rows cannot be had: the index covers less (rules 1.2). What may be older is quarantined, not
// guessed.
static enum err cover_less(const struct rebuild *rebuild, struct chain_part *part, const char *because)
{
    log_warn("index_covers_less", LOG_INT("partition", rebuild->owner->partition),
             LOG_INT("incarnation", part->incarnation), LOG_INT("from_offset", part->rows.next_offset),
             LOG_TEXT("because", because));
    part->keep = part->rows;
    return ERR_OK;
}

// Did replays of ranges count events in the batches that have no rows now? Their verdicts are not those of the log.
static enum err ranges_counted(const struct chain_part *part, struct db *db, bool *counted, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    enum err err = db_query(db,
                            "select exists (select\n"
                            "  from rating.range_replay r\n"
                            "  join rating.quarantine q on q.quarantine = r.quarantine\n"
                            " where q.incarnation = $1::int and q.partition = $2::int and r.batch_seq > $3::bigint\n"
                            "   and r.batch_seq <= $4::bigint)",
                            4,
                            (const char *[]){db_int(arena, part->incarnation), db_int(arena, part->partition),
                                             db_int(arena, part->keep.batch_seq), db_int(arena, part->rows.batch_seq)},
                            &result, fault);
    if (!err) *counted = db_get_bool(result, 0, 0);
    db_result_free(result);
    arena_free(arena);
    return err;
}

// Opens the part of the log that is to be walked. Where it is gone, and the rows of the same time were dropped as out
// of the window that was in force then, or in the topic of an older incarnation, the index covers less.
static enum err range_open(struct rebuild *rebuild, struct db *db, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    const struct rater_source *source = owner->rater->options.source;
    struct chain_part *part = rebuild->part;
    struct bus_watermark bounds = {.partition = owner->partition};
    bool counted = false;
    if (part->keep.next_offset == part->rows.next_offset) {
        part->keep = part->rows; // nothing of the log lies between
        return ERR_OK;
    }
    if (!rebuild_own_part(rebuild)) return cover_less(rebuild, part, "its identities were not kept as rows");
    enum err err = ranges_counted(part, db, &counted, fault);
    if (!err && counted && rebuild->rows_refused)
        return fault_set(fault, ERR_CONFLICT, "rating.batch_identity",
                         "rows are damaged, and identities of ranges that were replayed stand in them alone");
    if (!err && counted) return cover_less(rebuild, part, "identities of ranges that were replayed were not kept as rows");
    if (!err) err = source->bounds(source->context, &bounds, 1, fault);
    if (err) return err;
    if (part->keep.next_offset < bounds.low) {
        struct place next;
        bool has_rows = false;
        err = place_read(db, part, part->keep.batch_seq + 1, &next, &has_rows, fault);
        if (err) return err;
        if (!has_rows || rebuild->rows_refused) return log_missing(rebuild, bounds.low, fault);
        return cover_less(rebuild, part,
                          "the window was made longer than identities are kept, and the log is shorter");
    }
    return source->range_open(source->context, owner->partition, part->keep.next_offset, part->rows.next_offset,
                              &rebuild->range, fault);
}

// How many identities the rows of a chain will put into the index, at most.
static enum err rows_count(const struct rebuild *rebuild, struct db *db, int64_t *count, struct fault *fault)
{
    const struct chain_part *part = rebuild->part;
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    enum err err = db_query(db,
                            "select coalesce(sum(identities), 0)::bigint\n"
                            "  from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq > $3::bigint\n"
                            "   and batch_seq <= $4::bigint",
                            4,
                            (const char *[]){db_int(arena, part->incarnation), db_int(arena, part->partition),
                                             db_int(arena, part->rows.batch_seq), db_int(arena, part->last.batch_seq)},
                            &result, fault);
    if (!err) *count = db_get_int(result, 0, 0);
    db_result_free(result);
    arena_free(arena);
    return err;
}

static void phase_begin(struct rebuild *rebuild, enum rebuild_phase phase, int64_t read_to)
{
    rebuild->phase = phase;
    rebuild->read_to = read_to;
}

static void part_begin(struct rebuild *rebuild, struct chain_part *part)
{
    rebuild->part = part;
    rebuild->read_seq = part->keep.batch_seq;
    memcpy(rebuild->head, part->keep.head, SHA256_BYTES);
    rebuild->batch_at = rebuild->batch_count = 0;
    rebuild->closed_after = 0;
    if (rebuild->catches_up && !rebuild_own_part(rebuild))
        phase_begin(rebuild, REBUILD_QUARANTINE, 0); // a row of it may have been closed since
    else if (rebuild->range && rebuild_own_part(rebuild))
        phase_begin(rebuild, REBUILD_LOG, part->rows.batch_seq);
    else
        phase_begin(rebuild, REBUILD_ROWS, part->last.batch_seq);
}

// Decides what of a chain is read from where.
static enum err part_plan(struct rebuild *rebuild, struct db *db, instant_us keep_from, instant_us kept_from,
                          struct fault *fault)
{
    struct chain_part *part = rebuild->part;
    part->keep = part->base;
    enum err err = place_find(part, db, keep_from, false, &part->keep, fault);
    part->rows = part->keep;
    if (!err) err = place_find(part, db, kept_from, true, &part->rows, fault);
    return err ? err : range_open(rebuild, db, fault);
}

// Decides what is read from where. The index is empty.
static enum err rebuild_begin(struct rebuild *rebuild, struct db *db, struct fault *fault)
{
    struct owner *owner = rebuild->owner;
    struct lineage *lineage = &rebuild->lineage;
    const struct catalogue *catalogue = owner->rater->catalogue;
    const struct chain_part *first = lineage->parts; // that has something to read
    instant_us keep_from = INSTANT_MIN, kept_from = INSTANT_MAX;
    if (owner->row.watermark != INSTANT_MIN)
        keep_from =
            owner->row.watermark - catalogue_longest_accept_us(catalogue) - catalogue_longest_future_us(catalogue);
    if (keep_from != INSTANT_MIN) dedup_index_window(owner->index, owner->row.watermark - keep_from);
    enum err err = lineage_load(db, &owner->row, lineage, fault);
    if (!err && !rebuild->rows_refused) err = kept_from_read(db, &kept_from, fault);
    for (int i = 0; !err && i < lineage->count; i++) {
        rebuild->part = &lineage->parts[i];
        err = part_plan(rebuild, db, keep_from, kept_from, fault);
        if (rebuild->part->keep.batch_seq > rebuild->part->base.batch_seq) first = rebuild->part;
    }
    int64_t expected = 0;
    if (!err) err = rows_count(rebuild, db, &expected, fault); // of our own chain, which is the last
    if (err) return err;
    dedup_index_expect(owner->index, expected); // filling it moves nothing then
    rebuild->start = rebuild->position = first->base_position + first->keep.next_offset;
    if (first->keep.batch_seq > first->base.batch_seq)
        dedup_index_start_at(owner->index, rebuild->start, first->keep.watermark);
    rebuild->row_entries = rebuild->events = 0;
    part_begin(rebuild, lineage->parts);
    return ERR_OK;
}

// The index holds everything up to this row: only what came since is read, from rows.
static enum err catch_up_begin(struct rebuild *rebuild, const struct partition_row *up_to, struct db *db,
                               struct fault *fault)
{
    struct lineage *lineage = &rebuild->lineage;
    enum err err = lineage_load(db, &rebuild->owner->row, lineage, fault);
    if (err) return err;
    struct chain_part *own = &lineage->parts[lineage->count - 1];
    own->keep = (struct place){
        .batch_seq = up_to->batch_seq, .next_offset = up_to->next_offset, .watermark = up_to->watermark};
    memcpy(own->keep.head, up_to->head, SHA256_BYTES);
    own->rows = own->keep;
    rebuild->catches_up = true;
    rebuild->start = rebuild->position = own->base_position + own->keep.next_offset;
    part_begin(rebuild, lineage->parts);
    return ERR_OK;
}

static void range_close(struct rebuild *rebuild)
{
    if (rebuild->range) rebuild->owner->rater->options.source->range_close(rebuild->range);
    rebuild->range = NULL;
}

enum err rebuild_open(struct owner *owner, const struct partition_row *up_to, struct rebuild **opened,
                      struct fault *fault)
{
    struct rebuild *rebuild = heap_alloc(sizeof *rebuild);
    rebuild->owner = owner;
    rebuild->batch_arena = arena_new(ARENA_BYTES);
    rebuild->event_arena = arena_new(ARENA_BYTES);
    rebuild->started_us = rebuild->said_us = clock_monotonic_us();
    struct db *db = owner->rater->db;
    enum err err = up_to ? catch_up_begin(rebuild, up_to, db, fault) : rebuild_begin(rebuild, db, fault);
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
    range_close(rebuild);
    free(rebuild->batches);
    free(rebuild->entries);
    rebuild_sequences_free(rebuild);
    arena_free(rebuild->batch_arena);
    arena_free(rebuild->event_arena);
    free(rebuild);
}

// --- the chain

enum err rebuild_broken(const struct rebuild *rebuild, int64_t batch_seq, const char *what, struct fault *fault)
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
    batch->identities = db_is_null(result, at, 9) ? -1 : db_get_int(result, at, 9);
    if (db_get_bytes(result, arena, at, 10, &digest) == SHA256_BYTES)
        memcpy(batch->identity_digest, digest, SHA256_BYTES);
    batch->sequences = db_is_null(result, at, 11) ? -1 : db_get_int(result, at, 11);
    if (db_get_bytes(result, arena, at, 7, &previous) != SHA256_BYTES ||
        db_get_bytes(result, arena, at, 8, &head) != SHA256_BYTES)
        return rebuild_broken(rebuild, batch->batch_seq, "a head is not 32 bytes", fault);
    if (batch->batch_seq != rebuild->read_seq + 1)
        return rebuild_broken(rebuild, rebuild->read_seq + 1, "the row is missing", fault);
    if (memcmp(previous, rebuild->head, SHA256_BYTES) != 0)
        return rebuild_broken(rebuild, batch->batch_seq, "does not link to the head of the batch before", fault);
    memcpy(rebuild->head, head, SHA256_BYTES);
    rebuild->read_seq = batch->batch_seq;
    return ERR_OK;
}

enum err rebuild_batches_read(struct rebuild *rebuild, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    struct db *db = rater_db(owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    arena_reset(rebuild->batch_arena);
    struct arena *arena = rebuild->batch_arena;
    struct db_result *result = NULL;
    const struct chain_part *part = rebuild->part;
    const char *const values[] = {db_int(arena, part->incarnation),        db_int(arena, part->partition),
                                  db_int(arena, rebuild->read_seq),      db_int(arena, rebuild->read_to),
                                  db_int(arena, BATCHES_AT_ONCE),        db_bool(rebuild->phase == REBUILD_LOG)};
    enum err err = db_query(db,
                            "select batch_seq, first_offset, next_offset, watermark, events,\n"
                            "       case when $6::boolean then verdicts end, last_digest, previous_head, head,\n"
                            "       identities, identity_digest, sequences\n"
                            "  from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq > $3::bigint\n"
                            "   and batch_seq <= $4::bigint\n"
                            " order by batch_seq\n"
                            " limit $5::int",
                            6, values, &result, fault);
    if (err) return err;
    rebuild->batch_count = (size_t)db_rows(result);
    rebuild->batch_at = 0;
    rebuild->batches = heap_grow(rebuild->batches, sizeof *rebuild->batches, rebuild->batch_count + 1);
    for (int i = 0; !err && i < db_rows(result); i++)
        err = walked_read(rebuild, result, i, fault);
    db_result_free(result);
    if (!err && rebuild->read_seq == part->last.batch_seq && memcmp(rebuild->head, part->last.head, SHA256_BYTES) != 0)
        err = rebuild_broken(rebuild, rebuild->read_seq, "is not the head of the partition", fault);
    return err;
}

// A batch whose messages were all walked: do its counts and its last message agree?
static enum err batch_finish(struct rebuild *rebuild, struct walked *batch, struct fault *fault)
{
    if (batch->verdict_at != batch->events && batch->next_offset != batch->first_offset)
        return rebuild_broken(rebuild, batch->batch_seq, "the log has another number of events than verdicts", fault);
    if (batch->has_digest && memcmp(batch->digest, rebuild->message_digest, SHA256_BYTES) != 0)
        return rebuild_broken(rebuild, batch->batch_seq, "the last message is not the one that was counted", fault);
    dedup_index_note(rebuild->owner->index, rebuild->part->base_position + batch->next_offset, batch->watermark);
    return ERR_OK;
}

// The batch of an offset, or ERR_NOT_FOUND behind the last one; batches before it are finished.
static enum err batch_of(struct rebuild *rebuild, int64_t offset, struct walked **found, struct fault *fault)
{
    for (;;) {
        if (rebuild->batch_at == rebuild->batch_count) {
            if (rebuild->read_seq == rebuild->read_to) return ERR_NOT_FOUND;
            enum err err = rebuild_batches_read(rebuild, fault);
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
    enum err err = dedup_index_reserve(rebuild->owner->index, 1, fault);
    if (err) return err;
    dedup_index_put(rebuild->owner->index, entry);
    return ERR_OK;
}

static enum err event_put(struct rebuild *rebuild, const struct walked *batch, int64_t offset, struct fault *fault)
{
    const struct rater *rater = rebuild->owner->rater;
    const struct usage_event *event = &rebuild->event;
    rebuild->faults.count = 0;
    if (event_decode(rebuild->cursor.raw, &rater->content_key, rebuild->event_arena, &rebuild->event, &rebuild->faults))
        return rebuild_broken(rebuild, batch->batch_seq, "an event that was counted cannot be read", fault);
    if (event->sequenced && batch->sequences >= 0) {
        struct sequence_event sequence;
        sequence_event_of(&rater->identity_key, event, rebuild->part->base_position + offset, rebuild->cursor.index, &sequence);
        sequence_index_count(rebuild->owner->sequences, NULL, &sequence, batch->watermark);
        return ERR_OK;
    }
    struct dedup_entry entry = {
        .identity = event_identity(&rater->identity_key, event->subject, event->source, event->id),
        .content = event->content.high,
        .offset = rebuild->part->base_position + offset,
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
            return rebuild_broken(rebuild, batch->batch_seq, "the log has another number of events than verdicts",
                                  fault);
        rebuild->events++;
        if (verdict != VERDICT_COUNTED) continue;
        if (step != EVENT_RAW) return rebuild_broken(rebuild, batch->batch_seq, "a counted event is damaged", fault);
        err = event_put(rebuild, batch, message->offset, fault);
        if (err) return err;
    }
    if (message->offset == batch->next_offset - 1) sha256_of(message->data, message->length, rebuild->message_digest);
    rebuild->position = rebuild->part->base_position + message->offset + 1;
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
        err = batch_of(rebuild, rebuild->part->rows.next_offset, &batch, fault); // finishes what is left
        if (err != ERR_NOT_FOUND)
            return err ? err : rebuild_broken(rebuild, batch->batch_seq, "is out of order", fault);
        range_close(rebuild);
        phase_begin(rebuild, REBUILD_ROWS, rebuild->part->last.batch_seq);
        return ERR_OK;
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
                                      .offset = rebuild->part->base_position + db_get_int(result, i, 3),
                                      .event_index = (int32_t)db_get_int(result, i, 4),
                                      .held = db_get_bool(result, i, 5),
                                  };
        // what the log says of an identity is nearer to what was counted than the row that it closed
        if (!dedup_index_find(rebuild->owner->index, entry.identity, &found) || found.held)
            err = entry_put(rebuild, &entry, fault);
    }
    return err;
}

// The first offset of the part whose counted rows matter. Also what was counted before a kept index's batch may have been a
// row then, and was closed since.
static int64_t quarantine_from(const struct rebuild *rebuild)
{
    if (!rebuild->catches_up) return rebuild->part->keep.next_offset;
    int64_t floor = dedup_index_floor(rebuild->owner->index) - rebuild->part->base_position;
    return floor > 0 ? floor : 0;
}

static enum err quarantine_step(struct rebuild *rebuild, bool *done, struct fault *fault)
{
    const struct owner *owner = rebuild->owner;
    struct db *db = rater_db(owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    const struct chain_part *part = rebuild->part;
    const char *const values[] = {db_int(arena, part->incarnation),
                                  db_int(arena, part->partition),
                                  db_int(arena, quarantine_from(rebuild)),
                                  db_int(arena, rebuild->closed_after),
                                  db_int(arena, CLOSED_AT_ONCE),
                                  db_bool(rebuild_own_part(rebuild)),
                                  db_int(arena, owner->rater->options.partitions),
                                  db_int(arena, owner->partition)};
    enum err err = db_query(db,
                            "select quarantine, identity, content, message_offset, event_index, state = 'open'\n"
                            "  from rating.quarantine\n"
                            " where incarnation = $1::int and partition = $2::int and identity is not null\n"
                            "   and reason <> 'misrouted' and quarantine > $4::bigint\n"
                            "   and (state = 'open' or (state = 'counted' and message_offset >= $3::bigint))\n"
                            "   and ($6::boolean or rating.shard_of(tenant_id) % $7::int = $8::int)\n"
                            " order by quarantine\n"
                            " limit $5::int",
                            8, values, &result, fault);
    if (!err) {
        err = closed_put(rebuild, result, fault);
        if (db_rows(result) < CLOSED_AT_ONCE) {
            *done = rebuild_own_part(rebuild);
            if (!*done) part_begin(rebuild, rebuild->part + 1);
        }
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
    const struct partition_row *row = &rebuild->owner->row;
    int64_t all = row->base_position + row->next_offset - rebuild->start, read = rebuild->position - rebuild->start;
    int64_t spent_us = now - rebuild->started_us, left_us = read > 0 ? spent_us * (all - read) / read : 0;
    log_info(!done                 ? "index_rebuilding"
             : rebuild->catches_up ? "index_caught_up"
                                   : "index_rebuilt",
             LOG_INT("partition", rebuild->owner->partition),
             LOG_INT("percent", all > 0 ? read * 100 / all : 100), LOG_INT("events", rebuild->events),
             LOG_INT("entries", dedup_index_count(rebuild->owner->index)), LOG_INT("from_rows", rebuild->row_entries),
             LOG_INT("spent_ms", spent_us / 1000), LOG_INT("left_s", left_us / SECOND_US));
}

// The rows of identities cannot be trusted: all over again; what was kept from all rows, else from the log.
static enum err rows_refuse(struct rebuild *rebuild, struct fault *fault)
{
    struct db *db = rater_db(rebuild->owner->rater);
    log_error("index_rows_damaged", LOG_INT("partition", rebuild->owner->partition), LOG_FAULT(fault),
              LOG_TEXT("action", rebuild->catches_up ? "the index is filled anew" : "the log is read instead"));
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    rebuild->rows_refused = !rebuild->catches_up;
    rebuild->catches_up = false;
    range_close(rebuild);
    dedup_index_clear(rebuild->owner->index);
    sequence_index_clear(rebuild->owner->sequences);
    return rebuild_begin(rebuild, db, fault);
}

static enum err rows_step(struct rebuild *rebuild, struct fault *fault)
{
    bool done = false;
    enum err err = rebuild_rows_step(rebuild, &done, fault);
    if (done) rebuild->phase = REBUILD_SEQUENCES;
    return err == ERR_INVALID ? rows_refuse(rebuild, fault) : err;
}

static enum err sequences_step(struct rebuild *rebuild, struct fault *fault)
{
    bool done = false;
    enum err err = rebuild_sequences_step(rebuild, &done, fault);
    if (done) rebuild->phase = REBUILD_QUARANTINE;
    return err == ERR_INVALID ? rows_refuse(rebuild, fault) : err;
}

enum err rebuild_step(struct rebuild *rebuild, int64_t until_us, bool *done, struct fault *fault)
{
    enum err err = ERR_OK;
    *done = false;
    do {
        switch (rebuild->phase) {
        case REBUILD_LOG:
            err = log_step(rebuild, fault);
            break;
        case REBUILD_ROWS:
            err = rows_step(rebuild, fault);
            break;
        case REBUILD_SEQUENCES:
            err = sequences_step(rebuild, fault);
            break;
        case REBUILD_QUARANTINE:
            err = quarantine_step(rebuild, done, fault);
            break;
        }
    } while (!err && !*done && clock_monotonic_us() < until_us);
    progress_say(rebuild, *done);
    return err;
}
