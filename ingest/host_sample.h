// SPDX-License-Identifier: Apache-2.0
// What a machine has used since it was started, at one moment, whole or by the cgroups of the first level; and what was
// used between two such moments.
#pragma once
#include "common/decimal.h"
#include "common/instant.h"
#include "ingest/host_read.h"

enum { HOST_GROUPS_MAX = 512, HOST_BOOT_MAX = 64 };

// Counters since the start, but memory: what is held now.
struct host_usage {
    int64_t cpu_ns, memory_bytes, disk_read_bytes, disk_write_bytes, net_rx_bytes, net_tx_bytes;
};
struct host_group {
    char name[HOST_GROUP_NAME_MAX]; // "/" is the whole machine, or what has no group (the network)
    struct host_usage usage;
};
struct host_sample {
    instant_us time;          // wall clock
    int64_t uptime_us;        // since the machine was started, suspended time included
    char boot[HOST_BOOT_MAX]; // names the start of the machine
    bool by_groups;           // else the one group is the whole machine
    size_t count;
    struct host_group groups[HOST_GROUPS_MAX]; // sorted by name
};

enum host_scope { HOST_AUTO, HOST_WHOLE, HOST_CGROUPS }; // AUTO: by cgroups where processor time has them
// Reads the files under root ("" but in tests). Fills all but time and uptime_us. Files that this kernel does not have
// count nothing; a file that is there and cannot be read spoils the sample (ERR_RETRY), since what it counted would
// come again later. ERR_NOT_FOUND: CGROUPS was asked for and there are none; ERR_INVALID: a file is not as known.
enum err host_sample_read(const char *root, enum host_scope scope, struct host_sample *sample,
                          struct fault *fault) MUST_USE;
// The same, with the times of now.
enum err host_sample_take(const char *root, enum host_scope scope, const struct clock *clock,
                          struct host_sample *sample, struct fault *fault) MUST_USE;

// Used by one group between two samples of one start of the machine. Exact but memory: the mean of both samples times
// the time between, rounded half-up to 1e-9 GB-seconds (a GB is 10^9 bytes).
struct host_delta {
    const char *name;
    struct quantity cpu_seconds, memory_gb_seconds;
    int64_t disk_read_bytes, disk_write_bytes, net_rx_bytes, net_tx_bytes;
};
// The groups of `now` that used anything. A group that is new, or whose processor time is lower than before (it was
// made anew), counts from zero. Another counter that is lower lost a device: what the others did is not known, so it
// counts nothing. Both samples must be of one boot and both by groups or both not (host_sample_follows). deltas has
// room for HOST_GROUPS_MAX; names point into now. Returns how many.
bool host_sample_follows(const struct host_sample *before, const struct host_sample *now);
size_t host_sample_compare(const struct host_sample *before, const struct host_sample *now, struct host_delta *deltas);

// A sample as JSON, added to out, and back; false: it is none.
void host_sample_print(const struct host_sample *sample, struct text *out);
bool host_sample_parse(const char *data, size_t length, struct host_sample *sample);
