// SPDX-License-Identifier: Apache-2.0
// A feed gives the events of an input record by record, the same in every run. And the one way to send a feed: check it
// whole, then send it from the cursor on.
#pragma once
#include <stdio.h>

#include "common/arena.h"
#include "ingest/collect_cursor.h"
#include "ingest/collect_map.h"
#include "ingest/simulate.h"

// One record of the input and its events, valid until the next one.
struct collect_record {
    struct collect_mark mark; // behind the record
    int64_t line;             // on which it begins
    bool sequenced;           // its events are numbered: not too many of them are on their way
    size_t count;             // 0: its conditions leave everything out
    struct slice events[MAP_EVENTS_MAX];
    // not "": the one event given is none that the gateway could take, and why
    char refusal[FAULT_TEXT_MAX];
};

struct collect_feed {
    void *self;
    // Goes behind a mark that it gave, or to the begin (record 0).
    enum err (*seek)(void *self, const struct collect_mark *mark, struct fault *fault);
    // ERR_NOT_FOUND: the end. Any other error is final, and names the place.
    enum err (*next)(void *self, struct collect_record *record, struct fault *fault);
    // Would the next call have to wait for input? May be NULL: never.
    bool (*idle)(void *self);
};

// --- a CSV file under a map, bound to its header
struct collect_csv;
enum err collect_csv_open(struct collect_map *map, int fd, const char *path, const char *digest,
                          struct collect_csv **csv, struct fault *fault) MUST_USE;
struct collect_feed collect_csv_feed(struct collect_csv *csv);
void collect_csv_close(struct collect_csv *csv); // NULL is fine

// --- lines of JSON, one event each; a file or a pipe
struct collect_ndjson;
struct collect_ndjson *collect_ndjson_open(int fd, const char *path, const volatile bool *stop);
struct collect_feed collect_ndjson_feed(struct collect_ndjson *ndjson);
void collect_ndjson_close(struct collect_ndjson *ndjson); // NULL is fine

// --- a simulated cloud; marks have the number of whole tenants as their offset, and the events of the next as line
struct collect_simulate;
struct collect_simulate *collect_simulate_open(const struct simulation *simulation);
struct collect_feed collect_simulate_feed(struct collect_simulate *simulate);
void collect_simulate_close(struct collect_simulate *simulate); // NULL is fine

// --- running one
struct collect_run {
    struct collect_options send; // target, give_up_ms, quiet, stop; the rest is filled in here
    bool skip_refused, again;
    FILE *out;          // events are written here, one a line, and not sent; NULL: they are sent
    int64_t limit;      // records of this run; 0: all
    const char *folder; // of the cursors
};
struct collect_result {
    struct collect_counts counts;
    struct collect_mark from, mark; // begin and end of this run
    bool finished;                  // the end of the input was reached
    bool nothing_to_do;             // it had been sent before
};
// input.fd -1 and map NULL: no cursor (a pipe), and no check before sending.
enum err collect_run_feed(const struct collect_run *run, const struct collect_feed *feed,
                          const struct cursor_input *input, struct collect_result *result,
                          struct fault *fault) MUST_USE;
