// SPDX-License-Identifier: Apache-2.0
// turnpike counters rebuild, turnpike counters verify
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "rating/counter_operate.h"

const char counters_rebuild_usage[] =
    "[--quiet]\n\n"
    "  --quiet  no progress\n\n"
    "Writes every counter in Redis again from PostgreSQL. Raters may run: shards that one of them takes over\n"
    "are left to it, and waited for. Until it is done readers see the counters as stale. Interrupted, run it\n"
    "again: it starts over. Raters repair counters by themselves; this is for when none runs, or for doubts";
const char counters_verify_usage[] =
    "[--quiet]\n\n"
    "  --quiet  no progress\n\n"
    "Compares every counter in Redis with PostgreSQL as of the batch that its shard's mark names, and lists\n"
    "those that differ. Raters may run. Exit code 0: all are equal; 1: some differ; 75: some shards are being\n"
    "written, or could not be compared, and nothing differs so far";

enum { EXIT_DIFFERS = 1, EXIT_STALE = 75, LINE_EVERY_US = 5000000, DRAW_EVERY_US = 200000, BAR = 30 };

struct watch {
    struct command_context *context;
    const char *doing;
    bool quiet, terminal, drawn;
    int64_t started_us, shown_us; // monotonic
    int64_t first_us;             // of the first counters: before, PostgreSQL puts them together
    int first_shards;
    struct table *table;
};

static void watch_open(struct watch *watch, struct command_context *context, const char *doing, bool quiet)
{
    *watch = (struct watch){.context = context, .doing = doing, .quiet = quiet || context->json};
    watch->terminal = isatty(STDERR_FILENO) == 1;
    watch->started_us = watch->shown_us = clock_monotonic_us();
}

static void watch_clear(struct watch *watch)
{
    if (watch->drawn) fputs("\r\x1b[K", stderr);
    watch->drawn = false;
}

// "counters rebuild [#######       ] 23 %, 230,000 counters, 110,000/s, 0:07 left"
static void watch_show(void *context, int64_t keys, int shards)
{
    struct watch *watch = context;
    int64_t now = clock_monotonic_us(), spent_us = now - watch->started_us;
    if (watch->first_us == 0 || shards < watch->first_shards) {
        watch->first_us = now;
        watch->first_shards = shards;
    }
    if (watch->quiet || now - watch->shown_us < (watch->terminal ? DRAW_EVERY_US : LINE_EVERY_US)) return;
    watch->shown_us = now;
    char bar[BAR + 1] = {0}, rate[160] = "waiting for raters";
    for (int i = 0; i < BAR; i++)
        bar[i] = i < shards * BAR / SHARD_COUNT ? '#' : ' ';
    int done = shards - watch->first_shards;
    int64_t left_s = done > 0 ? (now - watch->first_us) / 1000 * (SHARD_COUNT - shards) / done / 1000 : -1;
    if (keys >= 0)
        snprintf(rate, sizeof rate, "%lld counters, %lld/s", (long long)keys,
                 (long long)(keys * 1000 / (spent_us / 1000 + 1)));
    if (keys >= 0 && left_s >= 0)
        snprintf(rate + strlen(rate), sizeof rate - strlen(rate), ", %lld:%02lld left", (long long)(left_s / 60),
                 (long long)(left_s % 60));
    fprintf(stderr, "%scounters %s [%s] %d %%, %s%s", watch->terminal ? "\r" : "", watch->doing, bar,
            shards * 100 / SHARD_COUNT, rate, watch->terminal ? "\x1b[K" : "\n");
    watch->drawn = watch->terminal;
}

static void print_sum(struct watch *watch, int64_t keys, const char *more)
{
    watch_clear(watch);
    if (!watch->quiet)
        fprintf(stderr, "counters %s: %lld counters in %.1f s%s\n", watch->doing, (long long)keys,
                (double)(clock_monotonic_us() - watch->started_us) / 1e6, more);
}

int counters_rebuild_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--quiet", .kind = FLAG_SWITCH}};
    struct watch watch;
    struct counter_operation operation;
    struct counter_rebuilding result = {0};
    struct fault fault = {0};
    if (!command_flags(context, flags, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    watch_open(&watch, context, "rebuild", flags[0].given);
    enum err err = counter_operation_open(context->config, &operation, &fault);
    operation.progress = watch_show;
    operation.context = &watch;
    if (!err) err = counters_rebuild(&operation, &result, &fault);
    if (err) {
        watch_clear(&watch);
        return command_fail(context, &fault);
    }
    print_sum(&watch, result.keys, result.shared ? "; running raters wrote some shards themselves" : "");
    return 0;
}

static void print_difference(void *context, const struct counter_difference *difference)
{
    struct watch *watch = context;
    watch_clear(watch);
    table_text(watch->table, difference->key);
    if (difference->in_redis)
        table_decimal(watch->table, difference->redis.nano, QUANTITY_PLACES);
    else
        table_text(watch->table, "-");
    if (difference->in_postgres)
        table_decimal(watch->table, difference->postgres.nano, QUANTITY_PLACES);
    else
        table_text(watch->table, "-");
}

int counters_verify_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"key", false}, {"redis", true}, {"postgres", true}};
    struct flag flags[] = {{.name = "--quiet", .kind = FLAG_SWITCH}};
    struct watch watch;
    struct counter_operation operation;
    struct counter_verification result = {0};
    struct fault fault = {0};
    char more[160];
    if (!command_flags(context, flags, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    watch_open(&watch, context, "verify", flags[0].given);
    watch.table = table_open(context, columns, 3);
    enum err err = counter_operation_open(context->config, &operation, &fault);
    operation.progress = watch_show;
    operation.context = &watch;
    if (!err) err = counters_verify(&operation, print_difference, &result, &fault);
    table_close(watch.table);
    if (err) {
        watch_clear(&watch);
        return command_fail(context, &fault);
    }
    snprintf(more, sizeof more, ", %lld differ, %d shards are stale, %lld counters moved too fast to compare",
             (long long)result.differ, result.stale_shards, (long long)result.moving);
    print_sum(&watch, result.keys, more);
    if (result.differ > 0) return EXIT_DIFFERS;
    return result.stale_shards > 0 || result.moving > 0 ? EXIT_STALE : 0;
}
