// SPDX-License-Identifier: Apache-2.0
// One transaction per batch: names, COPY of the rows, closing of quarantine rows, chain head, batch row, and last the
// compare-and-set on rating.partition. Nothing here changes what a batch holds but the results of the try itself.
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "rating/batch_internal.h"

enum { ARENA_BYTES = 65536 };

// --- canonical orders

static int transition_compare(const void *a, const void *b)
{
    const struct transition_row *x = a, *y = b;
    int order = hash128_compare(x->resource, y->resource);
    if (!order) order = strcmp(x->meter->id, y->meter->id);
    if (!order) order = (x->event_time > y->event_time) - (x->event_time < y->event_time);
    return order ? order : hash128_compare(x->event_id, y->event_id);
}

static int kept_event_compare(const void *a, const void *b)
{
    const struct kept_event_row *x = a, *y = b;
    int order = hash128_compare(x->dimension_set, y->dimension_set);
    if (!order && x->meter != y->meter) order = strcmp(x->meter->id, y->meter->id);
    if (!order) order = (x->event_time > y->event_time) - (x->event_time < y->event_time);
    return order ? order : hash128_compare(x->event_id, y->event_id);
}

static int closing_compare(const void *a, const void *b)
{
    const struct closing_row *x = a, *y = b;
    if (x->position != y->position) return x->position < y->position ? -1 : 1;
    return (x->event_index > y->event_index) - (x->event_index < y->event_index);
}

static void sort(struct row_list *list, size_t size, int (*compare)(const void *, const void *))
{
    if (list->count > 1) qsort(list->rows, list->count, size, compare);
}

// --- closing quarantine rows

static void closings_read(struct batch *batch, const struct db_result *result)
{
    for (int i = 0; i < db_rows(result); i++)
        *(struct closing_row *)row_list_add(&batch->closings, sizeof(struct closing_row)) = (struct closing_row){
            .position = db_get_int(result, i, 0),
            .event_index = (int32_t)db_get_int(result, i, 1),
            .conflict = db_get_bool(result, i, 2),
        };
    sort(&batch->closings, sizeof(struct closing_row), closing_compare);
}

static const char *content_digits(struct arena *arena, const struct closing_wish *wish)
{
    char *text = arena_print(arena, "%016llx", (unsigned long long)wish->content);
    text[wish->digits] = 0;
    return text;
}

// Counting an event closes the open rows of its identity: same content counted, other content conflict (rules 3.6).
static enum err closings_write(struct attempt *attempt, struct fault *fault)
{
    struct batch *batch = attempt->batch;
    const struct closing_wish *wishes = batch->wishes.rows;
    batch->closings.count = 0;
    batch_range_closings(batch);
    if (batch->wishes.count == 0) return ERR_OK;
    struct array identities = {0}, contents = {0};
    for (size_t i = 0; i < batch->wishes.count; i++) {
        array_add_hash(&identities, wishes[i].identity);
        array_add_text(&contents, content_digits(attempt->arena, &wishes[i]));
    }
    const char *const values[] = {array_end(&identities, attempt->arena), array_end(&contents, attempt->arena),
                                  db_int(attempt->arena, attempt->record.incarnation),
                                  db_int(attempt->arena, attempt->record.partition),
                                  db_int(attempt->arena, attempt->record.batch_seq)};
    struct db_result *result = NULL;
    enum err err = db_query(attempt->db,
                            "update rating.quarantine q\n"
                            "   set state = case when starts_with(translate(q.content::text, '-', ''), w.content)\n"
                            "               then 'counted' else 'conflict' end,\n"
                            "       state_batch_seq = $5::bigint\n"
                            "  from unnest($1::uuid[], $2::text[]) as w (identity, content),\n"
                            "       rating.partition p, rating.incarnation i\n"
                            " where q.identity = w.identity and q.state = 'open' and q.reason <> 'misrouted'\n"
                            "   and p.incarnation = q.incarnation and p.partition = q.partition\n"
                            "   and i.incarnation = q.incarnation and i.incarnation <= $3::int\n"
                            "   and q.partition = $4::int % i.partitions\n"
                            "returning q.message_offset + p.base_position, q.event_index, q.state = 'conflict'",
                            5, values, &result, fault);
    if (!err) closings_read(batch, result);
    db_result_free(result);
    return err;
}

