// SPDX-License-Identifier: Apache-2.0
// The host collector: samples this machine at an interval, and turns what was used between two samples into events of
// type cloud.host.usage (collect_poll.h keeps and sends them).
#pragma once
#include "ingest/collect_poll.h"
#include "ingest/host_sample.h"

enum { HOST_TEXT_MAX = 256 };

// Whose machine it is, and what names it: a hash of the machine's id, which is not sent (systemd asks for that), or of
// its name if it has none.
struct host_identity {
    const char *tenant;
    char source[HOST_TEXT_MAX], host[HOST_TEXT_MAX];
};
// root: "" but in tests; kind: of the collector, a part of the source: "/collectors/KIND/HASH".
void host_identify(const char *root, const char *kind, const char *tenant, struct host_identity *identity);

struct collect_host {
    struct host_identity identity;
    const char *root; // "" but in tests
    enum host_scope scope;
    const struct clock *clock;
    struct host_sample before, sample;
    struct host_delta deltas[HOST_GROUPS_MAX];
};
// Takes a sample (collect_poll_take); context: a struct collect_host.
enum err collect_host_take(void *context, const struct collect_spool *spool, struct text *sample, struct text *events,
                           int64_t *count, bool *begins, struct fault *fault);

// Adds the events of the deltas to out, one a line, with the numbers that come next. Pure.
void collect_host_print(const struct host_identity *identity, const struct collect_spool *spool, instant_us time,
                        const struct host_delta *deltas, size_t count, struct text *out);
