// SPDX-License-Identifier: Apache-2.0
// Accept and entity tags by tables.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/accept.h"

static void test_accept(void **state)
{
    (void)state;
    static const char *const types[] = {"application/json", "text/html", "text/plain"};
    static const struct {
        const char *header;
        int wanted;
    } rows[] = {
        {NULL, 0},
        {"", 0},
        {"  ", 0},
        {"*/*", 0},
        {"application/json", 0},
        {"APPLICATION/JSON", 0},
        {"text/html", 1},
        {"text/plain", 2},
        {"text/*", 1},
        {"text/*, text/html;q=0.1", 2},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 1},
        {"application/json;q=0.5, text/plain;q=0.6", 2},
        {"application/json;q=0.5,text/plain;q=0.501", 2},
        {"*/*;q=0.1, application/json;q=0", 1},
        {"text/html;q=0", -1},
        {"text/html;level=1;q=0.4, text/plain;q=0.3", 1},
        {"text/html ; q=0.2 , text/plain ; q=0.3", 2},
        {"text/xml", -1},
        {"application/*", 0},
        {"application/jsonx", -1},
        {"application/jso", -1},
        {"text/html;q=1.5", -1},
        {"text/html;q=abc", -1},
        {"text/html;q=", -1},
        {"text/html;q=0.5555", -1},
        {"nonsense", -1},
        {"nonsense, text/plain", 2},
        {",,, ;q=1, text/plain", 2},
        {"text/html;", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int found = accept_choose(rows[i].header, types, 3);
        if (found != rows[i].wanted) fail_msg("%s: %d instead of %d", rows[i].header, found, rows[i].wanted);
    }
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool weak, wanted;
    } rows[] = {
        {"\"ab\"", false, true},
        {"\"ab\"", true, true},
        {"W/\"ab\"", true, true},
        {"W/\"ab\"", false, false},
        {"*", false, true},
        {" * ", true, true},
        {"\"a\", \"ab\"", false, true},
        {"\"a\",\"ab\"", false, true},
        {"\"a\" , W/\"ab\"", true, true},
        {"\"abc\"", true, false},
        {"\"a\"", true, false},
        {"\"\"", true, false},
        {"ab", true, false},
        {"\"ab", true, false},
        {"*, \"x\"", true, false},
        {"", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (entity_tag_listed(rows[i].header, "ab", rows[i].weak) != rows[i].wanted)
            fail_msg("row %zu: %s", i, rows[i].header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accept), cmocka_unit_test(test_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
