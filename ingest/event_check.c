// SPDX-License-Identifier: Apache-2.0
// One verdict per event for all its meters (rules 1.2): what one of them cannot read, none counts.
#include "ingest/event_check.h"

#include <string.h>

static enum err refuse(const char **reason, const char *word, struct fault *fault, const char *place, const char *text)
{
    *reason = word;
    return fault_set(fault, ERR_INVALID, place, "%s", text);
}

static bool meter_takes(const struct meter *meter, instant_us event_time)
{
    return meter->effective_from <= event_time && event_time < meter->effective_to;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum err check_window(const struct meter *const *meters, size_t count, instant_us event_time, instant_us now,
                             const char **reason, struct fault *fault)
{
    int64_t accept_us = -1, future_us = -1;
    for (size_t i = 0; i < count; i++) {
        if (!meter_takes(meters[i], event_time)) continue;
        accept_us = longer(accept_us, meters[i]->accept_us);
        future_us = longer(future_us, meters[i]->future_us);
    }
    if (accept_us < 0) return refuse(reason, "unknown_type", fault, "$.type", "no meter took this type at that time");
    *reason = "late";
    if (event_time < now - accept_us)
        return fault_set(fault, ERR_INVALID, "$.time", "the event is older than the accept window of %lld days",
                         (long long)(accept_us / DAY_US));
    *reason = "future";
    if (event_time > now + future_us)
        return fault_set(fault, ERR_INVALID, "$.time", "the event is more than %lld seconds in the future",
                         (long long)(future_us / SECOND_US));
    return ERR_OK;
}

enum err event_check(const struct catalogue *catalogue, const struct usage_event *event, instant_us now,
                     const char **reason, struct fault *fault)
{
    size_t count;
    if (!catalogue_tenant(catalogue, event->subject))
        return refuse(reason, "unknown_tenant", fault, "$.subject", "the tenant is unknown");
    const struct meter *const *meters = catalogue_meters_of_type(catalogue, event->type, &count);
    if (count == 0) return refuse(reason, "unknown_type", fault, "$.type", "no meter takes this type");
    enum err err = check_window(meters, count, event->event_time, now, reason, fault);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct meter_reading reading;
        if (!meter_takes(meters[i], event->event_time)) continue;
        if (meter_check(meters[i], event, &reading, fault) == ERR_OK) continue;
        if (event->has_corrects && strcmp(reading.refusal, "negative") == 0) continue;
        *reason = reading.refusal;
        err = ERR_INVALID;
    }
    return err;
}
