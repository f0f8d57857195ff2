// SPDX-License-Identifier: Apache-2.0
// Feeding: a message is split and decoded in groups, so that the index's cache lines are on their way while the next
// event is decoded, also when each message has one; then each event is looked up, judged and added, in log order.
#include "rating/batch.h"

#include <stdlib.h>
#include <string.h>

#include "rating/batch_internal.h"

enum {
    ARENA_FIRST_BYTES = 1 << 20,
    ROWS_FIRST = 64,
    PUT_AHEAD = 16,
    CONTENT_DIGITS = 16, // hex digits of a content's first 64 bits
    // what a thing takes in tables and lists that double as they grow
    ENTRY_BYTES = 130, // in the list, its table and packed
    ROW_BYTES = 320,
    NAME_BYTES = 180,
    EVIDENCE_BYTES = 420,
    RANGE_KEY_BYTES = 130 // of a tenant, source and reason
};

void *row_list_add(struct row_list *list, size_t size)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : ROWS_FIRST;
        list->rows = heap_grow(list->rows, size, list->room);
    }
    return (char *)list->rows + size * list->count++;
}

struct batch *batch_new(void)
{
    struct batch *batch = heap_alloc(sizeof *batch);
    batch->arena = arena_new(ARENA_FIRST_BYTES);
    batch->usage = accumulator_new();
    batch->named = dedup_index_new(NULL);
    batch_sequences_init(batch);
    batch->group = heap_grow(NULL, sizeof *batch->group, GROUP_MAX);
    batch->judgements = heap_alloc(GROUP_MAX * sizeof *batch->judgements);
    batch->ensured_day = INSTANT_NONE;
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch) return;
    struct row_list *const lists[] = {
        &batch->entries,   &batch->sets,   &batch->resources, &batch->transitions, &batch->kept_events, &batch->quarantines,
        &batch->conflicts, &batch->wishes, &batch->closings,  &batch->replayed,    &batch->identity_pieces,
        &batch->forwards,  &batch->duplicates, &batch->ranges, &batch->range_groups, &batch->range_keys};
    batch_sequences_free(batch);
    batch_ranges_free(batch);
    batch_range_free(batch);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->rows);
    arena_free(batch->arena);
    accumulator_free(batch->usage);
    identity_table_free(&batch->pending);
    dedup_index_free(batch->named);
    verdict_list_free(&batch->verdicts);
    text_free(&batch->identities);
    for (size_t i = 0; i < GROUP_MAX; i++)
        judgement_free(&batch->judgements[i]);
    free(batch->judgements);
    free(batch->group);
    free(batch);
}

void batch_begin(struct batch *batch, int64_t next_offset, instant_us watermark)
{
    arena_reset(batch->arena);
    accumulator_clear(batch->usage);
    identity_table_clear(&batch->pending);
    dedup_index_clear(batch->named);
    batch_sequences_clear(batch);
    batch_ranges_clear(batch);
    batch_range_forget(batch);
    verdict_list_clear(&batch->verdicts);
    batch->entries.count = batch->sets.count = batch->resources.count = batch->transitions.count = 0;
    batch->kept_events.count = 0;
    batch->quarantines.count = batch->conflicts.count = batch->wishes.count = batch->closings.count = 0;
    batch->replayed.count = batch->forwards.count = batch->duplicates.count = 0;
    batch->bad_marks = 0;
    batch->identities_packed = false;
    batch->group_count = 0;
    batch->first_offset = batch->next_offset = next_offset;
    batch->watermark = watermark;
    batch->bytes = 0;
    batch->has_digest = batch->replay = false;
    batch->attempt_count = 0;
}

// --- judging one decoded event

// Notes a name that neither the database nor this batch is known to have.
static void name_add(struct batch *batch, const struct batch_ground *ground, struct row_list *list,
                     const struct tenant *tenant, struct hash128 hash, struct slice text)
{
    struct dedup_entry found, entry = {.identity = hash};
    if (dedup_index_find(ground->known, hash, &found) || dedup_index_find(batch->named, hash, &found)) return;
    if (ground->earlier && dedup_index_find(ground->earlier->named, hash, &found)) return;
    dedup_index_put(batch->named, &entry);
    struct named_row *row = row_list_add(list, sizeof *row);
    *row = (struct named_row){.hash = hash, .tenant = tenant};
    row->text = (struct slice){arena_text(batch->arena, text.data, text.length), text.length};
}

