// SPDX-License-Identifier: Apache-2.0
// The order of the checks is the order of the reasons a sender is told: whose partition, who, what, when, how much.
#include "rating/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum {
    EFFECTS_FIRST = 8,
    NUMBER_PLACES = 18, // of a dimension value that is a number
    SHOWN_MAX = 120     // bytes of a sender's text in a sentence
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

static enum reason refuse_quantity(struct judgement *judgement, const struct meter *meter, const char *property,
                                   const char *words)
{
    return REFUSE(judgement, REASON_BAD_VALUE, "meter %s: $.data.%s: %.300s", meter->id, property, words);
}

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

// No control characters: what people read in documents, and what PostgreSQL can keep (it has no NUL).
static bool plain_text(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) return false;
    return true;
}

// A scalar as the text that a dimension set or a resource is known by: a number by its shortest exact decimal.
static enum err canonical_value(const struct event_property *property, char number[DECIMAL_TEXT_MAX],
                                struct slice *value, struct fault *fault)
{
    *value = property->text;
    if (property->kind == PROPERTY_NUMBER) {
        int128 scaled;
        enum err err = decimal_parse(property->text.data, property->text.length, NUMBER_PLACES, true, &scaled, fault);
        if (err) return ERR_INVALID;
        *value = (struct slice){number, decimal_print(scaled, NUMBER_PLACES, number)};
    }
    if (value->length > DIMENSION_VALUE_MAX)
        return fault_set(fault, ERR_INVALID, "", "is longer than %d bytes", DIMENSION_VALUE_MAX);
    return plain_text(*value) ? ERR_OK : fault_set(fault, ERR_INVALID, "", "has control characters");
}

enum err judge_dimensions(const struct meter *meter, const struct usage_event *event, struct text *members,
                          struct fault *fault)
{
    bool first = true;
    text_add_char(members, '{');
    for (size_t i = 0; i < meter->dimension_count; i++) {
        const struct event_property *property = event_property(event, meter->dimensions[i]);
        if (!property) continue;
        char number[DECIMAL_TEXT_MAX];
        struct slice value;
        struct fault why = {0};
        if (canonical_value(property, number, &value, &why))
            return fault_set(fault, ERR_INVALID, meter->dimensions[i], "%s", why.reason);
        if (!first) text_add_char(members, ',');
        first = false;
        text_add_json_string(members, meter->dimensions[i], strlen(meter->dimensions[i]));
        text_add_char(members, ':');
        text_add_json_string(members, value.data, value.length);
    }
    text_add_char(members, '}');
    return ERR_OK;
}

static enum reason judge_quantity(struct judgement *judgement, const struct meter *meter,
                                  const struct usage_event *event, struct quantity *quantity)
{
    const struct event_property *property = event_property(event, meter->value_property);
    if (!property) return refuse_quantity(judgement, meter, meter->value_property, "the value is missing");
    struct fault why = {0};
    if (event_quantity(property, quantity, &why))
        return refuse_quantity(judgement, meter, meter->value_property, why.reason);
    if (quantity->nano < 0)
        return REFUSE(judgement, REASON_NEGATIVE, "meter %s: $.data.%s is negative: %.*s", meter->id,
                      meter->value_property, shown(property->text), property->text.data);
    return REASON_NONE;
}

static bool state_in(const char **states, size_t count, struct slice state)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(state, states[i])) return true;
    return false;
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

static enum reason judge_state(struct judgement *judgement, const struct meter *meter, const struct usage_event *event,
                               bool *running)
{
    const struct event_property *state = event_property(event, meter->state_property);
    if (!state || state->kind != PROPERTY_STRING)
        return refuse_quantity(judgement, meter, meter->state_property, "the state is missing or no string");
    *running = state_in(meter->running_states, meter->running_count, state->text);
    if (*running || state_in(meter->stopped_states, meter->stopped_count, state->text)) return REASON_NONE;
    return REFUSE(judgement, REASON_BAD_VALUE, "meter %s: $.data.%s: the meter has no state '%.*s'", meter->id,
                  meter->state_property, shown(state->text), state->text.data);
}

static enum reason judge_resource(struct judgement *judgement, const struct meter *meter,
                                  const struct usage_event *event, struct slice *resource)
{
    const struct event_property *property = event_property(event, meter->resource_property);
    if (!property || property->kind == PROPERTY_BOOL || property->text.length == 0)
        return refuse_quantity(judgement, meter, meter->resource_property, "the resource is missing");
    *resource = property->text;
    if (resource->length > DIMENSION_VALUE_MAX || !plain_text(*resource))
        return refuse_quantity(judgement, meter, meter->resource_property,
                               "the resource is longer than 256 bytes or has control characters");
    return REASON_NONE;
}

static enum reason judge_interval(const struct judge *judge, const struct tenant *tenant, const struct meter *meter,
                                  const struct usage_event *event, struct hash128 dimension_set,
                                  struct judgement *judgement)
{
    struct transition_effect effect = {.tenant = tenant, .meter = meter, .event_time = event->event_time};
    enum reason reason = judge_resource(judgement, meter, event, &effect.resource_id);
    if (!reason) reason = judge_state(judgement, meter, event, &effect.running);
    if (reason) return reason;
    if (effect.running && meter->value_property) {
        reason = judge_quantity(judgement, meter, event, &effect.value);
        if (reason) return reason;
    } else if (effect.running) {
        ENSURE(quantity_parse("1", 1, &effect.value, NULL) == ERR_OK);
    }
    effect.resource = judge_resource_hash(judge, slice_of(tenant->id), effect.resource_id);
    effect.dimension_set = dimension_set;
    *transition_new(judgement) = effect;
    return REASON_NONE;
}

static enum reason judge_meter(const struct judge *judge, const struct tenant *tenant, const struct meter *meter,
                               const struct usage_event *event, struct hash128 identity, struct judgement *judgement)
{
    struct fault why = {0};
    struct slice tenant_id = slice_of(tenant->id);
    text_clear(&judgement->scratch);
    if (judge_dimensions(meter, event, &judgement->scratch, &why))
        return refuse_quantity(judgement, meter, why.place, why.reason);
    struct slice members = {judgement->scratch.data, judgement->scratch.length};
    struct hash128 dimension_set = judge_dimension_hash(judge, tenant_id, members);
    if (meter->aggregation == AGGREGATION_INTERVAL)
        return judge_interval(judge, tenant, meter, event, dimension_set, judgement);
    struct contribution made = {
        .tenant = tenant,
        .meter = meter,
        .dimension_set = dimension_set,
        .slot = instant_floor(event->event_time, meter->slot_us),
        .event_time = event->event_time,
        .event_id = identity,
    };
    if (meter->aggregation == AGGREGATION_COUNT)
        ENSURE(quantity_parse("1", 1, &made.quantity, NULL) == ERR_OK);
    else if (judge_quantity(judgement, meter, event, &made.quantity))
        return judgement->reason;
    *contribution_new(judgement) = made;
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
    judgement->reason = judge_all(judge, event, identity, received_time, judgement);
    if (judgement->reason) judgement->contribution_count = judgement->transition_count = 0;
    return judgement->reason;
}
