// SPDX-License-Identifier: Apache-2.0
// Writing and reading of our packed messages, byte by byte so that every machine writes the same; and the reading of
// the plain JSON that other producers send. Nothing in a message is believed before its checksum, and no length after
// it.
#include "ingest/message.h"

#include <string.h>


enum {
    AT_VERSION = 2,
    AT_KIND = 3,
    AT_COUNT = 4,
    AT_FLAGS = 6,
    AT_CATALOGUE = 8,
    AT_NONCE = 16,
    AT_CHECKSUM = 24,
    LENGTH_BYTES = 4
};

static void little_endian_put(unsigned char *at, size_t bytes, uint64_t number)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t little_endian_get(const char *data, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | (unsigned char)data[i];
    return number;
}

static void header_put(struct text *message, size_t at, size_t bytes, uint64_t number)
{
    little_endian_put((unsigned char *)message->data + at, bytes, number);
}

static void begin(struct text *message, enum message_kind kind, uint64_t catalogue_version, uint64_t nonce)
{
    const char header[MESSAGE_HEADER_BYTES] = {'T', 'P', MESSAGE_VERSION, (char)kind};
    text_clear(message);
    text_add(message, header, sizeof header);
    header_put(message, AT_CATALOGUE, 8, catalogue_version);
    header_put(message, AT_NONCE, 8, nonce);
}

void message_begin(struct text *message, enum message_kind kind, uint64_t catalogue_version, uint64_t nonce)
{
    ENSURE(kind == MESSAGE_EVENTS || kind == MESSAGE_MARKER);
    begin(message, kind, catalogue_version, nonce);
}

void message_begin_forwarded(struct text *message, uint64_t catalogue_version, int64_t received_time_us)
{
    static const char no_mark[MESSAGE_MARK_BYTES];
    begin(message, MESSAGE_FORWARDED, catalogue_version, (uint64_t)received_time_us);
    text_add(message, no_mark, sizeof no_mark);
}

void message_add(struct text *message, struct slice event_json)
{
    uint64_t count = little_endian_get(message->data + AT_COUNT, 2);
    ENSURE(count < MESSAGE_EVENTS_MAX && event_json.length <= UINT32_MAX);
    ENSURE(message->data[AT_KIND] == MESSAGE_EVENTS || message->data[AT_KIND] == MESSAGE_FORWARDED);
    unsigned char length[LENGTH_BYTES];
    little_endian_put(length, sizeof length, event_json.length);
    text_add(message, length, sizeof length);
    text_add_slice(message, event_json);
    header_put(message, AT_COUNT, 2, count + 1);
}

// Hash of the header before the checksum and of the hash of all that follows it: nothing is copied.
static uint64_t checksum_of(const char *data, size_t length)
{
    unsigned char header[MESSAGE_HEADER_BYTES];
    memcpy(header, data, AT_CHECKSUM);
    little_endian_put(header + AT_CHECKSUM, 8, fast_hash64(data + MESSAGE_HEADER_BYTES, length - MESSAGE_HEADER_BYTES));
    return fast_hash64(header, sizeof header);
}

void message_finish(struct text *message)
{
    header_put(message, AT_CHECKSUM, 8, checksum_of(message->data, message->length));
}

// --- the mark

enum { AT_MARK = MESSAGE_HEADER_BYTES, AT_FORWARDED = MESSAGE_HEADER_BYTES + MESSAGE_MARK_BYTES };

static void mark_of(struct slice message, const struct hash_key *key, unsigned char mark[MESSAGE_MARK_BYTES])
{
    const struct slice pieces[] = {{message.data, AT_CHECKSUM},
                                   {message.data + AT_FORWARDED, message.length - AT_FORWARDED}};
    hash128_bytes(keyed_hash_pieces(key, pieces, 2), mark);
}

void message_mark(struct text *message, const struct hash_key *key)
{
    ENSURE(message->length >= AT_FORWARDED && message->data[AT_KIND] == MESSAGE_FORWARDED);
    unsigned char mark[MESSAGE_MARK_BYTES];
    mark_of((struct slice){message->data, message->length}, key, mark);
    memcpy(message->data + AT_MARK, mark, sizeof mark);
}

bool message_mark_valid(struct slice message, const struct hash_key *key)
{
    ENSURE(message.length >= AT_FORWARDED && message.data[AT_KIND] == MESSAGE_FORWARDED);
    unsigned char mark[MESSAGE_MARK_BYTES];
    mark_of(message, key, mark);
    return secret_equal(mark, message.data + AT_MARK, sizeof mark);
}

// --- reading

