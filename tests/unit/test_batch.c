// SPDX-License-Identifier: Apache-2.0
// Property: random streams with duplicates, conflicts and bad events, cut into random messages and batches, count what
// a naive list counts; without conflicts in any order. And what a batch does with the identities that quarantine holds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/message.h"
#include "rating/batch.h"
#include "tests/support/catalogue_fixture.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { IDS = 60, SLOTS = 4, STREAM = 400, ROUNDS = 60 };

// One event of a stream.
struct sample {
    int id, slot, value; // value < 0: negative, quarantined
};

static struct catalogue *catalogue;
static instant_us now;
static uint64_t seed;

static unsigned pick(unsigned most)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(seed >> 33) % most;
}

// A partition without a database: what was counted so far.
struct partition {
    struct dedup_index *index, *known;
    struct batch *batch, *earlier, *spare; // earlier: is being committed
    struct batch_ground ground;
    struct arena *messages;
    int64_t next_offset;
    size_t handed_over, committed; // how many of the stream's samples were
    int64_t totals[SLOTS], verdicts[VERDICT_KINDS], names;
};

static void partition_open(struct partition *partition)
{
    *partition = (struct partition){.index = dedup_index_new(NULL),
                                    .known = dedup_index_new(NULL),
                                    .batch = batch_new(),
                                    .spare = batch_new(),
                                    .messages = arena_new(4096)};
    assert_int_equal(judge_open(&partition->ground.judge, catalogue, SECRET, NULL), ERR_OK);
    partition->ground.index = partition->index;
    partition->ground.known = partition->known;
    partition->ground.identity_key.bytes[0] = 1;
    partition->ground.content_key.bytes[0] = 2;
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
}

// The commit of the earlier batch is known.
static void settle(struct partition *partition)
{
    struct fault fault;
    size_t count = 0;
    struct batch *batch = partition->earlier;
    if (!batch) return;
    const struct usage_row *const *usage = batch_usage(batch, &count);
    for (size_t i = 0; i < count; i++)
        partition->totals[(now - usage[i]->slot) / SLOT_US] += (int64_t)(usage[i]->quantity.nano / 1000000000);
    for (int i = 0; i < VERDICT_KINDS; i++)
        partition->verdicts[i] += batch_verdicts(batch)->of[i];
    const struct tenant_duplicates *duplicates = batch_duplicates(batch, &count);
    int64_t known = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || duplicates[i - 1].tenant->number < duplicates[i].tenant->number);
        known += duplicates[i].events;
    }
    assert_int_equal(known, batch_verdicts(batch)->of[VERDICT_DUPLICATE]);
    assert_int_equal(batch_reserve(batch, partition->index, &fault), ERR_OK);
    batch_take(batch, partition->index, partition->known);
    partition->next_offset = batch_next_offset(batch);
    partition->committed = partition->handed_over;
    partition->spare = batch;
    partition->earlier = NULL;
    partition->ground.earlier = NULL;
}

// The batch goes to be committed, the next one is fed.
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

// The earlier batch could not be committed: both are forgotten. Returns from which sample on the stream is read again.
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

static const char *sample_json(struct arena *arena, struct sample sample)
{
    char at[INSTANT_TEXT_MAX];
    instant_print(now - sample.slot * SLOT_US, at);
    return arena_print(arena,
                       "{\"specversion\":\"1.0\",\"type\":\"cloud.storage.request\",\"source\":\"s\",\"id\":\"e%d\","
                       "\"subject\":\"t-1\",\"time\":\"%s\",\"data\":{\"n\":%d}}",
                       sample.id, at, sample.value);
}