static void transitions_add(struct batch *batch, const struct batch_ground *ground, struct hash128 identity,
                            const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->transition_count; i++) {
        const struct transition_effect *effect = &judgement->transitions[i];
        name_add(batch, ground, &batch->sets, effect->tenant, effect->dimension_set,
                 judgement_members(judgement, effect->members));
        name_add(batch, ground, &batch->resources, effect->tenant, effect->resource, effect->resource_id);
        struct transition_row *row = row_list_add(&batch->transitions, sizeof *row);
        *row = (struct transition_row){
            .tenant = effect->tenant,
            .meter = effect->meter,
            .resource = effect->resource,
            .event_time = effect->event_time,
            .event_id = identity,
            .running = effect->running,
            .value = effect->value,
            .dimension_set = effect->dimension_set,
        };
    }
}

static void kept_event_add(struct batch *batch, const struct contribution *added)
{
    struct kept_event_row *row = row_list_add(&batch->kept_events, sizeof *row);
    *row = (struct kept_event_row){
        .tenant = added->tenant,
        .meter = added->meter,
        .dimension_set = added->dimension_set,
        .slot = added->slot,
        .event_time = added->event_time,
        .event_id = added->event_id,
        .value = added->quantity,
    };
}

static void entry_add(struct batch *batch, const struct dedup_entry *entry)
{
    *(struct dedup_entry *)row_list_add(&batch->entries, sizeof *entry) = *entry;
    identity_table_put(&batch->pending, batch->entries.rows, batch->entries.count - 1);
}

static void wish_add(struct batch *batch, struct hash128 identity, uint64_t content, int digits)
{
    *(struct closing_wish *)row_list_add(&batch->wishes, sizeof(struct closing_wish)) =
        (struct closing_wish){identity, content, digits};
}

// Adds the effects of an event that can be counted; OVERFLOW if a sum does not hold it.
static enum reason effects_add(struct batch *batch, const struct batch_ground *ground, struct hash128 identity,
                               struct judgement *judgement)
{
    if (accumulator_add(batch->usage, judgement->contributions, judgement->contribution_count)) {
        static const char words[] = "the sum of the usage record would leave the range of a quantity";
        memcpy(judgement->detail, words, sizeof words);
        return REASON_OVERFLOW;
    }
    for (size_t i = 0; i < judgement->contribution_count; i++) {
        const struct contribution *added = &judgement->contributions[i];
        if (added->new_row)
            name_add(batch, ground, &batch->sets, added->tenant, added->dimension_set,
                     judgement_members(judgement, added->members));
        if (added->meter->keeps_events) kept_event_add(batch, added);
    }
    transitions_add(batch, ground, identity, judgement);
    return REASON_NONE;
}

// Asks the index for the identities of the group. It does not change before they are judged.
static void group_find(struct batch *batch, const struct batch_ground *ground)
{
    struct hash128 identities[GROUP_MAX] = {{0}};
    struct dedup_entry entries[GROUP_MAX];
    size_t places[GROUP_MAX], count = 0;
    bool known[GROUP_MAX];
    for (size_t i = 0; i < batch->group_count; i++) {
        if (batch->group[i].reason) continue;
        identities[count] = batch->group[i].identity;
        places[count++] = i;
    }
    if (count == 0) return;
    dedup_index_find_group(ground->index, identities, count, entries, known);
    for (size_t i = 0; i < count; i++) {
        batch->group[places[i]].known = known[i];
        if (known[i]) batch->group[places[i]].first = entries[i];
    }
}

static const struct dedup_entry *pending_find(const struct batch *batch, struct hash128 identity)
{
    return identity_table_find(&batch->pending, batch->entries.rows, identity);
}

