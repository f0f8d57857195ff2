// SPDX-License-Identifier: Apache-2.0
// Sequenced sources in batches: random streams, cut into messages and batches of which some fail, count what a list
// counts and leave no entry per event; and what quarantine, replays, incarnations and forgotten numbers come to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/message.h"
#include "rating/batch_internal.h"
#include "tests/support/catalogue_fixture.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { NUMBERS = 400, STREAM = 3000, ROUNDS = 20 };

// An event; minutes before now, n < 0: negative, quarantined.
struct sample {
    const char *incarnation;
    int64_t number;
    int minutes, n;
};

static struct catalogue *catalogue;
static instant_us now;
static uint64_t seed;

static unsigned pick(unsigned most)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(seed >> 33) % most;
}

struct partition {
    struct dedup_index *index, *known;
    struct sequence_index *sequences;
    struct batch *batch, *earlier, *spare; // earlier: is being committed
    struct batch_ground ground;
    struct arena *messages;
    int64_t next_offset, batch_seq, total, verdicts[VERDICT_KINDS];
    size_t handed_over, committed; // how many of the stream's samples were
};

static void partition_open(struct partition *partition)
{
    *partition = (struct partition){.index = dedup_index_new(NULL),
                                    .known = dedup_index_new(NULL),
                                    .sequences = sequence_index_new(NULL),
                                    .batch = batch_new(),
                                    .spare = batch_new(),
                                    .messages = arena_new(4096)};
    assert_int_equal(judge_open(&partition->ground.judge, catalogue, SECRET, NULL), ERR_OK);
    partition->ground.index = partition->index;
    partition->ground.known = partition->known;
    partition->ground.sequences = partition->sequences;
    sequence_carry_begin(partition->sequences, 1, 1);
    batch_begin(partition->batch, 0, INSTANT_MIN);
}

static void partition_close(struct partition *partition)
{
    batch_free(partition->batch);
    batch_free(partition->earlier);
    batch_free(partition->spare);
    arena_free(partition->messages);
    dedup_index_free(partition->index);
    dedup_index_free(partition->known);
    sequence_index_free(partition->sequences);
}

// The commit of the earlier batch is known.
static void settle(struct partition *partition)
{
    size_t count = 0;
    struct batch *batch = partition->earlier;
    if (!batch) return;
    const struct usage_row *const *usage = batch_usage(batch, &count);
    for (size_t i = 0; i < count; i++)
        partition->total += (int64_t)(usage[i]->quantity.nano / 1000000000);
    for (int i = 0; i < VERDICT_KINDS; i++)
        partition->verdicts[i] += batch_verdicts(batch)->of[i];
    assert_int_equal(batch_reserve(batch, partition->index, NULL), ERR_OK);
    assert_int_equal(batch_sequences_pack(batch, partition->sequences, ++partition->batch_seq, NULL), ERR_OK);
    batch_take(batch, partition->index, partition->known);
    batch_sequences_take(batch, partition->sequences, partition->batch_seq);
    partition->next_offset = batch_next_offset(batch);
    partition->committed = partition->handed_over;
    partition->spare = batch;
    partition->earlier = NULL;
    partition->ground.earlier = NULL;
}

static void hand_over(struct partition *partition, size_t samples)
{
    settle(partition);
    batch_judge(partition->batch, &partition->ground);
    partition->handed_over = samples;
    partition->earlier = partition->batch;
    partition->batch = partition->spare;
    partition->ground.earlier = partition->earlier;
    batch_begin(partition->batch, batch_next_offset(partition->earlier), now);
}

static size_t forget(struct partition *partition)
{
    if (partition->earlier) partition->spare = partition->earlier;
    partition->earlier = NULL;
    partition->ground.earlier = NULL;
    batch_begin(partition->batch, partition->next_offset, now);
    return partition->committed;
}

static void commit(struct partition *partition)
{
    hand_over(partition, 0);
    settle(partition);
}

