// SPDX-License-Identifier: Apache-2.0
// The packed form: what is written is read back; a message that is cut, changed or lies about its counts is refused
// whole.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/hash.h"
#include "ingest/message.h"
#include "tests/support/aborts.h"

static const char *const events[] = {"{\"a\":1}", "", "{\"b\":\"\xc3\xa9\"}"};

static struct text three_events(void)
{
    struct text message = {0};
    message_begin(&message, MESSAGE_EVENTS, UINT64_C(0x0102030405060708), 0);
    for (size_t i = 0; i < 3; i++)
        message_add(&message, slice_of(events[i]));
    message_finish(&message);
    return message;
}

static enum err open_text(const struct text *message, struct message_reader *reader, struct fault *fault)
{
    return message_open((struct slice){message->data, message->length}, reader, fault);
}

// Puts the right checksum on a message that was changed, by the description in the header.
static void seal(struct text *message)
{
    uint64_t rest = fast_hash64(message->data + 32, message->length - 32);
    for (int i = 0; i < 8; i++)
        message->data[24 + i] = (char)(unsigned char)(rest >> (8 * i));
    uint64_t checksum = fast_hash64(message->data, 32);
    for (int i = 0; i < 8; i++)
        message->data[24 + i] = (char)(unsigned char)(checksum >> (8 * i));
}

static void events_are_read_back(void **state)
{
    (void)state;
    struct text message = three_events();
    struct message_reader reader;
    struct slice event;
    struct fault fault;
    assert_int_equal(open_text(&message, &reader, &fault), ERR_OK);
    assert_int_equal(reader.kind, MESSAGE_EVENTS);
    assert_int_equal(reader.count, 3);
    assert_true(reader.catalogue_version == UINT64_C(0x0102030405060708));
    assert_true(reader.nonce == 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(message_next(&reader, &event, &fault), ERR_OK);
        assert_true(slice_is(event, events[i]));
    }
    assert_int_equal(message_next(&reader, &event, &fault), ERR_NOT_FOUND);
    assert_int_equal(message_next(&reader, &event, &fault), ERR_NOT_FOUND);
    text_free(&message);
}

static void the_bytes_are_the_documented_ones(void **state)
{
    (void)state;
    struct text message = three_events();
    assert_int_equal(message.length, 32 + 4 + 7 + 4 + 0 + 4 + 10);
    assert_memory_equal(message.data, "TP\x01\x01\x03\x00\x00\x00\x08\x07\x06\x05\x04\x03\x02\x01\0\0\0\0\0\0\0\0", 24);
    assert_memory_equal(message.data + 32, "\x07\0\0\0{\"a\":1}\0\0\0\0\x0a\0\0\0{\"b\"", 23);
    struct text copy = {0};
    text_add(&copy, message.data, message.length);
    seal(&copy);
    assert_memory_equal(copy.data, message.data, message.length);
    text_free(&copy);
    text_free(&message);
}

static void a_marker_has_a_nonce_and_no_events(void **state)
{
    (void)state;
    struct text message = {0};
    struct message_reader reader;
    struct slice event;
    struct fault fault;
    text_add_string(&message, "old");
    message_begin(&message, MESSAGE_MARKER, 7, UINT64_MAX - 1);
    message_finish(&message);
    assert_int_equal(message.length, MESSAGE_HEADER_BYTES);
    assert_int_equal(open_text(&message, &reader, &fault), ERR_OK);
    assert_int_equal(reader.kind, MESSAGE_MARKER);
    assert_true(reader.catalogue_version == 7 && reader.nonce == UINT64_MAX - 1);
    assert_int_equal(message_next(&reader, &event, &fault), ERR_NOT_FOUND);
    text_free(&message);
}

static void a_cut_message_is_refused_at_every_byte(void **state)
{
    (void)state;
    struct text message = three_events();
    struct message_reader reader;
    struct fault fault;
    for (size_t length = 0; length < message.length; length++) {
        char *copy = malloc(length ? length : 1); // exact size: a read beyond it is seen by the sanitizer
        assert_non_null(copy);
        memcpy(copy, message.data, length);
        if (message_open((struct slice){copy, length}, &reader, &fault) != ERR_INVALID) fail_msg("%zu bytes", length);
        free(copy);
    }
    // also when somebody seals the cut message again: the lengths do not add up
    for (size_t length = 32; length < message.length; length++) {
        struct text cut = {0};
        text_add(&cut, message.data, length);
        seal(&cut);
        if (open_text(&cut, &reader, &fault) != ERR_INVALID) fail_msg("%zu bytes, sealed", length);
        text_free(&cut);
    }
    text_free(&message);
}