// The newest entry of the identity: of this batch, of the one that is being committed, else what the index said.
static void newest_find(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded)
{
    const struct dedup_entry *newer = pending_find(batch, decoded->identity);
    if (!newer && ground->earlier) newer = pending_find(ground->earlier, decoded->identity);
    if (!newer) return;
    decoded->known = true;
    decoded->first = *newer;
}

// An entry that makes every other event of the identity a duplicate or a conflict.
static bool is_counted(const struct decoded *decoded)
{
    return decoded->known && !decoded->first.held;
}

// What can be said of an event before those in front of it in its group are added; `known` and `first` are what the
// index has. No effects, so that the cache lines that the effects need are on their way while the next event is
// prepared.
static void event_prepare(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded,
                          struct judgement *judgement)
{
    newest_find(batch, ground, decoded);
    if (is_counted(decoded)) return;
    if (judge_event(&ground->judge, &decoded->event, decoded->identity, decoded->received_time, judgement)) return;
    for (size_t i = 0; i < judgement->contribution_count; i++)
        accumulator_prefetch(batch->usage, &judgement->contributions[i]);
}

// The verdict on a prepared event, its effects added if it counts. decoded->first: the event that was counted before
// (duplicate, conflict). *reason: why it is quarantined.
static enum verdict event_judge(struct batch *batch, const struct batch_ground *ground, struct decoded *decoded,
                                struct judgement *judgement, enum reason *reason)
{
    uint64_t content = decoded->event.content.high;
    *reason = REASON_NONE;
    const struct dedup_entry *newer = is_counted(decoded) ? NULL : pending_find(batch, decoded->identity);
    if (newer) {
        decoded->known = true;
        decoded->first = *newer;
    }
    if (is_counted(decoded)) return dedup_content_same(decoded->first.content, content) ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
    enum verdict verdict;
    if (decoded->event.sequenced && batch_sequence_judge(batch, ground, decoded, judgement, &verdict)) return verdict;
    *reason = judgement->reason;
    if (!*reason) *reason = effects_add(batch, ground, decoded->identity, judgement);
    struct dedup_entry entry = {.identity = decoded->identity,
                                .content = content,
                                .offset = decoded->position,
                                .shard = judgement->shard,
                                .event_index = decoded->index,
                                .held = *reason != REASON_NONE};
    if (*reason) {
        // a misrouted event is another partition's affair: its identity is never counted here
        // and a replay says nothing new of one that stays as it is
        if (!decoded->known && *reason != REASON_MISROUTED && !batch->replay) entry_add(batch, &entry);
        return VERDICT_QUARANTINED;
    }
    if (decoded->event.sequenced) batch_sequence_count(batch, ground, decoded);
    // a number needs no entry, but in place of one that is held
    if (!decoded->event.sequenced || decoded->known) entry_add(batch, &entry);
    if (decoded->known) wish_add(batch, decoded->identity, content, CONTENT_DIGITS);
    return VERDICT_COUNTED;
}

// --- messages

// An event that was sent on once is not sent on again: two owners that disagree would do so for ever (rules 2.3, 2.4).
static enum verdict misrouted(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded)
{
    if (decoded->marked && !ground->sends_on) return VERDICT_QUARANTINED;
    struct slice raw = {arena_text(batch->arena, decoded->raw.data, decoded->raw.length), decoded->raw.length};
    *(struct forward_row *)row_list_add(&batch->forwards, sizeof(struct forward_row)) =
        (struct forward_row){shard_of_tenant(decoded->event.subject), decoded->received_time, raw};
    return VERDICT_FORWARDED;
}

// Asks for the rows of the group's usage, and for the names of those that may be new.
static void names_prefetch(struct batch *batch, const struct dedup_index *known)
{
    struct hash128 names[2 * GROUP_MAX]; // an event of more than two meters is rare
    size_t count = 0;
    for (size_t i = 0; i < batch->group_count; i++) {
        const struct judgement *judgement = &batch->judgements[i];
        if (batch->group[i].reason || is_counted(&batch->group[i])) continue;
        for (size_t j = 0; j < judgement->contribution_count; j++) {
            const struct contribution *added = &judgement->contributions[j];
            if (accumulator_prefetch_row(batch->usage, added) || count == 2 * GROUP_MAX) continue;
            dedup_index_prefetch_way(known, added->dimension_set);
            names[count++] = added->dimension_set;
        }
    }
    for (size_t i = 0; i < count; i++)
        dedup_index_prefetch(known, names[i]);
    for (size_t i = 0; i < count; i++)
        dedup_index_prefetch_entry(known, names[i]);
}

