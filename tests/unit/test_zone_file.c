// SPDX-License-Identifier: Apache-2.0
// Zone files: footers as rules, and files that are cut off, damaged or something else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/zone_file.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { FILE_MAX = 65536 };

static instant_us at(const char *text)
{
    instant_us instant = 0;
    if (instant_parse_loose(text, strlen(text), &instant, NULL) != ERR_OK) fail_msg("bad row: %s", text);
    return instant;
}

static void rules_are_read(void **state)
{
    (void)state;
    static const struct { const char *text, *instant; int offset;
    } rows[] = {
        {"UTC0", "2026-01-01", 0},
        {"<+0545>-5:45", "2026-01-01", 20700},
        {"<-0330>+3:30:15", "2026-01-01", -12615},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200}, // Nuuk: on Saturday at 23:00
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200}, // Gaza: fourth Thursday and 50 hours
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10800},
        {"AAA3BBB,J60/0,J300/0", "2024-03-01T02:59:59Z", -10800}, // J60 is March 1st in every year
        {"AAA3BBB,J60/0,J300/0", "2024-03-01T03:00:00Z", -7200},
        {"AAA3BBB,J60/0,J300/0", "2025-03-01T03:00:00Z", -7200},
        {"AAA3BBB,59/0,299/0", "2024-02-29T03:00:00Z", -7200}, // day 59 from 0 is February 29th in a leap year
        {"AAA3BBB,59/0,299/0", "2024-02-29T02:59:59Z", -10800},
        {"AAA3BBB4,0/0,J365/23", "2025-12-31T23:30:00Z", -14400}, // all year by RFC 8536: west of its standard time
        {"AAA3BBB4,0/0,J365/23", "2026-01-01T03:30:00Z", -14400},
        {"AAA3BBB4,0/0,J365/23", "2026-07-01", -14400},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct zone_rule rule;
        if (!zone_rule_parse(rows[i].text, strlen(rows[i].text), &rule)) fail_msg("%s is not read", rows[i].text);
        struct zone_stretch stretch = zone_rule_stretch(&rule, at(rows[i].instant) / SECOND_US);
        if (stretch.offset != rows[i].offset) fail_msg("%s %s: %d", rows[i].text, rows[i].instant, stretch.offset);
        assert_true(stretch.start <= at(rows[i].instant) / SECOND_US && stretch.end > at(rows[i].instant) / SECOND_US);
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "UTC",
        "UT0",
        "0",
        "<+05-5",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J1,J366",
        "CET-1CEST,0,366",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,M3.5.0,M10.5.0/3 ",
        "CET-27",
        "UTC0:60",
        "CET-99999999999999999999",
        "CET-1CEST,M3.5.0/,M10.5.0",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct zone_rule rule;
        if (zone_rule_parse(refused[i], strlen(refused[i]), &rule)) fail_msg("\"%s\" is read", refused[i]);
    }
}

// A small file in memory: two offsets, changes at seconds 1000 and 2000, a footer. Built by hand from RFC 8536.
struct image { uint8_t data[FILE_MAX]; size_t length; };

static void put(struct image *image, uint64_t value, int bytes)
{
    while (bytes-- > 0) image->data[image->length++] = (uint8_t)(value >> (8 * bytes));
}

static void put_header(struct image *image, char version, uint64_t leaps, uint64_t changes, uint64_t types)
{
    memcpy(image->data + image->length, "TZif", 4);
    image->data[image->length + 4] = (uint8_t)version;
    memset(image->data + image->length + 5, 0, 15);
    image->length += 20;
    put(image, 0, 4); // UTC flags
    put(image, 0, 4); // standard flags
    put(image, leaps, 4);
    put(image, changes, 4);
    put(image, types, 4);
    put(image, 4, 4); // bytes of names
}

static void put_type(struct image *image, int32_t offset)
{
    put(image, (uint32_t)offset, 4);
    put(image, 0, 2); // no daylight time, name 0
}

static struct image *small_file(int64_t second_change, int last_type, int32_t last_offset, const char *footer)
{
    struct image *image = calloc(1, sizeof *image);
    assert_non_null(image);
    put_header(image, '2', 0, 0, 1);
    put_type(image, 0);
    memcpy(image->data + image->length, "AAA", 4);
    image->length += 4;
    put_header(image, '2', 0, 2, 2);
    put(image, 1000, 8);
    put(image, (uint64_t)second_change, 8);
    put(image, 1, 1);
    put(image, (uint64_t)last_type, 1);
    put_type(image, 3600);
    put_type(image, last_offset);
    memcpy(image->data + image->length, "AAA", 4);
    image->length += 4;
    memcpy(image->data + image->length, footer, strlen(footer));
    image->length += strlen(footer);
    return image;
}

// Writes the first bytes of the image to a file and reads it as a zone.
static enum err read_image(struct image *image, size_t length, struct zone_table *table)
{
    char path[] = "/tmp/turnpike-zone-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->data, length), length);
    close(fd);
    struct fault fault = {0};
    enum err err = zone_file_read(path, table, &fault);
    unlink(path);
    assert_true(err == ERR_OK || fault.reason[0] != 0);
    return err;
}

static void table_free(struct zone_table *table)
{
    free(table->changes);
    free(table->offsets);
}