// Feeds without judging: the message's bytes stay.
static void feed_only(struct partition *partition, const struct sample *samples, size_t count, bool plain)
{
    struct arena *arena = partition->messages;
    struct text data = {0};
    if (!plain) message_begin(&data, MESSAGE_EVENTS, 1, 0);
    if (plain) text_add_char(&data, '[');
    for (size_t i = 0; i < count; i++) {
        const char *json = sample_json(arena, samples[i]);
        if (!plain) message_add(&data, slice_of(json));
        if (plain) text_print(&data, "%s%s", i ? ", " : "", json);
    }
    if (plain) text_add_char(&data, ']');
    if (!plain) message_finish(&data);
    const struct bus_message message = {.offset = batch_next_offset(partition->batch),
                                        .received_time = now,
                                        .data = arena_text(arena, data.data, data.length),
                                        .length = data.length};
    batch_feed(partition->batch, &partition->ground, &message);
    text_free(&data);
}

static void feed(struct partition *partition, const struct sample *samples, size_t count, bool plain)
{
    feed_only(partition, samples, count, plain);
    batch_judge(partition->batch, &partition->ground);
}

// The stream in messages of up to 40 events and batches of up to some messages, one being committed while the next is
// fed; some cannot be committed.
static void feed_all(struct partition *partition, const struct sample *samples, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t some = 1 + pick(40);
        if (some > count - at) some = count - at;
        feed_only(partition, samples + at, some, pick(3) == 0);
        at += some;
        switch (pick(9)) {
        case 0:
        case 1:
            hand_over(partition, at);
            break;
        case 2:
            settle(partition);
            break;
        case 3:
            if (pick(3) == 0) at = forget(partition);
            break;
        default:
            break;
        }
    }
    hand_over(partition, count);
    settle(partition);
}

// What a list counts: the first body of an identity that is not negative.
static void oracle(const struct sample *samples, size_t count, int64_t *totals, int64_t *verdicts)
{
    struct sample first[IDS];
    bool counted[IDS] = {false};
    for (size_t i = 0; i < count; i++) {
        const struct sample *now_seen = &samples[i], *before = &first[now_seen->id];
        if (counted[now_seen->id]) {
            bool same = before->slot == now_seen->slot && before->value == now_seen->value;
            verdicts[same ? VERDICT_DUPLICATE : VERDICT_CONFLICT]++;
        } else if (now_seen->value < 0) {
            verdicts[VERDICT_QUARANTINED]++;
        } else {
            counted[now_seen->id] = true;
            first[now_seen->id] = *now_seen;
            totals[now_seen->slot] += now_seen->value;
            verdicts[VERDICT_COUNTED]++;
        }
    }
}

static void random_streams_count_what_a_list_counts(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct sample samples[STREAM];
        int64_t totals[SLOTS] = {0}, verdicts[VERDICT_KINDS] = {0};
        struct partition partition;
        seed = round;
        for (size_t i = 0; i < STREAM; i++)
            samples[i] = (struct sample){(int)pick(IDS), (int)pick(SLOTS), (int)pick(5) - 1};
        oracle(samples, STREAM, totals, verdicts);
        partition_open(&partition);
        feed_all(&partition, samples, STREAM);
        for (int i = 0; i < SLOTS; i++)
            if (partition.totals[i] != totals[i]) fail_msg("round %d: slot %d", (int)round, i);
        for (int i = 0; i < VERDICT_KINDS; i++)
            if (partition.verdicts[i] != verdicts[i])
                fail_msg("round %d: %s %d, not %d", (int)round, verdict_name((enum verdict)i),
                         (int)partition.verdicts[i], (int)verdicts[i]);
        partition_close(&partition);
    }
}

static void without_conflicts_the_order_does_not_matter(void **state)
{
    (void)state;
    struct sample samples[STREAM];
    int64_t totals[SLOTS] = {0}, verdicts[VERDICT_KINDS] = {0};
    seed = 99;
    for (size_t i = 0; i < STREAM; i++) {
        int id = (int)pick(IDS);
        samples[i] = (struct sample){id, id % SLOTS, id % 7 - 1}; // the body is the identity's
    }
    oracle(samples, STREAM, totals, verdicts);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct partition partition;
        seed = round;
        for (size_t i = STREAM - 1; i > 0; i--) {
            size_t j = pick((unsigned)i + 1);
            struct sample swapped = samples[i];
            samples[i] = samples[j];
            samples[j] = swapped;
        }
        partition_open(&partition);
        feed_all(&partition, samples, STREAM);
        assert_memory_equal(partition.totals, totals, sizeof totals);
        assert_memory_equal(partition.verdicts, verdicts, sizeof verdicts);
        partition_close(&partition);
    }
}

