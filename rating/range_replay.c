// SPDX-License-Identifier: Apache-2.0
// Judges the events of ranges again (rules 3.5, 3.6), for the owner of the partition that they came in: their bodies are
// read from the log at the places that the range names, a piece of them about once a second, and what counts, or is a
// duplicate or a conflict by now, is closed in a batch of its own (batch_range_replay.c). What stays, stays in the range.
// One range at a time; a pass over it begins anew after anything that goes wrong, and leaves out what is closed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "rating/event_cursor.h"
#include "rating/range_places.h"
#include "rating/range_replay.h"

enum {
    EVENTS_AT_ONCE = 2000, // of a piece, but for those of its last message
    BYTES_AT_ONCE = 8 << 20,
    STEP_US = 200000, // reading takes the rater's time
    LAST_MESSAGE_US = 2000000,
    ARENA_BYTES = 1 << 16,
    DETAIL_MAX = 1024
};

// An event of the piece.
struct range_event {
    int64_t at; // its place in the range, from 0
    struct replay_row row;
};

struct range_replay {
    struct owner *owner;
    int64_t quarantine, order; // order 0: the catalogue changed
    int64_t catalogue_version; // by which it is judged
    struct arena *arena;
    // the row
    const char *state;
    int32_t incarnation;
    int64_t events, closed_events;
    bool undecidable;
    int64_t first_offset, last_offset, last_of_batch; // offsets; the last message's of the batch that wrote it
    unsigned char *digest;                            // of that message
    struct slice packed;
    unsigned char *closed; // a bit per event
    // the pass
    void *reader; // of the log; NULL: nothing of it is to be read
    struct range_places places;
    bool at_end;  // of the places
    int64_t next; // place in the range of `places`
    int64_t stayed, missing;
    char reason[DETAIL_MAX], detail[DETAIL_MAX]; // why the first that stayed did
    // the piece
    struct arena *bodies;
    struct range_event *piece;
    size_t count, room, bytes;
    struct event_cursor cursor;
};

void range_replay_free(struct range_replay *range)
{
    if (!range) return;
    if (range->reader) range->owner->rater->options.source->range_close(range->reader);
    arena_free(range->arena);
    arena_free(range->bodies);
    free(range->piece);
    free(range);
}

// --- what is to be replayed

// Ranges that a newer catalogue may have made countable: those that were judged longest ago first.
static enum err retry_find(const struct owner *owner, int64_t *quarantine, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, owner->row.incarnation), db_int(arena, owner->partition),
                                  db_int(arena, owner->rater->options.partitions),
                                  db_int(arena, catalogue_version(owner->rater->catalogue))};
    enum err err = db_query(owner->rater->db,
                            "select q.quarantine\n"
                            "  from rating.quarantine q\n"
                            " where q.state = 'open' and q.range_events > q.closed_events + q.missing_events\n"
                            "   and q.catalogue_version < $4::bigint\n"
                            "   and (q.reason = 'unknown_type'\n"
                            "        or q.reason = 'unknown_tenant'\n"
                            "           and exists (select from catalog.tenant t where t.id = q.tenant_id))\n"
                            "   and " ROW_IS_OURS("$3")
                            " order by q.catalogue_version, q.quarantine\n"
                            " limit 1",
                            4, values, &result, fault);
    if (!err) *quarantine = db_rows(result) ? db_get_int(result, 0, 0) : 0;
    db_result_free(result);
    arena_free(arena);
    return err;
}