static bool was_replayed(const struct batch *batch, const struct closing_row *row)
{
    const struct replay_counted *counted = batch->replayed.rows;
    for (size_t i = 0; i < batch->replayed.count; i++)
        if (counted[i].position == row->position && counted[i].event_index == row->event_index) return true;
    return false;
}

// The verdicts of a replay are those on the rows that it closes, in log order. A row counts only if it turned from open
// to counted here.
static enum err replay_verdicts(struct attempt *attempt, struct fault *fault)
{
    struct batch *batch = attempt->batch;
    const struct closing_row *rows = batch->closings.rows;
    size_t counted = 0;
    for (size_t i = 0; i < batch->closings.count; i++) {
        bool replayed = was_replayed(batch, &rows[i]);
        counted += replayed && !rows[i].conflict;
        verdict_list_add(&attempt->replay_verdicts, rows[i].conflict ? VERDICT_CONFLICT
                                                    : replayed       ? VERDICT_COUNTED
                                                                     : VERDICT_DUPLICATE);
    }
    if (counted == batch->replayed.count) return ERR_OK;
    return fault_set(fault, ERR_CONFLICT, "rating.quarantine", "a row that was to be replayed is not open any more");
}

// --- head, batch row, compare-and-set

static void chain_rows(const struct attempt *attempt, struct chain *chain)
{
    struct batch *batch = attempt->batch;
    const struct named_row *sets = batch->sets.rows, *resources = batch->resources.rows;
    const struct transition_row *transitions = batch->transitions.rows;
    const struct kept_event_row *kept_events = batch->kept_events.rows;
    const struct quarantine_row *quarantines = batch->quarantines.rows;
    const struct conflict_row *conflicts = batch->conflicts.rows;
    const struct closing_row *closings = batch->closings.rows;
    size_t count = 0;
    const struct usage_row *const *usage = batch_usage(batch, &count);
    for (size_t i = 0; i < batch->sets.count; i++)
        if (sets[i].written) chain_dimension_set(chain, &sets[i]);
    for (size_t i = 0; i < batch->resources.count; i++)
        if (resources[i].written) chain_resource(chain, &resources[i]);
    for (size_t i = 0; i < count; i++) {
        accumulator_prefetch_next(usage, i, count);
        chain_usage(chain, &attempt->record, usage[i]);
    }
    for (size_t i = 0; i < batch->transitions.count; i++)
        chain_transition(chain, &attempt->record, &transitions[i]);
    for (size_t i = 0; i < batch->kept_events.count; i++)
        chain_kept_event(chain, &attempt->record, &kept_events[i]);
    for (size_t i = 0; i < batch->quarantines.count; i++)
        chain_quarantine(chain, &quarantines[i]);
    for (size_t i = 0; i < batch->conflicts.count; i++)
        chain_conflict(chain, &conflicts[i]);
    for (size_t i = 0; i < batch->closings.count; i++)
        chain_closing(chain, &closings[i]);
    chain_identities(chain, &attempt->record);
    chain_sequences(chain, &attempt->record);
}

static void head_compute(struct attempt *attempt, struct chain *chain)
{
    struct batch *batch = attempt->batch;
    chain_begin(chain, &attempt->record);
    chain_rows(attempt, chain);
    chain_finish(chain, &attempt->record, attempt->record.head);
    memcpy(batch->attempts[batch->attempt_count++ % ATTEMPTS_MAX], attempt->record.head, SHA256_BYTES);
}

// Both arrays, or NULL for both.
static void duplicates_print(const struct attempt *attempt, const char **tenants, const char **events)
{
    struct array numbers = {0}, counts = {0};
    size_t count = 0;
    const struct tenant_duplicates *rows = batch_duplicates(attempt->batch, &count);
    *tenants = *events = NULL;
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) {
        array_add_int(&numbers, rows[i].tenant->number);
        array_add_int(&counts, rows[i].events);
    }
    *tenants = array_end(&numbers, attempt->arena);
    *events = array_end(&counts, attempt->arena);
}

