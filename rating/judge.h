// SPDX-License-Identifier: Apache-2.0
// What an event is worth, before the dedup index is asked: its contributions and transitions, or the reason for which
// it cannot be counted. One verdict per event for all its meters (rules 1.2). Pure: event, catalogue and received_time
// in, judgement out; the same for the live stream and for a replay years later.
#pragma once
#include "ingest/meter_check.h"
#include "rating/accumulate.h"

// Why an event goes to quarantine. The names are stored (rating.quarantine.reason).
enum reason {
    REASON_NONE,           // it can be counted
    REASON_MALFORMED,      // not a usage event
    REASON_MESSAGE,        // the message around it is damaged
    REASON_UNKNOWN_TYPE,   // no meter takes it at its event time; retries itself when the catalogue changes
    REASON_UNKNOWN_TENANT, // retries itself when the catalogue changes
    REASON_BAD_VALUE,      // value, dimension, resource or state is missing or wrong
    REASON_LATE,           // older than the accept window
    REASON_FUTURE,         // event_time too far after received_time
    REASON_MISROUTED,      // in another partition than its tenant's
    REASON_CORRECTS,       // corrections are not built yet (rules 2.6)
    REASON_NEGATIVE,       // likewise
    REASON_UNDECIDABLE,    // inside the accept window, but before the ids that the index knows
    REASON_OVERFLOW        // the sum would leave the range of a quantity
};
enum { REASON_COUNT = REASON_OVERFLOW + 1, REASON_DETAIL_MAX = 512 };
const char *reason_name(enum reason reason);

// By what events are judged.
struct judge {
    const struct catalogue *catalogue;
    struct hash_key dimension_key; // hash_key_derive(..., "dimension")
    struct hash_key resource_key;  // hash_key_derive(..., "resource")
    int partition, partition_count;
    instant_us coverage_start; // of the dedup index; INSTANT_MIN: from the beginning
    int64_t longest_future_us; // of all meters
};
// Fills everything but partition and coverage from the catalogue and the identity secret. The catalogue must outlive
// it.
enum err judge_open(struct judge *judge, const struct catalogue *catalogue, const char *secret_hex,
                    struct fault *fault) MUST_USE;

// A change of a resource's state, for one interval meter.
struct transition_effect {
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 resource;
    struct slice resource_id;
    instant_us event_time;
    bool running;
    struct quantity value; // 0 when stopped
    struct hash128 dimension_set;
    struct members_span members;
};

// Zero-initialise once, use for any number of events, judgement_free at the end. What it points to lives until the next
// judge_event with it.
struct judgement {
    enum reason reason;
    int16_t shard; // of the event's tenant
    char detail[REASON_DETAIL_MAX];     // for people; valid UTF-8
    struct contribution *contributions; // sum, count, max, latest
    size_t contribution_count, contribution_room;
    struct transition_effect *transitions; // interval
    size_t transition_count, transition_room;
    struct text scratch;          // members of dimension sets
    struct meter_reading reading; // of the meter that is being asked; too large to clear on the stack per event
    struct fault why;
};
void judgement_free(struct judgement *judgement);

// Judges one decoded event. Returns judgement->reason.
enum reason judge_event(const struct judge *judge, const struct usage_event *event, struct hash128 identity,
                        instant_us received_time, struct judgement *judgement);

// The canonical JSON of a contribution's or transition's dimension set ({"a":"x"}, names sorted).
struct slice judgement_members(const struct judgement *judgement, struct members_span span);
// keyed 128-bit hash of (tenant id, members) and of (tenant id, resource id).
struct hash128 judge_dimension_hash(const struct judge *judge, struct slice tenant_id, struct slice members);
struct hash128 judge_resource_hash(const struct judge *judge, struct slice tenant_id, struct slice resource_id);
