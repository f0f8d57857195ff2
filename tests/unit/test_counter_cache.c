// SPDX-License-Identifier: Apache-2.0
// The memory of the counters' writer: values come back exactly, a forgotten shard is forgotten, what was put is never
// said not to have been seen, and memory stays fixed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/counter_cache.h"

static struct counter_id id_of(int i)
{
    return (struct counter_id){.tenant = i + 1, .meter = i % 7, .month = 202609 + i % 2};
}

static void values_come_back_exactly(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "-1",
                                        "0.000000001",
                                        "99999999999999999999999999999.999999999",
                                        "-99999999999999999999999999999.999999999",
                                        "18446744073.709551616"};
    struct counter_cache *cache = counter_cache_new(0);
    for (int i = 0; i < 6; i++) {
        struct quantity quantity, found;
        const struct counter_id id = id_of(i);
        assert_int_equal(quantity_parse(texts[i], slice_of(texts[i]).length, &quantity, NULL), ERR_OK);
        assert_false(counter_cache_find(cache, 5, &id, &found));
        assert_false(counter_cache_seen(cache, 5, &id));
        counter_cache_put(cache, 5, &id, (struct quantity){7});
        counter_cache_put(cache, 5, &id, quantity);
        assert_true(counter_cache_find(cache, 5, &id, &found));
        assert_true(found.nano == quantity.nano);
        assert_true(counter_cache_seen(cache, 5, &id));
        assert_false(counter_cache_find(cache, 6, &id, &found));
    }
    counter_cache_free(cache);
}

static void a_forgotten_shard_is_forgotten_alone(void **state)
{
    (void)state;
    struct counter_cache *cache = counter_cache_new(1 << 20);
    struct quantity found;
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        const struct counter_id id = id_of(shard);
        counter_cache_put(cache, shard, &id, (struct quantity){shard});
    }
    counter_cache_forget(cache, 3);
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        const struct counter_id id = id_of(shard);
        assert_int_equal(counter_cache_find(cache, shard, &id, &found), shard != 3);
        if (shard != 3) assert_true(found.nano == shard && counter_cache_seen(cache, shard, &id));
    }
    counter_cache_put(cache, 3, &(struct counter_id){.tenant = 4, .meter = 3, .month = 202610}, (struct quantity){9});
    counter_cache_free(cache);
}

// Ten times as many as fit: the last ones are there, all are seen, and most others are known not to be.
static void what_does_not_fit_is_still_seen(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20, MANY = 40000 };
    struct counter_cache *cache = counter_cache_new(BYTES);
    struct quantity found;
    int kept = 0, late = 0, wrongly_seen = 0;
    for (int i = 0; i < MANY; i++) {
        const struct counter_id id = id_of(i);
        if (i % 100 == 0) counter_cache_tick(cache);
        counter_cache_put(cache, i % SHARD_COUNT, &id, (struct quantity){i});
    }
    for (int i = 0; i < MANY; i++) {
        const struct counter_id id = id_of(i), other = id_of(MANY + i);
        bool is_kept = counter_cache_find(cache, i % SHARD_COUNT, &id, &found);
        if (is_kept) assert_true(found.nano == i);
        kept += is_kept;
        late += is_kept && i >= MANY - 1000;
        assert_true(counter_cache_seen(cache, i % SHARD_COUNT, &id));
        wrongly_seen += counter_cache_seen(cache, (MANY + i) % SHARD_COUNT, &other);
    }
    assert_in_range(kept, BYTES / 100, BYTES / 40); // 40 bytes each, seven eighths of the memory
    assert_true(late > 900);                        // the oldest went first
    assert_in_range(wrongly_seen, 0, MANY / 10);    // 40,000 in a million bits
    counter_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_exactly),
        cmocka_unit_test(a_forgotten_shard_is_forgotten_alone),
        cmocka_unit_test(what_does_not_fit_is_still_seen),
    };
    hash_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