static enum err batch_row_write(const struct attempt *attempt, struct fault *fault)
{
    const struct batch_record *record = &attempt->record;
    const struct verdict_list *verdicts = record->verdicts;
    struct arena *arena = attempt->arena;
    const char *values[VERDICT_KINDS + 19] = {
        db_int(arena, record->incarnation),
        db_int(arena, record->partition),
        db_int(arena, record->batch_seq),
        db_int(arena, record->first_offset),
        db_int(arena, record->next_offset),
        db_instant(arena, record->watermark),
        db_int(arena, record->catalogue_version),
        record->has_digest ? db_bytes(arena, record->last_digest, SHA256_BYTES) : NULL,
        db_bytes(arena, record->previous_head, SHA256_BYTES),
        db_bytes(arena, record->head, SHA256_BYTES),
        db_int(arena, verdicts->count),
        db_bytes(arena, verdicts->packed.data, verdicts->packed.length),
    };
    for (int i = 0; i < VERDICT_KINDS; i++)
        values[12 + i] = db_int(arena, verdicts->of[i]);
    values[12 + VERDICT_KINDS] = db_int(arena, record->identities);
    values[13 + VERDICT_KINDS] = db_bytes(arena, record->identity_digest, SHA256_BYTES);
    duplicates_print(attempt, &values[14 + VERDICT_KINDS], &values[15 + VERDICT_KINDS]);
    values[16 + VERDICT_KINDS] = db_int(arena, record->sequences);
    values[17 + VERDICT_KINDS] = db_bytes(arena, record->sequence_digest, SHA256_BYTES);
    values[18 + VERDICT_KINDS] = db_int(arena, record->sequence_from);
    return db_exec(
        attempt->db,
        "insert into rating.batch (incarnation, partition, batch_seq, first_offset, next_offset, watermark,\n"
        "  catalogue_version, last_digest, previous_head, head, events, verdicts, counted, duplicates,\n"
        "  conflicts, quarantined, forwarded, markers, identities, identity_digest, duplicate_tenants,\n"
        "  duplicate_events, sequences, sequence_digest, sequence_from)\n"
        "values ($1::int, $2::int, $3::bigint, $4::bigint, $5::bigint, $6::timestamptz, $7::bigint,\n"
        "  $8::bytea, $9::bytea, $10::bytea, $11::int, $12::bytea, $13::int, $14::int, $15::int, $16::int,\n"
        "  $17::int, $18::int, $19::int, $20::bytea, $21::bigint[], $22::integer[], $23::int,\n"
        "  $24::bytea, $25::bigint)",
        25, values, NULL, fault);
}

static enum err compare_and_set(const struct attempt *attempt, struct fault *fault)
{
    const struct batch_record *record = &attempt->record;
    const struct partition_row *before = attempt->before;
    struct arena *arena = attempt->arena;
    int64_t affected = 0;
    const char *const values[] = {
        db_int(arena, record->incarnation),
        db_int(arena, record->partition),
        db_int(arena, before->epoch),
        db_int(arena, before->epoch_nonce),
        db_int(arena, before->batch_seq),
        db_int(arena, before->next_offset),
        db_int(arena, record->batch_seq),
        db_int(arena, record->next_offset),
        db_instant(arena, record->watermark),
        record->has_digest ? db_bytes(arena, record->last_digest, SHA256_BYTES) : NULL,
        db_bytes(arena, record->head, SHA256_BYTES),
        db_int(arena, record->catalogue_version),
    };
    enum err err = db_exec(attempt->db,
                           "update rating.partition\n"
                           "   set batch_seq = $7::bigint, next_offset = $8::bigint, watermark = $9::timestamptz,\n"
                           "       last_digest = coalesce($10::bytea, last_digest), head = $11::bytea\n"
                           " where incarnation = $1::int and partition = $2::int and epoch = $3::bigint\n"
                           "   and epoch_nonce = $4::bigint and batch_seq = $5::bigint and next_offset = $6::bigint\n"
                           "   and exists (select from catalog.version where version = $12::bigint)",
                           12, values, &affected, fault);
    if (!err && affected != 1)
        return fault_set(fault, ERR_CONFLICT, "rating.partition",
                         "partition %d is not at batch %lld of our epoch any more, or the catalogue has changed",
                         record->partition, (long long)before->batch_seq);
    return err;
}

