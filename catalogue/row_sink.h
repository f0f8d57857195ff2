// SPDX-License-Identifier: Apache-2.0
// Where the columns of a row of the catalogue go: into a COPY, or into the canonical JSON that the digest covers. One
// description of a row (catalogue_write.c) serves both. Private to catalogue/.
#pragma once
#include "common/db.h"
#include "common/json.h"

// Exactly one of the two is set.
struct sink {
    struct db_copy *copy;
    struct json_writer *json;
};
void sink_int2(struct sink *sink, int value);
void sink_int4(struct sink *sink, int32_t value);
void sink_int8(struct sink *sink, int64_t value);
void sink_bool(struct sink *sink, bool value);
void sink_null(struct sink *sink);
void sink_text(struct sink *sink, const char *text);
void sink_text_or_null(struct sink *sink, const char *text); // NULL and "" are null
void sink_personal(struct sink *sink, const char *text);     // what a person may have erased: not in the JSON
void sink_instant(struct sink *sink, instant_us instant);    // INSTANT_MIN is -infinity, INSTANT_NONE null
void sink_decimal(struct sink *sink, int128 scaled, int places);
// text[] or an array, sorted: the order of such lists means nothing, and one form is canonical. Up to the catalogue's
// limits.
void sink_names(struct sink *sink, const char *const *names, size_t count);
