// SPDX-License-Identifier: Apache-2.0
// Fuzzes messages with headers: "name: value" lines, an empty line, the value. Nothing overruns; what binary mode makes is
// what the gateway makes of the same event over HTTP, refusals included; evidence keeps the value.
#include <string.h>
#include <strings.h>

#include "ingest/message_mode.h"
#include "ingest/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hash_key key = {"0123456789abcdef"};

// Lines up to an empty one become headers; what is left is the value.
static void read_message(struct slice rest, struct bus_header *headers, struct bus_message *message)
{
    *message = (struct bus_message){.headers = headers};
    while (rest.length > 0 && rest.data[0] != '\n') {
        const char *line = rest.data, *end = memchr(line, '\n', rest.length);
        size_t length = end ? (size_t)(end - line) : rest.length;
        const char *colon = memchr(line, ':', length);
        size_t name = colon ? (size_t)(colon - line) : length, skip = colon ? 1 : 0;
        if (colon && name + 1 < length && colon[1] == ' ') skip = 2;
        struct slice value = {line + name + skip, length - name - skip};
        if (!colon) value.data = NULL; // a null
        if (message->header_count < BUS_HEADERS_MAX)
            headers[message->header_count] = (struct bus_header){{line, name}, value};
        message->header_count++;
        rest.data += length + (end ? 1 : 0);
        rest.length -= length + (end ? 1 : 0);
    }
    if (rest.length > 0) rest.data++, rest.length--;
    message->data = rest.data;
    message->length = rest.length;
}

// A name that HTTP has, too, and reads the same.
static bool name_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] != '_' && (name.data[i] < 'a' || name.data[i] > 'z')) return false;
    return true;
}

static const char *percent_encode(struct slice text, struct arena *arena)
{
    struct text out = {0};
    for (size_t i = 0; i < text.length; i++)
        text_print(&out, "%%%02X", (unsigned char)text.data[i]);
    const char *copy = arena_text(arena, out.data ? out.data : "", out.length);
    text_free(&out);
    return copy;
}

static void check_as_the_gateway(const struct bus_message *message, struct arena *arena, bool opened, struct slice event)
{
    struct request_header *headers = ARENA_ARRAY(arena, struct request_header, message->header_count);
    struct request_input input = {.headers = headers, .body = {message->data, message->length}, .events_most = 1};
    struct request_problem problem;
    struct slice *events;
    size_t count;
    for (size_t i = 0; i < message->header_count; i++) {
        const struct bus_header *header = &message->headers[i];
        if (!header->value.data) continue;
        if (slice_equal(header->name, SLICE("content-type"))) {
            if (input.content_type) return; // HTTP has it once
            input.content_type = arena_text(arena, header->value.data, header->value.length);
        } else if (header->name.length > 3 && memcmp(header->name.data, "ce_", 3) == 0) {
            if (!name_is_plain(header->name)) return;
            headers[input.header_count++] = (struct request_header){
                arena_print(arena, "ce-%.*s", (int)header->name.length - 3, header->name.data + 3),
                percent_encode(header->value, arena)};
        }
    }
    enum err err = request_read(&input, arena, &events, &count, &problem);
    ENSURE((err == ERR_OK) == opened);
    if (opened) ENSURE(count == 1 && slice_equal(events[0], event));
}

static bool has_attributes(const struct bus_message *message)
{
    for (size_t i = 0; i < message->header_count; i++) {
        const struct bus_header *header = &message->headers[i];
        if (header->value.data && header->name.length > 3 && memcmp(header->name.data, "ce_", 3) == 0) return true;
    }
    return false;
}

static bool is_of_cloudevents(struct slice type)
{
    static const char family[] = "application/cloudevents";
    for (size_t i = 0; i + sizeof family - 1 <= type.length; i++)
        if (strncasecmp(type.data + i, family, sizeof family - 1) == 0) return true;
    return false;
}

static void check_message(const struct bus_message *message, struct arena *arena)
{
    struct message_reader reader;
    struct slice event = {"", 0};
    struct fault fault;
    enum err err = message_open_by_headers(message, arena, &reader, &fault);
    bool binary = err == ERR_OK && reader.kind == MESSAGE_BINARY;
    size_t events = 0;
    while (err == ERR_OK && message_next(&reader, &event, &fault) == ERR_OK) {
        struct usage_event decoded;
        struct event_faults faults;
        ENSURE(++events <= message->length + MESSAGE_EVENTS_MAX);
        ENSURE(event_decode(event, &key, arena, &decoded, &faults) == ERR_OK || faults.count > 0);
    }
    ENSURE(!binary || events == 1);
    size_t all = message->length;
    for (size_t i = 0; i < message->header_count && i < BUS_HEADERS_MAX; i++)
        all += message->headers[i].name.length + message->headers[i].value.length;
    bool comparable = message->header_count <= BUS_HEADERS_MAX && all <= EVENT_BYTES_MAX && has_attributes(message);
    if (comparable && !is_of_cloudevents(bus_message_header(message, "content-type")))
        check_as_the_gateway(message, arena, binary, event);
    struct slice evidence = message_evidence(message, arena);
    if (all <= EVENT_BYTES_MAX / 4 && message->length > 0)
        ENSURE(evidence.length >= message->length &&
               memcmp(evidence.data + evidence.length - message->length, message->data, message->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bus_header headers[BUS_HEADERS_MAX];
    struct bus_message message;
    hash_init();
    struct arena *arena = arena_new(4096);
    read_message((struct slice){(const char *)data, size}, headers, &message);
    check_message(&message, arena);
    arena_free(arena);
    return 0;
}
