// SPDX-License-Identifier: Apache-2.0
// Property: random streams of sequenced events - several sources and incarnations, any order, gaps, repeats, other
// contents - get the verdicts of a list that keeps everything, however they are cut into batches, whichever of these
// fail, and however often the index is filled again from the rows that matter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/arena.h"
#include "rating/sequence_carry.h"

enum { SOURCES = 12, INCARNATIONS = 11, EVENTS = 1500, ROUNDS = 200, BATCHES = EVENTS + 2 };

static uint64_t seed;

static int64_t pick(int64_t most)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (int64_t)(seed >> 33) % most;
}

// --- the list that keeps everything

struct kept {
    struct sequence_event event;
    int source, incarnation;
    int began; // place in its source's order of incarnations
};

static struct {
    struct kept list[EVENTS];
    size_t count;
    int order[SOURCES][EVENTS]; // incarnations as they were counted first
    int orders[SOURCES];
} oracle;

// Of these the newest SEQUENCE_INCARNATIONS are told apart, the others are only known by their time.
static int place_of(int source, int incarnation)
{
    for (int i = oracle.orders[source]; i-- > 0 && i >= oracle.orders[source] - SEQUENCE_INCARNATIONS;)
        if (oracle.order[source][i] == incarnation) return i;
    return oracle.orders[source];
}

static enum sequence_verdict oracle_judge(const struct kept *kept)
{
    int64_t highest = 0;
    const struct kept *same = NULL;
    int place = place_of(kept->source, kept->incarnation);
    bool known = place < oracle.orders[kept->source];
    enum sequence_verdict verdict = SEQUENCE_FRESH;
    for (size_t i = 0; i < oracle.count; i++) {
        const struct kept *before = &oracle.list[i];
        if (before->source != kept->source) continue;
        if (known && before->began == place) {
            if (before->event.number > highest) highest = before->event.number;
            if (before->event.number == kept->event.number) same = before;
        } else if (before->began < place) {
            if (kept->event.event_time <= before->event.event_time) verdict = SEQUENCE_NOT_LATER;
        } else if (kept->event.event_time >= before->event.event_time && verdict == SEQUENCE_FRESH) {
            verdict = SEQUENCE_NOT_BEFORE;
        }
    }
    if (known && kept->event.number <= highest - SEQUENCE_WINDOW) return SEQUENCE_BELOW_MARK;
    if (same) return same->event.place.content == kept->event.place.content ? SEQUENCE_SAME : SEQUENCE_OTHER;
    return verdict;
}

static void oracle_count(const struct kept *kept)
{
    int *orders = &oracle.orders[kept->source];
    if (place_of(kept->source, kept->incarnation) == *orders) oracle.order[kept->source][(*orders)++] = kept->incarnation;
    oracle.list[oracle.count] = *kept;
    oracle.list[oracle.count++].began = place_of(kept->source, kept->incarnation);
}

// --- the partition

struct batch_rows {
    struct text packed;
    int64_t whole_from;
};

struct partition {
    struct sequence_index *index, *layers[2]; // of the batch that is being committed, and of the one that is fed
    struct kept events[2][EVENTS];
    size_t counts[2];
    struct sequence_carry carry;
    struct batch_rows rows[BATCHES]; // by batch_seq
    int64_t batch_seq, rounds_ended, rows_read, rows_most;
};

static void ignore(void *context)
{
    (void)context;
}

// The earlier batch is committed: its rows are there, and the index takes it.
static void settle(struct partition *partition)
{
    int64_t batch_seq = ++partition->batch_seq;
    struct batch_rows *rows = &partition->rows[batch_seq];
    struct sequence_pack pack = {0};
    sequence_pack_begin(&pack, &rows->packed);
    sequence_carry_pack(&partition->carry, partition->index, (int64_t)partition->counts[0] * 40, batch_seq, &pack, ignore,
                        NULL);
    for (size_t i = 0; i < partition->counts[0]; i++)
        sequence_pack_event(&pack, &partition->events[0][i].event);
    rows->whole_from = partition->carry.whole_from;
    partition->rounds_ended += partition->carry.ends;
    for (size_t i = 0; i < partition->counts[0]; i++)
        sequence_index_count(partition->index, NULL, &partition->events[0][i].event, batch_seq);
    sequence_carry_take(&partition->carry, partition->index, batch_seq);
    sequence_index_clear(partition->layers[0]);
    partition->counts[0] = 0;
}