static void a_batch_that_is_fed_again_counts_the_same(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample samples[] = {{1, 0, 5}, {2, 0, 7}, {1, 0, 5}};
    partition_open(&partition);
    feed(&partition, samples, 3, false); // its commit failed: it is dropped and read again
    batch_begin(partition.batch, 0, INSTANT_MIN);
    assert_true(batch_empty(partition.batch));
    feed(&partition, samples, 3, false);
    commit(&partition);
    assert_int_equal(partition.totals[0], 12); // 5 + 7
    feed(&partition, samples, 3, false);       // and once more after the commit
    commit(&partition);
    assert_int_equal(partition.totals[0], 12);
    assert_int_equal(partition.verdicts[VERDICT_DUPLICATE], 4);
    partition_close(&partition);
}

// What the earlier batch holds is known to the next one before the index has it, and gone when it is forgotten.
static void the_next_batch_knows_what_is_being_committed(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample first[] = {{1, 0, 5}, {2, 0, -1}}, second[] = {{1, 0, 5}, {1, 0, 6}, {2, 0, 7}};
    partition_open(&partition);
    feed(&partition, first, 2, false);
    hand_over(&partition, 0);
    feed(&partition, second, 3, false);
    const struct verdict_list *verdicts = batch_verdicts(partition.batch);
    assert_int_equal(verdicts->of[VERDICT_DUPLICATE], 1);
    assert_int_equal(verdicts->of[VERDICT_CONFLICT], 1);
    assert_int_equal(verdicts->of[VERDICT_COUNTED], 1); // it was held, not counted
    (void)forget(&partition);
    feed(&partition, second, 3, false);
    assert_int_equal(verdicts->of[VERDICT_DUPLICATE], 0);
    assert_int_equal(verdicts->of[VERDICT_CONFLICT], 1); // of 1, now with the second body
    assert_int_equal(verdicts->of[VERDICT_COUNTED], 2);
    commit(&partition);
    assert_int_equal(partition.totals[0], 12); // 5 + 7
    partition_close(&partition);
}

// One message with a mark of this key, or without one, into the partition.
static void feed_forwarded(struct partition *partition, struct sample sample, instant_us first_received,
                           const struct hash_key *mark_key)
{
    struct arena *arena = arena_new(4096);
    struct text data = {0};
    message_begin_forwarded(&data, 1, first_received);
    message_add(&data, slice_of(sample_json(arena, sample)));
    message_mark(&data, mark_key);
    message_finish(&data);
    const struct bus_message message = {.offset = batch_next_offset(partition->batch),
                                        .received_time = now,
                                        .data = data.data,
                                        .length = data.length};
    batch_feed(partition->batch, &partition->ground, &message);
    batch_judge(partition->batch, &partition->ground);
    text_free(&data);
    arena_free(arena);
}

