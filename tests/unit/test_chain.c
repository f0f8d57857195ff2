// SPDX-License-Identifier: Apache-2.0
// The canonical bytes of a batch: a head computed by another program from docs/chain.md, and that every part counts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rating/chain.h"

static const struct tenant tenant = {.number = 7, .id = "t-1"};
static const struct meter sum = {.number = 1, .id = "sum"}, latest = {.number = 2, .id = "latest"};
static const struct meter vm = {.number = 3, .id = "vm"};

// One batch with a row of every kind.
struct example {
    struct batch_record record;
    struct named_row set, resource;
    struct usage_row usage[2];
    struct transition_row transition;
    struct kept_event_row kept_event;
    struct quarantine_row quarantine[2];
    struct conflict_row conflict;
    struct closing_row closing[2];
    struct verdict_list verdicts;
    bool with_kept_event; // likewise
    bool with_sequences;  // likewise
    bool with_identities; // false: a batch of the time before there were rows of them
};

static void example_fill(struct example *example)
{
    static const enum verdict verdicts[] = {VERDICT_COUNTED, VERDICT_DUPLICATE, VERDICT_CONFLICT, VERDICT_QUARANTINED,
                                            VERDICT_MARKER};
    *example = (struct example){
        .record = {.incarnation = 1,
                   .partition = 3,
                   .batch_seq = 42,
                   .first_offset = 1000,
                   .next_offset = 1010,
                   .watermark = 5 * HOUR_US + 7,
                   .catalogue_version = 9,
                   .has_digest = true},
        .set = {.hash = {1, 2}, .tenant = &tenant, .text = SLICE("{\"a\":\"x\"}")},
        .resource = {.hash = {3, 4}, .tenant = &tenant, .text = SLICE("vm-1")},
        .usage = {{&tenant, &sum, {1, 2}, 900 * SECOND_US, {-5000000000}, 2, INSTANT_NONE, {0, 0}},
                  {&tenant, &latest, {1, 2}, -900 * SECOND_US, {DECIMAL_MAX}, 1, 77, {8, 9}}},
        .transition = {&tenant, &vm, {3, 4}, 123, {5, 6}, true, {2000000000}, {1, 2}},
        .kept_event = {&tenant, &sum, {1, 2}, 900 * SECOND_US, 901 * SECOND_US, {18, 19}, {3000000000}},
        .quarantine =
            {{1001,
              4,
              5 * HOUR_US,
              REASON_LATE,
              SLICE("too old"),
              SLICE("t-1"),
              SLICE("s"),
              SLICE("e"),
              true,
              {10, 11},
              {12, 13},
              SLICE("raw"),
              0,
              0,
              0,
              SLICE("")},
             {.offset = 1002, .received_time = 5 * HOUR_US, .reason = REASON_MESSAGE, .detail = SLICE("damaged")}},
        .conflict = {1003,
                     1,
                     5 * HOUR_US,
                     SLICE("t-1"),
                     SLICE("s"),
                     SLICE("e"),
                     {14, 15},
                     {16, 17},
                     {UINT64_C(0xfedcba9876543210), 5, 6},
                     SLICE("other")},
        .closing = {{1, 2, false}, {1, 3, true}},
    };
    for (int i = 0; i < SHA256_BYTES; i++)
        example->record.previous_head[i] = (unsigned char)i;
    memset(example->record.last_digest, 0xaa, SHA256_BYTES);
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        verdict_list_add(&example->verdicts, verdicts[i]);
    example->record.verdicts = &example->verdicts;
}

static void example_head(const struct example *example, char head[SHA256_HEX])
{
    unsigned char bytes[SHA256_BYTES];
    struct chain *chain = chain_new();
    chain_begin(chain, &example->record);
    chain_dimension_set(chain, &example->set);
    chain_resource(chain, &example->resource);
    for (int i = 0; i < 2; i++)
        chain_usage(chain, &example->record, &example->usage[i]);
    chain_transition(chain, &example->record, &example->transition);
    if (example->with_kept_event) chain_kept_event(chain, &example->record, &example->kept_event);
    for (int i = 0; i < 2; i++)
        chain_quarantine(chain, &example->quarantine[i]);
    chain_conflict(chain, &example->conflict);
    for (int i = 0; i < 2; i++)
        chain_closing(chain, &example->closing[i]);
    if (example->with_identities) chain_identities(chain, &example->record);
    if (example->with_sequences) chain_sequences(chain, &example->record);
    chain_finish(chain, &example->record, bytes);
    chain_free(chain);
    hex_print(bytes, SHA256_BYTES, head);
}

static void the_head_is_that_of_the_description(void **state)
{
    (void)state;
    struct example example;
    char head[SHA256_HEX];
    example_fill(&example);
    example_head(&example, head);
    assert_string_equal(head, "ca806d4e1a5f2db2977b1e12c05b04e0cbedcf8b93ff268bc3e89c7d3f21e3d9");
    example.with_kept_event = true;
    example_head(&example, head);
    assert_string_equal(head, "e837cc7d7eee35c42cffd9e2089a7522f5bd1669f5f24add1dbea0aef540fb75");
    verdict_list_free(&example.verdicts);
}

