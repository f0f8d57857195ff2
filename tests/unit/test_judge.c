// SPDX-License-Identifier: Apache-2.0
// What an event is worth: each reason, the bounds of the accept window, meter versions, and one verdict for all meters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rating/judge.h"
#include "tests/support/catalogue_fixture.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DAYS(n) ((n)*DAY_US)

static struct catalogue *catalogue;
static struct judge judge;
static struct judgement judgement;
static struct arena *arena;
static instant_us now; // received_time

// Beside the fixture's: a second meter of requests (count, 100 days, no future), which changes its dimensions on
// 2026-09-01.
static int set_up(void **state)
{
    (void)state;
    static const char *by_region[] = {"region"};
    struct catalogue_rows rows;
    hash_init();
    catalogue_fixture(&rows);
    struct meter_row row = {
        .version = 1,
        .number = 3,
        .effective_from = catalogue_fixture_instant("2026-01-01"),
        .id = "calls",
        .name = "Calls",
        .event_type = "cloud.storage.request",
        .unit = "call",
        .aggregation = AGGREGATION_COUNT,
        .slot_minutes = 5,
        .accept_days = 100,
        .future_seconds = 0,
    };
    *ROW_NEW(&rows.meters) = row;
    row.effective_from = catalogue_fixture_instant("2026-09-01");
    row.dimensions = by_region;
    row.dimension_count = 1;
    *ROW_NEW(&rows.meters) = row;
    row = (struct meter_row){
        .version = 1,
        .number = 4,
        .effective_from = catalogue_fixture_instant("2026-09-15"),
        .id = "levels",
        .name = "Levels",
        .event_type = "cloud.level",
        .unit = "byte",
        .aggregation = AGGREGATION_LATEST,
        .value_property = "level",
        .slot_minutes = 15,
        .accept_days = 35,
        .future_seconds = 300,
    };
    *ROW_NEW(&rows.meters) = row;
    catalogue = catalogue_fixture_build(&rows);
    arena = arena_new(65536);
    now = catalogue_fixture_instant("2026-10-10T12:00:00Z");
    return judge_open(&judge, catalogue, SECRET, NULL) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    judgement_free(&judgement);
    catalogue_release(catalogue);
    arena_free(arena);
    return 0;
}

static struct usage_event event;

static enum reason judged(const char *subject, const char *type, instant_us time, const char *data, const char *more)
{
    static const struct hash_key key = {{1}};
    struct event_faults faults;
    struct text json = {0};
    char at[INSTANT_TEXT_MAX];
    instant_print(time, at);
    text_print(&json,
               "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"s\",\"type\":\"%s\",\"subject\":\"%s\",\"time\":\"%"
               "s\",\"data\":%s%s}",
               type, subject, at, data, more);
    char *kept = arena_text(arena, json.data, json.length);
    if (event_decode((struct slice){kept, json.length}, &key, arena, &event, &faults))
        fail_msg("%s: %s", faults.list[0].path, faults.list[0].reason);
    text_free(&json);
    return judge_event(&judge, &event, (struct hash128){7, 8}, now, &judgement);
}

#define REQUEST "cloud.storage.request"
#define SERVER "cloud.server.state"

