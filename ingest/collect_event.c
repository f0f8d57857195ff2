// SPDX-License-Identifier: Apache-2.0
// One CloudEvents JSON object with a fixed order of members.
#include "ingest/collect_event.h"

#include <stdio.h>

void collect_event_open(struct json_writer *writer, struct text *out, const struct collect_event *event)
{
    char time[INSTANT_TEXT_MAX], sequence[32];
    instant_print(event->time, time);
    json_begin(writer, out);
    json_object_open(writer);
    json_put_text(writer, "specversion", "1.0");
    json_name(writer, "id");
    json_write_slice(writer, event->id);
    json_put_text(writer, "source", event->source);
    json_put_text(writer, "type", event->type);
    json_name(writer, "subject");
    json_write_slice(writer, event->subject);
    json_put_text(writer, "time", time);
    if (event->sequence > 0) {
        int length = snprintf(sequence, sizeof sequence, "%0*lld", COLLECT_SEQUENCE_DIGITS, (long long)event->sequence);
        ENSURE(length > 0 && length < (int)sizeof sequence);
        json_put_text(writer, "sequence", sequence);
        if (event->incarnation) json_put_text(writer, "sequenceincarnation", event->incarnation);
    }
    json_name(writer, "data");
    json_object_open(writer);
}

void collect_event_close(struct json_writer *writer)
{
    json_object_close(writer);
    json_object_close(writer);
}