static void hand_over(struct partition *partition)
{
    settle(partition);
    struct sequence_index *layer = partition->layers[0];
    partition->layers[0] = partition->layers[1];
    partition->layers[1] = layer;
    memcpy(partition->events[0], partition->events[1], partition->counts[1] * sizeof(struct kept));
    partition->counts[0] = partition->counts[1];
    partition->counts[1] = 0;
}

// Both batches are forgotten; the oracle forgets them as well.
static void forget(struct partition *partition)
{
    size_t count = oracle.count - partition->counts[0] - partition->counts[1];
    struct kept *list = heap_grow(NULL, sizeof *list, count + 1);
    memcpy(list, oracle.list, count * sizeof *list);
    memset(&oracle, 0, sizeof oracle);
    for (size_t i = 0; i < count; i++)
        oracle_count(&list[i]);
    free(list);
    for (int layer = 0; layer < 2; layer++) {
        sequence_index_clear(partition->layers[layer]);
        partition->counts[layer] = 0;
    }
}

// A new owner fills its index from the rows that hold everything.
static void restart(struct partition *partition)
{
    struct fault fault;
    forget(partition);
    int64_t from = partition->batch_seq > 0 ? partition->rows[partition->batch_seq].whole_from : 1;
    sequence_index_free(partition->index);
    partition->index = sequence_index_new(NULL);
    for (int64_t seq = from; seq <= partition->batch_seq; seq++) {
        const struct text *packed = &partition->rows[seq].packed;
        int64_t records = 0;
        assert_int_equal(sequence_unpack(packed->data, packed->length, seq, partition->index, &records, &fault), ERR_OK);
    }
    sequence_carry_begin(partition->index, from, partition->batch_seq + 1);
}

static void feed(struct partition *partition, const struct kept *kept)
{
    struct hash128 source = kept->event.source;
    const struct sequence_source *const layers[SEQUENCE_LAYERS] = {
        sequence_index_find(partition->index, source), sequence_index_find(partition->layers[0], source),
        sequence_index_find(partition->layers[1], source)};
    struct sequence_counted first = {0};
    instant_us bound;
    enum sequence_verdict expected = oracle_judge(kept),
                          verdict = sequence_judge(layers, &kept->event, false, &first, &bound);
    if (verdict != expected)
        fail_msg("seed %d: number %d of %d/%d is %d, not %d", (int)seed, (int)kept->event.number, kept->source,
                 kept->incarnation, (int)verdict, (int)expected);
    if (verdict != SEQUENCE_FRESH) return;
    sequence_index_count(partition->layers[1], layers[1] ? layers[1] : layers[0], &kept->event, INSTANT_MIN);
    partition->events[1][partition->counts[1]++] = *kept;
    oracle_count(kept);
}

static struct kept draw(int64_t step, int64_t pace)
{
    int source = (int)(pick(4) ? pick(2) : pick(SOURCES));
    int64_t generation = step * INCARNATIONS / EVENTS;
    int incarnation = (int)(pick(3) ? generation : pick(INCARNATIONS));
    int64_t number = 1 + pick(3) * pick(20) + (step % (EVENTS / INCARNATIONS)) * pace;
    return (struct kept){.event = {.source = {(uint64_t)source << 32 | 5, (uint64_t)source},
                                   .incarnation = {7, (uint64_t)incarnation},
                                   .shard = source,
                                   .number = number,
                                   .event_time = incarnation * 1000 + number / (1 + pace) + pick(100) - 50 +
                                                 (pick(12) ? 0 : pick(6000) - 3000),
                                   .place = {(uint64_t)pick(20) ? 1 : 2, step, (int32_t)pick(5)}},
                         .source = source,
                         .incarnation = incarnation};
}

static void partition_close(struct partition *partition)
{
    sequence_index_free(partition->index);
    sequence_index_free(partition->layers[0]);
    sequence_index_free(partition->layers[1]);
    sequence_carry_free(&partition->carry);
    for (size_t i = 0; i < BATCHES; i++)
        text_free(&partition->rows[i].packed);
    free(partition);
}