static const struct {
    const char *subject, *type;
    int64_t before_us; // event time before received_time
    const char *data, *more;
    enum reason reason;
    const char *words; // in the sentence
} rows[] = {
    {"t-1", REQUEST, 0, "{\"n\":1}", "", REASON_NONE, ""},
    {"t-1", REQUEST, 0, "{\"n\":\"0\"}", "", REASON_NONE, ""},
    {"t-9", REQUEST, 0, "{\"n\":1}", "", REASON_UNKNOWN_TENANT, "version 1 has no tenant 't-9'"},
    {"t-1", "no.type", 0, "{}", "", REASON_UNKNOWN_TYPE, "no meter for 'no.type'"},
    {"t-1", "cloud.level", DAYS(30), "{\"level\":1}", "", REASON_UNKNOWN_TYPE, "at the time of the event"},
    {"t-1", "cloud.level", DAYS(20), "{\"level\":1}", "", REASON_NONE, ""},
    {"t-1", REQUEST, 0, "{\"n\":1}", ",\"corrects\":\"e0\"", REASON_CORRECTS, "$.corrects"},
    {"t-1", REQUEST, 0, "{}", "", REASON_BAD_VALUE, "requests: $.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":\"x\"}", "", REASON_BAD_VALUE, "$.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":true}", "", REASON_BAD_VALUE, "$.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":1e16}", "", REASON_BAD_VALUE, "$.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":0.0000000001}", "", REASON_BAD_VALUE, "$.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":-1}", "", REASON_NEGATIVE, "requests: $.data.n"},
    {"t-1", REQUEST, 0, "{\"n\":-0}", "", REASON_NONE, ""},
    {"t-1", REQUEST, 0, "{\"n\":1,\"operation\":[1]}", "", REASON_BAD_VALUE, "$.data.operation"},
    {"t-1", REQUEST, 0, "{\"n\":1,\"operation\":\"a\\u0001\"}", "", REASON_BAD_VALUE, "$.data.operation"},
    // one verdict for all meters: the longest window (100 days) and the longest future allowance (300 s)
    {"t-1", REQUEST, DAYS(100), "{\"n\":1}", "", REASON_NONE, ""},
    {"t-1", REQUEST, DAYS(100) + 1, "{\"n\":1}", "", REASON_LATE, "more than 100 days"},
    {"t-1", REQUEST, -300 * SECOND_US, "{\"n\":1}", "", REASON_NONE, ""},
    {"t-1", REQUEST, -300 * SECOND_US - 1, "{\"n\":1}", "", REASON_FUTURE, "more than 300 seconds"},
    // time comes before the value: what is late needs no right value
    {"t-1", REQUEST, DAYS(200), "{}", "", REASON_LATE, "100 days"},
    {"t-1", SERVER, 0, "{\"server\":\"v\",\"state\":\"running\"}", "", REASON_NONE, ""},
    {"t-1", SERVER, 0, "{\"server\":\"v\",\"state\":\"stopped\",\"size\":-1}", "", REASON_NONE, ""},
    {"t-1", SERVER, 0, "{\"server\":\"v\",\"state\":\"paused\"}", "", REASON_BAD_VALUE, "$.data.state"},
    {"t-1", SERVER, 0, "{\"server\":\"v\"}", "", REASON_BAD_VALUE, "$.data.state"},
    {"t-1", SERVER, 0, "{\"state\":\"running\"}", "", REASON_BAD_VALUE, "$.data.server"},
    {"t-1", SERVER, 0, "{\"server\":\"\",\"state\":\"running\"}", "", REASON_BAD_VALUE, "$.data.server"},
    {"t-1", SERVER, -61 * SECOND_US, "{\"server\":\"v\",\"state\":\"running\"}", "", REASON_FUTURE, "60 seconds"},
};

static void each_event_gets_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum reason reason = judged(rows[i].subject, rows[i].type, now - rows[i].before_us, rows[i].data, rows[i].more);
        if (reason != rows[i].reason || !strstr(judgement.detail, rows[i].words))
            fail_msg("row %zu: %s: %s", i, reason_name(reason), judgement.detail);
        bool effects = judgement.contribution_count + judgement.transition_count > 0;
        if (effects != (reason == REASON_NONE)) fail_msg("row %zu has effects: %d", i, effects);
        if (!utf8_valid(judgement.detail, strlen(judgement.detail))) fail_msg("row %zu", i);
    }
}

static void a_subject_of_another_partition_is_misrouted(void **state)
{
    (void)state;
    int shard = shard_of_tenant(SLICE("t-1"));
    judge.partition_count = 4;
    for (judge.partition = 0; judge.partition < 4; judge.partition++) {
        enum reason reason = judged("t-1", REQUEST, now, "{\"n\":1}", "");
        assert_int_equal(reason, shard % 4 == judge.partition ? REASON_NONE : REASON_MISROUTED);
    }
    judge.partition = 0, judge.partition_count = 1;
}

// Ids before the coverage may have been counted and forgotten: nothing older than coverage + the longest future
// allowance.
static void what_the_index_does_not_cover_is_undecidable(void **state)
{
    (void)state;
    assert_int_equal(judge.longest_future_us, 300 * SECOND_US);
    judge.coverage_start = now - DAYS(10);
    instant_us least = judge.coverage_start + judge.longest_future_us;
    assert_int_equal(judged("t-1", REQUEST, least, "{\"n\":1}", ""), REASON_NONE);
    assert_int_equal(judged("t-1", REQUEST, least - 1, "{\"n\":1}", ""), REASON_UNDECIDABLE);
    assert_int_equal(judged("t-1", REQUEST, now - DAYS(101), "{\"n\":1}", ""), REASON_LATE);
    judge.coverage_start = INSTANT_MIN;
}