static enum err row_read(struct range_replay *range, struct fault *fault)
{
    struct db_result *result = NULL;
    unsigned char *places = NULL;
    const char *const values[] = {db_int(range->arena, range->quarantine)};
    enum err err = db_query(range->owner->rater->db,
                            "select q.state, q.incarnation, q.range_events, q.closed_events,\n"
                            "       q.reason in ('undecidable', 'misrouted'), q.message_offset, q.last_offset,\n"
                            "       b.next_offset - 1, b.last_digest, q.places\n"
                            "  from rating.quarantine q\n"
                            "  join rating.batch b on b.incarnation = q.incarnation and b.partition = q.partition\n"
                            "                     and b.batch_seq = q.batch_seq\n"
                            " where q.quarantine = $1::bigint",
                            1, values, &result, fault);
    if (err) return err;
    if (db_rows(result) == 1) {
        range->state = arena_text(range->arena, db_text(result, 0, 0), db_length(result, 0, 0));
        range->incarnation = (int32_t)db_get_int(result, 0, 1);
        range->events = db_get_int(result, 0, 2);
        range->closed_events = db_get_int(result, 0, 3);
        range->undecidable = db_get_bool(result, 0, 4);
        range->first_offset = db_get_int(result, 0, 5);
        range->last_offset = db_get_int(result, 0, 6);
        range->last_of_batch = db_get_int(result, 0, 7);
        if (db_get_bytes(result, range->arena, 0, 8, &range->digest) != SHA256_BYTES) range->digest = NULL;
        range->packed.length = db_get_bytes(result, range->arena, 0, 9, &places);
        range->packed.data = (const char *)places;
    } else {
        err = fault_set(fault, ERR_BUG, "rating.quarantine", "range %lld has no batch", (long long)range->quarantine);
    }
    db_result_free(result);
    return err;
}

static bool is_closed(const struct range_replay *range, int64_t at)
{
    return range->closed[at / 8] >> at % 8 & 1;
}

// Which of its events earlier pieces closed.
static enum err closed_read(struct range_replay *range, struct fault *fault)
{
    struct db_result *result = NULL;
    const char *const values[] = {db_int(range->arena, range->quarantine)};
    enum err err = db_query(range->owner->rater->db,
                            "select first_event, events, verdicts\n"
                            "  from rating.range_replay\n"
                            " where quarantine = $1::bigint",
                            1, values, &result, fault);
    if (err) return err;
    range->closed = arena_alloc(range->arena, (size_t)range->events / 8 + 1);
    memset(range->closed, 0, (size_t)range->events / 8 + 1);
    struct arena *arena = arena_new(ARENA_BYTES);
    for (int i = 0; !err && i < db_rows(result); i++) {
        int64_t first = db_get_int(result, i, 0), events = db_get_int(result, i, 1);
        unsigned char *packed = NULL;
        size_t bytes = db_get_bytes(result, arena, i, 2, &packed);
        for (int64_t n = 0; !err && n < events; n++) {
            enum verdict verdict = VERDICT_QUARANTINED;
            if (first + n >= range->events || verdict_read(packed, bytes, events, n, &verdict))
                err = fault_set(fault, ERR_BUG, "rating.range_replay", "range %lld has no such events",
                                (long long)range->quarantine);
            else if (verdict != VERDICT_QUARANTINED)
                range->closed[(first + n) / 8] |= (unsigned char)(1U << (first + n) % 8);
        }
        arena_reset(arena);
    }
    arena_free(arena);
    db_result_free(result);
    return err;
}

// --- its places in the log

static enum err place_next(struct range_replay *range, struct fault *fault)
{
    enum err err = range_places_next(&range->places);
    range->next++;
    range->at_end = err == ERR_NOT_FOUND;
    if (range->at_end && range->next == range->events) return ERR_OK;
    if (!err && range->next < range->events) return ERR_OK;
    return fault_set(fault, ERR_BUG, "rating.quarantine", "the places of range %lld are damaged",
                     (long long)range->quarantine);
}

// The log does not have the event; one that is closed needs none.
static enum err place_pass(struct range_replay *range, struct fault *fault)
{
    range->missing += !is_closed(range, range->next);
    return place_next(range, fault);
}

static enum err places_pass_below(struct range_replay *range, int64_t offset, struct fault *fault)
{
    enum err err = ERR_OK;
    while (!err && !range->at_end && range->places.offset < offset)
        err = place_pass(range, fault);
    return err;
}

static void missing_say(struct range_replay *range, const char *detail)
{
    if (range->stayed == 0 && !*range->reason) {
        memcpy(range->reason, "missing", sizeof "missing");
        snprintf(range->detail, sizeof range->detail, "%s", detail);
    }
}