static const char *sample_json(struct arena *arena, const struct sample *sample, const char *type)
{
    char at[INSTANT_TEXT_MAX];
    instant_print(now - sample->minutes * MINUTE_US, at);
    // the id says nothing: it is drawn anew for every copy
    return arena_print(arena,
                       "{\"specversion\":\"1.0\",\"type\":\"%s\",\"source\":\"s\",\"id\":\"e%u\",\"subject\":\"t-1\","
                       "\"time\":\"%s\",\"sequence\":\"%06lld\",\"sequenceincarnation\":\"%s\",\"data\":{\"n\":%d}}",
                       type, pick(1000000), at, (long long)sample->number, sample->incarnation, sample->n);
}

static void feed_type(struct partition *partition, const struct sample *samples, size_t count, const char *type)
{
    struct text data = {0};
    text_add_char(&data, '[');
    for (size_t i = 0; i < count; i++)
        text_print(&data, "%s%s", i ? "," : "", sample_json(partition->messages, &samples[i], type));
    text_add_char(&data, ']');
    const struct bus_message message = {.offset = batch_next_offset(partition->batch),
                                        .received_time = now,
                                        .data = arena_text(partition->messages, data.data, data.length),
                                        .length = data.length};
    batch_feed(partition->batch, &partition->ground, &message);
    text_free(&data);
}

static enum verdict last_verdict(const struct partition *partition)
{
    enum verdict verdict = VERDICT_MARKER;
    const struct verdict_list *list = batch_verdicts(partition->batch);
    assert_int_equal(verdict_read((const unsigned char *)list->packed.data, list->packed.length, list->count,
                                  list->count - 1, &verdict),
                     ERR_OK);
    return verdict;
}

// The verdict on one event.
static enum verdict feed(struct partition *partition, const char *incarnation, int64_t number, int minutes, int n)
{
    feed_type(partition, &(struct sample){incarnation, number, minutes, n}, 1, "cloud.storage.request");
    batch_judge(partition->batch, &partition->ground);
    return last_verdict(partition);
}

static const struct quarantine_row *last_quarantine(const struct partition *partition)
{
    const struct quarantine_row *rows = partition->batch->quarantines.rows;
    assert_true(partition->batch->quarantines.count > 0);
    return &rows[partition->batch->quarantines.count - 1];
}

static void random_streams_count_what_a_list_counts(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct sample samples[STREAM];
        int first[STREAM + NUMBERS] = {0};
        bool held[STREAM + NUMBERS] = {false};
        int64_t total = 0, verdicts[VERDICT_KINDS] = {0}, highest = 0;
        struct partition partition;
        seed = round;
        for (size_t i = 0; i < STREAM; i++) {
            int64_t number = (int64_t)i - pick(pick(40) ? 30 : 1800);
            samples[i] = (struct sample){"a", number > 0 ? number : 1, 5, (int)pick(4) - (pick(20) == 0)};
            number = samples[i].number;
            int content = samples[i].n + 2;
            // one that was held before it counted has an entry, so that it is known also below the mark
            bool below = number <= highest - SEQUENCE_WINDOW && !(first[number] && held[number]);
            if (below || (!first[number] && samples[i].n < 0)) {
                held[number] |= !first[number];
                verdicts[VERDICT_QUARANTINED]++;
            } else if (first[number]) {
                verdicts[first[number] == content ? VERDICT_DUPLICATE : VERDICT_CONFLICT]++;
            } else {
                verdicts[VERDICT_COUNTED]++;
                total += samples[i].n;
                first[number] = content;
                if (number > highest) highest = number;
            }
        }
        partition_open(&partition);
        for (size_t at = 0; at < STREAM;) {
            size_t some = 1 + pick(40);
            if (some > STREAM - at) some = STREAM - at;
            feed_type(&partition, samples + at, some, "cloud.storage.request");
            at += some;
            if (pick(4) == 0) hand_over(&partition, at);
            if (pick(4) == 0) settle(&partition);
            if (pick(40) == 0) at = forget(&partition);
        }
        hand_over(&partition, STREAM);
        settle(&partition);
        assert_int_equal(partition.total, total);
        for (int i = 0; i < VERDICT_KINDS; i++)
            if (partition.verdicts[i] != verdicts[i])
                fail_msg("round %d: %s %d, not %d", (int)round, verdict_name((enum verdict)i),
                         (int)partition.verdicts[i], (int)verdicts[i]);
        assert_true(verdicts[VERDICT_CONFLICT] > 0 && verdicts[VERDICT_DUPLICATE] > 0);
        // what was quarantined has an entry, what was counted has none
        assert_true(dedup_index_count(partition.index) <= verdicts[VERDICT_QUARANTINED]);
        assert_int_equal(partition.sequences->count, 1);
        partition_close(&partition);
    }
}

