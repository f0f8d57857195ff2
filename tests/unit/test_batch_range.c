// SPDX-License-Identifier: Apache-2.0
// Which quarantined events of a batch have a row of their own, and what the row says that the others have together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rating/batch_internal.h"
#include "rating/pack_number.h"
#include "rating/range_places.h"
#include "tests/support/catalogue_fixture.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { LIMIT = 3 };

static struct catalogue *catalogue;
static instant_us now;

struct partition {
    struct dedup_index *index, *known;
    struct batch *batch;
    struct batch_ground ground;
    struct arena *messages;
};

static void partition_open(struct partition *partition, int64_t limit)
{
    *partition = (struct partition){.index = dedup_index_new(NULL),
                                    .known = dedup_index_new(NULL),
                                    .batch = batch_new(),
                                    .messages = arena_new(4096)};
    assert_int_equal(judge_open(&partition->ground.judge, catalogue, SECRET, NULL), ERR_OK);
    partition->ground.index = partition->index;
    partition->ground.known = partition->known;
    partition->ground.quarantine_rows = limit;
    batch_begin(partition->batch, 0, INSTANT_MIN);
}

static void partition_close(struct partition *partition)
{
    batch_free(partition->batch);
    arena_free(partition->messages);
    dedup_index_free(partition->index);
    dedup_index_free(partition->known);
}

// A message with `count` events of a type, from `number` on.
static void feed(struct partition *partition, const char *type, const char *source, int number, int count)
{
    struct text data = {0};
    char at[INSTANT_TEXT_MAX];
    instant_print(now, at);
    for (int i = 0; i < count; i++)
        text_print(&data,
                   "%s{\"specversion\":\"1.0\",\"type\":\"%s\",\"source\":\"%s\",\"id\":\"e%d\",\"subject\":\"t-1\","
                   "\"time\":\"%s\",\"data\":{\"n\":1}}",
                   i ? "," : "[", type, source, number + i, at);
    text_add_char(&data, ']');
    const struct bus_message message = {.offset = batch_next_offset(partition->batch),
                                        .received_time = now,
                                        .data = arena_text(partition->messages, data.data, data.length),
                                        .length = data.length};
    batch_feed(partition->batch, &partition->ground, &message);
    batch_judge(partition->batch, &partition->ground);
    text_free(&data);
}

static size_t rows_of(struct partition *partition, const struct quarantine_row **rows)
{
    batch_ranges_finish(partition->batch);
    *rows = partition->batch->quarantines.rows;
    return partition->batch->quarantines.count;
}

static void a_range_begins_above_the_limit(void **state)
{
    (void)state;
    static const struct {
        int events;
        size_t rows;
        int64_t range; // events of the last row; 0: it is of one event
    } cases[] = {{1, 1, 0},
                 {LIMIT - 1, LIMIT - 1, 0},
                 {LIMIT, LIMIT, 0},
                 {LIMIT + 1, LIMIT + 1, 1},
                 {1000, LIMIT + 1, 1000 - LIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct partition partition;
        const struct quarantine_row *rows;
        partition_open(&partition, LIMIT);
        for (int n = 0; n < cases[i].events; n++)
            feed(&partition, "no.such.type", "s", n, 1);
        assert_int_equal(rows_of(&partition, &rows), cases[i].rows);
        const struct quarantine_row *last = &rows[cases[i].rows - 1];
        assert_int_equal(last->range_events, cases[i].range);
        assert_int_equal(last->identified, cases[i].range == 0);
        assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_QUARANTINED], cases[i].events);
        assert_int_equal(partition.batch->entries.count, cases[i].events); // every identity is held
        if (cases[i].range) {
            assert_int_equal(last->offset, LIMIT);
            assert_int_equal(last->last_offset, cases[i].events - 1);
            assert_int_equal(last->last_index, 0);
        }
        partition_close(&partition);
    }
}

static void without_a_limit_each_has_a_row(void **state)
{
    (void)state;
    struct partition partition;
    const struct quarantine_row *rows;
    partition_open(&partition, 0);
    feed(&partition, "no.such.type", "s", 0, 500);
    assert_int_equal(rows_of(&partition, &rows), 500);
    assert_int_equal(rows[499].range_events, 0);
    partition_close(&partition);
}