// Everything about the group that does not depend on its own effects, in passes that each ask for what the next needs.
static void group_prepare(struct batch *batch, const struct batch_ground *ground)
{
    const struct tenant *tenants[GROUP_MAX] = {NULL};
    for (size_t i = 0; i < batch->group_count; i++)
        if (!batch->group[i].reason)
            tenants[i] = catalogue_tenant_expect(ground->judge.catalogue, batch->group[i].event.subject);
    group_find(batch, ground);
    for (size_t i = 0; i < batch->group_count; i++)
        if (tenants[i]) __builtin_prefetch(tenants[i]->id);
    for (size_t i = 0; i < batch->group_count; i++)
        if (!batch->group[i].reason) event_prepare(batch, ground, &batch->group[i], &batch->judgements[i]);
    names_prefetch(batch, ground->known);
}

// A tenant that had an event counted stays in the catalogue.
static void duplicate_note(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded)
{
    const struct tenant *tenant = catalogue_tenant(ground->judge.catalogue, decoded->event.subject);
    if (tenant) batch_duplicate(batch, tenant);
}

void batch_judge(struct batch *batch, const struct batch_ground *ground)
{
    group_prepare(batch, ground);
    for (size_t i = 0; i < batch->group_count; i++) {
        struct decoded *decoded = &batch->group[i];
        enum reason reason = decoded->reason;
        enum verdict verdict = VERDICT_QUARANTINED;
        struct slice detail = decoded->detail;
        if (!reason) {
            verdict = event_judge(batch, ground, decoded, &batch->judgements[i], &reason);
            detail = slice_of(batch->judgements[i].detail);
            if (reason == REASON_MISROUTED) verdict = misrouted(batch, ground, decoded);
        }
        if (verdict == VERDICT_QUARANTINED) batch_quarantine(batch, ground, decoded, reason, detail);
        if (verdict == VERDICT_DUPLICATE) duplicate_note(batch, ground, decoded);
        if (verdict == VERDICT_CONFLICT) batch_conflict(batch, decoded, &decoded->first);
        verdict_list_add(&batch->verdicts, verdict);
    }
    batch->group_count = 0;
}

// The first fault of an event as a sentence.
static struct slice faults_print(struct arena *arena, const struct event_faults *faults)
{
    const struct event_fault *first = &faults->list[0];
    const char *text = faults->count > 1
                           ? arena_print(arena, "%s: %s (and %zu more)", first->path, first->reason, faults->count - 1)
                           : arena_print(arena, "%s: %s", first->path, first->reason);
    return slice_of(text);
}

static void decode(struct batch *batch, const struct batch_ground *ground, struct decoded *decoded)
{
    batch->faults.count = 0;
    if (event_decode(decoded->raw, &ground->content_key, batch->arena, &decoded->event, &batch->faults)) {
        decoded->reason = REASON_MALFORMED;
        decoded->detail = faults_print(batch->arena, &batch->faults);
        return;
    }
    const struct usage_event *event = &decoded->event;
    decoded->identity = event_identity_of(&ground->identity_key, event);
    if (event->sequenced) batch_sequence_decode(batch, ground, decoded);
    identity_table_prefetch(&batch->pending, decoded->identity);
    if (ground->earlier) identity_table_prefetch(&ground->earlier->pending, decoded->identity);
    dedup_index_prefetch_way(ground->index, decoded->identity);
    catalogue_tenant_prefetch(ground->judge.catalogue, event->subject);
}

