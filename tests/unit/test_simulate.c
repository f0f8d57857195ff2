// SPDX-License-Identifier: Apache-2.0
// The simulated cloud: repeatable, and every event of it could be counted and priced by the sample catalogue.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "catalogue/apply.h"
#include "common/file.h"
#include "ingest/collect_feed.h"
#include "tests/support/folder.h"
#include "tests/support/sample_check.h"

static instant_us day(const char *text)
{
    instant_us instant;
    assert_int_equal(instant_parse_loose(text, strlen(text), &instant, NULL), ERR_OK);
    return instant;
}

static struct simulation two_months(void)
{
    return (struct simulation){.seed = 1, .tenants = 60, .from = day("2026-10-01"), .to = day("2026-11-30")};
}

static void make(const struct simulation *simulation, int64_t number, struct simulate_events *events)
{
    struct simulate_tenant tenant;
    simulate_tenant_make(simulation, number, &tenant);
    simulate_events_make(simulation, &tenant, events);
}

static struct slice event_at(const struct simulate_events *events, size_t index)
{
    return (struct slice){events->json.data + events->spans[index].start, events->spans[index].length};
}

// Every event of `some` is in `all` with the same bytes, both sorted by time.
static size_t assert_contains(const struct simulate_events *all, const struct simulate_events *some)
{
    size_t at = 0, found = 0;
    for (size_t i = 0; i < some->count; i++) {
        size_t from = at;
        while (at < all->count && all->spans[at].time < some->spans[i].time)
            from = ++at;
        while (from < all->count && !slice_equal(event_at(all, from), event_at(some, i)))
            from++; // among those of the same time
        assert_true(from < all->count);
        assert_true(all->spans[from].time == some->spans[i].time);
        found++;
    }
    return found;
}

static void a_seed_always_gives_the_same_events(void **state)
{
    (void)state;
    struct simulation simulation = two_months(), other = two_months();
    struct simulate_events first = {0}, second = {0};
    other.tenants = 5000; // how many there are changes nothing for one of them
    for (int64_t i = 0; i < 10; i++) {
        make(&simulation, i, &first);
        make(&other, i, &second);
        assert_int_equal(first.count, second.count);
        assert_int_equal(assert_contains(&first, &second), second.count);
    }
    other.seed = 2;
    make(&other, 9, &second);
    assert_true(first.json.length != second.json.length ||
                memcmp(first.json.data, second.json.data, first.json.length) != 0);
    simulate_events_free(&first);
    simulate_events_free(&second);
}

static void another_time_only_cuts(void **state)
{
    (void)state;
    struct simulation whole = two_months(), cut = two_months();
    struct simulate_events all = {0}, some = {0};
    size_t total = 0;
    for (int64_t i = 0; i < 20; i++) {
        make(&whole, i, &all);
        cut.from = whole.from;
        cut.to = day("2026-10-17") + 13 * HOUR_US;
        make(&cut, i, &some);
        total += assert_contains(&all, &some);
        cut.from = day("2026-11-01");
        cut.to = whole.to;
        make(&cut, i, &some);
        total += assert_contains(&all, &some);
    }
    assert_true(total > 10000);
    cut.from = cut.to = day("2026-10-01");
    make(&cut, 3, &some);
    assert_int_equal(some.count, 0); // nothing is over yet, nothing happens in the first instant
    simulate_events_free(&all);
    simulate_events_free(&some);
}

static void events_lie_in_their_time_and_are_about_a_thousand(void **state)
{
    (void)state;
    struct simulation simulation = two_months();
    struct simulate_events events = {0};
    size_t total = 0;
    simulation.to += 10 * HOUR_US + 7;
    for (int64_t i = 0; i < simulation.tenants; i++) {
        make(&simulation, i, &events);
        instant_us last = simulation.from;
        for (size_t k = 0; k < events.count; k++) {
            assert_true(events.spans[k].time >= last && events.spans[k].time <= simulation.to);
            last = events.spans[k].time;
        }
        total += events.count;
    }
    assert_in_range(total / (size_t)simulation.tenants, 800, 1600);
    simulate_events_free(&events);
}

// --- against the sample catalogue

static struct catalogue *sample_catalogue(const struct simulation *simulation)
{
    struct test_folder folder;
    struct text yaml = {0}, errors = {0};
    struct catalogue *catalogue;
    assert_int_equal(test_folder_make(&folder), 0);
    simulate_print_catalogue(simulation, &yaml);
    const char *paths[] = {TURNPIKE_SOURCE_DIR "/deploy/sample",
                           test_file(&folder, "simulated.yaml", yaml.data, yaml.length, 0600)};
    if (catalogue_from_files(paths, 2, &catalogue, &errors) != ERR_OK) fail_msg("%s", errors.data);
    text_free(&yaml);
    text_free(&errors);
    test_folder_remove(&folder);
    return catalogue;
}

static void every_event_can_be_counted_and_priced(void **state)
{
    (void)state;
    struct simulation simulation = two_months();
    struct catalogue *catalogue = sample_catalogue(&simulation);
    struct simulate_events events = {0};
    struct arena *arena = arena_new(65536);
    size_t checked = 0;
    for (int64_t i = 0; i < simulation.tenants; i++) {
        make(&simulation, i, &events);
        for (size_t k = (size_t)i % 7; k < events.count; k += 7, checked++) { // kinds and variants come often enough
            arena_reset(arena);
            sample_check_event(catalogue, event_at(&events, k), simulation.to, arena);
        }
    }
    assert_true(checked > 5000);
    arena_free(arena);
    simulate_events_free(&events);
    catalogue_release(catalogue);
}

// Its marks lead back to where they were taken, also between tenants.
static void a_feed_goes_on_behind_a_mark(void **state)
{
    (void)state;
    struct simulation simulation = two_months();
    struct collect_record *record = heap_alloc(sizeof *record);
    struct text rest = {0};
    simulation.tenants = 3;
    simulation.to = day("2026-10-03");
    struct collect_simulate *first = collect_simulate_open(&simulation), *second = collect_simulate_open(&simulation);
    struct collect_feed a = collect_simulate_feed(first), b = collect_simulate_feed(second);
    struct collect_mark mark = {0};
    int64_t records = 0;
    assert_int_equal(a.seek(a.self, &mark, NULL), ERR_OK);
    for (;;) {
        enum err err = a.next(a.self, record, NULL);
        text_clear(&rest);
        if (err == ERR_OK) text_add_slice(&rest, record->events[0]);
        assert_int_equal(b.seek(b.self, &mark, NULL), ERR_OK);
        assert_int_equal(b.next(b.self, record, NULL), err);
        if (err == ERR_NOT_FOUND) break;
        assert_true(slice_equal((struct slice){rest.data, rest.length}, record->events[0]));
        assert_int_equal(record->mark.record, ++records);
        mark = record->mark;
    }
    assert_true(records > 20);
    collect_simulate_close(first);
    collect_simulate_close(second);
    text_free(&rest);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_always_gives_the_same_events),
        cmocka_unit_test(another_time_only_cuts),
        cmocka_unit_test(events_lie_in_their_time_and_are_about_a_thousand),
        cmocka_unit_test(every_event_can_be_counted_and_priced),
        cmocka_unit_test(a_feed_goes_on_behind_a_mark),
    };
    hash_init();
    return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