// Is the log the one that the range was written from? Shown by the last message of its batch. ERR_NOT_FOUND: it is not.
static enum err log_check(const struct range_replay *range, struct fault *fault)
{
    const struct owner *owner = range->owner;
    const struct rater_source *source = owner->rater->options.source;
    unsigned char digest[SHA256_BYTES];
    struct bus_message message;
    void *reader = NULL;
    int count = 0;
    int64_t until_us = clock_monotonic_us() + LAST_MESSAGE_US;
    enum err err = source->range_open(source->context, owner->partition, range->last_of_batch, range->last_of_batch + 1,
                                      &reader, fault);
    if (err) return err;
    while (!(err = source->range_read(reader, &message, 1, &count, fault)) && count == 0)
        if (clock_monotonic_us() > until_us) {
            err = fault_set(fault, ERR_RETRY, "kafka", "the message at offset %lld does not come",
                            (long long)range->last_of_batch);
            break;
        }
    if (!err) {
        sha256_of(message.data, message.length, digest);
        bool same = message.offset == range->last_of_batch && range->digest &&
                    memcmp(digest, range->digest, SHA256_BYTES) == 0;
        source->range_release(reader, &message, count);
        if (!same) err = ERR_NOT_FOUND;
    }
    source->range_close(reader);
    return err == ERR_CONFLICT ? ERR_NOT_FOUND : err;
}

// Begins to read at the first event that is not closed, as far as the log goes back.
static enum err pass_open(struct range_replay *range, struct fault *fault)
{
    const struct owner *owner = range->owner;
    const struct rater_source *source = owner->rater->options.source;
    struct bus_watermark bounds = {.partition = owner->partition};
    char words[DETAIL_MAX];
    enum err err = source->bounds(source->context, &bounds, 1, fault);
    if (err) return err;
    bool same = range->last_of_batch >= bounds.low;
    if (same) err = log_check(range, fault);
    if (err == ERR_NOT_FOUND) {
        snprintf(words, sizeof words,
                 "the message at offset %lld is not the one that was counted there: have the events sent again",
                 (long long)range->last_of_batch);
        missing_say(range, words);
        return places_pass_below(range, INT64_MAX, fault);
    }
    if (err) return err;
    if (range->places.offset < bounds.low) {
        snprintf(words, sizeof words,
                 "the log begins at offset %lld by now, the range at %lld: have the events sent again",
                 (long long)bounds.low, (long long)range->first_offset);
        err = places_pass_below(range, bounds.low, fault);
        if (range->missing > 0) missing_say(range, words);
    }
    while (!err && !range->at_end && is_closed(range, range->next))
        err = place_next(range, fault);
    if (err || range->at_end) return err;
    return source->range_open(source->context, owner->partition, range->places.offset, range->last_offset + 1,
                              &range->reader, fault);
}

// --- a piece

static void event_take(struct range_replay *range, const struct bus_message *message, instant_us received_time)
{
    if (range->count == range->room) {
        range->room = range->room ? 2 * range->room : EVENTS_AT_ONCE;
        range->piece = heap_grow(range->piece, sizeof *range->piece, range->room);
    }
    struct slice raw = range->cursor.raw;
    range->bytes += raw.length;
    range->piece[range->count++] = (struct range_event){
        .at = range->next,
        .row = {.quarantine = range->quarantine,
                .order = range->order,
                .position = range->owner->row.base_position + message->offset,
                .offset = message->offset,
                .event_index = range->cursor.index,
                .received_time = received_time,
                .raw = {arena_text(range->bodies, raw.data ? raw.data : "", raw.length), raw.length},
                .undecidable = range->undecidable},
    };
}

// Takes the events of the message that the range names.
static enum err message_take(struct range_replay *range, const struct bus_message *message, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct event_cursor *cursor = &range->cursor;
    bool marked = false;
    enum err err = places_pass_below(range, message->offset, fault);
    event_cursor_open(cursor, message, arena);
    enum event_step step = event_cursor_next(cursor);
    event_cursor_forwarded(cursor, &range->owner->ground.forward_key, &marked);
    instant_us received_time = event_cursor_received(cursor, marked);
    for (; !err && step != EVENT_END && step != EVENT_MARKER; step = event_cursor_next(cursor)) {
        if (range->at_end || range->places.offset != message->offset) break;
        if (cursor->index != range->places.index) continue;
        if (!is_closed(range, range->next)) event_take(range, message, received_time);
        err = place_next(range, fault);
    }
    if (!err) err = places_pass_below(range, message->offset + 1, fault);
    arena_free(arena);
    return err;
}

