// SPDX-License-Identifier: Apache-2.0
// Bytes of the canonical batch: integers big-endian, texts with their length in front, a letter before each row.
#include "rating/chain.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { BUFFER_BYTES = 65536, USAGE_FIXED_BYTES = 1 + 2 * 4 + 10 * 8 };

struct chain {
    struct sha256 *hash;
    struct text buffer;
};

struct chain *chain_new(void)
{
    struct chain *chain = heap_alloc(sizeof *chain);
    chain->hash = sha256_new();
    return chain;
}

void chain_free(struct chain *chain)
{
    if (!chain) return;
    sha256_free(chain->hash);
    text_free(&chain->buffer);
    free(chain);
}

static void send_full(struct chain *chain)
{
    if (chain->buffer.length < BUFFER_BYTES) return;
    sha256_add(chain->hash, chain->buffer.data, chain->buffer.length);
    text_clear(&chain->buffer);
}

static void put(struct chain *chain, const void *data, size_t length)
{
    if (length == 0) return;
    text_add(&chain->buffer, data, length);
    send_full(chain);
}

static unsigned char *big_endian(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * (bytes - 1 - i));
    return at + bytes;
}

static unsigned char *big_endian_8(unsigned char *at, uint64_t number)
{
    number = htobe64(number);
    return (unsigned char *)mempcpy(at, &number, sizeof number);
}

static void put_unsigned(struct chain *chain, uint64_t number, size_t bytes)
{
    unsigned char out[8];
    big_endian(out, number, bytes);
    put(chain, out, bytes);
}

static void put_kind(struct chain *chain, char kind)
{
    put(chain, &kind, 1);
}

static void put_int(struct chain *chain, int64_t number)
{
    put_unsigned(chain, (uint64_t)number, 8);
}

static void put_quantity(struct chain *chain, struct quantity quantity)
{
    uint128 bits = (uint128)quantity.nano;
    put_unsigned(chain, (uint64_t)(bits >> 64), 8);
    put_unsigned(chain, (uint64_t)bits, 8);
}

static void put_hash(struct chain *chain, struct hash128 hash)
{
    put_unsigned(chain, hash.high, 8);
    put_unsigned(chain, hash.low, 8);
}

static void put_text(struct chain *chain, struct slice text)
{
    put_unsigned(chain, text.length, 4);
    put(chain, text.data, text.length);
}

static void put_digest(struct chain *chain, struct slice data)
{
    unsigned char digest[SHA256_BYTES];
    sha256_of(data.data, data.length, digest);
    put(chain, digest, sizeof digest);
}

void chain_begin(struct chain *chain, const struct batch_record *record)
{
    text_clear(&chain->buffer);
    put(chain, "TPCH", 4);
    put_unsigned(chain, CHAIN_VERSION, 1);
    put(chain, record->previous_head, SHA256_BYTES);
    put_int(chain, record->incarnation);
    put_int(chain, record->partition);
    put_int(chain, record->batch_seq);
    put_int(chain, record->first_offset);
    put_int(chain, record->next_offset);
    put_int(chain, record->watermark);
    put_int(chain, record->catalogue_version);
    put_unsigned(chain, record->has_digest, 1);
    if (record->has_digest) put(chain, record->last_digest, SHA256_BYTES);
}

static void put_named(struct chain *chain, char kind, const struct named_row *row)
{
    put_kind(chain, kind);
    put_hash(chain, row->hash);
    put_text(chain, slice_of(row->tenant->id));
    put_text(chain, row->text);
}

void chain_dimension_set(struct chain *chain, const struct named_row *row)
{
    put_named(chain, 'D', row);
}

void chain_resource(struct chain *chain, const struct named_row *row)
{
    put_named(chain, 'R', row);
}

// The row that there are most of: written into the buffer piece by piece.
void chain_usage(struct chain *chain, const struct batch_record *record, const struct usage_row *row)
{
    size_t tenant_length = strlen(row->tenant->id), meter_length = strlen(row->meter->id);
    uint128 quantity = (uint128)row->quantity.nano;
    unsigned char *bytes = text_room(&chain->buffer, USAGE_FIXED_BYTES + tenant_length + meter_length), *at = bytes;
    *at++ = 'U';
    at = big_endian_8(at, (uint64_t)batch_received_hour(record));
    at = big_endian(at, tenant_length, 4);
    at = (unsigned char *)mempcpy(at, row->tenant->id, tenant_length);
    at = big_endian(at, meter_length, 4);
    at = (unsigned char *)mempcpy(at, row->meter->id, meter_length);
    at = big_endian_8(at, row->dimension_set.high);
    at = big_endian_8(at, row->dimension_set.low);
    at = big_endian_8(at, (uint64_t)row->slot);
    at = big_endian_8(at, (uint64_t)(quantity >> 64));
    at = big_endian_8(at, (uint64_t)quantity);
    at = big_endian_8(at, (uint64_t)row->event_count);
    at = big_endian_8(at, (uint64_t)row->latest_time);
    at = big_endian_8(at, row->latest_id.high);
    at = big_endian_8(at, row->latest_id.low);
    text_written(&chain->buffer, (size_t)(at - bytes));
    send_full(chain);
}