static void a_changed_bit_is_seen(void **state)
{
    (void)state;
    struct text message = three_events();
    struct message_reader reader;
    struct fault fault;
    for (size_t bit = 0; bit < message.length * 8; bit++) {
        message.data[bit / 8] = (char)(message.data[bit / 8] ^ (1 << bit % 8));
        if (open_text(&message, &reader, &fault) != ERR_INVALID) fail_msg("bit %zu", bit);
        message.data[bit / 8] = (char)(message.data[bit / 8] ^ (1 << bit % 8));
    }
    assert_int_equal(open_text(&message, &reader, &fault), ERR_OK);
    text_free(&message);
}

static void a_sealed_lie_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *bytes;
        size_t length;
        const char *reason;
    } rows[] = {
        {2, "\x02", 1, "message version 2 is unknown, this program reads version 1"},
        {2, "\x00", 1, "message version 0 is unknown, this program reads version 1"},
        {3, "\x00", 1, "message kind 0 is unknown"},
        {3, "\x03", 1, "event 0 of 3 goes beyond the end of the message"}, // the first event read as a mark
        {3, "\x04", 1, "message kind 4 is unknown"},
        {3, "\xff", 1, "message kind 255 is unknown"},
        {3, "\x02", 1, "a marker has no events"},
        {4, "\x02\x00", 2, "14 bytes follow the last event"},
        {4, "\x00\x00", 2, "29 bytes follow the last event"},
        {4, "\x04\x00", 2, "event 3 of 4 goes beyond the end of the message"},
        {4, "\xff\xff", 2, "event 3 of 65535 goes beyond the end of the message"},
        {6, "\x01\x00", 2, "the message has flags of a later version"},
        {32, "\xff\xff\xff\xff", 4, "event 0 of 3 goes beyond the end of the message"},
        {32, "\x08\x00\x00\x00", 4, "event 1 of 3 goes beyond the end of the message"},
        {47, "\x0b\x00\x00\x00", 4, "event 2 of 3 goes beyond the end of the message"},
        {47, "\x09\x00\x00\x00", 4, "1 bytes follow the last event"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text message = three_events();
        struct message_reader reader;
        struct fault fault = {0};
        memcpy(message.data + rows[i].at, rows[i].bytes, rows[i].length);
        seal(&message);
        if (open_text(&message, &reader, &fault) != ERR_INVALID) fail_msg("row %zu taken", i);
        if (strcmp(fault.reason, rows[i].reason) != 0) fail_msg("row %zu: %s", i, fault.reason);
        text_free(&message);
    }
}