static struct decoded *group_next(struct batch *batch, int64_t offset, instant_us received_time, struct slice raw,
                                  int32_t index)
{
    struct decoded *decoded = &batch->group[batch->group_count++];
    decoded->offset = offset;
    decoded->received_time = received_time;
    decoded->raw = raw;
    decoded->index = index;
    decoded->marked = decoded->open = false;
    decoded->reason = REASON_NONE;
    return decoded;
}

// Was the message, whose first step was taken, sent on by another partition's owner? Then its events are judged by the
// received_time of their first position; the watermark goes by its own (rules 1.4).
static bool mark_read(struct batch *batch, const struct batch_ground *ground)
{
    bool marked = false;
    if (event_cursor_forwarded(&batch->cursor, &ground->forward_key, &marked)) batch->bad_marks += !marked;
    return marked;
}

static void message_split(struct batch *batch, const struct batch_ground *ground, const struct bus_message *message)
{
    struct event_cursor *cursor = &batch->cursor;
    event_cursor_open(cursor, message, batch->arena);
    enum event_step step = event_cursor_next(cursor);
    bool marked = mark_read(batch, ground);
    instant_us received_time = event_cursor_received(cursor, marked);
    for (; step != EVENT_END; step = event_cursor_next(cursor)) {
        if (step == EVENT_MARKER) {
            batch_judge(batch, ground); // verdicts stand in log order
            verdict_list_add(&batch->verdicts, VERDICT_MARKER);
            break;
        }
        struct decoded *decoded = group_next(batch, message->offset, received_time, cursor->raw, cursor->index);
        decoded->marked = marked;
        decoded->position = ground->base_position + message->offset;
        if (step == EVENT_RAW) {
            decode(batch, ground, decoded);
        } else {
            decoded->reason = REASON_MESSAGE;
            decoded->detail = evidence_text(batch->arena, slice_of(cursor->fault.reason), FAULT_TEXT_MAX);
        }
        if (batch->group_count == GROUP_MAX) batch_judge(batch, ground);
    }
}

void batch_feed(struct batch *batch, const struct batch_ground *ground, const struct bus_message *message)
{
    ENSURE(!batch->replay && message->offset >= batch->next_offset);
    message_split(batch, ground, message);
    batch->next_offset = message->offset + 1;
    batch->bytes += (int64_t)message->length;
    batch->has_digest = false;
    if (message->received_time > batch->watermark) batch->watermark = message->received_time;
}

void batch_digest(struct batch *batch, const struct bus_message *message)
{
    ENSURE(message->offset == batch->next_offset - 1 && batch->group_count == 0);
    sha256_of(message->data, message->length, batch->digest);
    batch->has_digest = true;
}

// --- replays

enum verdict batch_replay(struct batch *batch, const struct batch_ground *ground, struct replay_row *row)
{
    ENSURE(batch->replay || batch_empty(batch));
    batch->replay = true;
    struct decoded *decoded = group_next(batch, row->offset, row->received_time, row->raw, row->event_index);
    decoded->position = row->position;
    batch->group_count = 0;
    row->verdict = VERDICT_QUARANTINED;
    row->detail[0] = 0;
    decode(batch, ground, decoded);
    row->reason = decoded->reason;
    struct slice detail = decoded->detail;
    if (!row->reason) {
        struct judgement *judgement = &batch->judgements[0];
        decoded->known = dedup_index_find(ground->index, decoded->identity, &decoded->first);
        decoded->open = !row->undecidable && decoded->known && decoded->first.held;
        event_prepare(batch, ground, decoded, judgement);
        row->verdict = event_judge(batch, ground, decoded, judgement, &row->reason);
        detail = slice_of(judgement->detail);
        if (!batch->range.quarantine && (row->verdict == VERDICT_DUPLICATE || row->verdict == VERDICT_CONFLICT))
            wish_add(batch, decoded->identity, decoded->first.content, DEDUP_CONTENT_DIGITS);
        if (row->verdict == VERDICT_COUNTED) {
            wish_add(batch, decoded->identity, decoded->event.content.high, CONTENT_DIGITS);
            *(struct replay_counted *)row_list_add(&batch->replayed, sizeof(struct replay_counted)) =
                (struct replay_counted){row->position, row->event_index};
        }
    }
    if (row->reason) {
        detail = evidence_text(batch->arena, detail, sizeof row->detail - 1);
        memcpy(row->detail, detail.data, detail.length + 1);
    }
    if (batch->range.quarantine) batch_range_judged(batch, decoded, row->verdict);
    return row->verdict;
}

