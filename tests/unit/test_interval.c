// SPDX-License-Identifier: Apache-2.0
// What an interval does: a table of stories (seconds, state, size, dimension set) and the lines that must come out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rating/usage.h"

enum { PERIOD_END = 10000, STORY_MAX = 8 };

// at: seconds; size 0 = stopped; dimension: number of the set; id orders equal instants
struct step { int at; const char *size; int dimension; int id; };
struct story {
    const char *name;
    struct step steps[STORY_MAX];
    int from, to, cut_end; // seconds
    int boundary;          // 0: none
    const char *expected;  // "Q<segment>:<dimension>=<quantity>" and "R<segment>:<dimension>=<run seconds>x<size>", space after each
};

static const struct story stories[] = {
    {"runs and stops", {{100, "1", 1, 0}, {3700, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=3600 R0:1=3600x1 "},
    {"still running accrues to the cut end", {{100, "2", 1, 0}}, 0, PERIOD_END, 1100, 0, "Q0:1=2000 "}, // 2 x (1100 - 100)
    {"still running ends at the period", {{100, "1", 1, 0}}, 0, 1000, PERIOD_END, 0, "Q0:1=900 "},
    {"began before the period", {{-500, "1", 1, 0}, {200, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=200 R0:1=700x1 "},
    {"stop at the first instant of the period belongs to the one before", {{-50, "1", 1, 0}, {0, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, ""},
    {"stop at the last instant belongs to the period", {{950, "1", 1, 0}, {1000, 0, 1, 1}}, 0, 1000, PERIOD_END, 0, "Q0:1=50 R0:1=50x1 "},
    {"resize splits the run", {{0, "2", 1, 0}, {100, "4", 2, 1}, {300, 0, 2, 2}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=200 Q0:2=800 R0:2=300x4 "},
    {"the same state again continues", {{0, "2", 1, 0}, {100, "2", 1, 1}, {300, 0, 1, 2}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=600 R0:1=300x2 "},
    {"stop before start does nothing", {{50, 0, 1, 0}, {100, "1", 1, 1}, {200, 0, 1, 2}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=100 R0:1=100x1 "},
    {"two stops", {{100, "1", 1, 0}, {200, 0, 1, 1}, {250, 0, 1, 2}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=100 R0:1=100x1 "},
    {"comes back after a delete", {{0, "1", 1, 0}, {10, 0, 1, 1}, {20, "1", 1, 2}, {50, 0, 1, 3}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=10 R0:1=10x1 Q0:1=30 R0:1=30x1 "},
    {"arrival order does not matter", {{200, 0, 1, 1}, {100, "1", 1, 0}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=100 R0:1=100x1 "},
    {"start and stop at one instant, start first", {{100, "1", 1, 0}, {100, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "R0:1=0x1 "},
    {"start and stop at one instant, stop's identity first", {{100, 0, 1, 0}, {100, "1", 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "R0:1=0x1 "},
    {"stop and start again at one instant", {{50, "1", 1, 0}, {100, 0, 1, 1}, {100, "1", 1, 2}}, 0, PERIOD_END, 150, 0, "Q0:1=50 R0:1=50x1 Q0:1=50 "},
    {"stop and start again at one instant, start's identity first", {{50, "1", 1, 0}, {100, "1", 1, 1}, {100, 0, 1, 2}}, 0, PERIOD_END, 150, 0, "Q0:1=50 R0:1=50x1 Q0:1=50 "},
    {"resized twice at one instant: the last identity", {{50, "1", 1, 0}, {100, "3", 1, 2}, {100, "2", 1, 1}}, 0, PERIOD_END, 150, 0, "Q0:1=50 Q0:1=150 "},
    {"split at a boundary", {{100, "1", 1, 0}, {400, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 200, "Q0:1=100 Q200:1=200 R200:1=300x1 "},
    {"stop exactly at a boundary", {{100, "1", 1, 0}, {200, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 200, "Q0:1=100 R0:1=100x1 "},
    {"events above the cut are known but not yet used", {{100, "1", 1, 0}, {400, 0, 1, 1}}, 0, PERIOD_END, 300, 0, "Q0:1=200 "},
    {"stop exactly at the cut end", {{100, "1", 1, 0}, {300, 0, 1, 1}}, 0, PERIOD_END, 300, 0, "Q0:1=200 R0:1=200x1 "},
    {"stop one microsecond after a second", {{0, "0.000001", 1, 0}, {3, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=0.000003 R0:1=3x0.000001 "},
    {"rounding telescopes over a boundary", {{0, "0.000000001", 1, 0}, {3, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 2, "Q0:1=0.000000002 Q2:1=0.000000001 R2:1=3x0.000000001 "},
    {"outside the membership", {{100, "1", 1, 0}, {400, 0, 1, 1}}, 500, PERIOD_END, PERIOD_END, 0, ""},
    {"a run of two days and a second", {{-172000, "1", 1, 0}, {801, 0, 1, 1}}, 0, PERIOD_END, PERIOD_END, 0, "Q0:1=801 R0:1=172801x1 "},
    {"no event", {{0, 0, 0, 0}}, 0, PERIOD_END, PERIOD_END, 0, ""},
};

static struct quantity quantity_of(const char *text)
{
    struct quantity quantity;
    assert_int_equal(quantity_parse(text, strlen(text), &quantity, NULL), ERR_OK);
    return quantity;
}

static enum err write_line(void *context, const struct usage_line *line)
{
    struct text *out = context;
    char quantity[DECIMAL_TEXT_MAX], value[DECIMAL_TEXT_MAX];
    quantity_print(line->quantity, quantity);
    quantity_print(line->run_value, value);
    int segment = (int)(line->segment / SECOND_US), dimension = (int)line->dimension_set.low;
    if (line->kind == USAGE_QUANTITY) text_print(out, "Q%d:%d=%s ", segment, dimension, quantity);
    else text_print(out, "R%d:%d=%dx%s ", segment, dimension, (int)(line->run_us / SECOND_US), value);
    return ERR_OK;
}

static size_t transitions_of(const struct story *story, struct transition *out)
{
    size_t count = 0;
    for (; count < STORY_MAX && story->steps[count].dimension; count++) {
        const struct step *step = &story->steps[count];
        out[count] = (struct transition){.event_id = {0, (uint64_t)step->id}, .event_time = step->at * SECOND_US, .running = step->size != NULL,
                                         .value = step->size ? quantity_of(step->size) : QUANTITY_ZERO, .dimension_set = {0, (uint64_t)step->dimension}};
    }
    return count;
}

static void stories_come_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        const struct story *story = &stories[i];
        struct transition transitions[STORY_MAX];
        struct text out = {0};
        instant_us boundary = story->boundary * SECOND_US;
        const struct interval_window window = {story->from * SECOND_US, story->to * SECOND_US, story->cut_end * SECOND_US, 0, &boundary, story->boundary ? 1 : 0};
        assert_int_equal(interval_derive(transitions, transitions_of(story, transitions), &window, write_line, &out, NULL), ERR_OK);
        if (strcmp(out.data ? out.data : "", story->expected) != 0) fail_msg("%s: got '%s', expected '%s'", story->name, out.data ? out.data : "", story->expected);
        text_free(&out);
    }
}

static enum err add_nano(void *context, const struct usage_line *line)
{
    if (line->kind == USAGE_QUANTITY) *(int128 *)context += line->quantity.nano;
    return ERR_OK;
}

// Over any split the pieces add up to the whole.
static void pieces_add_up_to_the_whole(void **state)
{
    (void)state;
    for (int odd = 1; odd < 2000; odd += 7) {
        struct transition run[] = {{{0, 1}, 3, true, {odd}, {0, 1}}, {{0, 2}, 3 + odd * INT64_C(999983), false, {0}, {0, 1}}};
        instant_us boundaries[40];
        for (int i = 0; i < 40; i++) boundaries[i] = 5 + (instant_us)i * odd * 20011;
        const struct interval_window whole = {0, DAY_US, DAY_US, 0, NULL, 0}, cut = {0, DAY_US, DAY_US, 0, boundaries, 40};
        int128 one = 0, many = 0;
        assert_int_equal(interval_derive(run, 2, &whole, add_nano, &one, NULL), ERR_OK);
        assert_int_equal(interval_derive(run, 2, &cut, add_nano, &many, NULL), ERR_OK);
        assert_true(one == many);
    }
}

// A value and a length that leave the range are an error, not a wrap.
static void overflow_is_an_error(void **state)
{
    (void)state;
    struct transition run[] = {{{0, 1}, INSTANT_MIN, true, {((int128)1 << 126) / 2}, {0, 1}}};
    const struct interval_window window = {INSTANT_MIN, INSTANT_MAX, INSTANT_MAX, INSTANT_MIN, NULL, 0};
    struct fault fault;
    int128 sum = 0;
    assert_int_equal(interval_derive(run, 1, &window, add_nano, &sum, &fault), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stories_come_out), cmocka_unit_test(pieces_add_up_to_the_whole), cmocka_unit_test(overflow_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
