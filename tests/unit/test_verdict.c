// SPDX-License-Identifier: Apache-2.0
// Verdicts packed as nibbles, and read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rating/verdict.h"

static void nibbles_are_packed_low_first(void **state)
{
    (void)state;
    struct verdict_list list = {0};
    verdict_list_add(&list, VERDICT_DUPLICATE);
    assert_int_equal(list.packed.length, 1);
    verdict_list_add(&list, VERDICT_MARKER);
    verdict_list_add(&list, VERDICT_QUARANTINED);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.packed.length, 2);
    assert_memory_equal(list.packed.data, "\x51\x03", 2); // 1 | 5 << 4, then 3 and an empty nibble
    assert_int_equal(list.of[VERDICT_DUPLICATE], 1);
    assert_int_equal(list.of[VERDICT_COUNTED], 0);
    verdict_list_clear(&list);
    assert_int_equal(list.count, 0);
    assert_int_equal(list.of[VERDICT_MARKER], 0);
    verdict_list_free(&list);
}

static void every_verdict_is_read_back(void **state)
{
    (void)state;
    struct verdict_list list = {0};
    for (int i = 0; i < 1001; i++)
        verdict_list_add(&list, (enum verdict)(i * 7 % VERDICT_KINDS));
    for (int i = 0; i < 1001; i++) {
        enum verdict verdict;
        assert_int_equal(verdict_read((unsigned char *)list.packed.data, list.packed.length, 1001, i, &verdict),
                         ERR_OK);
        assert_int_equal(verdict, i * 7 % VERDICT_KINDS);
    }
    verdict_list_free(&list);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const unsigned char two[] = {0x10, 0x02};
    enum verdict verdict;
    assert_int_equal(verdict_read(two, 2, 3, 2, &verdict), ERR_OK);
    assert_int_equal(verdict_read(two, 2, 4, 3, &verdict), ERR_OK);
    assert_int_equal(verdict_read(two, 2, 3, 3, &verdict), ERR_NOT_FOUND);
    assert_int_equal(verdict_read(two, 2, 3, -1, &verdict), ERR_NOT_FOUND);
    assert_int_equal(verdict_read(two, 2, 5, 0, &verdict), ERR_INVALID);
    assert_int_equal(verdict_read(two, 2, 2, 0, &verdict), ERR_INVALID);
    assert_int_equal(verdict_read((const unsigned char *)"\x06", 1, 1, 0, &verdict), ERR_INVALID);
    assert_int_equal(verdict_read((const unsigned char *)"\x0f", 1, 2, 1, &verdict), ERR_OK);
    assert_int_equal(verdict_read((const unsigned char *)"", 0, 0, 0, &verdict), ERR_NOT_FOUND);
}

static void every_verdict_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < VERDICT_KINDS; i++)
        assert_string_not_equal(verdict_name((enum verdict)i), "unknown");
    assert_string_equal(verdict_name(VERDICT_CONFLICT), "conflict");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nibbles_are_packed_low_first),
        cmocka_unit_test(every_verdict_is_read_back),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(every_verdict_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