// rules 2.4: one hop, and the first position's received_time.
static void misrouted_events_are_sent_on_once(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample samples[] = {{1, 0, 5}, {1, 0, 5}, {2, 1, 6}};
    const struct hash_key other = {"not the key"};
    size_t count = 0;
    partition_open(&partition);
    const int home = partition.ground.judge.partition;
    partition.ground.judge.partition_count = 2;
    partition.ground.judge.partition = 1 - shard_of_tenant(SLICE("t-1")) % 2;
    feed(&partition, samples, 3, false);
    const struct forward_row *rows = batch_forwards(partition.batch, &count);
    assert_int_equal(count, 3); // each copy: here nobody knows identities of other partitions
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_FORWARDED], 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].shard, shard_of_tenant(SLICE("t-1")));
        assert_true(rows[i].received_time == now);
    }
    assert_non_null(strstr(rows[2].raw.data, "\"e2\""));
    // sent on to us, and not ours either: it stays here
    feed_forwarded(&partition, samples[2], now - DAY_US, &partition.ground.forward_key);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_QUARANTINED], 1);
    // a mark that is not ours is none
    feed_forwarded(&partition, samples[2], now - DAY_US, &other);
    rows = batch_forwards(partition.batch, &count);
    assert_int_equal(count, 4);
    assert_true(rows[3].received_time == now);
    assert_int_equal(batch_bad_marks(partition.batch), 1);
    batch_begin(partition.batch, partition.next_offset, now);
    (void)batch_forwards(partition.batch, &count);
    assert_int_equal(count, 0);
    assert_int_equal(batch_bad_marks(partition.batch), 0);
    partition.ground.judge.partition_count = 1;
    partition.ground.judge.partition = home;
    partition_close(&partition);
}

// rules 2.3: a newer incarnation counts. Everything goes on to it, also what was sent on once, by its first position.
static void what_does_not_count_any_more_is_sent_on(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample samples[] = {{1, 0, 5}, {1, 0, 5}, {2, 0, -1}};
    size_t count = 0, usage = 0;
    partition_open(&partition);
    const int home = partition.ground.judge.partition;
    partition.ground.sends_on = true;
    partition.ground.judge.partition = -1;
    feed(&partition, samples, 3, false);
    feed_forwarded(&partition, samples[0], now - DAY_US, &partition.ground.forward_key);
    const struct forward_row *rows = batch_forwards(partition.batch, &count);
    assert_int_equal(count, 4);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_FORWARDED], 4);
    assert_true(rows[2].received_time == now && rows[3].received_time == now - DAY_US);
    (void)batch_usage(partition.batch, &usage);
    assert_int_equal(usage, 0);
    partition.ground.sends_on = false;
    partition.ground.judge.partition = home;
    partition_close(&partition);
}

// What the index and a conflict's first event name is the position, not the offset in one of several topics.
static void positions_go_on_from_the_incarnation_before(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample first = {1, 0, 5};
    struct dedup_entry found;
    partition_open(&partition);
    partition.ground.base_position = 1000000;
    feed(&partition, &first, 1, false);
    commit(&partition);
    struct hash128 identity = event_identity(&partition.ground.identity_key, SLICE("t-1"), SLICE("s"), SLICE("e1"));
    assert_true(dedup_index_find(partition.index, identity, &found));
    assert_int_equal(found.offset, 1000000);
    partition_close(&partition);
}

static void events_that_were_sent_on_are_judged_by_their_first_position(void **state)
{
    (void)state;
    struct partition partition;
    const struct sample sample = {1, 0, 5}, again = {2, 0, 5};
    const struct hash_key other = {"not the key"};
    partition_open(&partition);
    // the event's time is far after its first position: it came from the future
    feed_forwarded(&partition, sample, now - DAY_US, &partition.ground.forward_key);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_QUARANTINED], 1);
    assert_true(batch_watermark(partition.batch) == now); // the watermark is the log's own
    // without a mark of ours its word does not count
    feed_forwarded(&partition, again, now - DAY_US, &other);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_COUNTED], 1);
    partition_close(&partition);
}

static struct replay_row replay_of(struct arena *arena, struct sample sample, int64_t position)
{
    return (struct replay_row){
        .quarantine = 1, .position = position, .received_time = now, .raw = slice_of(sample_json(arena, sample))};
}

