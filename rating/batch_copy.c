// SPDX-License-Identifier: Apache-2.0
// The rows of a batch as binary COPY: usage, transitions, kept events, quarantine, conflicts. Part of the try in batch_commit.c.
#include <string.h>

#include "rating/batch_internal.h"

void copy_batch(struct db_copy *copy, const struct batch_record *record)
{
    db_copy_row(copy);
    db_copy_int4(copy, record->incarnation);
    db_copy_int4(copy, record->partition);
    db_copy_int8(copy, record->batch_seq);
}

static void copy_origin(struct db_copy *copy, const struct batch_record *record)
{
    copy_batch(copy, record);
    db_copy_instant(copy, batch_received_hour(record));
}

enum err attempt_copy_pieces(struct attempt *attempt, const char *table, const struct text *packed,
                             const struct row_list *pieces, struct fault *fault)
{
    const size_t *ends = pieces->rows;
    struct db_copy copy;
    const char *columns =
        arena_print(attempt->arena, "%s (incarnation, partition, batch_seq, piece, received_hour, entries)", table);
    enum err err = db_copy_open(attempt->db, columns, 6, &copy, fault);
    if (err) return err;
    for (size_t i = 0, start = 0; i < pieces->count; start = ends[i++]) {
        copy_batch(&copy, &attempt->record);
        db_copy_int4(&copy, (int32_t)i);
        db_copy_instant(&copy, batch_received_hour(&attempt->record));
        db_copy_bytes(&copy, packed->data + start, ends[i] - start);
    }
    return db_copy_close(&copy, fault);
}

