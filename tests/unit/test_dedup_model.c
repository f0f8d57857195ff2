// SPDX-License-Identifier: Apache-2.0
// The dedup index against a plain array, by random steps from many seeds: puts of counted and held identities, look-ups
// alone and in groups, floors that rise, sweeps, clearing; in memory and with most of it on disk, at sizes around each
// growth and split of a segment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/dedup_index.h"
#include "tests/support/folder.h"

enum { SEGMENT = 2400, PAGE = 160 }; // about as many identities make a segment, or a page, full

struct model {
    struct dedup_index *index;
    struct dedup_entry *entries; // by key; event_index -1: none
    uint64_t keys, random;
    int64_t next_offset, floor;
    uint64_t spread; // bits of the identity that differ
    const struct dedup_budget *budget;
    uint64_t steps_while_spilling;
};

static uint64_t mixed(uint64_t number)
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15) + 1; // splitmix64
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t next(struct model *model, uint64_t below)
{
    model->random = mixed(model->random);
    return model->random % below;
}

static struct hash128 identity_of(const struct model *model, uint64_t key)
{
    return (struct hash128){mixed(key) & model->spread, mixed(~key)};
}

static bool model_known(const struct model *model, uint64_t key)
{
    const struct dedup_entry *entry = &model->entries[key];
    return entry->event_index >= 0 && (entry->held || entry->offset >= model->floor);
}

static void same(const struct model *model, uint64_t key, bool known, const struct dedup_entry *found)
{
    const struct dedup_entry *entry = &model->entries[key];
    struct fault fault = {0};
    if (dedup_index_failed(model->index, &fault)) fail_msg("%s: %s", fault.place, fault.reason);
    if (known != model_known(model, key)) fail_msg("key %d: known is %d", (int)key, known);
    if (!known) return;
    assert_int_equal(found->offset, entry->offset);
    assert_int_equal(found->event_index, entry->event_index);
    assert_int_equal(found->held, entry->held);
    assert_true(dedup_content_same(found->content, entry->content));
    assert_false(dedup_content_same(found->content, entry->content ^ UINT64_C(1) << 32));
    assert_true(hash128_equal(found->identity, identity_of(model, key)));
}

static void step_put(struct model *model)
{
    uint64_t key = next(model, model->keys);
    uint64_t kind = next(model, 100);
    // singles, then packed messages, sometimes a large one; replays have an older place
    model->next_offset += (int64_t)next(model, kind < 3 ? 3000000 : 2);
    struct dedup_entry entry = {.identity = identity_of(model, key),
                                .content = mixed(key + model->random),
                                .offset = model->next_offset,
                                .event_index = (int32_t)next(model, kind < 60   ? 1
                                                                    : kind < 97 ? 50
                                                                                : DEDUP_EVENT_INDEX_MAX + 1),
                                .held = next(model, 20) == 0};
    if (next(model, 30) == 0 && model->next_offset > model->floor)
        entry.offset = model->floor + (int64_t)next(model, (uint64_t)(model->next_offset - model->floor));
    struct fault fault = {0};
    if (dedup_index_reserve(model->index, 1, &fault)) fail_msg("%s", fault.reason);
    // what is counted, or held, is put as the rater does: counted again only after it was forgotten
    if (model_known(model, key) && !model->entries[key].held) {
        struct dedup_entry found;
        same(model, key, dedup_index_find(model->index, entry.identity, &found), &found);
        return;
    }
    if (model_known(model, key) && entry.held) return;
    dedup_index_put(model->index, &entry);
    model->entries[key] = entry;
}

static void step_find(struct model *model)
{
    struct hash128 identities[DEDUP_GROUP_MAX];
    struct dedup_entry entries[DEDUP_GROUP_MAX];
    uint64_t keys[DEDUP_GROUP_MAX];
    bool known[DEDUP_GROUP_MAX];
    size_t count = 1 + next(model, DEDUP_GROUP_MAX);
    for (size_t i = 0; i < count; i++) {
        keys[i] = next(model, model->keys);
        identities[i] = identity_of(model, keys[i]);
        dedup_index_prefetch(model->index, identities[i]);
    }
    dedup_index_find_group(model->index, identities, count, entries, known);
    for (size_t i = 0; i < count; i++)
        same(model, keys[i], known[i], &entries[i]);
}

