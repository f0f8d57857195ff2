// SPDX-License-Identifier: Apache-2.0
// The order of the checks is the order of the reasons a sender is told: whose partition, who, what, when, how much.
#include "rating/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "common/arena.h"

enum {
    EFFECTS_FIRST = 8,
    SHOWN_MAX = 120 // bytes of a sender's text in a sentence
};

const char *reason_name(enum reason reason)
{
    switch (reason) {
    case REASON_NONE:
        return "none";
    case REASON_MALFORMED:
        return "malformed";
    case REASON_MESSAGE:
        return "message";
    case REASON_UNKNOWN_TYPE:
        return "unknown_type";
    case REASON_UNKNOWN_TENANT:
        return "unknown_tenant";
    case REASON_BAD_VALUE:
        return "bad_value";
    case REASON_LATE:
        return "late";
    case REASON_FUTURE:
        return "future";
    case REASON_MISROUTED:
        return "misrouted";
    case REASON_CORRECTS:
        return "corrects";
    case REASON_NEGATIVE:
        return "negative";
    case REASON_UNDECIDABLE:
        return "undecidable";
    case REASON_OVERFLOW:
        return "overflow";
    }
    return "unknown";
}

enum err judge_open(struct judge *judge, const struct catalogue *catalogue, const char *secret_hex, struct fault *fault)
{
    *judge = (struct judge){.catalogue = catalogue, .partition_count = 1, .coverage_start = INSTANT_MIN};
    judge->longest_future_us = catalogue_longest_future_us(catalogue);
    enum err err = hash_key_derive(secret_hex, "dimension", &judge->dimension_key, fault);
    return err ? err : hash_key_derive(secret_hex, "resource", &judge->resource_key, fault);
}

void judgement_free(struct judgement *judgement)
{
    free(judgement->contributions);
    free(judgement->transitions);
    text_free(&judgement->scratch);
    *judgement = (struct judgement){0};
}

// A sender's text for a sentence: cut, at a bound of characters.
static int shown(struct slice text)
{
    return (int)utf8_valid_length(text.data, text.length < SHOWN_MAX ? text.length : SHOWN_MAX);
}

#define REFUSE(judgement, why, ...)                                                                                    \
    (snprintf((judgement)->detail, sizeof(judgement)->detail, __VA_ARGS__), (judgement)->reason = (why))

struct hash128 judge_dimension_hash(const struct judge *judge, struct slice tenant_id, struct slice members)
{
    const struct slice pieces[] = {tenant_id, members};
    return keyed_hash_pieces(&judge->dimension_key, pieces, 2);
}

struct hash128 judge_resource_hash(const struct judge *judge, struct slice tenant_id, struct slice resource_id)
{
    const struct slice pieces[] = {tenant_id, resource_id};
    return keyed_hash_pieces(&judge->resource_key, pieces, 2);
}

struct slice judgement_members(const struct judgement *judgement, struct members_span span)
{
    return (struct slice){judgement->scratch.data + span.at, span.length};
}

static struct transition_effect *transition_new(struct judgement *judgement)
{
    if (judgement->transition_count == judgement->transition_room) {
        judgement->transition_room = judgement->transition_room ? judgement->transition_room * 2 : EFFECTS_FIRST;
        judgement->transitions =
            heap_grow(judgement->transitions, sizeof *judgement->transitions, judgement->transition_room);
    }
    return &judgement->transitions[judgement->transition_count++];
}

static struct contribution *contribution_new(struct judgement *judgement)
{
    if (judgement->contribution_count == judgement->contribution_room) {
        judgement->contribution_room = judgement->contribution_room ? judgement->contribution_room * 2 : EFFECTS_FIRST;
        judgement->contributions =
            heap_grow(judgement->contributions, sizeof *judgement->contributions, judgement->contribution_room);
    }
    return &judgement->contributions[judgement->contribution_count++];
}

static enum reason judge_meter(const struct judge *judge, const struct tenant *tenant, const struct meter *meter,
                               const struct usage_event *event, struct hash128 identity, struct judgement *judgement)
{
    struct meter_reading *reading = &judgement->reading;
    if (meter_check(meter, event, reading, &judgement->why)) {
        enum reason reason = strcmp(reading->refusal, "negative") == 0 ? REASON_NEGATIVE : REASON_BAD_VALUE;
        return REFUSE(judgement, reason, "meter %.128s: %s: %.200s", meter->id, judgement->why.place,
                      judgement->why.reason);
    }
    struct slice tenant_id = event->subject; // the same bytes as the tenant's id, and at hand
    struct members_span span = {.at = judgement->scratch.length};
    meter_reading_print(reading, &judgement->scratch);
    span.length = judgement->scratch.length - span.at;
    struct hash128 dimension_set = judge_dimension_hash(judge, tenant_id, judgement_members(judgement, span));
    if (meter_keeping(meter) == KEPT_TRANSITIONS)
        *transition_new(judgement) = (struct transition_effect){
            .tenant = tenant,
            .meter = meter,
            .resource = judge_resource_hash(judge, tenant_id, reading->resource),
            .resource_id = reading->resource,
            .event_time = event->event_time,
            .running = reading->running,
            .value = reading->quantity,
            .dimension_set = dimension_set,
            .members = span,
        };
    else
        *contribution_new(judgement) = (struct contribution){
            .tenant = tenant,
            .meter = meter,
            .dimension_set = dimension_set,
            .slot = instant_floor(event->event_time, meter->slot_us),
            .quantity = reading->quantity,
            .event_time = event->event_time,
            .event_id = meter->aggregation == AGGREGATION_UNIQUE
                            ? judge_resource_hash(judge, tenant_id, reading->resource)
                            : identity,
            .members = span,
        };
    return REASON_NONE;
}

