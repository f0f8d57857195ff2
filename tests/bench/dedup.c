// SPDX-License-Identifier: Apache-2.0
// Exact dedup alone (docs/sizing.md has the figures):
//   bench_dedup probe IDS [PROBES]    fills an index in memory, then looks up absent ids (fresh events) and known ones
//                                     with their content, in groups of 32 as the rater does
//   bench_dedup disk IDS MIB FOLDER   a stream of events, 2 % of them known, against an index of so many MiB of memory
//                                     and the folder: events per second as it grows, and in the last tenth
//   bench_dedup fill IDS BATCH        writes batches with so many made-up identities each to the partitions of the
//                                     newest incarnation, as raters write them, for a measurement of their recovery
// fill: settings as turnpike's (TURNPIKE_CONF), and nobody may be rating.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "catalogue/incarnation.h"
#include "common/db.h"
#include "rating/dedup_index.h"
#include "rating/dedup_pack.h"

enum { GROUP = 32, DAYS = 30, STEP_MOST = 10000000 };
// The goal: 100 M identities in 2.4 GiB; in proportion for other counts.
#define BOUND_BYTES (2.4 * 1024 * 1024 * 1024)
#define BOUND_IDS 1e8

static uint64_t mixed(uint64_t number) // splitmix64: a bijection, so that ids differ
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct dedup_entry entry_of(uint64_t number)
{
    return (struct dedup_entry){.identity = {mixed(number), mixed(~number)},
                                .content = mixed(number ^ 0x5555) & DEDUP_CONTENT_MASK,
                                .offset = (int64_t)(number >> 6)};
}

struct moment {
    int64_t clock_us, processor_us; // of this process
};

static struct moment moment_now(void)
{
    struct timespec used;
    ENSURE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
    return (struct moment){clock_monotonic_us(), used.tv_sec * SECOND_US + used.tv_nsec / 1000};
}

// On a busy machine only processor time says something.
static void report(const char *what, int64_t count, struct moment begin)
{
    struct moment now = moment_now();
    double seconds = (double)(now.clock_us - begin.clock_us) / 1e6;
    double processor = (double)(now.processor_us - begin.processor_us) / 1e6;
    printf("%s_seconds=%.3f\n%s_processor_seconds=%.3f\n%s_per_second=%.0f\n%s_per_processor_second=%.0f\n", what,
           seconds, what, processor, what, (double)count / seconds, what, (double)count / processor);
    fflush(stdout);
}

// --- probe

static void probe_fill(struct dedup_index *index, int64_t ids)
{
    struct dedup_entry group[GROUP];
    for (int64_t at = 0; at < ids; at += GROUP) {
        size_t count = ids - at < GROUP ? (size_t)(ids - at) : GROUP;
        for (size_t i = 0; i < count; i++) {
            group[i] = entry_of((uint64_t)(at + (int64_t)i));
            dedup_index_prefetch_way(index, group[i].identity);
        }
        for (size_t i = 0; i < count; i++)
            dedup_index_prefetch(index, group[i].identity);
        ENSURE(dedup_index_reserve(index, count, NULL) == ERR_OK);
        for (size_t i = 0; i < count; i++)
            dedup_index_put(index, &group[i]);
    }
}

// Looks up numbers from `first` on, spread over `range`; how many were there with their content.
static int64_t probe_look(const struct dedup_index *index, uint64_t first, int64_t range, int64_t probes)
{
    struct dedup_entry group[GROUP], found[GROUP];
    struct hash128 identities[GROUP];
    bool is_known[GROUP];
    int64_t known = 0;
    for (int64_t at = 0; at < probes; at += GROUP) {
        for (size_t i = 0; i < GROUP; i++) {
            group[i] = entry_of(first + mixed((uint64_t)at + i) % (uint64_t)range);
            identities[i] = group[i].identity;
            dedup_index_prefetch_way(index, identities[i]);
        }
        dedup_index_find_group(index, identities, GROUP, found, is_known);
        for (size_t i = 0; i < GROUP; i++)
            known += is_known[i] && found[i].content == group[i].content;
    }
    return known;
}

static int probe(int64_t ids, int64_t probes)
{
    struct dedup_budget budget = {0};
    struct dedup_index *index = dedup_index_new(&budget);
    probes -= probes % GROUP;
    struct moment begin = moment_now();
    probe_fill(index, ids);
    report("fill", ids, begin);
    double bound = BOUND_BYTES / BOUND_IDS * (double)ids;
    printf("bytes=%lld\nbytes_per_id=%.1f\nof_memory_bound=%.3f\n", (long long)budget.used_bytes,
           (double)budget.used_bytes / (double)ids, (double)budget.used_bytes / bound);
    begin = moment_now();
    int64_t known = probe_look(index, (uint64_t)1 << 40, INT64_C(1) << 40, probes);
    report("absent", probes, begin);
    ENSURE(known == 0);
    begin = moment_now();
    known = probe_look(index, 0, ids, probes);
    report("known", probes, begin);
    ENSURE(known == probes);
    dedup_index_free(index);
    return 0;
}

// --- disk