static void verdicts_are_those_of_a_list_that_keeps_everything(void **state)
{
    (void)state;
    int64_t ended = 0, late_starts = 0;
    for (int round = 0; round < ROUNDS; round++) {
        seed = (uint64_t)round;
        int64_t pace = pick(3) ? pick(30) : 0;
        struct partition *partition = heap_alloc(sizeof *partition);
        memset(&oracle, 0, sizeof oracle);
        partition->index = sequence_index_new(NULL);
        partition->layers[0] = sequence_index_new(NULL);
        partition->layers[1] = sequence_index_new(NULL);
        sequence_carry_begin(partition->index, 1, 1);
        for (int64_t step = 0; step < EVENTS; step++) {
            struct kept kept = draw(step, pace);
            feed(partition, &kept);
            if (pick(round % 2 ? 3 : 200)) continue;
            if (pick(40) == 0) forget(partition);
            if (pick(40) == 0) restart(partition);
            hand_over(partition);
        }
        ended += partition->rounds_ended;
        late_starts += partition->rows[partition->batch_seq].whole_from > 1;
        partition_close(partition);
    }
    assert_true(ended > ROUNDS && late_starts > ROUNDS / 4); // else no superseded row was left out
}

// A layer on eight incarnations counts a ninth, then the first again: what that counted before is only known by its time.
static void a_dropped_incarnation_that_returns_begins_anew(void **state)
{
    (void)state;
    struct sequence_index *index = sequence_index_new(NULL), *layer = sequence_index_new(NULL);
    const struct sequence_source *layers[SEQUENCE_LAYERS] = {NULL};
    struct sequence_event event = {.source = {1, 2}, .number = 1, .event_time = 1, .place = {1, 1, 1}};
    struct sequence_counted first;
    instant_us bound;
    for (uint64_t i = 0; i < SEQUENCE_INCARNATIONS; i++, event.event_time++) {
        event.incarnation.low = i;
        sequence_index_count(index, NULL, &event, 1);
    }
    const struct sequence_source *below = sequence_index_find(index, event.source);
    event.incarnation.low = SEQUENCE_INCARNATIONS;
    sequence_index_count(layer, below, &event, 1);
    event.incarnation.low = 0;
    event.number = 2;
    event.event_time++;
    sequence_index_count(layer, below, &event, 1);
    layers[0] = below;
    layers[2] = sequence_index_find(layer, event.source);
    assert_int_equal(sequence_judge(layers, &event, false, &first, &bound), SEQUENCE_SAME);
    event.number = 1;
    event.event_time = 1;
    assert_int_equal(sequence_judge(layers, &event, false, &first, &bound), SEQUENCE_NOT_LATER);
    sequence_index_free(index);
    sequence_index_free(layer);
}

static void what_a_start_reads_is_in_proportion_to_the_sources(void **state)
{
    (void)state;
    struct sequence_index *index = sequence_index_new(NULL);
    struct sequence_carry carry = {0};
    int64_t *bytes = heap_alloc(20001 * sizeof *bytes), packed = 0, all = 0;
    sequence_carry_begin(index, 1, 1);
    for (int64_t seq = 1; seq <= 20000; seq++) { // 50 sources, an event of each in turn
        struct text rows = {0};
        struct sequence_pack pack = {0};
        struct sequence_event event = {.source = {(uint64_t)(seq % 50) * UINT64_C(0x9e3779b97f4a7c15), 1},
                                       .number = 1 + seq / 50,
                                       .event_time = seq,
                                       .place = {(uint64_t)seq, seq, 0}};
        sequence_pack_begin(&pack, &rows);
        sequence_carry_pack(&carry, index, 40, seq, &pack, ignore, NULL);
        sequence_pack_event(&pack, &event);
        bytes[seq] = (int64_t)rows.length;
        packed += bytes[seq];
        text_free(&rows);
        sequence_index_count(index, NULL, &event, seq);
        sequence_carry_take(&carry, index, seq);
    }
    int64_t state_bytes = 0, read = 0;
    for (size_t i = 0; i < index->count; i++)
        state_bytes += sequence_pack_estimate(index->sources[i]);
    for (int64_t seq = index->whole_from; seq <= 20000; seq++)
        read += bytes[seq];
    all = packed;
    print_message("50 sources, 20000 events: %lld bytes of state, %lld read at a start, of %lld written\n",
                  (long long)state_bytes, (long long)read, (long long)all);
    assert_true(read <= 4 * state_bytes);
    assert_true(all <= 20000 * 150);
    free(bytes);
    sequence_carry_free(&carry);
    sequence_index_free(index);
}