// In a transaction of its own: making the partition locks the whole table, and not for as long as a batch takes.
static enum err days_ensure(struct attempt *attempt, struct fault *fault)
{
    instant_us day = instant_floor(attempt->record.watermark, DAY_US);
    const struct batch *batch = attempt->batch;
    if (batch->ensured_day == day || (accumulator_count(batch->usage) == 0 && batch->entries.count == 0 &&
                                       batch->sequence_pieces.count == 0))
        return ERR_OK;
    struct db_result *result = NULL;
    enum err err = db_begin(attempt->db, fault);
    if (err) return err;
    err = db_query(attempt->db,
                   "select rating.ensure_usage_day(d.day), rating.ensure_identity_day(d.day),\n"
                   "       rating.ensure_sequence_day(d.day)\n"
                   "  from (select ($1::timestamptz at time zone 'UTC')::date as day) d",
                   1, (const char *[]){db_instant(attempt->arena, day)}, &result, fault);
    db_result_free(result);
    if (!err)
        err = db_commit(attempt->db, fault);
    else
        db_rollback(attempt->db);
    if (!err) attempt->batch->ensured_day = day;
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // asking again does no harm
}

static enum err attempt_write(struct attempt *attempt, struct chain *chain, struct fault *fault)
{
    enum err err = batch_names_copy(attempt, fault);
    CRASH_POINT("rate.before_copy");
    if (!err) err = attempt_copy(attempt, fault);
    CRASH_POINT("rate.after_copy");
    if (!err) err = closings_write(attempt, fault);
    if (!err && attempt->batch->replay) err = replay_verdicts(attempt, fault);
    if (!err) err = batch_range_write(attempt, fault);
    if (err) return err;
    head_compute(attempt, chain);
    err = batch_row_write(attempt, fault);
    return err ? err : compare_and_set(attempt, fault);
}

static void record_fill(struct attempt *attempt, int64_t catalogue_version)
{
    const struct batch *batch = attempt->batch;
    const struct partition_row *before = attempt->before;
    attempt->record = (struct batch_record){
        .incarnation = before->incarnation,
        .partition = before->partition,
        .batch_seq = before->batch_seq + 1,
        .first_offset = batch->first_offset,
        .next_offset = batch->next_offset,
        .watermark = batch->watermark,
        .catalogue_version = catalogue_version,
        .has_digest = batch->has_digest,
        .identities = (int64_t)batch->entries.count,
        .sequences = batch->sequence_pack.records,
        .sequence_from = batch->carry.whole_from,
        .verdicts = batch->replay ? &attempt->replay_verdicts : &batch->verdicts,
    };
    memcpy(attempt->record.last_digest, batch->digest, SHA256_BYTES);
    memcpy(attempt->record.identity_digest, batch->identity_digest, SHA256_BYTES);
    memcpy(attempt->record.sequence_digest, batch->sequence_digest, SHA256_BYTES);
    memcpy(attempt->record.previous_head, before->head, SHA256_BYTES);
}

static void row_after(const struct batch_record *record, struct partition_row *after)
{
    after->batch_seq = record->batch_seq;
    after->next_offset = record->next_offset;
    after->watermark = record->watermark;
    if (record->has_digest) {
        after->has_digest = true;
        memcpy(after->last_digest, record->last_digest, SHA256_BYTES);
    }
    memcpy(after->head, record->head, SHA256_BYTES);
}

enum err batch_commit(struct batch *batch, struct db *db, struct chain *chain, const struct partition_row *before,
                      int64_t catalogue_version, struct partition_row *after, struct fault *fault)
{
    ENSURE(before->next_offset == batch->first_offset && before->watermark <= batch->watermark);
    ENSURE(batch->replay || batch->has_digest);
    struct attempt attempt = {.batch = batch, .db = db, .before = before, .arena = arena_new(ARENA_BYTES)};
    batch_identities_pack(batch);
    batch_ranges_finish(batch);
    record_fill(&attempt, catalogue_version);
    sort(&batch->transitions, sizeof(struct transition_row), transition_compare);
    sort(&batch->kept_events, sizeof(struct kept_event_row), kept_event_compare);
    enum err err = days_ensure(&attempt, fault);
    if (!err) err = db_begin(db, fault);
    if (!err) {
        err = attempt_write(&attempt, chain, fault);
        if (err) db_rollback(db);
    }
    if (!err) {
        CRASH_POINT("rate.before_commit");
        err = db_commit(db, fault);
    }
    if (!err) {
        *after = *before;
        row_after(&attempt.record, after);
    }
    if (err) batch->ensured_day = INSTANT_NONE; // the day may be gone with a restored database
    verdict_list_free(&attempt.replay_verdicts);
    arena_free(attempt.arena);
    return err;
}