// One group of a stream: what the rater does for it. Returns how many were known.
static size_t stream_group(struct dedup_index *index, uint64_t *next, uint64_t turn)
{
    struct hash128 identities[GROUP];
    struct dedup_entry entries[GROUP], found[GROUP];
    bool known[GROUP];
    size_t count = 0, fresh = 0;
    for (size_t i = 0; i < GROUP; i++) {
        bool again = *next > 0 && mixed(turn * GROUP + i) % 50 == 0;
        entries[i] = entry_of(again ? mixed(turn * GROUP + i + 1) % *next : *next + fresh);
        fresh += !again;
        identities[i] = entries[i].identity;
        dedup_index_prefetch_way(index, identities[i]);
    }
    dedup_index_find_group(index, identities, GROUP, found, known);
    fresh = 0;
    for (size_t i = 0; i < GROUP; i++) {
        count += known[i];
        if (!known[i]) entries[fresh++] = entries[i];
    }
    ENSURE(dedup_index_reserve(index, fresh, NULL) == ERR_OK);
    for (size_t i = 0; i < fresh; i++)
        dedup_index_put(index, &entries[i]);
    *next += fresh;
    return count;
}

struct stretch {
    struct moment begin;
    int64_t events, known, slowest_us;
};

static void stretch_show(const struct stretch *stretch, const struct dedup_index *index,
                         const struct dedup_budget *budget, uint64_t ids)
{
    struct moment now = moment_now();
    fprintf(stderr,
            "%llu identities: %.0f events/s, %.0f per processor second; slowest group %lld us; %lld known; on disk"
            " %lld; memory %lld; spills %lld\n",
            (unsigned long long)ids, (double)stretch->events * 1e6 / (double)(now.clock_us - stretch->begin.clock_us),
            (double)stretch->events * 1e6 / (double)(now.processor_us - stretch->begin.processor_us),
            (long long)stretch->slowest_us, (long long)stretch->known, (long long)dedup_index_on_disk(index),
            (long long)budget->used_bytes, (long long)budget->spills);
}

static int disk(int64_t ids, int64_t mebibytes, const char *folder)
{
    struct dedup_budget budget = {.limit_bytes = mebibytes << 20, .folder = folder};
    struct dedup_index *index = dedup_index_new(&budget);
    int64_t step = ids / 10 < STEP_MOST ? (ids + 9) / 10 : STEP_MOST, slowest_us = 0;
    struct stretch stretch = {.begin = moment_now()};
    uint64_t next = 0, turn = 0;
    for (int64_t goal = step;; goal = goal + step < ids ? goal + step : ids) {
        for (; (int64_t)next < goal; stretch.events += GROUP) {
            int64_t started_us = clock_monotonic_us();
            stretch.known += (int64_t)stream_group(index, &next, turn++);
            int64_t took_us = clock_monotonic_us() - started_us;
            if (took_us > stretch.slowest_us) stretch.slowest_us = took_us;
        }
        stretch_show(&stretch, index, &budget, next);
        if (stretch.slowest_us > slowest_us) slowest_us = stretch.slowest_us;
        if ((int64_t)next >= ids) break;
        stretch = (struct stretch){.begin = moment_now()};
    }
    report("last", stretch.events, stretch.begin);
    printf("slowest_group_us=%lld\non_disk=%lld\nspills=%lld\n", (long long)slowest_us,
           (long long)dedup_index_on_disk(index), (long long)budget.spills);
    ENSURE(dedup_index_failed(index, NULL) == ERR_OK);
    dedup_index_free(index);
    return 0;
}

// --- fill

struct filling {
    struct db *db;
    struct incarnation incarnation;
    instant_us start;
    int64_t batches, per_batch; // batches of each partition
    unsigned char head[SHA256_BYTES];
    struct fault fault;
};

static enum err batch_row(struct filling *filling, struct arena *arena, int partition, int64_t batch_seq,
                          instant_us watermark, const unsigned char digest[SHA256_BYTES])
{
    unsigned char head[SHA256_BYTES];
    sha256_of(filling->head, SHA256_BYTES, head);
    const char *const values[] = {db_int(arena, filling->incarnation.number),
                                  db_int(arena, partition),
                                  db_int(arena, batch_seq),
                                  db_instant(arena, watermark),
                                  db_bytes(arena, filling->head, SHA256_BYTES),
                                  db_bytes(arena, head, SHA256_BYTES),
                                  db_int(arena, filling->per_batch),
                                  db_bytes(arena, digest, SHA256_BYTES)};
    memcpy(filling->head, head, SHA256_BYTES);
    enum err err = db_exec(filling->db,
                           "insert into rating.batch (incarnation, partition, batch_seq, first_offset, next_offset,"
                           " watermark, catalogue_version, previous_head, head, events, verdicts, counted, duplicates,"
                           " conflicts, quarantined, forwarded, markers, identities, identity_digest)"
                           " values ($1::int, $2::int, $3::bigint, 0, 0, $4::timestamptz, 1, $5::bytea, $6::bytea,"
                           " $7::int, '', $7::int, 0, 0, 0, 0, 0, $7::int, $8::bytea)",
                           8, values, NULL, &filling->fault);
    if (err) return err;
    return db_exec(filling->db,
                   "update rating.partition set batch_seq = $3::bigint, watermark = $4::timestamptz, head = $5::bytea"
                   " where incarnation = $1::int and partition = $2::int",
                   5, (const char *const[]){values[0], values[1], values[2], values[3], values[5]}, NULL,
                   &filling->fault);
}