static bool is_full(const struct range_replay *range)
{
    return range->count >= EVENTS_AT_ONCE || range->bytes >= BYTES_AT_ONCE;
}

// Reads on until the piece is full, the range at its end, or the time is up. Sets *ready for the first two.
static enum err piece_read(struct range_replay *range, int64_t until_us, bool *ready, struct fault *fault)
{
    const struct rater_source *source = range->owner->rater->options.source;
    enum err err = ERR_OK;
    while (!err && range->reader && !range->at_end && !is_full(range) && clock_monotonic_us() < until_us) {
        struct bus_message message;
        int count = 0;
        err = source->range_read(range->reader, &message, 1, &count, fault);
        if (err == ERR_NOT_FOUND) {
            err = places_pass_below(range, INT64_MAX, fault);
        } else if (!err && count > 0) {
            err = message_take(range, &message, fault);
            source->range_release(range->reader, &message, count);
        }
    }
    *ready = !err && (is_full(range) || range->at_end);
    return err;
}

static void stay_note(struct range_replay *range, const struct replay_row *row)
{
    if (range->stayed++ > 0) return;
    snprintf(range->reason, sizeof range->reason, "%s", reason_name(row->reason));
    snprintf(range->detail, sizeof range->detail, "%s", row->detail);
}

// Judges the events of the piece; returns how many of them are closed by that.
static size_t piece_judge(struct range_replay *range)
{
    struct owner *owner = range->owner;
    const struct range_piece piece = {range->quarantine, range->closed_events, range->piece[0].at};
    size_t closed = 0;
    int64_t at = piece.first_event;
    batch_range_piece(owner->batch, &piece);
    for (size_t i = 0; i < range->count; i++, at++) {
        struct range_event *event = &range->piece[i];
        for (; at < event->at; at++)
            batch_range_pass(owner->batch);
        if (batch_replay(owner->batch, &owner->ground, &event->row) == VERDICT_QUARANTINED)
            stay_note(range, &event->row);
        else
            closed++;
    }
    return closed;
}

// Judges and commits. *closed: events of it, if it is known what became of the piece; else -1.
static enum err piece_replay(struct range_replay *range, int64_t *closed_events, struct fault *fault)
{
    struct owner *owner = range->owner;
    *closed_events = 0;
    if (range->count == 0) return ERR_OK;
    CRASH_POINT("rate.range_read");
    int64_t batch_seq = owner->row.batch_seq;
    size_t closed = piece_judge(range);
    if (closed == 0) {
        owner_batch_begin(owner);
        return ERR_OK;
    }
    enum err err = owner_flush(owner, fault);
    *closed_events = !err && owner->state == PARTITION_RATING && owner->row.batch_seq > batch_seq ? (int64_t)closed : -1;
    if (*closed_events < 0) return err;
    range->closed_events += (int64_t)closed;
    log_info("range_replayed", LOG_INT("partition", owner->partition), LOG_INT("quarantine", range->quarantine),
             LOG_INT("events", (int64_t)closed), LOG_INT("closed", range->closed_events), LOG_INT("of", range->events),
             LOG_TEXT("because", range->order ? "order" : "catalogue"));
    return ERR_OK;
}

// --- the pass

// What came of it, in the row and in the order. The row is judged again by a newer catalogue only.
static enum err outcome_write(struct range_replay *range, struct fault *fault)
{
    struct db *db = range->owner->rater->db;
    struct arena *arena = range->arena;
    bool all = range->closed_events == range->events, open = strcmp(range->state, "open") == 0;
    const char *const row[] = {db_int(arena, range->quarantine), *range->reason ? range->reason : NULL,
                               *range->reason ? range->detail : NULL, db_int(arena, range->catalogue_version),
                               db_int(arena, range->missing)};
    const char *const order[] = {db_int(arena, range->order), all ? "replayed" : open ? range->reason : range->state};
    enum err err = db_begin(db, fault);
    if (err) return err;
    err = db_exec(db,
                  "update rating.quarantine\n"
                  "   set judged_reason = coalesce($2, judged_reason), judged_detail = coalesce($3, judged_detail),\n"
                  "       catalogue_version = $4::bigint, missing_events = $5::bigint\n"
                  " where quarantine = $1::bigint and state = 'open'",
                  5, row, NULL, fault);
    if (!err && range->order)
        err = db_exec(db,
                      "update rating.replay_order\n"
                      "   set done_time = clock_timestamp(), outcome = $2\n"
                      " where replay_order = $1::bigint and done_time is null",
                      2, order, NULL, fault);
    if (err)
        db_rollback(db);
    else
        err = db_commit(db, fault);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // the pass is made again
}

