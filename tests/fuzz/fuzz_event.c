// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of events: what jansson takes our scanner takes, with the same values; what is decoded keeps the
// promises of event.h; a list of events splits into what was put in; plain and packed messages never overrun.
#include "ingest/event_text.h"
#include "ingest/message.h"
#include "tests/support/event_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hash_key key = {"0123456789abcdef"};

static void check_text(struct slice text, size_t least, size_t most)
{
    ENSURE(text.length >= least && text.length <= most);
    ENSURE(utf8_valid(text.data, text.length) && !event_text_has_control(text));
}

static void check_decoded(struct slice raw, struct arena *arena)
{
    struct usage_event event, again;
    struct event_faults faults;
    if (event_decode(raw, &key, arena, &event, &faults) != ERR_OK) {
        ENSURE(faults.count > 0 && faults.count <= EVENT_FAULTS_MAX);
        return;
    }
    ENSURE(faults.count == 0);
    check_text(event.id, 1, EVENT_ID_MAX);
    check_text(event.source, 1, EVENT_SOURCE_MAX);
    check_text(event.type, 1, EVENT_TYPE_MAX);
    check_text(event.subject, 1, EVENT_SUBJECT_MAX);
    ENSURE(event.event_time >= INSTANT_MIN && event.event_time <= INSTANT_MAX);
    ENSURE(event.property_count <= EVENT_PROPERTIES_MAX);
    for (size_t i = 0; i < event.property_count; i++) {
        struct quantity quantity;
        if (event_quantity(&event.properties[i], &quantity, NULL) != ERR_OK) continue;
        int128 most = (int128)QUANTITY_EVENT_MAX_UNITS * 1000000000;
        ENSURE(quantity.nano <= most && quantity.nano >= -most);
    }
    ENSURE(event_decode(raw, &key, arena, &again, &faults) == ERR_OK && hash128_equal(event.content, again.content));
}

static void check_message(struct slice data)
{
    struct message_reader reader;
    struct slice event;
    struct fault fault;
    if (message_open(data, &reader, &fault) != ERR_OK) return;
    size_t events = 0;
    while (message_next(&reader, &event, &fault) == ERR_OK) {
        ENSURE(event.length == 0 || (event.data >= data.data && event.data + event.length <= data.data + data.length));
        ENSURE(++events <= data.length + MESSAGE_EVENTS_MAX);
    }
}

// The text three times in a list comes out as it went in, if it is an object at all.
static void check_list(struct slice raw, struct arena *arena)
{
    struct text list = {0};
    struct slice parts[3];
    size_t count;
    text_add_char(&list, '[');
    for (int i = 0; i < 3; i++) {
        if (i > 0) text_add_string(&list, " ,");
        text_add_slice(&list, raw);
    }
    text_add_char(&list, ']');
    ENSURE(event_batch_split((struct slice){list.data, list.length}, parts, 3, &count, NULL) == ERR_OK && count == 3);
    for (int i = 0; i < 3; i++)
        ENSURE(oracle_check(parts[i], arena) == ORACLE_VALID);
    text_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hash_init();
    struct slice raw = {(const char *)data, size};
    struct arena *arena = arena_new(4096);
    if (size <= EVENT_BYTES_MAX && oracle_check(raw, arena) == ORACLE_VALID) check_list(raw, arena);
    check_decoded(raw, arena);
    check_message(raw);
    arena_free(arena);
    return 0;
}
