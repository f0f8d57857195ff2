// SPDX-License-Identifier: Apache-2.0
// The words of a collector's progress.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ingest/collect_progress.h"

static void progress_is_said_in_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t events, offset, start, total;
        bool bytes;
        int64_t elapsed_us;
        const char *expected;
    } rows[] = {
        {0, 0, 0, 0, false, 0, "0 events"},
        {1, 0, 0, 0, false, 2000000, "1 event, 0/s"},
        {999, 0, 0, 0, true, 1000000, "999 events, 999/s"},
        {1234567, 0, 0, 0, true, 500000, "1,234,567 events, 2,469,134/s"},
        {1000, 250, 0, 1000, false, 10000000, "1,000 events, 100/s, 25 %, 0:30 left"},
        {1000, 250, 0, 999, true, 10000000, "1,000 events, 100/s, 25 % of 999 bytes, 0:29 left"},
        {1000, 500000, 0, 1200000, true, 10000000, "1,000 events, 100/s, 41 % of 1.2 MB, 0:14 left"},
        {10, 600, 500, 1000, false, 60000000, "10 events, 0/s, 60 %, 4:00 left"}, // taken up in the middle
        {10, 500, 500, 1000, false, 60000000, "10 events, 0/s, 50 %"},            // nothing yet
        {10, 1000, 0, 1000, true, 1000000, "10 events, 10/s, 100 % of 1.0 kB, 0:00 left"},
        {10, 10, 0, 5000000000000, true, 1000000, "10 events, 10/s, 0 % of 5.0 TB, 8333333333:19 left"},
        {INT64_MAX, INT64_MAX, 0, INT64_MAX, true, 1000000,
         "9,223,372,036,854,775,807 events, 9,223,372,036,854,775,807/s, 100 % of 9223.3 PB, 0:00 left"},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collect_progress progress = {
            .start_offset = rows[i].start, .total = rows[i].total, .bytes = rows[i].bytes};
        struct progress_state now = {rows[i].events, rows[i].offset};
        text_clear(&out);
        progress_print(&progress, &now, rows[i].elapsed_us, &out);
        if (strcmp(out.data, rows[i].expected) != 0) fail_msg("row %zu: %s", i, out.data);
    }
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(progress_is_said_in_whole_numbers)};
    return cmocka_run_group_tests_name("collect_progress", tests, NULL, NULL);
}
