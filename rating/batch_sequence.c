// SPDX-License-Identifier: Apache-2.0
// Sequenced sources in a batch (rules 2.5). What the batch counts is a layer on top of the batch that is being committed
// and of the index; its events, and what it carries of the index, are packed rows of its own transaction, covered by the
// chain head.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash_point.h"
#include "rating/batch_internal.h"

enum { EVENT_BYTES_PACKED = 32 }; // about

void batch_sequences_init(struct batch *batch)
{
    batch->sequences = sequence_index_new(NULL);
}

void batch_sequences_free(struct batch *batch)
{
    sequence_index_free(batch->sequences);
    free(batch->sequence_rows.rows);
    free(batch->sequence_pieces.rows);
    text_free(&batch->packed_sequences);
    sequence_carry_free(&batch->carry);
}

void batch_sequences_clear(struct batch *batch)
{
    if (batch->sequence_rows.count > 0) sequence_index_clear(batch->sequences);
    batch->sequence_rows.count = batch->sequence_pieces.count = 0;
    batch->carry.count = 0;
}

int64_t batch_sequences_memory(const struct batch *batch)
{
    return batch->sequence_rows.count == 0 ? 0
                                           : sequence_index_bytes(batch->sequences) +
                                                 (int64_t)(batch->sequence_rows.count * sizeof(struct sequence_event));
}

// --- judging

void batch_sequence_decode(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded)
{
    struct sequence_event *sequence = &decoded->sequence;
    sequence_event_of(&ground->identity_key, &decoded->event, decoded->position, decoded->index, sequence);
    sequence_index_prefetch(batch->sequences, sequence->source);
    if (ground->sequences) sequence_index_prefetch(ground->sequences, sequence->source);
}

// Why the number cannot be decided; NULL: it can.
static const char *undecidable(const struct batch_ground *ground, const struct decoded *decoded,
                               enum sequence_verdict verdict, instant_us *bound)
{
    instant_us coverage_start = ground->sequences ? ground->sequences->coverage_start : INSTANT_MIN;
    switch (verdict) {
    case SEQUENCE_BELOW_MARK:
        return "is too far below the highest one that was counted to tell whether it was counted before";
    case SEQUENCE_NOT_LATER:
        return "belongs to an incarnation that followed one which has counted up to";
    case SEQUENCE_NOT_BEFORE:
        return "belongs to an incarnation that was followed by one which has counted from";
    case SEQUENCE_FRESH:
    case SEQUENCE_SAME:
    case SEQUENCE_OTHER:
        break;
    }
    if (coverage_start == INSTANT_MIN) return NULL;
    *bound = coverage_start + ground->judge.longest_future_us;
    return decoded->event.event_time < *bound ? "is of a time before the numbers that are known, which begin at" : NULL;
}

static void refuse(struct judgement *judgement, int64_t number, const char *why, instant_us bound)
{
    char text[INSTANT_TEXT_MAX + 1] = " ";
    if (bound != INSTANT_NONE) instant_print(bound, text + 1);
    snprintf(judgement->detail, sizeof judgement->detail, "$.sequence: number %lld %s%s", (long long)number, why,
             bound == INSTANT_NONE ? "" : text);
    judgement->reason = REASON_UNDECIDABLE;
}

static void layers_find(const struct batch *batch, const struct batch_ground *ground, struct hash128 source,
                        const struct sequence_source *layers[SEQUENCE_LAYERS])
{
    layers[0] = ground->sequences ? sequence_index_find(ground->sequences, source) : NULL;
    layers[1] = ground->earlier ? sequence_index_find(ground->earlier->sequences, source) : NULL;
    layers[2] = sequence_index_find(batch->sequences, source);
}