static void numbers_of_the_database_do_not_count(void **state)
{
    (void)state;
    static const struct tenant renumbered = {.number = 4711, .id = "t-1"};
    static const struct meter sum_again = {.number = 815, .id = "sum"};
    struct example example;
    char head[SHA256_HEX], other[SHA256_HEX];
    example_fill(&example);
    example_head(&example, head);
    example.set.tenant = example.resource.tenant = example.usage[0].tenant = &renumbered;
    example.usage[0].meter = &sum_again;
    example_head(&example, other);
    assert_string_equal(head, other);
    verdict_list_free(&example.verdicts);
}

#define DIFFERS(change)                                                                                                \
    do {                                                                                                               \
        struct example changed = example;                                                                              \
        changed.change;                                                                                                \
        example_head(&changed, other);                                                                                 \
        if (strcmp(head, other) == 0) fail_msg("%s changes nothing", #change);                                         \
    } while (0)

static void every_part_counts(void **state)
{
    (void)state;
    struct example example;
    char head[SHA256_HEX], other[SHA256_HEX];
    example_fill(&example);
    example_head(&example, head);
    DIFFERS(record.previous_head[31] ^= 1);
    DIFFERS(record.incarnation++);
    DIFFERS(record.partition++);
    DIFFERS(record.batch_seq++);
    DIFFERS(record.first_offset++);
    DIFFERS(record.next_offset++);
    DIFFERS(record.watermark++);
    DIFFERS(record.catalogue_version++);
    DIFFERS(record.last_digest[0] ^= 1);
    DIFFERS(record.has_digest = false);
    DIFFERS(set.text.length--);
    DIFFERS(resource.hash.low++);
    DIFFERS(usage[0].quantity.nano++);
    DIFFERS(usage[0].meter = &vm);
    DIFFERS(usage[0].slot++);
    DIFFERS(usage[0].event_count++);
    DIFFERS(usage[1].latest_id.low++);
    DIFFERS(usage[1].latest_time++);
    DIFFERS(transition.running = false);
    DIFFERS(transition.value.nano++);
    DIFFERS(transition.event_time++);
    DIFFERS(transition.dimension_set.high++);
    DIFFERS(quarantine[0].reason = REASON_FUTURE);
    DIFFERS(quarantine[0].detail = SLICE("other"));
    DIFFERS(quarantine[0].identified = false);
    DIFFERS(quarantine[0].raw = SLICE("rax"));
    DIFFERS(quarantine[0].range_events = 2);
    example.quarantine[0].range_events = 2;
    example_head(&example, head);
    DIFFERS(quarantine[0].range_events = 3);
    DIFFERS(quarantine[0].last_offset++);
    DIFFERS(quarantine[0].last_index++);
    DIFFERS(quarantine[0].places = SLICE("x"));
    DIFFERS(conflict.first.content++);
    DIFFERS(conflict.first.event_index++);
    DIFFERS(conflict.raw = SLICE(""));
    DIFFERS(closing[0].conflict = true);
    DIFFERS(closing[1].position++);
    example.with_kept_event = true;
    example_head(&example, other);
    assert_string_not_equal(head, other);
    example_head(&example, head);
    DIFFERS(kept_event.meter = &vm);
    DIFFERS(kept_event.dimension_set.low++);
    DIFFERS(kept_event.slot++);
    DIFFERS(kept_event.event_time++);
    DIFFERS(kept_event.event_id.low++);
    DIFFERS(kept_event.value.nano++);
    example.with_identities = true;
    example_head(&example, other);
    assert_string_not_equal(head, other);
    example_head(&example, head);
    DIFFERS(record.identities++);
    DIFFERS(record.identity_digest[31] ^= 1);
    example.with_sequences = true;
    example_head(&example, other);
    assert_string_not_equal(head, other);
    example_head(&example, head);
    DIFFERS(record.sequences++);
    DIFFERS(record.sequence_digest[31] ^= 1);
    DIFFERS(record.sequence_from++);
    // texts keep their borders: "ab" + "c" is not "a" + "bc"
    example.quarantine[0].tenant_id = SLICE("ab"), example.quarantine[0].source = SLICE("c");
    example_head(&example, head);
    DIFFERS(quarantine[0].tenant_id = SLICE("a"); changed.quarantine[0].source = SLICE("bc"));
    verdict_list_add(&example.verdicts, VERDICT_COUNTED);
    example_head(&example, other);
    assert_string_not_equal(head, other);
    verdict_list_free(&example.verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_that_of_the_description),
        cmocka_unit_test(numbers_of_the_database_do_not_count),
        cmocka_unit_test(every_part_counts),
    };
    hash_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