void chain_transition(struct chain *chain, const struct batch_record *record, const struct transition_row *row)
{
    put_kind(chain, 'T');
    put_int(chain, batch_received_hour(record));
    put_text(chain, slice_of(row->tenant->id));
    put_text(chain, slice_of(row->meter->id));
    put_hash(chain, row->resource);
    put_int(chain, row->event_time);
    put_hash(chain, row->event_id);
    put_unsigned(chain, row->running, 1);
    put_quantity(chain, row->value);
    put_hash(chain, row->dimension_set);
}

void chain_kept_event(struct chain *chain, const struct batch_record *record, const struct kept_event_row *row)
{
    put_kind(chain, 'E');
    put_int(chain, batch_received_hour(record));
    put_text(chain, slice_of(row->tenant->id));
    put_text(chain, slice_of(row->meter->id));
    put_hash(chain, row->dimension_set);
    put_int(chain, row->slot);
    put_int(chain, row->event_time);
    put_hash(chain, row->event_id);
    put_quantity(chain, row->value);
}

void chain_quarantine(struct chain *chain, const struct quarantine_row *row)
{
    put_kind(chain, 'Q');
    put_int(chain, row->offset);
    put_int(chain, row->event_index);
    put_int(chain, row->received_time);
    put_text(chain, slice_of(reason_name(row->reason)));
    put_text(chain, row->detail);
    put_text(chain, row->tenant_id);
    put_text(chain, row->source);
    put_text(chain, row->event_id);
    put_unsigned(chain, row->range_events ? 2 : row->identified, 1);
    if (row->range_events) {
        put_int(chain, row->range_events);
        put_int(chain, row->last_offset);
        put_int(chain, row->last_index);
        put_digest(chain, row->places);
    } else if (row->identified) {
        put_hash(chain, row->identity);
        put_hash(chain, row->content);
    }
    put_digest(chain, row->raw);
}

void chain_conflict(struct chain *chain, const struct conflict_row *row)
{
    put_kind(chain, 'C');
    put_int(chain, row->offset);
    put_int(chain, row->event_index);
    put_int(chain, row->received_time);
    put_text(chain, row->tenant_id);
    put_text(chain, row->source);
    put_text(chain, row->event_id);
    put_hash(chain, row->identity);
    put_hash(chain, row->content);
    put_unsigned(chain, row->first.content, 8);
    put_int(chain, row->first.position);
    put_int(chain, row->first.event_index);
    put_digest(chain, row->raw);
}

void chain_closing(struct chain *chain, const struct closing_row *row)
{
    put_kind(chain, 'S');
    put_int(chain, row->position);
    put_int(chain, row->event_index);
    put_unsigned(chain, row->conflict, 1);
}

void chain_identities(struct chain *chain, const struct batch_record *record)
{
    put_kind(chain, 'I');
    put_int(chain, record->identities);
    put(chain, record->identity_digest, SHA256_BYTES);
}

void chain_sequences(struct chain *chain, const struct batch_record *record)
{
    put_kind(chain, 'N');
    put_int(chain, record->sequences);
    put(chain, record->sequence_digest, SHA256_BYTES);
    put_int(chain, record->sequence_from);
}

void chain_finish(struct chain *chain, const struct batch_record *record, unsigned char head[SHA256_BYTES])
{
    const struct verdict_list *verdicts = record->verdicts;
    put_kind(chain, 'V');
    put_int(chain, verdicts->count);
    for (int i = 0; i < VERDICT_KINDS; i++)
        put_int(chain, verdicts->of[i]);
    put_text(chain, (struct slice){verdicts->packed.data, verdicts->packed.length});
    sha256_add(chain->hash, chain->buffer.data, chain->buffer.length);
    text_clear(&chain->buffer);
    sha256_finish(chain->hash, head);
}