bool batch_sequence_judge(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded,
                          struct judgement *judgement, enum verdict *verdict)
{
    const struct sequence_event *event = &decoded->sequence;
    const struct sequence_source *layers[SEQUENCE_LAYERS];
    layers_find(batch, ground, event->source, layers);
    struct sequence_counted first;
    instant_us bound = INSTANT_NONE;
    // another partition's events are not of our sources
    if (judgement->reason == REASON_MISROUTED) return false;
    enum sequence_verdict found = sequence_judge(layers, event, decoded->open, &first, &bound);
    if (found == SEQUENCE_SAME || found == SEQUENCE_OTHER) {
        decoded->first = (struct dedup_entry){.identity = decoded->identity,
                                              .content = first.content,
                                              .offset = first.offset,
                                              .event_index = first.event_index};
        *verdict = found == SEQUENCE_SAME ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
        return true;
    }
    if (found == SEQUENCE_BELOW_MARK || found == SEQUENCE_FRESH) bound = INSTANT_NONE;
    const char *why = undecidable(ground, decoded, found, &bound);
    if (why) refuse(judgement, event->number, why, bound);
    return false;
}

void batch_sequence_count(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded)
{
    const struct sequence_source *layers[SEQUENCE_LAYERS];
    layers_find(batch, ground, decoded->sequence.source, layers);
    sequence_index_count(batch->sequences, layers[1] ? layers[1] : layers[0], &decoded->sequence, INSTANT_MIN);
    *(struct sequence_event *)row_list_add(&batch->sequence_rows, sizeof(struct sequence_event)) = decoded->sequence;
}

// --- rows

static void piece_end(struct batch *batch)
{
    *(size_t *)row_list_add(&batch->sequence_pieces, sizeof(size_t)) = batch->packed_sequences.length;
}

// Behind a record: the piece is ended when it is full.
static void record_next(void *context)
{
    struct batch *batch = context;
    if (!sequence_pack_full(&batch->sequence_pack)) return;
    piece_end(batch);
    sequence_pack_begin(&batch->sequence_pack, &batch->packed_sequences);
}

static void events_pack(struct batch *batch)
{
    const struct sequence_event *events = batch->sequence_rows.rows;
    for (size_t i = 0; i < batch->sequence_rows.count; i++) {
        sequence_pack_event(&batch->sequence_pack, &events[i]);
        record_next(batch);
    }
}

// What is carried is as it was before this batch, so it stands before the batch's own events.
enum err batch_sequences_pack(struct batch *batch, const struct sequence_index *index, int64_t batch_seq,
                              struct fault *fault)
{
    struct text *out = &batch->packed_sequences;
    struct sequence_pack *pack = &batch->sequence_pack;
    int64_t own_bytes = (int64_t)batch->sequence_rows.count * EVENT_BYTES_PACKED;
    enum err err = sequence_index_reserve(index, batch_sequences_memory(batch), fault);
    if (err) return err;
    text_clear(out);
    pack->records = 0;
    batch->sequence_pieces.count = 0;
    sequence_pack_begin(pack, out);
    sequence_carry_pack(&batch->carry, index, own_bytes, batch_seq, pack, record_next, batch);
    if ((own_bytes > 0 || batch->carry.ends) && index->coverage_start != INSTANT_MIN)
        sequence_pack_coverage(pack, index->coverage_start);
    events_pack(batch);
    if (pack->records > 0)
        piece_end(batch);
    else
        text_clear(out);
    sha256_of(out->data ? out->data : "", out->length, batch->sequence_digest);
    return ERR_OK;
}

enum err batch_sequences_copy(struct attempt *attempt, struct fault *fault)
{
    const struct batch *batch = attempt->batch;
    if (batch->sequence_pieces.count == 0) return ERR_OK;
    enum err err =
        attempt_copy_pieces(attempt, "rating.batch_sequence", &batch->packed_sequences, &batch->sequence_pieces, fault);
    CRASH_POINT("rate.after_sequences");
    return err;
}

// --- after the commit

void batch_sequences_take(const struct batch *batch, struct sequence_index *index, int64_t batch_seq)
{
    const struct sequence_event *events = batch->sequence_rows.rows;
    for (size_t i = 0; i < batch->sequence_rows.count; i++)
        sequence_index_count(index, NULL, &events[i], batch->watermark);
    sequence_carry_take(&batch->carry, index, batch_seq);
}
