// SPDX-License-Identifier: Apache-2.0
// Which numbers of partitions may follow which.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/incarnation.h"

static void partitions_only_double(void **state)
{
    (void)state;
    static const struct {
        int partitions, wanted;
        enum err err;
    } rows[] = {
        {4, 32, ERR_OK},       {4, 8, ERR_OK},       {4, 4, ERR_OK}, // as many: nothing is to be done
        {1, 1, ERR_OK},        {1, 1024, ERR_OK},    {1024, 1024, ERR_OK}, {512, 1024, ERR_OK},
        {4, 2, ERR_INVALID},   {4, 1, ERR_INVALID},  {4, 0, ERR_INVALID},  {4, -8, ERR_INVALID},
        {4, 5, ERR_INVALID},   {4, 12, ERR_INVALID}, {4, 31, ERR_INVALID}, {4, 33, ERR_INVALID},
        {1, 1023, ERR_INVALID}, {1, 1025, ERR_INVALID}, {1, 2048, ERR_INVALID}, {1024, 2048, ERR_INVALID},
        {4, INT32_MAX, ERR_INVALID}, {4, INT32_MIN, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};
        enum err err = incarnation_growth_check(rows[i].partitions, rows[i].wanted, &fault);
        if (err != rows[i].err) fail_msg("%d -> %d: %s", rows[i].partitions, rows[i].wanted, err_name(err));
        assert_int_equal(fault.reason[0] != 0, err != ERR_OK);
    }
}

// Why they must: every new partition has shards of one old partition alone.
static void shards_of_a_new_partition_were_in_one_old_partition(void **state)
{
    (void)state;
    for (int old = 1; old <= SHARD_COUNT; old *= 2)
        for (int wanted = old; wanted <= SHARD_COUNT; wanted *= 2)
            for (int shard = 0; shard < SHARD_COUNT; shard++)
                assert_int_equal(shard % wanted % old, shard % old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_only_double),
        cmocka_unit_test(shards_of_a_new_partition_were_in_one_old_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
