// SPDX-License-Identifier: Apache-2.0
// Values of settings, kind by kind, at and around their limits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/setting_value.h"

enum { REFUSED = -77 };

static void durations_have_a_unit_and_no_space(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0ms", 0},
        {"250ms", 250},
        {"10s", 10000},
        {"5m", 300000},
        {"1h", 3600000},
        {"35d", 3024000000},
        {"007s", 7000},
        {"9223372036854775807ms", INT64_MAX},
        {"9223372036854775808ms", REFUSED},
        {"106751991167d", INT64_C(106751991167) * 86400000},
        {"106751991168d", REFUSED}, // 9.22e18 ms is the end
        {"", REFUSED},
        {"0", REFUSED},
        {"10", REFUSED},
        {"10 sec", REFUSED},
        {"10 s", REFUSED},
        {"10sec", REFUSED},
        {"10S", REFUSED},
        {"s", REFUSED},
        {"-10s", REFUSED},
        {"+10s", REFUSED},
        {"1.5s", REFUSED},
        {"1,5s", REFUSED},
        {"0x10s", REFUSED},
        {"1h30m", REFUSED},
        {"1e3s", REFUSED},
        {"\xd9\xa1s", REFUSED}, // an Arabic digit
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = 0;
        enum err err = duration_parse(slice_of(rows[i].text), &ms);
        if ((err == ERR_OK ? ms : REFUSED) != rows[i].ms) fail_msg("\"%s\": %lld", rows[i].text, (long long)ms);
    }
}

static void sizes_are_binary(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        {"0", 0},
        {"1000", 1000},
        {"64KiB", 65536},
        {"512MiB", 536870912},
        {"1GiB", 1073741824},
        {"2TiB", INT64_C(2199023255552)},
        {"8388607TiB", INT64_C(8388607) << 40},
        {"8388608TiB", REFUSED}, // 2^63
        {"", REFUSED},
        {"KiB", REFUSED},
        {"1KB", REFUSED},
        {"1kib", REFUSED},
        {"1 KiB", REFUSED},
        {"1K", REFUSED},
        {"1B", REFUSED},
        {"-1", REFUSED},
        {"1.5MiB", REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t bytes = 0;
        enum err err = bytes_parse(slice_of(rows[i].text), &bytes);
        if ((err == ERR_OK ? bytes : REFUSED) != rows[i].bytes)
            fail_msg("\"%s\": %lld", rows[i].text, (long long)bytes);
    }
}

