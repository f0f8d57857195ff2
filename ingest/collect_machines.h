// SPDX-License-Identifier: Apache-2.0
// The collector of machines: which cgroups there are, with how many processors and how much memory, at an interval;
// what changed between two samples becomes events of type cloud.host.machine.state, for interval meters. A machine
// begins when a sample first sees it and ends when a sample last saw it, so nothing is charged that was not seen, also
// when the collector was away or the host was started anew. A group that was removed and made again is another run.
#pragma once
#include "ingest/collect_host.h"

struct machine {
    char name[HOST_GROUP_NAME_MAX];
    char generation[48];              // differs when the group was made anew
    struct quantity vcpus, memory_gb; // of what it may use; a GB is 10^9 bytes
};
struct machine_sample {
    instant_us time;
    char boot[HOST_BOOT_MAX];
    size_t count;
    struct machine machines[HOST_GROUPS_MAX]; // sorted by name
};
// Reads the files under root ("" but in tests). under: the cgroup whose groups are machines; NULL: machine.slice if
// there is one, else the first level. What a group may use without a limit is what the host has. Fills all but time.
// ERR_NOT_FOUND: no such cgroup; ERR_RETRY: a file is there and cannot be read; ERR_INVALID: it is not as known;
// ERR_LIMIT: more than HOST_GROUPS_MAX.
enum err machine_sample_read(const char *root, const char *under, struct machine_sample *sample,
                             struct fault *fault) MUST_USE;
void machine_sample_print(const struct machine_sample *sample, struct text *out);
bool machine_sample_parse(const char *data, size_t length, struct machine_sample *sample); // false: it is none

// What happened to a machine between two samples.
struct machine_change {
    const struct machine *machine; // of either sample
    instant_us time;
    bool running;
};
// In the order of names; ends before beginnings. before NULL: everything begins. changes has room for 2 x
// HOST_GROUPS_MAX.
size_t machine_sample_compare(const struct machine_sample *before, const struct machine_sample *now,
                              struct machine_change *changes);

struct collect_machines {
    struct host_identity identity;
    const char *root, *under;
    const struct clock *clock;
};
// collect_poll_take; context: a struct collect_machines.
enum err collect_machines_take(void *context, const struct collect_spool *spool, struct text *sample,
                               struct text *events, int64_t *count, bool *begins, struct fault *fault);
