// SPDX-License-Identifier: Apache-2.0
// Writes one CloudEvents 1.0 JSON object, as the collectors send them. Pure.
#pragma once
#include "common/instant.h"
#include "common/json.h"

enum { COLLECT_SEQUENCE_DIGITS = 12 };

struct collect_event {
    const char *source, *type;
    struct slice id, subject;
    instant_us time;
    int64_t sequence;        // 0: none
    const char *incarnation; // of a sequenced source; NULL: the sequence is only told
};

// Adds the attributes to out and opens data: the caller writes its members, then closes. Same values, same bytes.
void collect_event_open(struct json_writer *writer, struct text *out, const struct collect_event *event);
void collect_event_close(struct json_writer *writer);
