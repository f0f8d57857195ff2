// SPDX-License-Identifier: Apache-2.0
// What the counters cost, apart from everything else: writes flushes of changed counters to Redis as a rater's thread
// does, and prints CPU nanoseconds per counter of this process and of Redis.
//   bench_counters COUNTERS FLUSHES CHANGES remember|read    read: the writer forgets all values before each flush
// COUNTERS exist; each flush changes CHANGES of them, low ones more often. Settings as turnpike's (TURNPIKE_CONF); only
// Redis is used. The counters are of tenants that no catalogue has, and are removed at the end: all of Redis is
// emptied.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum { PARTITION_COUNT = 1, METERS = 8, FIRST_TENANT = 900000000 };

static int64_t cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// User and system time of Redis's main thread, in nanoseconds.
static int64_t redis_ns(struct rconn *redis)
{
    const struct slice info[] = {SLICE("INFO"), SLICE("cpu")};
    const struct rconn_reply *reply = NULL;
    struct fault fault;
    double seconds = 0, one;
    if (rconn_command(redis, info, 2, &reply, &fault)) return 0;
    struct text text = {0};
    text_add_slice(&text, reply->text);
    for (const char *line = text.data; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "used_cpu_user_main_thread:%lf", &one) == 1 ||
            sscanf(line, "used_cpu_sys_main_thread:%lf", &one) == 1)
            seconds += one;
    }
    text_free(&text);
    return (int64_t)(seconds * 1e9);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct counter_change change_of(int64_t counter)
{
    int64_t tenant = FIRST_TENANT + counter / METERS;
    return (struct counter_change){.shard = (int)(tenant * 2654435761 % SHARD_COUNT),
                                   .tenant = tenant,
                                   .meter = (int32_t)(counter % METERS) + 1,
                                   .month = 202601,
                                   .added = {INT64_C(1234567890123)}};
}

static int flush(struct counter_writer *writer, struct counter_change *changes, size_t count, int64_t batch_seq)
{
    struct fault fault = {0};
    struct counter_work work = {.row = {.incarnation = 1, .batch_seq = batch_seq}, .changes = changes};
    work.count = counter_changes_merge(changes, count);
    enum err err = counter_write(writer, &work, &fault);
    if (!err && counter_stale_count(writer) == 0) return 0;
    fprintf(stderr, "bench_counters: %s; %lld stale shards\n", fault.reason, (long long)counter_stale_count(writer));
    return 1;
}

static int run(struct counter_writer *writer, int64_t counters, int64_t flushes, int64_t per_flush, bool forget)
{
    uint64_t state = 88172645463325252u;
    struct counter_change *changes =
        heap_grow(NULL, sizeof *changes, (size_t)(counters > per_flush ? counters : per_flush));
    for (int64_t i = 0; i < counters; i++)
        changes[i] = change_of(i);
    int failed = flush(writer, changes, (size_t)counters, 2);
    int64_t rows = 0, ours = cpu_ns(), theirs = redis_ns(writer->redis), begun = clock_monotonic_us();
    for (int64_t f = 0; f < flushes && !failed; f++) {
        for (int64_t i = 0; i < per_flush; i++) { // the square of an even choice: near counters more often
            uint64_t pick = random_next(&state) % (uint64_t)counters;
            changes[i] = change_of((int64_t)(pick * pick / (uint64_t)counters));
        }
        for (int shard = 0; forget && shard < SHARD_COUNT; shard++) {
            counter_cache_forget(writer->cache, shard);
            writer->shards[shard].whole = false;
        }
        failed = flush(writer, changes, (size_t)per_flush, 3 + f);
        rows += per_flush;
    }
    ours = cpu_ns() - ours;
    theirs = redis_ns(writer->redis) - theirs;
    if (!failed)
        printf("rows=%lld seconds=%.2f writer_ns_per_row=%lld redis_ns_per_row=%lld\n", (long long)rows,
               (double)(clock_monotonic_us() - begun) / 1e6, (long long)(ours / rows), (long long)(theirs / rows));
    free(changes);
    return failed;
}

int main(int argc, char **argv)
{
    static struct counter_writer writer;
    struct config *config = NULL;
    struct fault fault = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: bench_counters COUNTERS FLUSHES CHANGES remember|read\n");
        return 64;
    }
    hash_init();
    struct text errors = {0};
    if (config_open(NULL, &config, &errors)) {
        fprintf(stderr, "%s\n", errors.data);
        return 2;
    }
    counter_writer_init(&writer, config, PARTITION_COUNT);
    struct partition_row row = {.incarnation = 1, .batch_seq = 1};
    counter_partition_take(&writer, &row, true);
    const struct slice empty[] = {SLICE("FLUSHALL")};
    const struct rconn_reply *reply = NULL;
    int failed = rconn_command(writer.redis, empty, 1, &reply, &fault) != ERR_OK;
    for (int shard = 0; !failed && shard < SHARD_COUNT; shard++) {
        char key[COUNTER_KEY_MAX];
        const struct slice set[] = {
            SLICE("SET"), {key, counter_mark_key(shard, key)}, slice_of(writer.shards[shard].mark)};
        failed = rconn_command(writer.redis, set, 3, &reply, &fault) != ERR_OK;
        writer.shards[shard].whole = true;
    }
    if (failed) fprintf(stderr, "bench_counters: %s\n", fault.reason);
    if (!failed) failed = run(&writer, atoll(argv[1]), atoll(argv[2]), atoll(argv[3]), strcmp(argv[4], "read") == 0);
    if (rconn_command(writer.redis, empty, 1, &reply, &fault)) failed = 1;
    counter_writer_free(&writer);
    config_free(config);
    return failed;
}