static enum err pass_begin(struct range_replay *range, struct fault *fault)
{
    range->arena = arena_new(ARENA_BYTES);
    range->bodies = arena_new(ARENA_BYTES);
    range->catalogue_version = catalogue_version(range->owner->rater->catalogue);
    enum err err = row_read(range, fault);
    range->at_end = true;
    if (err || strcmp(range->state, "open") != 0) return err;
    if (range->incarnation != range->owner->row.incarnation) {
        memcpy(range->reason, "older_incarnation", sizeof "older_incarnation");
        snprintf(range->detail, sizeof range->detail,
                 "its events are in the topic of incarnation %d, which is not counted any more: have them sent again",
                 range->incarnation);
        return ERR_OK;
    }
    err = closed_read(range, fault);
    if (err) return err;
    range->at_end = false;
    range->next = -1;
    range_places_open(&range->places, range->packed, range->first_offset);
    err = place_next(range, fault);
    return err ? err : pass_open(range, fault);
}

static void pass_end(struct owner *owner)
{
    range_replay_free(owner->range);
    owner->range = NULL;
}

// Goes on with the range until something of it is closed, or the time is up. *done: the pass is at its end.
static enum err pass_step(struct range_replay *range, bool *done, struct fault *fault)
{
    struct owner *owner = range->owner;
    const int64_t quarantine = range->quarantine, until_us = clock_monotonic_us() + STEP_US;
    for (int64_t closed = 0; !*done && closed == 0 && clock_monotonic_us() < until_us;) {
        bool ready = false;
        enum err err = piece_read(range, until_us, &ready, fault);
        if (err || !ready) return err;
        err = owner_flush(owner, fault); // a piece has a batch of its own
        if (err || owner->state != PARTITION_RATING || owner->restart || owner_pending(owner)) return err;
        err = piece_replay(range, &closed, fault);
        if (err) return err;
        if (closed < 0) // and the range may be gone with the partition
            return fault_set(fault, ERR_RETRY, "", "a piece of range %lld was not committed", (long long)quarantine);
        range->count = range->bytes = 0;
        arena_reset(range->bodies);
        *done = range->at_end;
    }
    return ERR_OK;
}

static enum err pass_new(struct owner *owner, int64_t quarantine, int64_t order, struct fault *fault)
{
    if (!order) {
        enum err err = retry_find(owner, &quarantine, fault);
        if (!err && !quarantine) owner->retry_ranges = false;
        if (err || !quarantine) return err;
    }
    owner->range = heap_alloc(sizeof *owner->range);
    owner->range->owner = owner;
    owner->range->quarantine = quarantine;
    owner->range->order = order;
    return pass_begin(owner->range, fault);
}

enum err range_replay_step(struct owner *owner, int64_t quarantine, int64_t order, struct fault *fault)
{
    bool done = false;
    enum err err = ERR_OK;
    if (owner->range && owner->range->catalogue_version != catalogue_version(owner->rater->catalogue)) pass_end(owner);
    if (!owner->range) {
        if (!order && !owner->retry_ranges) return ERR_OK;
        err = pass_new(owner, quarantine, order, fault);
    }
    if (!err && owner->range) err = pass_step(owner->range, &done, fault);
    if (!err && done) err = outcome_write(owner->range, fault);
    if (err)
        log_warn("range_replay_interrupted", LOG_INT("partition", owner->partition), LOG_FAULT(fault),
                 LOG_TEXT("action", "begun again"));
    if (err || done) pass_end(owner);
    return db_alive(owner->rater->db) ? ERR_OK : err; // said, and tried again
}