static void plain_messages_are_events_or_lists(void **state)
{
    (void)state;
    static const struct {
        const char *data, *parts[4];
        enum err end;
    } rows[] = {
        {"{\"a\":1}", {"{\"a\":1}"}, ERR_NOT_FOUND},
        {" \n{\"a\":1} ", {" \n{\"a\":1} "}, ERR_NOT_FOUND},
        {"{broken", {"{broken"}, ERR_NOT_FOUND}, // event_decode says what is wrong
        {"[]", {NULL}, ERR_NOT_FOUND},
        {" [{\"a\":1}, {\"b\":[2]} ]", {"{\"a\":1}", "{\"b\":[2]}"}, ERR_NOT_FOUND},
        {"[{},{},{}]", {"{}", "{}", "{}"}, ERR_NOT_FOUND},
        {"[{},,{}]", {"{}"}, ERR_INVALID},
        {"[{},{}", {"{}"}, ERR_INVALID},
        {"[{}] x", {NULL}, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message_reader reader;
        struct slice event;
        struct fault fault;
        assert_int_equal(message_open(slice_of(rows[i].data), &reader, &fault), ERR_OK);
        assert_int_equal(reader.kind, MESSAGE_PLAIN);
        for (size_t k = 0; k < 4 && rows[i].parts[k]; k++) {
            assert_int_equal(message_next(&reader, &event, &fault), ERR_OK);
            if (!slice_is(event, rows[i].parts[k])) fail_msg("%s: part %zu", rows[i].data, k);
        }
        if (message_next(&reader, &event, &fault) != rows[i].end) fail_msg("%s: end", rows[i].data);
    }
    static const char *const bad[] = {"", " ", "x", "\"{}\"", "1", "null", "T", "tp", "\xef\xbb\xbf{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct message_reader reader;
        struct fault fault;
        if (message_open(slice_of(bad[i]), &reader, &fault) != ERR_INVALID) fail_msg("taken: %s", bad[i]);
    }
}

static void as_many_events_as_the_count_can_say(void **state)
{
    (void)state;
    struct text message = {0};
    struct message_reader reader;
    struct slice event;
    struct fault fault;
    message_begin(&message, MESSAGE_EVENTS, 1, 0);
    for (int i = 0; i < MESSAGE_EVENTS_MAX; i++)
        message_add(&message, SLICE("{}"));
    message_finish(&message);
    assert_int_equal(open_text(&message, &reader, &fault), ERR_OK);
    int count = 0;
    while (message_next(&reader, &event, &fault) == ERR_OK)
        count++;
    assert_int_equal(count, MESSAGE_EVENTS_MAX);
    text_free(&message);
}

// rules 2.4: received_time and mark are authenticated together with the events.
static void forwarded_events_carry_their_received_time_and_a_mark(void **state)
{
    (void)state;
    static const struct hash_key key = {"0123456789abcde"}, other = {"0123456789abcdf"};
    struct text message = {0};
    struct message_reader reader;
    struct slice event;
    struct fault fault;
    message_begin_forwarded(&message, 7, -5);
    for (size_t i = 0; i < 3; i++)
        message_add(&message, slice_of(events[i]));
    message_mark(&message, &key);
    message_finish(&message);
    struct slice whole = {message.data, message.length};
    assert_int_equal(open_text(&message, &reader, &fault), ERR_OK);
    assert_int_equal(reader.kind, MESSAGE_FORWARDED);
    assert_int_equal((int64_t)reader.nonce, -5);
    assert_int_equal(reader.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(message_next(&reader, &event, &fault), ERR_OK);
        assert_true(slice_is(event, events[i]));
    }
    assert_int_equal(message_next(&reader, &event, &fault), ERR_NOT_FOUND);
    assert_true(message_mark_valid(whole, &key));
    assert_false(message_mark_valid(whole, &other));
    for (size_t at = 0; at < message.length; at++) {
        if (at == 3 || (at >= 24 && at < 32)) continue; // the kind; the checksum is not the mark's affair
        message.data[at] = (char)(message.data[at] ^ 1);
        if (message_mark_valid(whole, &key)) fail_msg("byte %zu is not authenticated", at);
        message.data[at] = (char)(message.data[at] ^ 1);
    }
    message.length = 40; // within the mark
    seal(&message);
    assert_int_equal(open_text(&message, &reader, &fault), ERR_INVALID);
    assert_string_equal(fault.reason, "the message is shorter than its mark");
    text_free(&message);
}

static void begin_a_forwarded_one(void)
{
    struct text message = {0};
    message_begin(&message, MESSAGE_FORWARDED, 0, 0);
}

static void add_to_a_marker(void)
{
    struct text message = {0};
    message_begin(&message, MESSAGE_MARKER, 0, 0);
    message_add(&message, SLICE("{}"));
}

static void our_own_mistakes_abort(void **state)
{
    (void)state;
    assert_true(aborts(begin_a_forwarded_one));
    assert_true(aborts(add_to_a_marker));
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_back),
        cmocka_unit_test(the_bytes_are_the_documented_ones),
        cmocka_unit_test(a_marker_has_a_nonce_and_no_events),
        cmocka_unit_test(a_cut_message_is_refused_at_every_byte),
        cmocka_unit_test(a_changed_bit_is_seen),
        cmocka_unit_test(a_sealed_lie_is_refused_with_its_reason),
        cmocka_unit_test(plain_messages_are_events_or_lists),
        cmocka_unit_test(as_many_events_as_the_count_can_say),
        cmocka_unit_test(forwarded_events_carry_their_received_time_and_a_mark),
        cmocka_unit_test(our_own_mistakes_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
