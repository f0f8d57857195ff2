// SPDX-License-Identifier: Apache-2.0
// The sender that the collectors of files and of the simulated cloud share: packs events into requests of at most
// COLLECT_EVENTS_MAX events and COLLECT_BODY_MAX bytes, sends several at once, tries again for as long as the gateway
// or Kafka is away, and reports how far everything up to a place in the input has been acknowledged. Order of arrival does not
// matter to the engine: ids decide. All functions are for one thread; the requests run on threads of their own.
#pragma once
#include "common/instant.h"
#include "ingest/collect_post.h"

enum { COLLECT_EVENTS_MAX = 500, COLLECT_BODY_MAX = 1024 * 1024, COLLECT_CONNECTIONS = 3 };

// A place in an input: behind this record, which ended before this line and byte.
struct collect_mark {
    int64_t record, line, offset;
};

struct collect_options {
    struct collect_target target;
    int64_t give_up_ms;       // 0: tries for ever; else fails when nothing was taken for so long
    const char *input;        // name for messages: "FILE:line"
    const char *refused_path; // where refused events go; NULL: a refused event stops the sender
    int64_t total;            // how far marks' offsets go, for the progress; 0: unknown
    bool total_is_bytes;
    bool quiet;                // no progress; errors are said all the same
    const volatile bool *stop; // ends the sending when it becomes true; may be NULL
    // Called on the caller's thread, inside add, mark and finish, when everything up to the mark was acknowledged (or
    // refused and kept). An error ends the sending.
    enum err (*acknowledged)(void *context, const struct collect_mark *mark, struct fault *fault);
    void *context;
};

struct collect_counts {
    int64_t events, acknowledged, refused, requests;
    int64_t elapsed_us;
};

struct collect_sender;
// `from`: where the input is taken up, for the progress.
enum err collect_send_open(const struct collect_options *options, const struct collect_mark *from,
                           struct collect_sender **sender, struct fault *fault) MUST_USE;
// Takes a copy of one event's JSON. Waits while too much is on its way. ERR_INVALID: an event was refused or the key is
// wrong; ERR_RETRY: gave up, or stopped; ERR_LIMIT: an event larger than a request. An error is final.
enum err collect_send_add(struct collect_sender *sender, struct slice event, int64_t line,
                          struct fault *fault) MUST_USE;
// An event that the collector itself refuses: goes where refused events go, or stops the sender.
enum err collect_send_refuse(struct collect_sender *sender, struct slice event, int64_t line, const char *reason,
                             struct fault *fault) MUST_USE;
// Waits until everything up to this record was acknowledged and told to `acknowledged`.
enum err collect_send_await(struct collect_sender *sender, int64_t record, struct fault *fault) MUST_USE;
// All events of the input up to here have been added.
enum err collect_send_mark(struct collect_sender *sender, const struct collect_mark *mark,
                           struct fault *fault) MUST_USE;
// The input has nothing more for now: what waits for a fuller request is sent. Does not wait.
enum err collect_send_idle(struct collect_sender *sender, struct fault *fault) MUST_USE;
// Sends what is left and waits until all is acknowledged. After an error of any call: waits for the requests that are
// under way, reports their marks, and returns the first error.
enum err collect_send_finish(struct collect_sender *sender, struct collect_counts *counts,
                             struct fault *fault) MUST_USE;
void collect_send_close(struct collect_sender *sender); // NULL is fine