static enum err open_plain(struct slice data, struct message_reader *reader, struct fault *fault)
{
    size_t at = 0;
    while (at < data.length &&
           (data.data[at] == ' ' || data.data[at] == '\n' || data.data[at] == '\r' || data.data[at] == '\t'))
        at++;
    *reader = (struct message_reader){.kind = MESSAGE_PLAIN, .rest = data};
    if (at == data.length) return fault_set(fault, ERR_INVALID, "", "the message is empty");
    if (data.data[at] != '{' && data.data[at] != '[')
        return fault_set(fault, ERR_INVALID, "", "neither a packed message nor JSON of an event or a list of events");
    reader->array = data.data[at] == '[';
    return reader->array ? batch_open(data, &reader->batch, fault) : ERR_OK;
}

static enum err open_header(struct slice data, struct message_reader *reader, struct fault *fault)
{
    unsigned version = (unsigned char)data.data[AT_VERSION], kind = (unsigned char)data.data[AT_KIND];
    if (version != MESSAGE_VERSION)
        return fault_set(fault, ERR_INVALID, "", "message version %u is unknown, this program reads version %d",
                         version, MESSAGE_VERSION);
    if (kind != MESSAGE_EVENTS && kind != MESSAGE_MARKER && kind != MESSAGE_FORWARDED)
        return fault_set(fault, ERR_INVALID, "", "message kind %u is unknown", kind);
    if (little_endian_get(data.data + AT_CHECKSUM, 8) != checksum_of(data.data, data.length))
        return fault_set(fault, ERR_INVALID, "", "the message's checksum is wrong");
    if (little_endian_get(data.data + AT_FLAGS, 2) != 0)
        return fault_set(fault, ERR_INVALID, "", "the message has flags of a later version");
    size_t before = kind == MESSAGE_FORWARDED ? AT_FORWARDED : MESSAGE_HEADER_BYTES;
    if (data.length < before) return fault_set(fault, ERR_INVALID, "", "the message is shorter than its mark");
    *reader = (struct message_reader){
        .kind = (enum message_kind)kind,
        .catalogue_version = little_endian_get(data.data + AT_CATALOGUE, 8),
        .nonce = little_endian_get(data.data + AT_NONCE, 8),
        .rest = {data.data + before, data.length - before},
        .count = (uint32_t)little_endian_get(data.data + AT_COUNT, 2),
    };
    return ERR_OK;
}

// A message whose checksum holds, but whose lengths do not add up, was made wrong: nothing of it is read.
static enum err check_lengths(const struct message_reader *reader, struct fault *fault)
{
    struct slice rest = reader->rest;
    if (reader->kind == MESSAGE_MARKER && reader->count > 0)
        return fault_set(fault, ERR_INVALID, "", "a marker has no events");
    for (uint32_t i = 0; i < reader->count; i++) {
        uint64_t length = rest.length < LENGTH_BYTES ? UINT64_MAX : little_endian_get(rest.data, LENGTH_BYTES);
        if (length > rest.length - LENGTH_BYTES || rest.length < LENGTH_BYTES)
            return fault_set(fault, ERR_INVALID, "", "event %u of %u goes beyond the end of the message", i,
                             reader->count);
        rest.data += LENGTH_BYTES + length;
        rest.length -= LENGTH_BYTES + (size_t)length;
    }
    if (rest.length > 0) return fault_set(fault, ERR_INVALID, "", "%zu bytes follow the last event", rest.length);
    return ERR_OK;
}

enum err message_open(struct slice data, struct message_reader *reader, struct fault *fault)
{
    *reader = (struct message_reader){.kind = MESSAGE_PLAIN};
    if (data.length < 2 || data.data[0] != 'T' || data.data[1] != 'P') return open_plain(data, reader, fault);
    if (data.length < MESSAGE_HEADER_BYTES)
        return fault_set(fault, ERR_INVALID, "", "the message is shorter than its header");
    enum err err = open_header(data, reader, fault);
    return err == ERR_OK ? check_lengths(reader, fault) : err;
}

enum err message_next(struct message_reader *reader, struct slice *event_json, struct fault *fault)
{
    if (reader->array) return batch_next(&reader->batch, event_json, fault);
    if (reader->kind == MESSAGE_PLAIN || reader->kind == MESSAGE_BINARY) {
        if (reader->next > 0) return ERR_NOT_FOUND;
        reader->next = 1;
        *event_json = reader->rest;
        return ERR_OK;
    }
    if (reader->next == reader->count) return ERR_NOT_FOUND;
    size_t length = (size_t)little_endian_get(reader->rest.data, LENGTH_BYTES);
    *event_json = (struct slice){reader->rest.data + LENGTH_BYTES, length};
    reader->rest.data += LENGTH_BYTES + length;
    reader->rest.length -= LENGTH_BYTES + length;
    reader->next++;
    return ERR_OK;
}
