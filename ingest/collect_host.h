// SPDX-License-Identifier: Apache-2.0
// The host collector: samples this machine at an interval, turns what was used between two samples into events of type
// cloud.host.usage, and sends them. While the gateway is away samples go on into the spool; when that is full they
// stop, and the next one covers the time between.
#pragma once
#include "ingest/collect_post.h"
#include "ingest/host_state.h"

enum { HOST_INTERVAL_LEAST_MS = 100 };

struct collect_host_options {
    const char *tenant;
    struct collect_target target;
    const char *folder; // of the state
    const char *root;   // "" but in tests
    int64_t interval_ms, give_up_ms;
    int64_t count; // intervals; 0: for ever
    enum host_scope scope;
    bool quiet;
    const struct clock *clock;
    const volatile bool *stop;
};
struct collect_host_result {
    int64_t events, acknowledged, intervals, waiting; // waiting: spool files left
};
// Until count intervals were measured and sent, or *stop (ERR_OK, also when events wait for the next start).
// ERR_INVALID: the gateway refuses an event or the key; ERR_RETRY: gave up, or the state cannot be written.
enum err host_collector_run(const struct collect_host_options *options, struct collect_host_result *result,
                            struct fault *fault) MUST_USE;

// Adds the events of the deltas to out, one a line, numbered from `sequence` + 1. Pure.
struct host_identity {
    const char *tenant, *source, *host, *incarnation;
};
void collect_host_print(const struct host_identity *identity, instant_us time, const struct host_delta *deltas,
                        size_t count, int64_t sequence, struct text *out);