// --- asking

bool batch_empty(const struct batch *batch)
{
    return batch->next_offset == batch->first_offset && batch->wishes.count == 0 && batch->range_closings.count == 0;
}

bool batch_only_markers(const struct batch *batch)
{
    return !batch->replay && batch->verdicts.of[VERDICT_MARKER] == batch->verdicts.count;
}

int64_t batch_events(const struct batch *batch)
{
    return batch->verdicts.count;
}

int64_t batch_bytes(const struct batch *batch)
{
    return batch->bytes;
}

int64_t batch_memory(const struct batch *batch)
{
    int64_t rows = (int64_t)accumulator_count(batch->usage);
    int64_t names = (int64_t)(batch->sets.count + batch->resources.count);
    int64_t evidence = (int64_t)(batch->quarantines.count + batch->conflicts.count + batch->transitions.count) +
                       (int64_t)batch->kept_events.count;
    return (int64_t)arena_bytes(batch->arena) + (int64_t)batch->entries.count * ENTRY_BYTES + rows * ROW_BYTES +
           names * NAME_BYTES + evidence * EVIDENCE_BYTES +
           (int64_t)(batch->forwards.count * sizeof(struct forward_row)) +
           (int64_t)(batch->duplicates.count * sizeof(struct tenant_duplicates)) +
           (int64_t)batch->range_keys.count * RANGE_KEY_BYTES + 2 * batch->range_bytes + batch_sequences_memory(batch);
}

int64_t batch_next_offset(const struct batch *batch)
{
    return batch->next_offset;
}

instant_us batch_watermark(const struct batch *batch)
{
    return batch->watermark;
}

const struct verdict_list *batch_verdicts(const struct batch *batch)
{
    return &batch->verdicts;
}

const struct forward_row *batch_forwards(const struct batch *batch, size_t *count)
{
    *count = batch->forwards.count;
    return batch->forwards.rows;
}

int64_t batch_bad_marks(const struct batch *batch)
{
    return batch->bad_marks;
}

const struct usage_row *const *batch_usage(struct batch *batch, size_t *count)
{
    *count = accumulator_count(batch->usage);
    return accumulator_sorted(batch->usage);
}

// --- after the commit

enum err batch_reserve(const struct batch *batch, struct dedup_index *index, struct fault *fault)
{
    return dedup_index_reserve(index, batch->entries.count, fault);
}

void batch_take(const struct batch *batch, struct dedup_index *index, struct dedup_index *known)
{
    const struct dedup_entry *entries = batch->entries.rows;
    for (size_t i = 0; i < batch->entries.count; i++) {
        if (i + 2 * PUT_AHEAD < batch->entries.count)
            dedup_index_prefetch_way(index, entries[i + 2 * PUT_AHEAD].identity);
        if (i + PUT_AHEAD < batch->entries.count) dedup_index_prefetch(index, entries[i + PUT_AHEAD].identity);
        dedup_index_put(index, &entries[i]);
    }
    const struct row_list *const lists[] = {&batch->sets, &batch->resources};
    for (size_t list = 0; list < 2; list++) {
        const struct named_row *rows = lists[list]->rows;
        for (size_t i = 0; i < lists[list]->count; i++)
            dedup_index_put(known, &(struct dedup_entry){.identity = rows[i].hash});
    }
}

bool batch_was_committed(const struct batch *batch, const unsigned char head[SHA256_BYTES])
{
    size_t kept = batch->attempt_count < ATTEMPTS_MAX ? batch->attempt_count : ATTEMPTS_MAX;
    for (size_t i = 0; i < kept; i++)
        if (memcmp(batch->attempts[i], head, SHA256_BYTES) == 0) return true;
    return false;
}
