// SPDX-License-Identifier: Apache-2.0
// Thousands of generated and mutated JSON texts: our scanner and jansson give the same verdict and the same values, and
// a text that jansson has written anew has the same content hash. The seed is fixed; a failure names the round.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"
#include "tests/support/event_oracle.h"

enum { ROUNDS = 20000 };

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t below(size_t bound)
{
    return (size_t)(random_next() % bound);
}

static const char *pick(const char *const *list, size_t count)
{
    return list[below(count)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof *(list))

static void put_space(struct text *out)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t", "\r\n", "  "};
    text_add_string(out, PICK(spaces));
}

static void put_string(struct text *out)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "value",
                                         "region",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "\\n",
                                         "\\u0061",
                                         "\\u00e9",
                                         "\xc3\xa9",
                                         "\\ud83d\\ude00",
                                         "\xf0\x9f\x98\x80",
                                         "\\u20AC",
                                         "0123456789abcdef",
                                         " ",
                                         "}",
                                         "]",
                                         ","};
    text_add_char(out, '"');
    for (size_t i = below(4); i > 0; i--)
        text_add_string(out, PICK(pieces));
    text_add_char(out, '"');
}

static void put_number(struct text *out)
{
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "1.0",
                                          "1e0",
                                          "10E-1",
                                          "-12.50",
                                          "123456789012345678",
                                          "9007199254740993",
                                          "0.1",
                                          "1e+30",
                                          "1e-30",
                                          "-0.0",
                                          "2.5e3",
                                          "9223372036854775807"};
    text_add_string(out, PICK(numbers));
}

static void put_value(struct text *out, size_t depth);

static void put_object(struct text *out, size_t depth)
{
    text_add_char(out, '{');
    for (size_t i = 0, count = below(5); i < count; i++) {
        if (i > 0) text_add_char(out, ',');
        put_space(out);
        put_string(out);
        put_space(out);
        text_add_char(out, ':');
        put_value(out, depth + 1);
    }
    put_space(out);
    text_add_char(out, '}');
}

static void put_array(struct text *out, size_t depth)
{
    text_add_char(out, '[');
    for (size_t i = 0, count = below(4); i < count; i++) {
        if (i > 0) text_add_char(out, ',');
        put_value(out, depth + 1);
    }
    put_space(out);
    text_add_char(out, ']');
}

static void put_value(struct text *out, size_t depth)
{
    static const char *const words[] = {"true", "false", "null"};
    put_space(out);
    switch (below(depth < 4 ? 6 : 4)) {
    case 0:
        text_add_string(out, PICK(words));
        break;
    case 1:
    case 2:
        put_number(out);
        break;
    case 3:
        put_string(out);
        break;
    case 4:
        put_object(out, depth);
        break;
    default:
        put_array(out, depth);
    }
    put_space(out);
}

// One to three small accidents: a byte changed, removed, doubled, a piece put in, the end cut off.
static void mutate(struct text *text)
{
    static const char *const pieces[] = {
        ",",       "{", "}",  "[", "]",   ":",     "\"",       "\\",          "\\u",          "\\u0000",
        "\\ud800", "0", "-",  ".", "e",   "+",     "\x80",     "\xff",        "\xed\xa0\x80", "\x01",
        "\x1f",    " ", "\n", "/", "nul", "1e400", "\"a\":1,", "\xef\xbb\xbf"};
    for (size_t times = 1 + below(3); times > 0 && text->length > 0; times--) {
        size_t at = below(text->length);
        struct text tail = {0};
        text_add(&tail, text->data + at, text->length - at);
        switch (below(5)) {
        case 0:
            text->data[at] = (char)(unsigned char)below(256);
            break;
        case 1:
            text->length = at;
            text_add(text, tail.data + 1, tail.length - 1);
            break;
        case 2:
            text->length = at + 1;
            text_add(text, tail.data, tail.length);
            break;
        case 3: {
            text->length = at;
            text_add_string(text, PICK(pieces));
            text_add(text, tail.data, tail.length);
            break;
        }
        default:
            text->length = at;
        }
        text_free(&tail);
    }
}

static enum oracle_verdict check_text(const struct text *text, struct arena *arena)
{
    // exactly as long as the text, so that the sanitizer sees a step beyond
    char *copy = malloc(text->length ? text->length : 1);
    assert_non_null(copy);
    memcpy(copy, text->data, text->length);
    enum oracle_verdict verdict = oracle_check((struct slice){copy, text->length}, arena);
    free(copy);
    return verdict;
}

static void the_scanner_agrees_with_jansson(void **state)
{
    (void)state;
    struct arena *arena = arena_new(65536);
    struct text text = {0};
    size_t verdicts[3] = {0};
    random_state = UINT64_C(0x9e3779b97f4a7c15);
    for (int round = 0; round < ROUNDS; round++) {
        text_clear(&text);
        put_space(&text);
        put_object(&text, 0);
        put_space(&text);
        if (round % 2 == 1) mutate(&text);
        verdicts[check_text(&text, arena)]++;
        arena_reset(arena);
    }
    // the test would be worth nothing if it saw only one side
    assert_true(verdicts[ORACLE_VALID] > ROUNDS / 3);
    assert_true(verdicts[ORACLE_INVALID] > ROUNDS / 4);
    text_free(&text);
    arena_free(arena);
}

static bool has_real(const json_t *value)
{
    if (json_typeof(value) == JSON_REAL) return true;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (has_real(json_array_get(value, i))) return true;
    if (json_typeof(value) != JSON_OBJECT) return false;
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at))
        if (has_real(json_object_iter_value(at))) return true;
    return false;
}

static struct hash128 content_of(const char *data, struct arena *arena)
{
    static const struct hash_key key = {"0123456789abcdef"};
    static const char head[] =
        "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/c\",\"type\":\"t\",\"subject\":\"a\","
        "\"time\":\"2026-10-01T00:00:00Z\",\"data\":";
    struct usage_event event;
    struct event_faults faults;
    struct text json = {0};
    text_add_string(&json, head);
    text_add_string(&json, data);
    text_add_string(&json, "}");
    if (event_decode((struct slice){json.data, json.length}, &key, arena, &event, &faults) != ERR_OK)
        fail_msg("%s: %s: %s", json.data, faults.list[0].path, faults.list[0].reason);
    text_free(&json);
    return event.content;
}

static void content_survives_a_rewrite(void **state)
{
    (void)state;
    struct arena *arena = arena_new(65536);
    struct text text = {0};
    int compared = 0;
    random_state = UINT64_C(0xd1b54a32d192ed03);
    for (int round = 0; round < ROUNDS / 4; round++) {
        text_clear(&text);
        put_object(&text, 0);
        json_t *theirs = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
        if (!theirs || has_real(theirs)) { // jansson's reals are doubles: what it writes is another number
            json_decref(theirs);
            continue;
        }
        char *anew = json_dumps(theirs, JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_INDENT(1));
        assert_non_null(anew);
        if (!hash128_equal(content_of(text.data, arena), content_of(anew, arena)))
            fail_msg("round %d: %s\n%s", round, text.data, anew);
        free(anew);
        json_decref(theirs);
        arena_reset(arena);
        compared++;
    }
    assert_true(compared > ROUNDS / 20);
    text_free(&text);
    arena_free(arena);
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scanner_agrees_with_jansson),
        cmocka_unit_test(content_survives_a_rewrite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
