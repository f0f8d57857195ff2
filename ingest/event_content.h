// SPDX-License-Identifier: Apache-2.0
// Content hash version 1 (docs/event-form.md): what must be equal for two events of one identity to be duplicates.
// Members are sorted and compared on the way, so duplicate members come out here, too.
#pragma once
#include "ingest/event_scan.h"

enum { CONTENT_VERSION = 1, CONTENT_EXPONENT_MAX = 9999 };

// The canonical bytes while they are made. `data` has room for what content_room promises.
struct content {
    char *data;
    size_t length;
    struct event_faults *faults;
};
// Bytes that suffice for any event of this text and number of nodes: what is written per value is at most its text and
// 24 bytes more (lengths, tags, a longer exponent).
static inline size_t content_room(size_t raw_length, size_t nodes)
{
    return raw_length + 24 * nodes + 128;
}

// Adds the canonical form of a value and all below it. Adds faults for duplicate members and for exponents beyond
// +-9999; the bytes are then of no use.
void content_add_value(struct content *content, const struct scan_tree *tree, size_t node);
void content_add_string(struct content *content, struct slice text);
void content_add_absent(struct content *content);
void content_add_instant(struct content *content, instant_us instant);
// Adds faults for duplicate members of this object alone.
void content_check_members(const struct scan_tree *tree, size_t object, struct event_faults *faults);