static enum err usage_copy(struct attempt *attempt, struct fault *fault)
{
    size_t count = accumulator_count(attempt->batch->usage);
    const struct usage_row *const *rows = accumulator_by_tenant(attempt->batch->usage);
    if (count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.usage_delta (incarnation, partition, batch_seq, received_hour, shard, tenant,"
                                " meter, dimension_set, slot, quantity, event_count, latest_time, latest_id)",
                                13, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++) {
        const struct usage_row *row = rows[i];
        accumulator_prefetch_next(rows, i, count);
        copy_origin(&copy, &attempt->record);
        db_copy_int2(&copy, (int16_t)row->tenant->shard);
        db_copy_int8(&copy, row->tenant->number);
        db_copy_int4(&copy, row->meter->number);
        db_copy_uuid(&copy, row->dimension_set);
        db_copy_instant(&copy, row->slot);
        db_copy_numeric(&copy, row->quantity.nano, QUANTITY_PLACES);
        db_copy_int8(&copy, row->event_count);
        db_copy_instant(&copy, row->latest_time);
        if (hash128_is_zero(row->latest_id))
            db_copy_null(&copy);
        else
            db_copy_uuid(&copy, row->latest_id);
    }
    return db_copy_close(&copy, fault);
}

static enum err transition_copy(struct attempt *attempt, struct fault *fault)
{
    const struct row_list *list = &attempt->batch->transitions;
    const struct transition_row *rows = list->rows;
    if (list->count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.transition (incarnation, partition, batch_seq, received_hour, shard, tenant,"
                                " meter, resource, event_time, event_id, running, value, dimension_set)",
                                13, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < list->count; i++) {
        const struct transition_row *row = &rows[i];
        copy_origin(&copy, &attempt->record);
        db_copy_int2(&copy, (int16_t)row->tenant->shard);
        db_copy_int8(&copy, row->tenant->number);
        db_copy_int4(&copy, row->meter->number);
        db_copy_uuid(&copy, row->resource);
        db_copy_instant(&copy, row->event_time);
        db_copy_uuid(&copy, row->event_id);
        db_copy_bool(&copy, row->running);
        db_copy_numeric(&copy, row->value.nano, QUANTITY_PLACES);
        db_copy_uuid(&copy, row->dimension_set);
    }
    return db_copy_close(&copy, fault);
}

static enum err kept_event_copy(struct attempt *attempt, struct fault *fault)
{
    const struct row_list *list = &attempt->batch->kept_events;
    const struct kept_event_row *rows = list->rows;
    if (list->count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.kept_event (incarnation, partition, batch_seq, received_hour, shard, tenant,"
                                " meter, dimension_set, slot, event_time, event_id, value)",
                                12, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < list->count; i++) {
        const struct kept_event_row *row = &rows[i];
        copy_origin(&copy, &attempt->record);
        db_copy_int2(&copy, (int16_t)row->tenant->shard);
        db_copy_int8(&copy, row->tenant->number);
        db_copy_int4(&copy, row->meter->number);
        db_copy_uuid(&copy, row->dimension_set);
        db_copy_instant(&copy, row->slot);
        db_copy_instant(&copy, row->event_time);
        db_copy_uuid(&copy, row->event_id);
        db_copy_numeric(&copy, row->value.nano, QUANTITY_PLACES);
    }
    return db_copy_close(&copy, fault);
}

static void copy_text_or_null(struct db_copy *copy, struct slice text)
{
    if (text.length == 0)
        db_copy_null(copy);
    else
        db_copy_text(copy, text.data, text.length);
}

static void copy_range(struct db_copy *copy, const struct quarantine_row *row)
{
    if (!row->range_events) {
        for (int i = 0; i < 4; i++)
            db_copy_null(copy);
        return;
    }
    db_copy_int8(copy, row->range_events);
    db_copy_int8(copy, row->last_offset);
    db_copy_int4(copy, row->last_index);
    db_copy_bytes(copy, row->places.data, row->places.length);
}

static enum err quarantine_copy(struct attempt *attempt, struct fault *fault)
{
    const struct row_list *list = &attempt->batch->quarantines;
    const struct quarantine_row *rows = list->rows;
    if (list->count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.quarantine (incarnation, partition, message_offset, event_index, batch_seq,"
                                " received_time, reason, detail, tenant_id, source, event_id, identity, content, raw,"
                                " catalogue_version, range_events, last_offset, last_index, places)",
                                19, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < list->count; i++) {
        const struct quarantine_row *row = &rows[i];
        const char *reason = reason_name(row->reason);
        db_copy_row(&copy);
        db_copy_int4(&copy, attempt->record.incarnation);
        db_copy_int4(&copy, attempt->record.partition);
        db_copy_int8(&copy, row->offset);
        db_copy_int4(&copy, row->event_index);
        db_copy_int8(&copy, attempt->record.batch_seq);
        db_copy_instant(&copy, row->received_time);
        db_copy_text(&copy, reason, strlen(reason));
        db_copy_text(&copy, row->detail.data, row->detail.length);
        copy_text_or_null(&copy, row->tenant_id);
        copy_text_or_null(&copy, row->source);
        copy_text_or_null(&copy, row->event_id);
        if (row->identified) {
            db_copy_uuid(&copy, row->identity);
            db_copy_uuid(&copy, row->content);
        } else {
            db_copy_null(&copy);
            db_copy_null(&copy);
        }
        db_copy_bytes(&copy, row->raw.data, row->raw.length);
        db_copy_int8(&copy, attempt->record.catalogue_version);
        copy_range(&copy, row);
    }
    return db_copy_close(&copy, fault);
}

static enum err conflict_copy(struct attempt *attempt, struct fault *fault)
{
    const struct row_list *list = &attempt->batch->conflicts;
    const struct conflict_row *rows = list->rows;
    if (list->count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.conflict (incarnation, partition, message_offset, event_index, batch_seq,"
                                " received_time, tenant_id, source, event_id, identity, content, first_content,"
                                " first_offset, first_index, raw)",
                                15, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < list->count; i++) {
        const struct conflict_row *row = &rows[i];
        db_copy_row(&copy);
        db_copy_int4(&copy, attempt->record.incarnation);
        db_copy_int4(&copy, attempt->record.partition);
        db_copy_int8(&copy, row->offset);
        db_copy_int4(&copy, row->event_index);
        db_copy_int8(&copy, attempt->record.batch_seq);
        db_copy_instant(&copy, row->received_time);
        db_copy_text(&copy, row->tenant_id.data, row->tenant_id.length);
        db_copy_text(&copy, row->source.data, row->source.length);
        db_copy_text(&copy, row->event_id.data, row->event_id.length);
        db_copy_uuid(&copy, row->identity);
        db_copy_uuid(&copy, row->content);
        db_copy_int8(&copy, (int64_t)row->first.content);
        db_copy_int8(&copy, row->first.position);
        db_copy_int4(&copy, row->first.event_index);
        db_copy_bytes(&copy, row->raw.data, row->raw.length);
    }
    return db_copy_close(&copy, fault);
}

enum err attempt_copy(struct attempt *attempt, struct fault *fault)
{
    enum err err = usage_copy(attempt, fault);
    if (!err) err = transition_copy(attempt, fault);
    if (!err) err = kept_event_copy(attempt, fault);
    if (!err) err = quarantine_copy(attempt, fault);
    if (!err) err = conflict_copy(attempt, fault);
    if (!err) err = batch_identities_copy(attempt, fault);
    if (!err) err = batch_sequences_copy(attempt, fault);
    return err;
}
