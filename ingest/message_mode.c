// SPDX-License-Identifier: Apache-2.0
// The mode of a message. Values of headers are UTF-8 as they are (Kafka binding 3.2.3: no percent-encoding); names are
// told apart by case. What is wrong with attributes and data says event_decode, as for every other event.
#include "ingest/message_mode.h"

#include <string.h>
#include <strings.h>

#include "ingest/event_compose.h"
#include "ingest/request.h"

#define CONTENT_TYPE "content-type"
#define PREFIX "ce_"
enum { PREFIX_BYTES = 3 };

static bool is_attribute(const struct bus_header *header)
{
    return header->name.length > PREFIX_BYTES && memcmp(header->name.data, PREFIX, PREFIX_BYTES) == 0;
}

enum mode_kind { BY_VALUE, ONE_EVENT, BATCH, BINARY };
struct mode {
    enum mode_kind is;
    const char *content_type; // NULL: none
    size_t attributes;        // headers with the prefix
};

// The one content type, as a C string.
static enum err take_content_type(const struct bus_header *header, struct arena *arena, struct mode *mode,
                                  struct fault *fault)
{
    if (mode->content_type)
        return fault_set(fault, ERR_INVALID, "", "the header " CONTENT_TYPE " is there twice");
    if (memchr(header->value.data, 0, header->value.length))
        return fault_set(fault, ERR_INVALID, "", "the header " CONTENT_TYPE " has a NUL");
    mode->content_type = arena_text(arena, header->value.data, header->value.length);
    return ERR_OK;
}

static enum err mode_of_type(struct mode *mode, struct fault *fault)
{
    static const struct {
        const char *type;
        enum mode_kind is;
    } types[] = {{"application/cloudevents+json", ONE_EVENT}, {"application/cloudevents-batch+json", BATCH}};
    static const char family[] = "application/cloudevents";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        enum media_match match = media_match(mode->content_type, types[i].type);
        if (match == MEDIA_OTHER) continue;
        mode->is = types[i].is;
        if (match == MEDIA_SAME) return ERR_OK;
        return fault_set(fault, ERR_INVALID, "", "the charset of " CONTENT_TYPE " must be utf-8");
    }
    if (strncasecmp(mode->content_type, family, sizeof family - 1) == 0)
        return fault_set(fault, ERR_INVALID, "", "only the JSON formats of CloudEvents are taken, not %.100s",
                         mode->content_type);
    if (mode->attributes > 0) mode->is = BINARY;
    return ERR_OK;
}

static enum err find_mode(const struct bus_message *message, struct arena *arena, struct mode *mode,
                          struct fault *fault)
{
    *mode = (struct mode){BY_VALUE, NULL, 0};
    if (message->header_count > BUS_HEADERS_MAX)
        return fault_set(fault, ERR_INVALID, "", "the message has %zu headers, at most %d are read",
                         message->header_count, BUS_HEADERS_MAX);
    for (size_t i = 0; i < message->header_count; i++) {
        const struct bus_header *header = &message->headers[i];
        if (!header->value.data) continue; // null is absent
        if (slice_equal(header->name, SLICE(CONTENT_TYPE))) {
            enum err err = take_content_type(header, arena, mode, fault);
            if (err) return err;
        }
        mode->attributes += is_attribute(header);
    }
    if (mode->content_type) return mode_of_type(mode, fault);
    if (mode->attributes > 0) mode->is = BINARY;
    return ERR_OK;
}

static enum err check_size(const struct bus_message *message, struct fault *fault)
{
    size_t bytes = message->length;
    for (size_t i = 0; i < message->header_count; i++)
        bytes += message->headers[i].name.length + message->headers[i].value.length;
    if (bytes <= EVENT_BYTES_MAX) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "", "headers and value have %zu bytes, an event has at most %d", bytes,
                     EVENT_BYTES_MAX);
}

