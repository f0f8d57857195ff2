// SPDX-License-Identifier: Apache-2.0
// The operator's way on when a log is not the one that was counted (rules 2.3): its topic was deleted or made anew, its
// end was cut, or its start was removed before it was counted. docs/adr says why it is exact.
#pragma once
#include "catalogue/incarnation.h"
#include "common/instant.h"

// A partition whose log is not the one that was counted.
struct adopted_partition {
    int partition;
    char found[FAULT_TEXT_MAX];      // what is wrong
    int64_t batch_seq, ended_offset; // last batch, and the first offset that is not counted
    bool has_digest;
    unsigned char ended_digest[SHA256_BYTES];
    instant_us ended_watermark; // INSTANT_MIN: no message yet
    bool parked;                // the database says so
    int64_t log_start, log_end; // of the log that is there; -1: none
    int64_t base_offset;        // counting goes on there: behind what both logs have, else at the log's first message
    bool has_first;             // there is a message
    unsigned char first_digest[SHA256_BYTES];
    instant_us first_received;
};

struct adoption_wish {
    int partition;          // the only one; -1: all whose log is another one
    const char *reason;     // not empty unless dry_run
    const char *adopted_by; // the person
    bool dry_run;           // changes nothing
};

struct adoption {
    struct incarnation before, next;      // next: as it is, or would be, recorded
    struct adopted_partition *partitions; // in the arena
    int count;
};

// Looks at every partition of the newest incarnation, and in one transaction retires it in favour of a next one with as
// many partitions, on the same topic (a new one if that is gone). Partitions whose log is the counted one go on where
// they were; the others count from base_offset on. Chains, identities, quarantine and watermarks go on from the
// incarnation before; what was in the lost log and not counted is lost. Whoever counts cannot commit any more and
// follows by itself. The connection is the administrator's, outside a transaction. Killed anywhere it may be run again.
// ERR_CONFLICT: nothing is wrong; a partition is not parked while raters are connected; it was counted on meanwhile;
// the topic's settings differ; ERR_LIMIT: too many incarnations; ERR_RETRY, ERR_UNCERTAIN: look with dry_run, run
// again.
enum err adoption_run(struct db *db, const struct config *config, const struct adoption_wish *wish, struct arena *arena,
                      struct adoption *adoption, struct fault *fault) MUST_USE;