static void contributions_are_of_the_version_at_the_event_time(void **state)
{
    (void)state;
    // 2026-08-31T23:59:59.999999Z: the old version of "calls", without dimensions
    instant_us before = catalogue_fixture_instant("2026-09-01") - 1;
    assert_int_equal(judged("t-1", REQUEST, before, "{\"n\":\"2.5\",\"operation\":\"put\",\"region\":\"eu\"}", ""),
                     REASON_NONE);
    assert_int_equal(judgement.contribution_count, 2);
    const struct contribution *sum = &judgement.contributions[0], *calls = &judgement.contributions[1];
    assert_string_equal(sum->meter->id, "requests");
    assert_true(sum->quantity.nano == 2500000000);
    assert_true(sum->slot == catalogue_fixture_instant("2026-08-31T23:45:00Z"));
    assert_true(slice_is(judgement_members(&judgement, sum->members), "{\"operation\":\"put\"}"));
    assert_string_equal(calls->meter->id, "calls");
    assert_true(calls->quantity.nano == 1000000000);
    assert_true(calls->slot == catalogue_fixture_instant("2026-08-31T23:55:00Z")); // its grain is 5 minutes
    assert_true(slice_is(judgement_members(&judgement, calls->members), "{}"));
    assert_int_equal(judged("t-1", REQUEST, before + 1, "{\"n\":1,\"region\":\"eu\"}", ""), REASON_NONE);
    assert_true(slice_is(judgement_members(&judgement, judgement.contributions[0].members), "{}"));
    assert_true(slice_is(judgement_members(&judgement, judgement.contributions[1].members), "{\"region\":\"eu\"}"));
}

static void a_dimension_set_belongs_to_its_tenant(void **state)
{
    (void)state;
    assert_int_equal(judged("t-1", REQUEST, now, "{\"n\":1,\"operation\":1.50}", ""), REASON_NONE);
    struct hash128 mine = judgement.contributions[0].dimension_set;
    assert_true(slice_is(judgement_members(&judgement, judgement.contributions[0].members), "{\"operation\":\"1.5\"}"));
    assert_int_equal(judged("t-1", REQUEST, now, "{\"operation\":\"1.5\",\"n\":3}", ""), REASON_NONE);
    assert_true(hash128_equal(judgement.contributions[0].dimension_set, mine));
    assert_int_equal(judged("t-2", REQUEST, now, "{\"n\":1,\"operation\":1.50}", ""), REASON_NONE);
    assert_false(hash128_equal(judgement.contributions[0].dimension_set, mine));
}

static void states_become_transitions(void **state)
{
    (void)state;
    assert_int_equal(
        judged("t-1", SERVER, now, "{\"server\":\"v1\",\"state\":\"running\",\"os\":\"linux\",\"flavour\":\"m\"}", ""),
        REASON_NONE);
    assert_int_equal(judgement.transition_count, 1);
    assert_int_equal(judgement.contribution_count, 0);
    struct transition_effect start = judgement.transitions[0];
    assert_true(start.running);
    assert_true(start.value.nano == 1000000000); // no value property: 1
    assert_true(slice_is(judgement_members(&judgement, start.members), "{\"flavour\":\"m\",\"os\":\"linux\"}"));
    assert_int_equal(judged("t-1", SERVER, now, "{\"server\":\"v1\",\"state\":\"stopped\"}", ""), REASON_NONE);
    assert_false(judgement.transitions[0].running);
    assert_true(judgement.transitions[0].value.nano == 0);
    assert_true(hash128_equal(judgement.transitions[0].resource, start.resource));
    assert_int_equal(judged("t-2", SERVER, now, "{\"server\":\"v1\",\"state\":\"stopped\"}", ""), REASON_NONE);
    assert_false(hash128_equal(judgement.transitions[0].resource, start.resource));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_gets_its_reason),
        cmocka_unit_test(a_subject_of_another_partition_is_misrouted),
        cmocka_unit_test(what_the_index_does_not_cover_is_undecidable),
        cmocka_unit_test(contributions_are_of_the_version_at_the_event_time),
        cmocka_unit_test(a_dimension_set_belongs_to_its_tenant),
        cmocka_unit_test(states_become_transitions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
