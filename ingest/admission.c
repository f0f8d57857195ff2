// SPDX-License-Identifier: Apache-2.0
// Judges the events of a request one by one and keeps what is wrong with each. A tenant that a key does not speak for
// is answered the same whether it exists or not, so that keys cannot be used to look for tenants.
#include "ingest/admission.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"

static void refuse(struct admission *admission, size_t index, enum refusal_kind kind, const char *reason,
                   const struct event_fault *faults, size_t fault_count)
{
    admission->refused[admission->refused_count++] = (struct refused_event){index, kind, reason, fault_count, faults};
    if (kind > admission->worst) admission->worst = kind;
}

static const struct event_fault *one_fault(struct arena *arena, const struct fault *fault)
{
    struct event_fault *made = ARENA_NEW(arena, struct event_fault);
    snprintf(made->path, sizeof made->path, "%.*s", (int)sizeof made->path - 1, fault->place);
    snprintf(made->reason, sizeof made->reason, "%.*s", (int)sizeof made->reason - 1, fault->reason);
    return made;
}

static const struct event_fault *copy_faults(struct arena *arena, const struct event_faults *faults)
{
    struct event_fault *copy = ARENA_ARRAY(arena, struct event_fault, faults->count);
    memcpy(copy, faults->list, faults->count * sizeof *copy);
    return copy;
}

static bool may_send(const struct admission_rules *rules, const struct usage_event *event)
{
    const struct tenant *tenant = catalogue_tenant(rules->catalogue, event->subject);
    if (!tenant) return rules->key->every_tenant || (rules->key->scopes & API_KEY_OPERATE); // event_check says so
    return api_key_may_send(rules->key, rules->catalogue, tenant, event->event_time);
}

static void judge_one(const struct admission_rules *rules, struct slice raw, size_t index, struct usage_event *event,
                      struct event_faults *faults, struct arena *arena, struct admission *admission)
{
    struct fault fault;
    const char *reason;
    if (raw.length > rules->event_bytes_most) {
        (void)fault_set(&fault, ERR_LIMIT, "$", "the event has %zu bytes, at most %zu are taken", raw.length,
                        rules->event_bytes_most);
        refuse(admission, index, REFUSAL_TOO_LARGE, "event_too_large", one_fault(arena, &fault), 1);
    } else if (event_decode(raw, rules->content_key, arena, event, faults) != ERR_OK) {
        refuse(admission, index, REFUSAL_MALFORMED, "malformed", copy_faults(arena, faults), faults->count);
    } else if (!may_send(rules, event)) {
        (void)fault_set(&fault, ERR_INVALID, "$.subject", "the key does not speak for this tenant");
        refuse(admission, index, REFUSAL_FORBIDDEN, "forbidden_tenant", one_fault(arena, &fault), 1);
    } else if (event_check(rules->catalogue, event, rules->now, &reason, &fault) != ERR_OK) {
        refuse(admission, index, REFUSAL_VALUE, reason, one_fault(arena, &fault), 1);
    } else {
        admission->admitted[admission->admitted_count++] =
            (struct admitted_event){raw, shard_of_tenant(event->subject)};
        if (rules->rate) tenant_rate_note(rules->rate, catalogue_tenant(rules->catalogue, event->subject));
    }
}

void admission_judge(const struct admission_rules *rules, const struct slice *events, size_t count, struct arena *arena,
                     struct admission *admission)
{
    struct usage_event *event = ARENA_NEW(arena, struct usage_event);
    struct event_faults *faults = ARENA_NEW(arena, struct event_faults);
    *admission = (struct admission){.admitted = ARENA_ARRAY(arena, struct admitted_event, count),
                                    .refused = ARENA_ARRAY(arena, struct refused_event, count)};
    for (size_t i = 0; i < count; i++)
        judge_one(rules, events[i], i, event, faults, arena, admission);
}

int admission_status(enum refusal_kind worst)
{
    switch (worst) {
    case REFUSAL_TOO_LARGE:
        return 413;
    case REFUSAL_MALFORMED:
        return 400;
    case REFUSAL_FORBIDDEN:
        return 403;
    case REFUSAL_VALUE:
        return 422;
    case REFUSAL_NONE:
        break;
    }
    return 204;
}

const char *admission_code(enum refusal_kind worst)
{
    switch (worst) {
    case REFUSAL_TOO_LARGE:
        return "event_too_large";
    case REFUSAL_MALFORMED:
        return "malformed_event";
    case REFUSAL_FORBIDDEN:
        return "forbidden_tenant";
    case REFUSAL_VALUE:
        return "unprocessable_event";
    case REFUSAL_NONE:
        break;
    }
    return "";
}

void admission_print_errors(const struct admission *admission, struct text *out)
{
    struct json_writer writer;
    size_t listed = 0, errors = 0;
    text_add_string(out, "\"errors\":");
    json_begin(&writer, out);
    json_array_open(&writer);
    for (size_t i = 0; i < admission->refused_count; i++) {
        const struct refused_event *refused = &admission->refused[i];
        errors += refused->fault_count;
        for (size_t k = 0; k < refused->fault_count && listed < ADMISSION_ERRORS_MAX; k++, listed++) {
            json_object_open(&writer);
            json_put_int(&writer, "index", (int64_t)refused->index);
            json_put_text(&writer, "path", refused->faults[k].path);
            json_put_text(&writer, "reason", refused->faults[k].reason);
            json_put_text(&writer, "code", refused->reason);
            json_object_close(&writer);
        }
    }
    json_array_close(&writer);
    text_print(out, ",\"error_count\":%zu", errors);
}