static void other_content_is_kept_with_the_place_of_the_first(void **state)
{
    (void)state;
    struct partition partition;
    partition_open(&partition);
    assert_int_equal(feed(&partition, "a", 2, 5, 1), VERDICT_COUNTED);
    commit(&partition);
    assert_int_equal(feed(&partition, "a", 1, 5, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "a", 2, 5, 7), VERDICT_CONFLICT); // a collector measured again
    const struct conflict_row *conflict = partition.batch->conflicts.rows;
    assert_int_equal(conflict->first.position, 0);
    assert_int_equal(conflict->offset, 2);
    assert_int_not_equal(conflict->first.content, conflict->content.high);
    assert_int_equal(feed(&partition, "a", 2, 5, 1), VERDICT_DUPLICATE);
    commit(&partition);
    assert_int_equal(partition.total, 2);
    partition_close(&partition);
}

static void below_the_window_is_undecidable(void **state)
{
    (void)state;
    struct partition partition;
    partition_open(&partition);
    assert_int_equal(feed(&partition, "a", 1, 5, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "a", 1 + SEQUENCE_WINDOW, 5, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "a", 1, 5, 1), VERDICT_QUARANTINED); // never a duplicate
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNDECIDABLE);
    assert_non_null(strstr(last_quarantine(&partition)->detail.data, "$.sequence: number 1 is too far below"));
    assert_int_equal(feed(&partition, "a", 2, 5, 1), VERDICT_COUNTED);
    partition_close(&partition);
}

static void a_reinstalled_collector_starts_at_one(void **state)
{
    (void)state;
    struct partition partition;
    partition_open(&partition);
    assert_int_equal(feed(&partition, "old", 50, 30, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "old", 51, 20, 1), VERDICT_COUNTED);
    commit(&partition);
    assert_int_equal(feed(&partition, "new", 1, 20, 1), VERDICT_QUARANTINED); // measured again, or not: nobody knows
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNDECIDABLE);
    assert_non_null(strstr(last_quarantine(&partition)->detail.data, "has counted up to 2026-10-10T11:40:00Z"));
    assert_int_equal(feed(&partition, "new", 2, 19, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "new", 2, 19, 1), VERDICT_DUPLICATE);
    assert_int_equal(feed(&partition, "old", 51, 20, 1), VERDICT_DUPLICATE);
    assert_int_equal(feed(&partition, "old", 52, 19, 1), VERDICT_QUARANTINED); // the new one has counted from there
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNDECIDABLE);
    assert_int_equal(feed(&partition, "old", 49, 25, 1), VERDICT_COUNTED);
    partition_close(&partition);
}

static void numbers_that_were_forgotten_are_undecidable(void **state)
{
    (void)state;
    struct partition partition;
    partition_open(&partition);
    assert_int_equal(feed(&partition, "a", 1, 60, 1), VERDICT_COUNTED);
    commit(&partition);
    sequence_index_forget(partition.sequences, now + 1, 10);
    assert_int_equal(partition.sequences->count, 0);
    partition.sequences->coverage_start = now - 30 * MINUTE_US;
    assert_int_equal(feed(&partition, "a", 1, 60, 1), VERDICT_QUARANTINED);
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNDECIDABLE);
    assert_int_equal(feed(&partition, "a", 2, 1, 1), VERDICT_COUNTED);
    partition_close(&partition);
}