static enum err open_binary(const struct bus_message *message, const struct mode *mode, struct arena *arena,
                            struct message_reader *reader, struct fault *fault)
{
    struct event_attribute *attributes = ARENA_ARRAY(arena, struct event_attribute, mode->attributes);
    struct event_parts parts = {.prefix = PREFIX, .attributes = attributes, .data = {message->data, message->length}};
    struct text json = {0};
    enum err err = check_size(message, fault);
    if (err) return err;
    for (size_t i = 0; i < message->header_count; i++) {
        const struct bus_header *header = &message->headers[i];
        if (!header->value.data || !is_attribute(header)) continue;
        struct slice name = {header->name.data + PREFIX_BYTES, header->name.length - PREFIX_BYTES};
        attributes[parts.count++] = (struct event_attribute){name, header->value};
    }
    parts.has_data = message->length > 0 || mode->content_type;
    if (parts.has_data && (!mode->content_type || media_match(mode->content_type, "application/json") != MEDIA_SAME))
        return fault_set(fault, ERR_INVALID, "",
                         "in binary mode the value is data of " CONTENT_TYPE " application/json; charset=utf-8");
    err = event_compose(&parts, &json, fault);
    if (err == ERR_OK) {
        reader->kind = MESSAGE_BINARY;
        reader->rest = (struct slice){arena_text(arena, json.data, json.length), json.length};
    }
    text_free(&json);
    return err;
}

static enum err open_batch(struct slice data, struct message_reader *reader, struct fault *fault)
{
    *reader = (struct message_reader){.kind = MESSAGE_PLAIN, .rest = data, .array = true};
    return batch_open(data, &reader->batch, fault);
}

enum err message_open_by_headers(const struct bus_message *message, struct arena *arena, struct message_reader *reader,
                                 struct fault *fault)
{
    struct slice data = {message->data, message->length};
    struct mode mode;
    if (message->header_count == 0) return message_open(data, reader, fault);
    *reader = (struct message_reader){.kind = MESSAGE_PLAIN, .rest = data};
    enum err err = find_mode(message, arena, &mode, fault);
    if (err) return err;
    switch (mode.is) {
    case BY_VALUE:
        return message_open(data, reader, fault);
    case ONE_EVENT:
        return ERR_OK;
    case BATCH:
        return open_batch(data, reader, fault);
    case BINARY:
        break;
    }
    return open_binary(message, &mode, arena, reader, fault);
}

// --- evidence

static void add_percent_encoded(struct text *out, struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte > ' ' && byte < 0x7f && byte != '%' && byte != ':')
            text_add_char(out, (char)byte);
        else
            text_print(out, "%%%02X", byte);
    }
}

// Headers and value, each cut at what an event may have.
static void evidence_print(const struct bus_message *message, struct text *out)
{
    size_t kept = message->header_count < BUS_HEADERS_MAX ? message->header_count : BUS_HEADERS_MAX;
    for (size_t i = 0; i < kept && out->length < EVENT_BYTES_MAX; i++) {
        const struct bus_header *header = &message->headers[i];
        struct slice value = header->value;
        if (value.length > EVENT_BYTES_MAX) value.length = EVENT_BYTES_MAX;
        add_percent_encoded(out, header->name);
        text_add_string(out, ": ");
        add_percent_encoded(out, value);
        text_add_char(out, '\n');
    }
    text_add_char(out, '\n');
    text_add(out, message->data, message->length < EVENT_BYTES_MAX ? message->length : EVENT_BYTES_MAX);
}

struct slice message_evidence(const struct bus_message *message, struct arena *arena)
{
    size_t kept = message->header_count < BUS_HEADERS_MAX ? message->header_count : BUS_HEADERS_MAX;
    bool decide = false;
    for (size_t i = 0; i < kept; i++)
        decide =
            decide || is_attribute(&message->headers[i]) || slice_equal(message->headers[i].name, SLICE(CONTENT_TYPE));
    if (!decide) return (struct slice){message->data, message->length};
    struct text out = {0};
    evidence_print(message, &out);
    struct slice all = {arena_text(arena, out.data, out.length), out.length};
    text_free(&out);
    return all;
}