static void printing_is_the_shortest_exact_form(void **state)
{
    (void)state;
    char text[SETTING_NUMBER_TEXT_MAX];
    static const struct {
        int64_t number;
        const char *duration, *bytes;
    } rows[] = {
        {0, "0ms", "0"},
        {1, "1ms", "1"},
        {1000, "1s", "1000"},
        {1001, "1001ms", "1001"},
        {1024, "1024ms", "1KiB"},
        {60000, "1m", "60000"},
        {3600000, "1h", "3600000"},
        {86400000, "1d", "84375KiB"},
        {90000, "90s", "90000"},
        {4194304, "4194304ms", "4MiB"},
        {INT64_MAX, "9223372036854775807ms", "9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duration_print(rows[i].number, text);
        assert_string_equal(text, rows[i].duration);
        bytes_print(rows[i].number, text);
        assert_string_equal(text, rows[i].bytes);
    }
}

static const struct setting size = {.name = "x.size", .kind = SETTING_BYTES, .least = 1024, .most = 65536};
static const struct setting wait = {.name = "x.wait", .kind = SETTING_DURATION_MS, .least = 10, .most = 60000};
static const struct setting count = {.name = "x.count", .kind = SETTING_INT, .least = -5, .most = 1024};
static const struct setting power = {
    .name = "x.power", .kind = SETTING_INT, .least = 1, .most = 1024, .power_of_two = true};
static const struct setting flag = {.name = "x.flag", .kind = SETTING_BOOL};
static const struct setting address = {.name = "x.address", .kind = SETTING_ADDRESS};
static const struct setting needed = {.name = "x.needed", .kind = SETTING_TEXT};
static const struct setting optional = {.name = "x.optional", .kind = SETTING_TEXT, .default_value = ""};
static const struct setting choice = {
    .name = "x.choice", .kind = SETTING_TEXT, .default_value = "b", .choices = "a|bc|b"};

static void every_kind_is_checked_against_its_row(void **state)
{
    (void)state;
    static const struct {
        const struct setting *setting;
        const char *text;
        int64_t number;
        const char *reason;
    } rows[] = {
        {&size, "1023", REFUSED, "must be between 1KiB and 64KiB"},
        {&size, "1024", 1024, ""},
        {&size, "64KiB", 65536, ""},
        {&size, "65537", REFUSED, "must be between 1KiB and 64KiB"},
        {&wait, "9ms", REFUSED, "must be between 10ms and 1m"},
        {&wait, "10ms", 10, ""},
        {&wait, "60s", 60000, ""},
        {&wait, "60001ms", REFUSED, "must be between 10ms and 1m"},
        {&wait, "-1s", REFUSED, "must be a duration: a whole number and ms, s, m, h or d without a space, as in 250ms"},
        {&count, "-6", REFUSED, "must be between -5 and 1024"},
        {&count, "-5", -5, ""},
        {&count, "1024", 1024, ""},
        {&count, "1025", REFUSED, "must be between -5 and 1024"},
        {&count, "", REFUSED, "must be a whole number"},
        {&count, "-", REFUSED, "must be a whole number"},
        {&count, "--5", REFUSED, "must be a whole number"},
        {&count, "5x", REFUSED, "must be a whole number"},
        {&count, "5.0", REFUSED, "must be a whole number"},
        {&count, "99999999999999999999", REFUSED, "must be a whole number"},
        {&power, "0", REFUSED, "must be between 1 and 1024"},
        {&power, "1", 1, ""},
        {&power, "3", REFUSED, "must be a power of two"},
        {&power, "1023", REFUSED, "must be a power of two"},
        {&power, "1024", 1024, ""},
        {&flag, "true", 1, ""},
        {&flag, "on", 1, ""},
        {&flag, "yes", 1, ""},
        {&flag, "off", 0, ""},
        {&flag, "no", 0, ""},
        {&flag, "false", 0, ""},
        {&flag, "1", REFUSED, "must be true, yes, on, false, no or off"},
        {&flag, "True", REFUSED, "must be true, yes, on, false, no or off"},
        {&flag, "", REFUSED, "must be true, yes, on, false, no or off"},
        {&needed, "", REFUSED, "must not be empty"},
        {&needed, "x", 0, ""},
        {&needed, "a\x01", REFUSED, "has a control character"},
        {&needed, "a\x7f", REFUSED, "has a control character"},
        {&needed, "\xc0\xaf", REFUSED, "is not valid UTF-8"},
        {&needed, "caf\xc3\xa9", 0, ""},
        {&optional, "", 0, ""},
        {&choice, "a", 0, ""},
        {&choice, "bc", 0, ""},
        {&choice, "b", 0, ""},
        {&choice, "c", REFUSED, "must be one of a|bc|b"},
        {&choice, "a|bc", REFUSED, "must be one of a|bc|b"},
        {&choice, "", REFUSED, "must not be empty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct setting_value value;
        struct fault fault = {0};
        enum err err = setting_value_parse(rows[i].setting, slice_of(rows[i].text), &value, &fault);
        if ((err == ERR_OK ? value.number : REFUSED) != rows[i].number)
            fail_msg("row %zu: %lld %s", i, (long long)value.number, fault.reason);
        assert_string_equal(fault.reason, rows[i].reason);
        if (err != ERR_OK) assert_string_equal(fault.place, rows[i].setting->name);
    }
}

static void addresses_have_a_host_and_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int64_t port;
    } rows[] = {
        {"127.0.0.1:18080", "127.0.0.1", 18080},
        {"[::1]:80", "::1", 80},
        {"[2001:db8::1.2.3.4]:65535", "2001:db8::1.2.3.4", 65535},
        {"billing-1.example.com:1", "billing-1.example.com", 1},
        {"h:0", NULL, 0},
        {"h:65536", NULL, 0},
        {"h:99999999999999999999", NULL, 0},
        {"h:-1", NULL, 0},
        {"h:", NULL, 0},
        {":80", NULL, 0},
        {"", NULL, 0},
        {":", NULL, 0},
        {"h", NULL, 0},
        {"80", NULL, 0},
        {"::1:80", NULL, 0},
        {"[]:80", NULL, 0},
        {"[::1:80", NULL, 0},
        {"[::1]", NULL, 0},
        {"[::g]:80", NULL, 0},
        {"a b:80", NULL, 0},
        {"a/b:80", NULL, 0},
        {"h:80 ", NULL, 0},
        {"h:80x", NULL, 0},
        {"123456789012345678901234567890123456789012345678901234567890123:80",
         "123456789012345678901234567890123456789012345678901234567890123", 80}, // 63
        {"1234567890123456789012345678901234567890123456789012345678901234:80", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct setting_value value;
        struct fault fault;
        enum err err = setting_value_parse(&address, slice_of(rows[i].text), &value, &fault);
        if ((err == ERR_OK) != (rows[i].host != NULL)) fail_msg("\"%s\"", rows[i].text);
        if (err != ERR_OK) continue;
        assert_string_equal(value.host, rows[i].host);
        assert_int_equal(value.number, rows[i].port);
    }
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    char *text = malloc(SETTING_TEXT_MAX + 1);
    memset(text, 'x', SETTING_TEXT_MAX + 1);
    struct setting_value value;
    struct fault fault;
    assert_int_equal(setting_value_parse(&needed, (struct slice){text, SETTING_TEXT_MAX}, &value, &fault), ERR_OK);
    assert_int_equal(setting_value_parse(&needed, (struct slice){text, SETTING_TEXT_MAX + 1}, &value, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.reason, "is longer than 4096 bytes");
    text[3] = 0;
    assert_int_equal(setting_value_parse(&needed, (struct slice){text, 10}, &value, &fault), ERR_INVALID);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_a_unit_and_no_space),  cmocka_unit_test(sizes_are_binary),
        cmocka_unit_test(printing_is_the_shortest_exact_form), cmocka_unit_test(every_kind_is_checked_against_its_row),
        cmocka_unit_test(addresses_have_a_host_and_a_port),    cmocka_unit_test(texts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