// Events that count, other sources and other reasons between them do not disturb a range, and have their own limits.
static void a_range_is_of_one_source_and_reason(void **state)
{
    (void)state;
    struct partition partition;
    const struct quarantine_row *rows;
    partition_open(&partition, LIMIT);
    for (int round = 0; round < 5; round++) {
        feed(&partition, "no.such.type", "s", 10 * round, 2);            // offset 4 * round: 10 events in all
        feed(&partition, "cloud.storage.request", "s", 1000 + round, 1); // counts
        feed(&partition, "no.such.type", "other", 2000 + round, 1);      // 5 in all
        feed(&partition, "no.such.type", "s", 10 * round, 1);            // the first one again: held, so a row more
    }
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_COUNTED], 5);
    size_t count = rows_of(&partition, &rows);
    assert_int_equal(count, 2 * (LIMIT + 1));
    int64_t s = 0, other = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t events = rows[i].range_events ? rows[i].range_events : 1;
        if (slice_is(rows[i].source, "s"))
            s += events;
        else
            other += events;
    }
    assert_int_equal(s, 15);
    assert_int_equal(other, 5);
    partition_close(&partition);
}

static void places_name_every_event_of_a_range(void **state)
{
    (void)state;
    struct partition partition;
    const struct quarantine_row *rows;
    partition_open(&partition, 1);
    feed(&partition, "no.such.type", "s", 0, 2);           // 0/0 has a row, the range begins at 0/1
    feed(&partition, "cloud.storage.request", "s", 50, 1); // 1/0 counts
    feed(&partition, "no.such.type", "s", 10, 3);          // 2/0 to 2/2
    for (int n = 0; n < 200; n++)
        feed(&partition, "cloud.storage.request", "s", 100 + n, 1);
    feed(&partition, "no.such.type", "s", 20, 1); // 203/0
    assert_int_equal(rows_of(&partition, &rows), 2);
    static const int64_t expected[][2] = {{0, 1}, {2, 0}, {2, 1}, {2, 2}, {203, 0}};
    const unsigned char *at = (const unsigned char *)rows[1].places.data, *end = at + rows[1].places.length;
    int64_t offset = rows[1].offset;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        uint64_t distance = 0, index = 0;
        at = pack_number_take(at, end, &distance);
        assert_non_null(at);
        at = pack_number_take(at, end, &index);
        assert_non_null(at);
        offset += (int64_t)distance;
        assert_int_equal(offset, expected[i][0]);
        assert_int_equal(index, expected[i][1]);
    }
    assert_ptr_equal(at, end);
    assert_int_equal(rows[1].last_offset, 203);
    partition_close(&partition);
}

// The next batch has its own limit, and nothing of the one before is in it.
static void each_batch_begins_anew(void **state)
{
    (void)state;
    struct partition partition;
    const struct quarantine_row *rows;
    partition_open(&partition, LIMIT);
    feed(&partition, "no.such.type", "s", 0, 100);
    assert_int_equal(rows_of(&partition, &rows), LIMIT + 1);
    batch_begin(partition.batch, 1, now);
    feed(&partition, "no.such.type", "s", 200, LIMIT);
    assert_int_equal(rows_of(&partition, &rows), LIMIT);
    assert_int_equal(rows[LIMIT - 1].range_events, 0);
    partition_close(&partition);
}

// What nobody can read has no tenant and no source: it is one flood.
static void damaged_messages_make_a_range(void **state)
{
    (void)state;
    struct partition partition;
    const struct quarantine_row *rows;
    partition_open(&partition, LIMIT);
    for (int n = 0; n < 50; n++) {
        const struct bus_message message = {.offset = n, .received_time = now, .data = "no JSON at all", .length = 14};
        batch_feed(partition.batch, &partition.ground, &message);
    }
    batch_judge(partition.batch, &partition.ground);
    assert_int_equal(rows_of(&partition, &rows), LIMIT + 1);
    assert_int_equal(rows[LIMIT].range_events, 50 - LIMIT);
    assert_int_equal(rows[LIMIT].tenant_id.length, 0);
    partition_close(&partition);
}

// A flood costs some bytes an event beside its identity: no row and no body.
static void memory_stays_small(void **state)
{
    (void)state;
    struct partition partition, plain;
    partition_open(&partition, LIMIT);
    partition_open(&plain, 0);
    for (int n = 0; n < 20000; n += 100) {
        feed(&partition, "no.such.type", "s", n, 100);
        feed(&plain, "no.such.type", "s", n, 100);
    }
    assert_true(partition.batch->range_bytes <= 3 * 20000);
    assert_true(batch_memory(plain.batch) - batch_memory(partition.batch) > 20000 * 400);
    partition_close(&partition);
    partition_close(&plain);
}

static int set_up(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    hash_init();
    catalogue_fixture(&rows);
    catalogue = catalogue_fixture_build(&rows);
    now = catalogue_fixture_instant("2026-10-10T12:00:00Z");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    catalogue_release(catalogue);
    return 0;
}