static void step(struct model *model)
{
    uint64_t kind = next(model, 100);
    model->steps_while_spilling += model->budget && model->budget->spill;
    if (kind < 80) {
        step_put(model);
    } else if (kind < 90) {
        step_find(model);
    } else if (kind < 98) {
        dedup_index_sweep(model->index, (int64_t)next(model, 500));
    } else if (next(model, 10 + model->keys / 30) == 0 && model->next_offset > model->floor) {
        model->floor += (int64_t)next(model, (uint64_t)(model->next_offset - model->floor) / 2 + 1);
        dedup_index_start_at(model->index, model->floor, model->floor);
    }
}

static void all_same(const struct model *model)
{
    struct dedup_entry found;
    for (uint64_t key = 0; key < model->keys; key++)
        same(model, key, dedup_index_find(model->index, identity_of(model, key), &found), &found);
}

static void model_forget(struct model *model)
{
    for (uint64_t key = 0; key < model->keys; key++)
        model->entries[key].event_index = -1;
    model->floor = 0;
}

static void run(uint64_t seed, uint64_t keys, uint64_t steps, uint64_t spread, struct dedup_budget *budget)
{
    struct model model = {.index = dedup_index_new(budget), .keys = keys, .random = seed, .spread = spread};
    model.budget = budget;
    model.entries = heap_alloc(keys * sizeof *model.entries);
    model_forget(&model);
    if (seed % 3 == 0) dedup_index_expect(model.index, (int64_t)keys);
    for (uint64_t i = 0; i < steps; i++) {
        step(&model);
        if (i % (keys * 4) == keys * 4 - 1) all_same(&model);
    }
    all_same(&model);
    // swept whole, only what is known is left in memory
    int64_t left = 0;
    for (uint64_t key = 0; key < keys; key++)
        left += model_known(&model, key);
    dedup_index_sweep(model.index, INT64_C(1) << 40);
    if (dedup_index_on_disk(model.index) == 0) assert_int_equal(dedup_index_count(model.index), left);
    all_same(&model);
    if (seed % 5 == 0) {
        dedup_index_clear(model.index);
        model_forget(&model);
        assert_int_equal(dedup_index_count(model.index), 0);
        for (uint64_t i = 0; i < steps / 4; i++)
            step(&model);
        all_same(&model);
    }
    if (budget) assert_true(model.steps_while_spilling > 1000);
    free(model.entries);
    dedup_index_free(model.index);
}

static void small_ones_agree_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++)
        run(seed, 1 + seed % 300, 600, UINT64_MAX, NULL);
}

// All in one group, then in less and less of it, so that few homes are met by many and segments are split early.
static void sizes_around_each_growth_agree_with_an_array(void **state)
{
    (void)state;
    for (uint64_t pages = 1; pages <= 15; pages++)
        for (uint64_t more = 0; more < 3; more++)
            run(pages * 3 + more, pages * PAGE + more * 8 - 8, pages * PAGE * 3, UINT64_MAX >> 4, NULL);
    for (uint64_t seed = 1; seed <= 12; seed++)
        run(seed, SEGMENT * seed / 3 + 1, SEGMENT * seed, UINT64_MAX >> (4 + seed % 4), NULL);
    for (uint64_t seed = 1; seed <= 30; seed++)
        run(seed, 100 + seed * 10, 6000, UINT64_C(0xf0000000000003ff), NULL);
}

static void on_disk_it_agrees_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct test_folder folder;
        assert_int_equal(test_folder_make(&folder), 0);
        struct dedup_budget budget = {.limit_bytes = 450000, .folder = folder.path};
        run(seed, 60000, 120000, UINT64_MAX, &budget);
        assert_true(budget.spills > 5);
        assert_int_equal(budget.used_bytes, 0);
        assert_int_equal(test_folder_remove(&folder), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_agree_with_an_array),
        cmocka_unit_test(sizes_around_each_growth_agree_with_an_array),
        cmocka_unit_test(on_disk_it_agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
