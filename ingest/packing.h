// SPDX-License-Identifier: Apache-2.0
// From admitted events to Kafka messages: one per partition touched, split where a message would grow beyond
// MESSAGE_BYTES_MAX. The order of a tenant's events stays that of the request. Decides, does not do.
#pragma once
#include "ingest/admission.h"
#include "ingest/message.h"

// Called once per message, which is valid during the call. events: how many are in it.
typedef enum err packing_emit(void *context, int partition, struct slice message, size_t events, struct fault *fault);
// buffer is scratch of the caller, kept for reuse. partitions: a power of two; a partition is shard mod partitions.
// Stops at the first error of emit and returns it.
enum err packing_run(const struct admitted_event *events, size_t count, int partitions, uint64_t catalogue_version,
                     struct arena *arena, struct text *buffer, packing_emit *emit, void *context,
                     struct fault *fault) MUST_USE;

// The same for events that are sent on to where they belong, all received at one time: messages of kind 3, marked.
struct packing_mark {
    instant_us received_time;
    const struct hash_key *key; // hash_key_derive(..., "forward")
};
enum err packing_run_marked(const struct admitted_event *events, size_t count, int partitions,
                            uint64_t catalogue_version, const struct packing_mark *mark, struct arena *arena,
                            struct text *buffer, packing_emit *emit, void *context, struct fault *fault) MUST_USE;