static void a_file_is_read_as_it_is_written(void **state)
{
    (void)state;
    struct image *image = small_file(2000, 0, -7200, "\n<-02>2\n");
    struct zone_table table;
    assert_int_equal(read_image(image, image->length, &table), ERR_OK);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.first_offset, 3600);
    assert_int_equal(table.changes[0], 1000);
    assert_int_equal(table.offsets[0], -7200);
    assert_int_equal(table.changes[1], 2000);
    assert_int_equal(table.offsets[1], 3600);
    assert_true(table.rule.known && !table.rule.daylight);
    assert_int_equal(table.rule.standard_offset, -7200);
    table_free(&table);
    free(image);

    image = small_file(2000, 0, 0, "\n\n"); // no rule: the last offset stays
    assert_int_equal(read_image(image, image->length, &table), ERR_OK);
    assert_false(table.rule.known);
    table_free(&table);
    free(image);
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const struct { int64_t change; int type; int32_t offset; const char *footer; enum err err; } rows[] = {
        {1001, 1, 0, "\nUTC0\n", ERR_OK},
        {1000, 1, 0, "\nUTC0\n", ERR_BUG},   // two changes at once
        {999, 1, 0, "\nUTC0\n", ERR_BUG},    // back in time
        {2000, 2, 0, "\nUTC0\n", ERR_BUG},   // only two offsets
        {2000, 1, ZONE_OFFSET_MAX, "\nUTC0\n", ERR_OK},
        {2000, 1, ZONE_OFFSET_MAX + 1, "\nUTC0\n", ERR_BUG},
        {2000, 1, ZONE_OFFSET_MIN, "\nUTC0\n", ERR_OK},
        {2000, 1, ZONE_OFFSET_MIN - 1, "\nUTC0\n", ERR_BUG},
        {2000, 1, 0, "", ERR_BUG},
        {2000, 1, 0, "\n", ERR_BUG},
        {2000, 1, 0, "\nUTC0", ERR_BUG},
        {2000, 1, 0, "\nnonsense\n", ERR_BUG},
        {INT64_MAX, 1, 0, "\nUTC0\n", ERR_OK}, // moved within reach
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct image *image = small_file(rows[i].change, rows[i].type, rows[i].offset, rows[i].footer);
        struct zone_table table;
        enum err err = read_image(image, image->length, &table);
        if (err != rows[i].err) fail_msg("row %zu: %s", i, err_name(err));
        if (err == ERR_OK) assert_true(table.changes[1] < INT64_MAX / SECOND_US);
        table_free(&table); // after an error it is empty
        free(image);
    }
}

static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    // Byte in the second header (which starts after 44 + 6 + 4 bytes), and what it is set to.
    enum { SECOND = 54 };
    static const struct { size_t at; uint8_t value; enum err err; } rows[] = {
        {0, 'X', ERR_INVALID},          // the magic
        {4, 0, ERR_BUG},                // version 1
        {SECOND, 'X', ERR_BUG},
        {32, 0xff, ERR_BUG},            // first block: four billion changes
        {SECOND + 32, 0xff, ERR_BUG},   // second block: the same
        {SECOND + 36, 0xff, ERR_BUG},   // types
        {SECOND + 39, 0, ERR_BUG},      // no types
        {SECOND + 40, 0xff, ERR_BUG},   // names
        {SECOND + 31, 1, ERR_INVALID},  // a leap second
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct image *image = small_file(2000, 1, 0, "\nUTC0\n");
        image->data[rows[i].at] = rows[i].value;
        struct zone_table table;
        enum err err = read_image(image, image->length, &table);
        if (err != rows[i].err) fail_msg("row %zu: %s", i, err_name(err));
        table_free(&table);
        free(image);
    }
}

// A real file, with its hundreds of changes.
static struct image *berlin(void)
{
    const char *folder = getenv("TZDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/Europe/Berlin", folder && *folder ? folder : "/usr/share/zoneinfo");
    FILE *stream = fopen(path, "rbe");
    if (!stream) fail_msg("no time zone data at %s", path);
    struct image *image = calloc(1, sizeof *image);
    assert_non_null(image);
    image->length = fread(image->data, 1, sizeof image->data, stream);
    fclose(stream);
    assert_true(image->length > 500);
    return image;
}

static void a_file_that_is_cut_off_is_refused_at_every_length(void **state)
{
    (void)state;
    struct image *image = berlin();
    struct zone_table table;
    for (size_t length = 0; length < image->length; length++) {
        enum err err = read_image(image, length, &table);
        if (err != (length < 44 ? ERR_INVALID : ERR_BUG)) fail_msg("%zu bytes: %s", length, err_name(err));
    }
    assert_int_equal(read_image(image, image->length, &table), ERR_OK);
    table_free(&table);
    free(image);
}

static void a_flipped_byte_never_crashes(void **state)
{
    (void)state;
    struct image *image = berlin();
    for (size_t i = 0; i < image->length; i++) {
        image->data[i] ^= 0xff;
        struct zone_table table;
        if (read_image(image, image->length, &table) == ERR_OK) assert_true(table.changes != NULL);
        table_free(&table);
        image->data[i] ^= 0xff;
    }
    free(image);
}

static void other_files_are_no_zones(void **state)
{
    (void)state;
    struct zone_table table;
    struct fault fault = {0};
    assert_int_equal(zone_file_read("/tmp", &table, &fault), ERR_INVALID);
    assert_int_equal(zone_file_read("/dev/null", &table, &fault), ERR_INVALID);
    assert_int_equal(zone_file_read("/nonexistent/UTC", &table, &fault), ERR_INVALID);
    assert_string_equal(fault.place, "/nonexistent/UTC");
    struct image *image = calloc(1, sizeof *image);
    assert_non_null(image);
    assert_int_equal(read_image(image, FILE_MAX, &table), ERR_INVALID); // zeros
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(a_file_is_read_as_it_is_written),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(a_file_that_is_cut_off_is_refused_at_every_length),
        cmocka_unit_test(a_flipped_byte_never_crashes),
        cmocka_unit_test(other_files_are_no_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
