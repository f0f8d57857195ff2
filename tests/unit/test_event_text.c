// SPDX-License-Identifier: Apache-2.0
// Control characters of texts from outside, at every place of texts of every length up to three looks of eight bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/event_text.h"

enum { LENGTH_MAX = 24 };

static void a_control_is_found_at_every_place(void **state)
{
    (void)state;
    char data[LENGTH_MAX];
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        memset(data, '~', sizeof data); // the last that is none
        assert_false(event_text_has_control((struct slice){data, length}));
        for (size_t at = 0; at < length; at++)
            for (int byte = 0; byte < 0x80; byte++) {
                memset(data, ' ', sizeof data); // the first that is none
                data[at] = (char)byte;
                assert_int_equal(event_text_has_control((struct slice){data, length}), byte < 0x20 || byte == 0x7f);
            }
    }
}

static void c1_controls_are_found_and_other_letters_are_not(void **state)
{
    (void)state;
    char data[LENGTH_MAX];
    for (size_t at = 0; at + 1 < LENGTH_MAX; at++)
        for (int second = 0x80; second < 0xc0; second++) {
            memset(data, 'x', sizeof data);
            data[at] = (char)0xc2;
            data[at + 1] = (char)second;
            assert_int_equal(event_text_has_control((struct slice){data, LENGTH_MAX}), second < 0xa0);
            data[at] = (char)0xc3; // from e with accent on
            assert_false(event_text_has_control((struct slice){data, LENGTH_MAX}));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_is_found_at_every_place),
        cmocka_unit_test(c1_controls_are_found_and_other_letters_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
