// SPDX-License-Identifier: Apache-2.0
// The loop of a collector that samples: at an interval it has a sample taken, keeps the events that come of it and the
// sample behind them in one step (collect_spool.h), and sends what waits. While the gateway is away samples go on into
// the spool; when that is full they stop, and the next one covers the time between.
#pragma once
#include "ingest/collect_event.h"
#include "ingest/collect_post.h"
#include "ingest/collect_spool.h"

enum { POLL_INTERVAL_LEAST_MS = 100 };

// Takes a sample and adds its JSON to `sample`. Compares it with spool->sample, the one before (empty: none), and adds
// what came of it to `events`: one JSON object a line, *count of them, numbered from spool->sequence + 1 and named by
// spool->incarnation (collect_poll_event does). *begins: the sample is where counting begins, so it is no interval.
// ERR_RETRY: not now; that is said, and the next sample covers this one. Any other error ends the collector.
typedef enum err collect_poll_take(void *context, const struct collect_spool *spool, struct text *sample,
                                   struct text *events, int64_t *count, bool *begins, struct fault *fault);

struct collect_poll {
    collect_poll_take *take;
    void *context;
    struct collect_target target;
    const char *folder; // of the spool
    int64_t interval_ms, give_up_ms;
    int64_t intervals; // how many; 0: for ever
    bool quiet;
    const volatile bool *stop;
};
struct collect_poll_result {
    int64_t events, acknowledged, intervals, waiting; // waiting: spool files left
};
// Until so many intervals were measured and sent, or *stop (ERR_OK, also when events wait for the next start).
// ERR_INVALID: the gateway refuses an event or the key; ERR_RETRY: gave up, or the spool cannot be written.
enum err collect_poll_run(const struct collect_poll *poll, struct collect_poll_result *result,
                          struct fault *fault) MUST_USE;

// The attributes of the `number`-th event of a sample (from 1), as the spool numbers it; id has room for POLL_ID_MAX.
enum { POLL_ID_MAX = 64 };
struct collect_event collect_poll_event(const struct collect_spool *spool, int64_t number, char id[POLL_ID_MAX]);