static struct replay_row replay_of(struct arena *arena, struct sample sample, int64_t offset, bool undecidable)
{
    return (struct replay_row){.quarantine = 1,
                               .position = offset,
                               .received_time = now,
                               .raw = slice_of(sample_json(arena, &sample, "cloud.storage.request")),
                               .undecidable = undecidable};
}

static void an_open_row_counts_however_far_the_source_went_on(void **state)
{
    (void)state;
    struct partition partition;
    struct arena *arena = arena_new(4096);
    const struct sample sample = {"a", 3, 5, 4};
    partition_open(&partition);
    feed_type(&partition, &sample, 1, "cloud.unknown"); // a row of the quarantine that a newer catalogue opens
    batch_judge(partition.batch, &partition.ground);
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNKNOWN_TYPE);
    assert_int_equal(feed(&partition, "a", 5000, 5, 1), VERDICT_COUNTED);
    assert_int_equal(feed(&partition, "a", 3, 5, 4), VERDICT_QUARANTINED); // sent again: not decidable by itself
    assert_int_equal(last_quarantine(&partition)->reason, REASON_UNDECIDABLE);
    commit(&partition);
    struct replay_row again = replay_of(arena, sample, 2, true), first = replay_of(arena, sample, 0, false);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &again), VERDICT_QUARANTINED);
    assert_int_equal(again.reason, REASON_UNDECIDABLE);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &first), VERDICT_COUNTED);
    assert_int_equal(partition.batch->wishes.count > 0, 1); // closes both rows
    commit(&partition);
    assert_int_equal(partition.total, 5);
    // from now on it is known by its entry
    first = replay_of(arena, sample, 0, false);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &first), VERDICT_DUPLICATE);
    batch_begin(partition.batch, partition.next_offset, now);
    assert_int_equal(feed(&partition, "a", 3, 5, 4), VERDICT_DUPLICATE);
    assert_int_equal(feed(&partition, "a", 3, 5, 5), VERDICT_CONFLICT);
    arena_free(arena);
    partition_close(&partition);
}

static void counting_a_number_closes_its_open_rows(void **state)
{
    (void)state;
    struct partition partition;
    struct arena *arena = arena_new(4096);
    partition_open(&partition);
    assert_int_equal(feed(&partition, "a", 7, 5, -1), VERDICT_QUARANTINED);
    commit(&partition);
    assert_int_equal(feed(&partition, "a", 7, 5, 2), VERDICT_COUNTED); // another id, another body
    assert_int_equal(partition.batch->wishes.count, 1);
    commit(&partition);
    struct replay_row row = replay_of(arena, (struct sample){"a", 7, 5, -1}, 0, false);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &row), VERDICT_CONFLICT);
    assert_int_equal(partition.total, 2);
    arena_free(arena);
    partition_close(&partition);
}

static int set_up(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    hash_init();
    catalogue_fixture(&rows);
    catalogue = catalogue_fixture_build(&rows);
    now = catalogue_fixture_instant("2026-10-10T12:00:00Z");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    catalogue_release(catalogue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_streams_count_what_a_list_counts),
        cmocka_unit_test(other_content_is_kept_with_the_place_of_the_first),
        cmocka_unit_test(below_the_window_is_undecidable),
        cmocka_unit_test(a_reinstalled_collector_starts_at_one),
        cmocka_unit_test(numbers_that_were_forgotten_are_undecidable),
        cmocka_unit_test(an_open_row_counts_however_far_the_source_went_on),
        cmocka_unit_test(counting_a_number_closes_its_open_rows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
