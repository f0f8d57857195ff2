// SPDX-License-Identifier: Apache-2.0
// Codes of places: what is taken comes out as it was, whatever other places were taken and given back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/dedup_index.h"
#include "rating/dedup_place.h"

static void same(const struct dedup_places *places, uint64_t code, const struct dedup_place *place)
{
    struct dedup_place found = dedup_place_of(places, code);
    assert_true(code >> DEDUP_PLACE_BITS == 0);
    assert_int_equal(found.offset, place->offset);
    assert_int_equal(found.event_index, place->event_index);
    assert_int_equal(found.held, place->held);
}

static void single_events_in_rising_order_share_an_extent(void **state)
{
    (void)state;
    struct dedup_places places = {0};
    enum { COUNT = (1 << DEDUP_POSITION_BITS) };
    for (int64_t i = 0; i < COUNT; i++) {
        struct dedup_place place = {.offset = i + 5};
        same(&places, dedup_place_take(&places, &place), &place);
    }
    assert_int_equal(places.extent_count, 1);
    struct dedup_place behind = {.offset = COUNT + 5};
    same(&places, dedup_place_take(&places, &behind), &behind);
    assert_int_equal(places.extent_count, 2);
    assert_int_equal(places.aside_count, 0);
    dedup_places_free(&places);
}

static void rows_are_as_wide_as_messages_and_become_narrow_again(void **state)
{
    (void)state;
    struct dedup_places places = {0};
    struct dedup_place single = {.offset = 1}, last = {.offset = 2, .event_index = DEDUP_EVENT_INDEX_MAX};
    dedup_place_take(&places, &single);
    same(&places, dedup_place_take(&places, &last), &last);
    assert_int_equal(places.extents[places.current].width_bits, 20);
    for (int64_t i = 0; i < 600; i++) {
        struct dedup_place place = {.offset = 3 + i};
        same(&places, dedup_place_take(&places, &place), &place);
    }
    assert_true(places.extents[places.current].width_bits <= 2);
    dedup_places_free(&places);
}

static void what_is_held_or_older_is_kept_aside(void **state)
{
    (void)state;
    struct dedup_places places = {0};
    const struct dedup_place list[] = {{100, 0, false},
                                       {99, 3, false},
                                       {DEDUP_OFFSET_MAX, DEDUP_EVENT_INDEX_MAX, true},
                                       {0, 0, true}};
    uint64_t codes[4];
    for (size_t i = 0; i < 4; i++)
        codes[i] = dedup_place_take(&places, &list[i]);
    for (size_t i = 0; i < 4; i++) {
        same(&places, codes[i], &list[i]);
        assert_int_equal(dedup_place_aside(codes[i]), i > 0);
    }
    dedup_place_give(&places, codes[2]);
    uint64_t again = dedup_place_take(&places, &list[3]);
    assert_int_equal(again, codes[2]); // the room is used again
    same(&places, again, &list[3]);
    same(&places, codes[3], &list[3]);
    assert_int_equal(places.aside_count, 3);
    dedup_places_free(&places);
}

// Each place in an extent of its own: when there are no more, places are kept aside; when some are given back, their
// numbers serve again.
static void extents_run_out_and_come_back(void **state)
{
    (void)state;
    struct dedup_places places = {0};
    enum { MOST = 1 << DEDUP_EXTENT_BITS };
    uint64_t *codes = heap_alloc((MOST + 100) * sizeof *codes);
    for (int64_t i = 0; i < MOST + 100; i++) {
        struct dedup_place place = {.offset = i << DEDUP_POSITION_BITS};
        codes[i] = dedup_place_take(&places, &place);
        assert_int_equal(dedup_place_aside(codes[i]), i >= MOST);
    }
    for (int64_t i = 0; i < MOST + 100; i++) {
        struct dedup_place place = {.offset = i << DEDUP_POSITION_BITS};
        same(&places, codes[i], &place);
    }
    for (int64_t i = 0; i < 50; i++)
        dedup_place_give(&places, codes[i]);
    for (int64_t i = 0; i < 60; i++) {
        struct dedup_place place = {.offset = (MOST + 200 + i) << DEDUP_POSITION_BITS};
        codes[i] = dedup_place_take(&places, &place);
        assert_int_equal(dedup_place_aside(codes[i]), i >= 50);
        same(&places, codes[i], &place);
    }
    for (int64_t i = 60; i < MOST + 100; i++) {
        struct dedup_place place = {.offset = i << DEDUP_POSITION_BITS};
        same(&places, codes[i], &place);
    }
    free(codes);
    dedup_places_free(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_events_in_rising_order_share_an_extent),
        cmocka_unit_test(rows_are_as_wide_as_messages_and_become_narrow_again),
        cmocka_unit_test(what_is_held_or_older_is_kept_aside),
        cmocka_unit_test(extents_run_out_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
