// SPDX-License-Identifier: Apache-2.0
// Quarantine and conflict rows of a batch: copies that outlive the message, in a form that PostgreSQL takes.
#include <string.h>

#include "rating/batch_internal.h"

enum { DETAIL_KEPT_MAX = 1024, NAME_KEPT_MAX = 1024 };

struct slice evidence_text(struct arena *arena, struct slice text, size_t most)
{
    if (text.length > most) text.length = most;
    char *copy = arena_text(arena, text.data ? text.data : "", text.length);
    for (size_t at = 0; at < text.length;) {
        at += utf8_valid_length(copy + at, text.length - at);
        if (at < text.length) copy[at++] = '?';
    }
    for (size_t at = 0; at < text.length; at++)
        if (!copy[at]) copy[at] = '?';
    return (struct slice){copy, text.length};
}

static struct slice raw_copy(struct arena *arena, struct slice raw)
{
    size_t length = raw.length < RAW_KEPT_MAX ? raw.length : RAW_KEPT_MAX;
    return (struct slice){arena_text(arena, raw.data ? raw.data : "", length), length};
}

void batch_quarantine(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded,
                      enum reason reason, struct slice detail)
{
    const struct usage_event *event = &decoded->event;
    struct range_group *group = batch_range_find(batch, ground, decoded, reason);
    if (batch_range_take(batch, group, decoded)) return;
    struct quarantine_row *row = row_list_add(&batch->quarantines, sizeof *row);
    *row = (struct quarantine_row){
        .offset = decoded->offset,
        .event_index = decoded->index,
        .received_time = decoded->received_time,
        .reason = reason,
        .detail = evidence_text(batch->arena, detail, DETAIL_KEPT_MAX),
        .identified = decoded->reason == REASON_NONE,
        .raw = raw_copy(batch->arena, decoded->raw),
    };
    if (decoded->reason != REASON_MESSAGE) {
        row->tenant_id = evidence_text(batch->arena, event->subject, NAME_KEPT_MAX);
        row->source = evidence_text(batch->arena, event->source, NAME_KEPT_MAX);
        row->event_id = evidence_text(batch->arena, event->id, NAME_KEPT_MAX);
        if (row->identified) row->identity = decoded->identity, row->content = event->content;
    }
    batch_range_row(batch, ground, group, decoded);
}

void batch_conflict(struct batch *batch, const struct decoded *decoded, const struct dedup_entry *first)
{
    const struct usage_event *event = &decoded->event;
    struct conflict_row *row = row_list_add(&batch->conflicts, sizeof *row);
    *row = (struct conflict_row){
        .offset = decoded->offset,
        .event_index = decoded->index,
        .received_time = decoded->received_time,
        .tenant_id = evidence_text(batch->arena, event->subject, NAME_KEPT_MAX),
        .source = evidence_text(batch->arena, event->source, NAME_KEPT_MAX),
        .event_id = evidence_text(batch->arena, event->id, NAME_KEPT_MAX),
        .identity = decoded->identity,
        .content = event->content,
        .first = {first->content & DEDUP_CONTENT_MASK, first->offset, first->event_index},
        .raw = raw_copy(batch->arena, decoded->raw),
    };
}