static void held_identities_make_nothing_a_duplicate(void **state)
{
    (void)state;
    struct partition partition;
    struct arena *arena = arena_new(4096);
    struct dedup_entry found;
    const struct sample bad = {1, 0, -5}, good = {1, 0, 5};
    partition_open(&partition);
    feed(&partition, &bad, 1, false);
    commit(&partition);
    struct hash128 identity = event_identity(&partition.ground.identity_key, SLICE("t-1"), SLICE("s"), SLICE("e1"));
    assert_true(dedup_index_find(partition.index, identity, &found) && found.held);
    // replayed, it stays what it is
    struct replay_row row = replay_of(arena, bad, 0);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &row), VERDICT_QUARANTINED);
    assert_int_equal(row.reason, REASON_NEGATIVE);
    assert_non_null(strstr(row.detail, "negative"));
    assert_true(batch_empty(partition.batch)); // nothing to commit
    batch_begin(partition.batch, partition.next_offset, now);
    // another body counts
    feed(&partition, &good, 1, false);
    commit(&partition);
    assert_int_equal(partition.totals[0], 5);
    assert_true(dedup_index_find(partition.index, identity, &found) && !found.held);
    // from now on the first body is a conflict, as an event and as a replay
    feed(&partition, &bad, 1, false);
    commit(&partition);
    assert_int_equal(partition.verdicts[VERDICT_CONFLICT], 1);
    row = replay_of(arena, bad, 0);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &row), VERDICT_CONFLICT);
    assert_false(batch_empty(partition.batch));
    arena_free(arena);
    partition_close(&partition);
}

static void a_replay_counts_once(void **state)
{
    (void)state;
    struct partition partition;
    struct arena *arena = arena_new(4096);
    const struct sample good = {3, 1, 4};
    partition_open(&partition);
    partition.ground.judge.partition_count = 1;
    struct replay_row rows[] = {replay_of(arena, good, 7), replay_of(arena, good, 9)};
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &rows[0]), VERDICT_COUNTED);
    assert_int_equal(batch_replay(partition.batch, &partition.ground, &rows[1]), VERDICT_DUPLICATE);
    commit(&partition);
    assert_int_equal(partition.totals[1], 4);
    feed(&partition, &good, 1, false);
    commit(&partition);
    assert_int_equal(partition.verdicts[VERDICT_DUPLICATE], 1);
    assert_int_equal(partition.totals[1], 4);
    arena_free(arena);
    partition_close(&partition);
}

static void markers_and_damage_are_verdicts(void **state)
{
    (void)state;
    struct partition partition;
    struct text marker = {0};
    partition_open(&partition);
    message_begin(&marker, MESSAGE_MARKER, 1, 5);
    message_finish(&marker);
    struct bus_message message = {.offset = 3, .received_time = now, .data = marker.data, .length = marker.length};
    batch_feed(partition.batch, &partition.ground, &message);
    batch_judge(partition.batch, &partition.ground);
    assert_true(batch_only_markers(partition.batch));
    assert_true(batch_watermark(partition.batch) == now);
    message =
        (struct bus_message){.offset = 9, .received_time = now - 5, .data = "garbage", .length = 7}; // a gap in the log
    batch_feed(partition.batch, &partition.ground, &message);
    batch_judge(partition.batch, &partition.ground);
    assert_false(batch_only_markers(partition.batch));
    assert_true(batch_watermark(partition.batch) == now); // never falls
    assert_int_equal(batch_next_offset(partition.batch), 10);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_MARKER], 1);
    assert_int_equal(batch_verdicts(partition.batch)->of[VERDICT_QUARANTINED], 1);
    text_free(&marker);
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
        cmocka_unit_test(without_conflicts_the_order_does_not_matter),
        cmocka_unit_test(a_batch_that_is_fed_again_counts_the_same),
        cmocka_unit_test(the_next_batch_knows_what_is_being_committed),
        cmocka_unit_test(misrouted_events_are_sent_on_once),
        cmocka_unit_test(what_does_not_count_any_more_is_sent_on),
        cmocka_unit_test(positions_go_on_from_the_incarnation_before),
        cmocka_unit_test(events_that_were_sent_on_are_judged_by_their_first_position),
        cmocka_unit_test(held_identities_make_nothing_a_duplicate),
        cmocka_unit_test(a_replay_counts_once),
        cmocka_unit_test(markers_and_damage_are_verdicts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
