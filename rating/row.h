// SPDX-License-Identifier: Apache-2.0
// The rows that a batch writes beside its usage rows (accumulate.h), as they go to the database and into the chain.
// Plain values; texts live in the batch's arena.
#pragma once
#include "rating/accumulate.h"
#include "rating/judge.h"
#include "rating/verdict.h"

// rating.dimension_set or rating.resource: a text of a tenant that was met for the first time.
struct named_row {
    struct hash128 hash;
    const struct tenant *tenant;
    struct slice text; // members, or the resource's id
    bool written;      // the insert made a row (it had none before)
};

// rating.transition
struct transition_row {
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 resource;
    instant_us event_time;
    struct hash128 event_id;
    bool running;
    struct quantity value;
    struct hash128 dimension_set;
};

// rating.kept_event
struct kept_event_row {
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 dimension_set;
    instant_us slot, event_time;
    struct hash128 event_id;
    struct quantity value;
};

// rating.quarantine
struct quarantine_row {
    int64_t offset;
    int32_t event_index;
    instant_us received_time;
    enum reason reason;
    struct slice detail;
    struct slice tenant_id, source, event_id; // each empty if it could not be read
    bool identified;                          // the event could be decoded: identity and content are known
    struct hash128 identity, content;
    struct slice raw;
    int64_t range_events; // 0: one event; else a range of so many, of which the above is the first
    int64_t last_offset;  // of a range
    int32_t last_index;
    struct slice places; // packed (batch_range.c)
};

// rating.conflict
struct conflict_row {
    int64_t offset;
    int32_t event_index;
    instant_us received_time;
    struct slice tenant_id, source, event_id;
    struct hash128 identity, content;
    struct first_counted {
        uint64_t content;
        int64_t position;
        int32_t event_index;
    } first; // the event that counted
    struct slice raw;
};

// An open row of rating.quarantine that this batch closes.
struct closing_row {
    int64_t position;
    int32_t event_index;
    bool conflict; // false: counted
};

// rating.batch
struct batch_record {
    int32_t incarnation, partition;
    int64_t batch_seq, first_offset, next_offset;
    instant_us watermark; // INSTANT_NONE: before the first message
    int64_t catalogue_version;
    bool has_digest;
    unsigned char last_digest[SHA256_BYTES];
    unsigned char previous_head[SHA256_BYTES], head[SHA256_BYTES];
    const struct verdict_list *verdicts;
    int64_t identities; // that entered the dedup index
    unsigned char identity_digest[SHA256_BYTES];
    int64_t sequences; // records of sequenced sources
    unsigned char sequence_digest[SHA256_BYTES];
    int64_t sequence_from; // batch from which on the records hold all that is known
};
// received_time's hour, which every usage, transition and kept event row of the batch carries.
static inline instant_us batch_received_hour(const struct batch_record *record)
{
    return instant_floor(record->watermark, HOUR_US);
}
