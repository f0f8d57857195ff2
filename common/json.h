// SPDX-License-Identifier: Apache-2.0
// JSON off the hot path (jansson underneath): reading replies, configuration and stored documents; and a writer with a
// fixed order of members, whose output is the canonical form of documents. Numbers that matter travel as strings.
#pragma once
#include "common/currency.h"
#include "common/instant.h"
#include "common/text.h"

// --- reading: a parsed document; values are borrowed from it.
struct json_document;
struct json_value; // opaque; NULL means "absent", and every reader accepts NULL
// Any value may be the root. ERR_INVALID, place "line:column": no or more than one value, duplicate members, invalid
// UTF-8, NUL in a string, integers beyond int64, more than 2048 levels. On an error *document is NULL.
enum err json_read(const char *data, size_t length, struct json_document **document, struct fault *fault) MUST_USE;
void json_free(struct json_document *document);
const struct json_value *json_root(const struct json_document *document);
const struct json_value *json_member(const struct json_value *object, const char *name);
size_t json_length(const struct json_value *array_or_object);
const struct json_value *json_item(const struct json_value *array, size_t index);
// Name of the index-th member in the order of the text; NULL beyond the last. O(index).
const char *json_member_name(const struct json_value *object, size_t index);
const char *json_text(const struct json_value *value, const char *otherwise); // strings only
int64_t json_int(const struct json_value *value, int64_t otherwise); // whole numbers only: 1.0 and 1e3 are none
bool json_bool(const struct json_value *value, bool otherwise);
bool json_is_object(const struct json_value *value);
bool json_is_array(const struct json_value *value);

// --- writing: members in the order given, no spaces, UTF-8. One value, depth <= 32; the writer checks nesting
// (ENSURE), not that names are unique. json_begin starts a value at the end of out; it is whole when all that was
// opened is closed.
enum { JSON_DEPTH_MAX = 32 };
struct json_writer {
    struct text *out;
    int depth;
    char open[JSON_DEPTH_MAX]; // '{' or '['
    bool first[JSON_DEPTH_MAX];
    bool after_name, whole;
};
void json_begin(struct json_writer *writer, struct text *out);
void json_object_open(struct json_writer *writer);
void json_object_close(struct json_writer *writer);
void json_array_open(struct json_writer *writer);
void json_array_close(struct json_writer *writer);
void json_name(struct json_writer *writer, const char *name);
void json_write_text(struct json_writer *writer, const char *text); // NULL writes null
void json_write_slice(struct json_writer *writer, struct slice slice);
void json_write_int(struct json_writer *writer, int64_t number);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
void json_write_raw(struct json_writer *writer, const char *json); // an already encoded value
// name and value in one call
void json_put_text(struct json_writer *writer, const char *name, const char *text);
void json_put_int(struct json_writer *writer, const char *name, int64_t number);
void json_put_bool(struct json_writer *writer, const char *name, bool value);
// as strings
void json_put_decimal(struct json_writer *writer, const char *name, int128 scaled, int places);
void json_put_money(struct json_writer *writer, const char *name, struct currency currency,
                    struct amount amount); // rounded already
void json_put_instant(struct json_writer *writer, const char *name, instant_us instant); // INSTANT_NONE: null