static void places_are_walked_or_refused(void **state)
{
    (void)state;
    static const unsigned char good[] = {0, 2, 0, 5, 3, 0, 0x80, 1, 7}; // 10/2, 10/5, 13/0, 141/7
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {{"\0", 1},              // no index
               {"\x80", 1},            // a number without end
               {"\0\x80", 2},         // likewise
               {"\0\1\0\1", 4},     // the same place twice; refused at the second
               {"\0\xff\xff\xff\xff\x0f", 6}, // no message has so many
               {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0", 10}}; // beyond every offset
    static const int64_t expected[][2] = {{10, 2}, {10, 5}, {13, 0}, {141, 7}};
    struct range_places places;
    range_places_open(&places, (struct slice){(const char *)good, sizeof good}, 10);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(range_places_next(&places), ERR_OK);
        assert_int_equal(places.offset, expected[i][0]);
        assert_int_equal(places.index, expected[i][1]);
    }
    assert_int_equal(range_places_next(&places), ERR_NOT_FOUND);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum err err;
        range_places_open(&places, (struct slice){bad[i].bytes, bad[i].length}, 10);
        while (!(err = range_places_next(&places)))
            ;
        assert_int_equal(err, ERR_INVALID);
    }
}

// Event n of the test's sources, of a type, as an event of a range at this offset.
static struct replay_row event_of_range(struct arena *arena, const char *type, int number, int64_t offset)
{
    char at[INSTANT_TEXT_MAX];
    instant_print(now, at);
    const char *raw = arena_print(arena,
                                  "{\"specversion\":\"1.0\",\"type\":\"%s\",\"source\":\"s\",\"id\":\"e%d\",\"subject\":\"t-1\","
                                  "\"time\":\"%s\",\"data\":{\"n\":1}}",
                                  type, number, at);
    return (struct replay_row){.position = offset, .offset = offset, .received_time = now, .raw = slice_of(raw)};
}

static void a_piece_closes_what_is_decided(void **state)
{
    (void)state;
    struct partition partition;
    struct arena *arena = arena_new(4096);
    const struct range_piece piece = {.quarantine = 7, .closed_before = 2, .first_event = 40};
    partition_open(&partition, LIMIT);
    struct replay_row rows[] = {event_of_range(arena, "cloud.storage.request", 1, 5),
                                event_of_range(arena, "cloud.storage.request", 1, 6),
                                event_of_range(arena, "no.such.type", 2, 8), event_of_range(arena, "no.such.type", 1, 9)};
    static const enum verdict expected[] = {VERDICT_COUNTED, VERDICT_DUPLICATE, VERDICT_QUARANTINED, VERDICT_CONFLICT};
    batch_range_piece(partition.batch, &piece);
    assert_true(batch_empty(partition.batch));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i == 2) batch_range_pass(partition.batch); // closed before
        assert_int_equal(batch_replay(partition.batch, &partition.ground, &rows[i]), expected[i]);
    }
    assert_false(batch_empty(partition.batch));
    const struct verdict_list *verdicts = &partition.batch->range_verdicts;
    assert_int_equal(verdicts->count, 5);
    assert_memory_equal(verdicts->packed.data, "\x10\x33\x02", 3);
    const struct closing_row *closings = partition.batch->range_closings.rows;
    assert_int_equal(partition.batch->range_closings.count, 3);
    assert_int_equal(closings[2].position, 9);
    assert_true(closings[2].conflict && !closings[0].conflict && !closings[1].conflict);
    // the conflict's body is kept; what stays is not held anew
    assert_int_equal(partition.batch->conflicts.count, 1);
    assert_int_equal(((const struct conflict_row *)partition.batch->conflicts.rows)->offset, 9);
    assert_int_equal(partition.batch->entries.count, 1);
    // the next batch knows nothing of it
    batch_begin(partition.batch, 0, INSTANT_MIN);
    assert_true(batch_empty(partition.batch));
    assert_int_equal(partition.batch->range_verdicts.count, 0);
    arena_free(arena);
    partition_close(&partition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_begins_above_the_limit),
        cmocka_unit_test(without_a_limit_each_has_a_row),
        cmocka_unit_test(a_range_is_of_one_source_and_reason),
        cmocka_unit_test(places_name_every_event_of_a_range),
        cmocka_unit_test(each_batch_begins_anew),
        cmocka_unit_test(damaged_messages_make_a_range),
        cmocka_unit_test(memory_stays_small),
        cmocka_unit_test(places_are_walked_or_refused),
        cmocka_unit_test(a_piece_closes_what_is_decided),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
