// SPDX-License-Identifier: Apache-2.0
// The engine alone on one core, without stores: scan, judge, dedup and aggregate over messages in memory, by the
// rater's own batches.
//   bench_engine EVENTS TENANTS PER_MESSAGE   1: plain JSON; more: packed as the gateway does. Prints seconds of the
//                                             wall and of the processor, events by verdict, batches
// Each partition has two batches, as in the rater: one is fed while the one before it "is being committed", which here
// takes no time; its identities go into the index when the next one is handed over. A batch is as large as the default
// of rate.batch_memory lets it be. All identities stay in memory. Messages are made in pieces between the measured
// stretches.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rating/batch.h"
#include "tests/bench/packer.h"
#include "tests/bench/workload.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BATCH_MEMORY (INT64_C(256) << 20) // rate.batch_memory

enum {
    PARTITIONS = 4,
    PIECE_EVENTS = 100000,
    FED_AT_ONCE = 1000, // messages between two judgements of what waits: a poll of the rater
    FLUSH_EVENTS = 1000000
};

struct message {
    size_t at, length; // in the partition's bytes
};

struct partition {
    struct dedup_budget budget;
    struct dedup_index *index, *known;
    struct batch *batch, *earlier, *spare;
    struct batch_ground ground;
    struct text bytes; // of this piece's messages
    struct message *messages;
    size_t count;
    int64_t next_offset;
};

struct engine {
    struct workload *workload;
    struct catalogue *catalogue;
    struct packer *packer;
    instant_us now;
    struct partition partitions[PARTITIONS];
    int64_t batches, verdicts[VERDICT_KINDS];
    int64_t wall_us, processor_us;
};

static int64_t processor_now_us(void)
{
    struct timespec spent;
    ENSURE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) == 0);
    return spent.tv_sec * SECOND_US + spent.tv_nsec / 1000;
}

static void partition_open(struct partition *partition, int number, const struct catalogue *catalogue)
{
    struct batch_ground *ground = &partition->ground;
    partition->index = dedup_index_new(&partition->budget);
    partition->known = dedup_index_new(NULL);
    partition->batch = batch_new();
    partition->spare = batch_new();
    partition->messages = heap_grow(NULL, sizeof *partition->messages, PIECE_EVENTS);
    ENSURE(judge_open(&ground->judge, catalogue, SECRET, NULL) == ERR_OK &&
           hash_key_derive(SECRET, "identity", &ground->identity_key, NULL) == ERR_OK &&
           hash_key_derive(SECRET, "content", &ground->content_key, NULL) == ERR_OK &&
           hash_key_derive(SECRET, "forward", &ground->forward_key, NULL) == ERR_OK);
    ground->index = partition->index;
    ground->known = partition->known;
    ground->judge.partition = number;
    ground->judge.partition_count = PARTITIONS;
    batch_begin(partition->batch, 0, INSTANT_MIN);
}

static void partition_close(struct partition *partition)
{
    batch_free(partition->batch);
    batch_free(partition->earlier);
    batch_free(partition->spare);
    dedup_index_free(partition->index);
    dedup_index_free(partition->known);
    text_free(&partition->bytes);
    free(partition->messages);
}

// --- making messages

static enum err keep(void *context, int number, struct slice message)
{
    struct engine *engine = context;
    struct partition *partition = &engine->partitions[number];
    ENSURE(partition->count < PIECE_EVENTS);
    partition->messages[partition->count++] = (struct message){partition->bytes.length, message.length};
    text_add_slice(&partition->bytes, message);
    return ERR_OK;
}

static void piece_make(struct engine *engine, int64_t from, int64_t to)
{
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX];
    for (int i = 0; i < PARTITIONS; i++) {
        engine->partitions[i].count = 0;
        text_clear(&engine->partitions[i].bytes);
    }
    for (int64_t number = from; number < to; number++) {
        struct slice raw = {event, workload_event(engine->workload, number, event, tenant)};
        ENSURE(packer_add(engine->packer, slice_of(tenant), raw) == ERR_OK);
    }
    ENSURE(packer_flush(engine->packer) == ERR_OK);
}

// --- what is measured

