// SPDX-License-Identifier: Apache-2.0
// The router: reads the intake topic, into which anybody may write any key and any partition, and writes every event into
// the partition of its tenant, marked with its received_time there (rules 1.1, 2.4). It judges nothing: what cannot be
// read goes on as it is and is put aside by a rater. At least once: offsets are kept in PostgreSQL behind what all
// replicas have acknowledged, a second copy is a duplicate by its ids. One thread.
#pragma once
#include "common/bus.h"
#include "common/db.h"
#include "ingest/packing.h"

// --- router_events.c: what is in the messages. Pure but for memory.

struct routed_run {
    instant_us received_time;
    size_t from, count; // of the events
};
// The events of some messages, in their order, by received_time. Zero-initialise, routed_free at the end.
struct routed {
    struct arena *arena;
    struct admitted_event *events;
    size_t count, capacity;
    struct routed_run *runs;
    size_t run_count, run_capacity;
    int64_t unreadable; // events without a tenant; they go to partition 0
};
// Empties it and splits the messages, whose bytes must live as long as the events are used. A message that is marked keeps
// the received_time of its first position.
void routed_split(struct routed *routed, const struct bus_message *messages, int count,
                  const struct hash_key *forward_key);
void routed_free(struct routed *routed);

// --- router.c

struct router;
// Joins the group of the intake topic, which is made if it is not there. Config: kafka.*, route.group, postgres.*,
// secrets.identity_key_file. ERR_INVALID: no intake topic is set, it is not LogAppendTime, or the identity key;
// ERR_RETRY: a broker is away.
enum err router_open(const struct config *config, const char *instance, struct router **router,
                     struct fault *fault) MUST_USE;
// Reads, writes, waits for the acknowledgements and notes the offsets, once. ERR_RETRY: something is away; call again
// after a pause, nothing is lost. Others are final; ERR_CONFLICT: another router has our name.
enum err router_step(struct router *router, struct fault *fault) MUST_USE;
struct router_status {
    int partitions; // of the intake topic, that are read
    int64_t messages, events, unreadable;
};
void router_status(const struct router *router, struct router_status *status);
void router_close(struct router *router); // NULL is fine