static enum err pieces_copy(struct filling *filling, int partition, int64_t batch_seq, instant_us watermark,
                            const struct dedup_entry *entries, unsigned char digest[SHA256_BYTES])
{
    struct db_copy copy;
    struct sha256 *hash = sha256_new();
    struct text piece = {0};
    enum err err = db_copy_open(
        filling->db, "rating.batch_identity (incarnation, partition, batch_seq, piece, received_hour, entries)", 6,
        &copy, &filling->fault);
    int32_t number = 0;
    for (size_t at = 0; !err && at < (size_t)filling->per_batch; number++) {
        text_clear(&piece);
        at += dedup_pack(&piece, entries + at, (size_t)filling->per_batch - at);
        sha256_add(hash, piece.data, piece.length);
        db_copy_row(&copy);
        db_copy_int4(&copy, filling->incarnation.number);
        db_copy_int4(&copy, partition);
        db_copy_int8(&copy, batch_seq);
        db_copy_int4(&copy, number);
        db_copy_instant(&copy, instant_floor(watermark, HOUR_US));
        db_copy_bytes(&copy, piece.data, piece.length);
    }
    if (!err) err = db_copy_close(&copy, &filling->fault);
    sha256_finish(hash, digest);
    sha256_free(hash);
    text_free(&piece);
    return err;
}

static enum err batch_fill(struct filling *filling, int partition, int64_t batch_seq, struct dedup_entry *entries)
{
    struct arena *arena = arena_new(65536);
    unsigned char digest[SHA256_BYTES];
    instant_us watermark = filling->start + (DAYS * DAY_US) / filling->batches * (batch_seq - 1);
    uint64_t first =
        (uint64_t)((batch_seq - 1) * filling->incarnation.partitions + partition) * (uint64_t)filling->per_batch;
    for (int64_t i = 0; i < filling->per_batch; i++)
        entries[i] = entry_of(first + (uint64_t)i);
    struct db_result *result = NULL;
    enum err err = db_begin(filling->db, &filling->fault);
    if (!err)
        err = db_query(filling->db, "select rating.ensure_identity_day(($1::timestamptz at time zone 'UTC')::date)", 1,
                       (const char *const[]){db_instant(arena, watermark)}, &result, &filling->fault);
    db_result_free(result);
    if (!err) err = pieces_copy(filling, partition, batch_seq, watermark, entries, digest);
    if (!err) err = batch_row(filling, arena, partition, batch_seq, watermark, digest);
    if (!err) err = db_commit(filling->db, &filling->fault);
    arena_free(arena);
    return err;
}

static enum err fill_all(struct filling *filling, int64_t ids)
{
    struct dedup_entry *entries = heap_grow(NULL, sizeof *entries, (size_t)filling->per_batch);
    filling->batches = ids / filling->per_batch / filling->incarnation.partitions;
    filling->start = clock_now(clock_system()) - DAYS * DAY_US;
    enum err err = ERR_OK;
    for (int partition = 0; partition < filling->incarnation.partitions; partition++) {
        memset(filling->head, 0, SHA256_BYTES);
        for (int64_t batch_seq = 1; !err && batch_seq <= filling->batches; batch_seq++)
            err = batch_fill(filling, partition, batch_seq, entries);
    }
    free(entries);
    return err;
}

static int fill(int64_t ids, int64_t per_batch)
{
    struct filling filling = {.per_batch = per_batch};
    struct config *config = NULL;
    struct text errors = {0};
    struct moment begin = moment_now();
    if (config_open(NULL, &config, &errors)) {
        fputs(errors.data, stderr);
        return 2;
    }
    enum err err = db_open(config, "admin", NULL, &filling.db, &filling.fault);
    if (!err) err = incarnation_load(filling.db, &filling.incarnation, &filling.fault);
    if (!err) err = fill_all(&filling, ids);
    if (err)
        fprintf(stderr, "bench_dedup: %s\n", filling.fault.reason);
    else
        report("fill", ids, begin);
    db_close(filling.db);
    config_free(config);
    return err != ERR_OK;
}

int main(int argc, char **argv)
{
    hash_init();
    int64_t first = argc > 2 ? strtoll(argv[2], NULL, 10) : 0, second = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;
    if (first > 0 && argc <= 4 && strcmp(argv[1], "probe") == 0) return probe(first, second > 0 ? second : 20000000);
    if (first > 0 && second > 0 && argc == 4 && strcmp(argv[1], "fill") == 0) return fill(first, second);
    if (first > 0 && second > 0 && argc == 5 && strcmp(argv[1], "disk") == 0) return disk(first, second, argv[4]);
    fputs("usage: bench_dedup probe IDS [PROBES] | disk IDS MIB FOLDER | fill IDS BATCH\n", stderr);
    return 2;
}