// Is the meter version in force at the event time?
static bool meter_applies(const struct meter *meter, instant_us event_time)
{
    return meter->effective_from <= event_time && event_time < meter->effective_to;
}

static enum reason judge_time(const struct judge *judge, const struct usage_event *event, instant_us received_time,
                              int64_t accept_us, int64_t future_us, struct judgement *judgement)
{
    char event_text[INSTANT_TEXT_MAX], received_text[INSTANT_TEXT_MAX];
    instant_us time = event->event_time;
    bool late = time<received_time - accept_us, future = time> received_time + future_us;
    // an id that the index has forgotten, or never read, may have been counted
    bool covered = judge->coverage_start == INSTANT_MIN || time >= judge->coverage_start + judge->longest_future_us;
    if (!late && !future && covered) return REASON_NONE;
    instant_print(time, event_text);
    instant_print(received_time, received_text);
    if (late)
        return REFUSE(judgement, REASON_LATE, "$.time %s is more than %lld days before it was received at %s",
                      event_text, (long long)(accept_us / DAY_US), received_text);
    if (future)
        return REFUSE(judgement, REASON_FUTURE, "$.time %s is more than %lld seconds after it was received at %s",
                      event_text, (long long)(future_us / SECOND_US), received_text);
    instant_print(judge->coverage_start, received_text);
    return REFUSE(judgement, REASON_UNDECIDABLE, "$.time %s is before the identities that are known, which begin at %s",
                  event_text, received_text);
}

// Who and where: is this the tenant's partition, and is there such a tenant?
static enum reason judge_subject(const struct judge *judge, const struct usage_event *event,
                                 const struct tenant **tenant, struct judgement *judgement)
{
    int shard = shard_of_tenant(event->subject), partition = shard % judge->partition_count;
    judgement->shard = (int16_t)shard;
    if (partition != judge->partition)
        return REFUSE(judgement, REASON_MISROUTED,
                      "shard %d of the subject belongs to partition %d, the event came in %d", shard, partition,
                      judge->partition);
    if (event->has_corrects)
        return REFUSE(judgement, REASON_CORRECTS, "$.corrects: corrections by senders are not taken yet");
    *tenant = catalogue_tenant(judge->catalogue, event->subject);
    if (*tenant) return REASON_NONE;
    return REFUSE(judgement, REASON_UNKNOWN_TENANT, "$.subject: catalogue version %lld has no tenant '%.*s'",
                  (long long)catalogue_version(judge->catalogue), shown(event->subject), event->subject.data);
}

static enum reason judge_all(const struct judge *judge, const struct usage_event *event, struct hash128 identity,
                             instant_us received_time, struct judgement *judgement)
{
    const struct tenant *tenant = NULL;
    enum reason reason = judge_subject(judge, event, &tenant, judgement);
    if (reason) return reason;
    size_t count = 0, applying = 0;
    const struct meter *const *meters = catalogue_meters_of_type(judge->catalogue, event->type, &count);
    int64_t accept_us = 0, future_us = 0;
    for (size_t i = 0; i < count; i++) {
        if (!meter_applies(meters[i], event->event_time)) continue;
        applying++;
        if (meters[i]->accept_us > accept_us) accept_us = meters[i]->accept_us;
        if (meters[i]->future_us > future_us) future_us = meters[i]->future_us;
    }
    if (applying == 0)
        return REFUSE(judgement, REASON_UNKNOWN_TYPE, "$.type: catalogue version %lld has no meter for '%.*s'%s",
                      (long long)catalogue_version(judge->catalogue), shown(event->type), event->type.data,
                      count > 0 ? " at the time of the event" : "");
    reason = judge_time(judge, event, received_time, accept_us, future_us, judgement);
    for (size_t i = 0; i < count && !reason; i++)
        if (meter_applies(meters[i], event->event_time))
            reason = judge_meter(judge, tenant, meters[i], event, identity, judgement);
    return reason;
}

enum reason judge_event(const struct judge *judge, const struct usage_event *event, struct hash128 identity,
                        instant_us received_time, struct judgement *judgement)
{
    judgement->reason = REASON_NONE;
    judgement->detail[0] = 0;
    judgement->contribution_count = judgement->transition_count = 0;
    text_clear(&judgement->scratch);
    judgement->reason = judge_all(judge, event, identity, received_time, judgement);
    if (judgement->reason) judgement->contribution_count = judgement->transition_count = 0;
    return judgement->reason;
}