static void memory_is_by_source_not_by_event(void **state)
{
    (void)state;
    struct dedup_budget budget = {.limit_bytes = 64 << 20};
    struct sequence_index *index = sequence_index_new(&budget);
    int64_t after[2] = {0};
    for (int64_t number = 1; number <= 40000; number++) {
        for (uint64_t source = 1; source <= 20; source++)
            sequence_index_count(index, NULL, &(struct sequence_event){.source = {source << 40, source}, .number = number,
                                                                 .event_time = number, .place = {1, number, 0}},
                                 number);
        if (number == 4000) after[0] = sequence_index_bytes(index);
    }
    after[1] = sequence_index_bytes(index);
    print_message("a source with a full window: %lld bytes\n", (long long)after[1] / 20);
    assert_true(after[1] <= after[0] + after[0] / 10);
    assert_true(after[1] <= 20 * 21000);
    assert_int_equal(budget.used_bytes, budget.sequence_bytes);
    assert_int_equal(sequence_index_reserve(index, 0, NULL), ERR_OK);
    assert_int_equal(sequence_index_reserve(index, 64 << 20, NULL), ERR_LIMIT);
    // forgotten when nothing was counted for long; what may have been is before the coverage
    sequence_index_forget(index, 40000, 100);
    assert_int_equal(index->count, 20);
    assert_true(index->coverage_start == INSTANT_MIN);
    sequence_index_forget(index, 40001, 100);
    assert_int_equal(index->count, 0);
    assert_int_equal(index->coverage_start, 40001);
    assert_null(sequence_index_find(index, (struct hash128){UINT64_C(1) << 40, 1}));
    sequence_index_free(index);
    assert_int_equal(budget.used_bytes, 0);
}

static void damaged_rows_are_refused(void **state)
{
    (void)state;
    struct text rows = {0};
    struct sequence_pack pack = {0};
    struct sequence_index *index = sequence_index_new(NULL);
    for (int64_t number = 1; number < 40; number++)
        sequence_index_count(index, NULL, &(struct sequence_event){.source = {1, 2}, .incarnation = {3, 4}, .number = number * 9,
                                                             .event_time = number, .place = {5, number, 6}},
                             number);
    sequence_pack_begin(&pack, &rows);
    sequence_pack_source(&pack, index->sources[0]);
    sequence_pack_event(&pack, &(struct sequence_event){.source = {1, 2}, .number = 1});
    sequence_pack_event(&pack, &(struct sequence_event){.source = {1, 2}, .number = 2});
    sequence_pack_coverage(&pack, 17);
    for (size_t length = 0; length <= rows.length; length++) {
        // of exact size, so that the sanitizer sees a step beyond the end
        char *copy = heap_grow(NULL, 1, length);
        memcpy(copy, rows.data, length);
        struct sequence_index *into = sequence_index_new(NULL);
        int64_t records = 0;
        enum err err = sequence_unpack(copy, length, 1, into, &records, NULL);
        if (length == rows.length) assert_int_equal(err, ERR_OK);
        if (length == rows.length) assert_int_equal(records, pack.records);
        sequence_index_free(into);
        free(copy);
    }
    for (seed = 0; seed < 20000;) { // random damage never leads astray
        uint64_t round = seed;
        struct sequence_index *into = sequence_index_new(NULL);
        int64_t records = 0;
        size_t at = (size_t)pick((int64_t)rows.length);
        char before = rows.data[at];
        rows.data[at] = (char)pick(256);
        (void)!sequence_unpack(rows.data, rows.length, 1, into, &records, NULL);
        rows.data[at] = before;
        sequence_index_free(into);
        seed = round + 1;
    }
    text_free(&rows);
    sequence_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_those_of_a_list_that_keeps_everything),
        cmocka_unit_test(a_dropped_incarnation_that_returns_begins_anew),
        cmocka_unit_test(what_a_start_reads_is_in_proportion_to_the_sources),
        cmocka_unit_test(memory_is_by_source_not_by_event),
        cmocka_unit_test(damaged_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
