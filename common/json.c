// SPDX-License-Identifier: Apache-2.0
// JSON reading off the hot path; the only file that knows jansson. Values are jansson's own, seen through an opaque
// name. Reals can be in a document, but no function hands one out: money and quantities never pass through a double.
#include "common/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"

// jansson has macros of these names
#undef json_is_object
#undef json_is_array

struct json_document {
    json_t *root;
};

// jansson's readers take a const json_t *, except where noted
static const json_t *json_of(const struct json_value *value)
{
    return (const json_t *)(const void *)value;
}

static const struct json_value *value_of(const json_t *json)
{
    return (const struct json_value *)(const void *)json;
}

enum err json_read(const char *data, size_t length, struct json_document **document, struct fault *fault)
{
    json_error_t error;
    *document = NULL;
    json_t *root = json_loadb(length > 0 ? data : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root) {
        char place[32];
        int written = snprintf(place, sizeof place, "%d:%d", error.line, error.column > 0 ? error.column : 1);
        ENSURE(written > 0 && written < (int)sizeof place);
        return fault_set(fault, ERR_INVALID, place, "%s", error.text);
    }
    *document = heap_alloc(sizeof **document);
    (*document)->root = root;
    return ERR_OK;
}

void json_free(struct json_document *document)
{
    if (!document) return;
    json_decref(document->root);
    free(document);
}

const struct json_value *json_root(const struct json_document *document)
{
    return value_of(document->root);
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    return json_is_object(object) ? value_of(json_object_get(json_of(object), name)) : NULL;
}

size_t json_length(const struct json_value *array_or_object)
{
    if (json_is_array(array_or_object)) return json_array_size(json_of(array_or_object));
    return json_is_object(array_or_object) ? json_object_size(json_of(array_or_object)) : 0;
}

const struct json_value *json_item(const struct json_value *array, size_t index)
{
    return json_is_array(array) ? value_of(json_array_get(json_of(array), index)) : NULL;
}

const char *json_member_name(const struct json_value *object, size_t index)
{
    if (!json_is_object(object)) return NULL;
    json_t *members = (json_t *)(void *)(uintptr_t)json_of(object); // iterating does not change it
    void *member = json_object_iter(members);
    for (; member && index > 0; index--)
        member = json_object_iter_next(members, member);
    return member ? json_object_iter_key(member) : NULL;
}

const char *json_text(const struct json_value *value, const char *otherwise)
{
    return value && json_is_string(json_of(value)) ? json_string_value(json_of(value)) : otherwise;
}

int64_t json_int(const struct json_value *value, int64_t otherwise)
{
    return value && json_is_integer(json_of(value)) ? json_integer_value(json_of(value)) : otherwise;
}

bool json_bool(const struct json_value *value, bool otherwise)
{
    return value && json_is_boolean(json_of(value)) ? json_is_true(json_of(value)) : otherwise;
}

bool json_is_object(const struct json_value *value)
{
    return value && json_typeof(json_of(value)) == JSON_OBJECT;
}

bool json_is_array(const struct json_value *value)
{
    return value && json_typeof(json_of(value)) == JSON_ARRAY;
}
