// SPDX-License-Identifier: Apache-2.0
// The collector of cumulative counters: reads them at an interval and sends what they show, for counter meters, which
// find what was used between two readings, also over resets (docs/meters.md). Which counters, a map in YAML says.
#pragma once
#include "common/yaml.h"
#include "ingest/collect_host.h"

enum { COUNTERS_MAX = 500, COUNTER_ARGUMENTS_MAX = 32, COUNTER_TIMEOUT_MS = 10000 };

enum counter_from { COUNTER_INTERFACES, COUNTER_FILE, COUNTER_COMMAND };
struct counter_source {
    enum counter_from from;
    const char *type, *subject;
    const char *resource;    // FILE, COMMAND: what the counter is of
    const char *path;        // FILE
    const char **arguments;  // COMMAND: the program and its arguments, NULL at the end
    const char **interfaces; // INTERFACES: names; none: all that the host collector counts
    size_t interface_count;
};
struct counter_map {
    const char *source; // NULL: /collectors/counters/ and a hash of the machine's id
    struct counter_source *counters;
    size_t count;
};
// Reads a map. Texts live in the arena. ERR_INVALID with the place; file_read's errors.
enum err counter_map_read(struct arena *arena, const char *path, const char *subject, struct counter_map *map,
                          struct fault *fault) MUST_USE;

struct collect_counters {
    struct host_identity identity; // tenant: NULL
    const struct counter_map *map;
    const char *root; // "" but in tests: of /proc and /sys
    const struct clock *clock;
};
// collect_poll_take; context: a struct collect_counters. A counter that cannot be read now is said and left out of the
// sample: its next reading covers the time between.
enum err collect_counters_take(void *context, const struct collect_spool *spool, struct text *sample,
                               struct text *events, int64_t *count, bool *begins, struct fault *fault);

// What a program writes to its standard output, up to `most` bytes. ERR_RETRY: it cannot be started, fails, writes more
// or takes longer than timeout_ms (then it is killed). Its standard error is this process's.
enum err counter_command_run(const char *const *arguments, int64_t timeout_ms, size_t most, struct text *output,
                             struct fault *fault) MUST_USE;
