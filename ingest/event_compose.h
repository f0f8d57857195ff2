// SPDX-License-Identifier: Apache-2.0
// Binary mode of CloudEvents, whatever carries it (ce- headers of HTTP, ce_ headers of Kafka): attributes and data that
// came apart become one structured JSON event, so that everything after it sees one form. Attributes are judged where
// all are, in event_decode; here only what the form itself can get wrong. Decides, does not do.
#pragma once
#include "ingest/event.h"

struct event_attribute {
    struct slice name, value; // name without the prefix; value: text, unescaped
};
struct event_parts {
    const char *prefix; // of the headers, for what is said: "ce-", "ce_"
    const struct event_attribute *attributes;
    size_t count;
    bool has_data;
    struct slice data; // one JSON value; its bytes are taken over as they are
};

// Appends the event to json. ERR_INVALID with the reason (json is then broken): a name that is not UTF-8 or there twice,
// data or datacontenttype as an attribute, a value that is not UTF-8 or has a NUL, data that is not one JSON value.
enum err event_compose(const struct event_parts *parts, struct text *json, struct fault *fault) MUST_USE;
