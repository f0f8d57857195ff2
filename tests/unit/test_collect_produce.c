// SPDX-License-Identifier: Apache-2.0
// Names of the topics of newer incarnations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue/incarnation.h"
#include "ingest/collect_produce.h"

static void the_number_at_the_end_is_raised(void **state)
{
    (void)state;
    char longest[TOPIC_MAX + 1], next[TOPIC_MAX + 1];
    memset(longest, 'x', TOPIC_MAX);
    memcpy(longest + TOPIC_MAX - 2, ".9", 3);
    const struct {
        const char *topic;
        int ahead;
        const char *next; // NULL: none
    } rows[] = {
        {"turnpike.usage.1", 1, "turnpike.usage.2"},  {"turnpike.usage.9", 1, "turnpike.usage.10"},
        {"turnpike.usage.1", 10, "turnpike.usage.11"}, {"u.999999", 1, "u.1000000"},
        {".1", 1, ".2"},                               {"usage", 1, NULL},
        {"usage.", 1, NULL},                           {"usage.1a", 1, NULL},
        {"usage.0", 1, NULL},                          {"usage.01", 1, NULL},
        {"usage.-1", 1, NULL},                         {"usage.1000000", 1, NULL},
        {"", 1, NULL},                                 {longest, 1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = collect_produce_successor(rows[i].topic, rows[i].ahead, next);
        if (found != (rows[i].next != NULL)) fail_msg("%s + %d", rows[i].topic, rows[i].ahead);
        if (found) assert_string_equal(next, rows[i].next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_number_at_the_end_is_raised)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
