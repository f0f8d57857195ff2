// SPDX-License-Identifier: Apache-2.0
// The gateway's verdict on the events of a request: which may go to Kafka, and everything that is wrong with the
// others. Decides, does not do: no I/O, no clock of its own.
#pragma once
#include "catalogue/api_key.h"
#include "ingest/event_check.h"
#include "ingest/tenant_rate.h"

struct admission_rules {
    const struct catalogue *catalogue;
    const struct hash_key *content_key;
    const struct api_key *key; // of who asks
    instant_us now;
    size_t event_bytes_most; // ingest.max_event
    struct tenant_rate *rate; // every event that may go is noted in it; NULL: no limit
};

// Why an event is refused. Order is severity: the answer's status is that of the worst one.
enum refusal_kind { REFUSAL_NONE, REFUSAL_VALUE, REFUSAL_FORBIDDEN, REFUSAL_MALFORMED, REFUSAL_TOO_LARGE };

struct admitted_event {
    struct slice raw;
    int shard;
};
struct refused_event {
    size_t index; // in the request
    enum refusal_kind kind;
    const char *reason; // "event_too_large", "malformed", "forbidden_tenant", or a reason of event_check
    size_t fault_count;
    const struct event_fault *faults; // at least one
};
struct admission {
    struct admitted_event *admitted;
    size_t admitted_count;
    struct refused_event *refused;
    size_t refused_count;
    enum refusal_kind worst;
};

// Judges all events; the lists are in the arena and in the order of the request.
void admission_judge(const struct admission_rules *rules, const struct slice *events, size_t count, struct arena *arena,
                     struct admission *admission);
// HTTP status of refusing everything because of `worst`: 422, 403, 400, 413.
int admission_status(enum refusal_kind worst);
const char *admission_code(enum refusal_kind worst); // "unprocessable_event", "forbidden_tenant", "malformed_event", ...
// The member "errors" of the problem: [{"index":3,"path":"$.data.value","reason":"...","code":"bad_value"}, ...],
// without the braces around it. At most ADMISSION_ERRORS_MAX are listed; "error_count" says how many there are.
enum { ADMISSION_ERRORS_MAX = 1000 };
void admission_print_errors(const struct admission *admission, struct text *out);