// The commit of the earlier batch is known.
static void settle(struct engine *engine, struct partition *partition)
{
    struct batch *batch = partition->earlier;
    if (!batch) return;
    ENSURE(batch_reserve(batch, partition->index, NULL) == ERR_OK);
    batch_take(batch, partition->index, partition->known);
    dedup_index_note(partition->index, batch_next_offset(batch), batch_watermark(batch));
    engine->batches++;
    for (int i = 0; i < VERDICT_KINDS; i++)
        engine->verdicts[i] += batch_verdicts(batch)->of[i];
    partition->spare = batch;
    partition->earlier = NULL;
}

static void hand_over(struct engine *engine, struct partition *partition)
{
    settle(engine, partition);
    partition->earlier = partition->batch;
    partition->batch = partition->spare;
    partition->ground.earlier = partition->earlier;
    batch_begin(partition->batch, batch_next_offset(partition->earlier), batch_watermark(partition->earlier));
}

static void partition_feed(struct engine *engine, struct partition *partition, int number)
{
    for (size_t i = 0; i < partition->count; i++) {
        const struct bus_message message = {.partition = number,
                                            .offset = partition->next_offset++,
                                            .received_time = engine->now,
                                            .data = partition->bytes.data + partition->messages[i].at,
                                            .length = partition->messages[i].length};
        batch_feed(partition->batch, &partition->ground, &message);
        if (i + 1 < partition->count && (i + 1) % FED_AT_ONCE != 0) continue;
        batch_judge(partition->batch, &partition->ground);
        batch_digest(partition->batch, &message);
        if (batch_events(partition->batch) >= FLUSH_EVENTS ||
            batch_memory(partition->batch) >= BATCH_MEMORY / (2 * PARTITIONS))
            hand_over(engine, partition);
    }
}

static void piece_feed(struct engine *engine)
{
    int64_t began_us = clock_monotonic_us(), spent_us = processor_now_us();
    for (int i = 0; i < PARTITIONS; i++)
        partition_feed(engine, &engine->partitions[i], i);
    engine->wall_us += clock_monotonic_us() - began_us;
    engine->processor_us += processor_now_us() - spent_us;
}

static void finish(struct engine *engine)
{
    int64_t began_us = clock_monotonic_us(), spent_us = processor_now_us();
    for (int i = 0; i < PARTITIONS; i++) {
        hand_over(engine, &engine->partitions[i]);
        settle(engine, &engine->partitions[i]);
    }
    engine->wall_us += clock_monotonic_us() - began_us;
    engine->processor_us += processor_now_us() - spent_us;
}

static void report(const struct engine *engine)
{
    printf("engine_seconds=%.6f\nengine_processor_seconds=%.6f\nbatches=%lld\n", (double)engine->wall_us / 1e6,
           (double)engine->processor_us / 1e6, (long long)engine->batches);
    for (int i = 0; i < VERDICT_KINDS; i++)
        printf("%s=%lld\n", verdict_name((enum verdict)i), (long long)engine->verdicts[i]);
}

int main(int argc, char **argv)
{
    static struct engine engine;
    int64_t events = argc == 4 ? atoll(argv[1]) : 0, judged = 0;
    int tenants = argc == 4 ? atoi(argv[2]) : 0, per_message = argc == 4 ? atoi(argv[3]) : 0;
    if (events < 1 || tenants < 1 || per_message < 1) {
        fputs("usage: bench_engine EVENTS TENANTS PER_MESSAGE\n", stderr);
        return 64;
    }
    hash_init();
    engine.now = clock_now(clock_system());
    engine.workload = workload_new(tenants, engine.now);
    engine.catalogue = workload_catalogue(tenants);
    engine.packer = packer_new(PARTITIONS, per_message, keep, &engine);
    for (int i = 0; i < PARTITIONS; i++)
        partition_open(&engine.partitions[i], i, engine.catalogue);
    for (int64_t at = 0; at < events; at += PIECE_EVENTS) {
        piece_make(&engine, at, at + PIECE_EVENTS < events ? at + PIECE_EVENTS : events);
        piece_feed(&engine);
    }
    finish(&engine);
    for (int i = 0; i < VERDICT_KINDS; i++)
        judged += engine.verdicts[i];
    ENSURE(judged == events);
    report(&engine);
    for (int i = 0; i < PARTITIONS; i++)
        partition_close(&engine.partitions[i]);
    packer_free(engine.packer);
    workload_free(engine.workload);
    catalogue_release(engine.catalogue);
    return 0;
}
