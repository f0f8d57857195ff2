// SPDX-License-Identifier: Apache-2.0
// Dimension sets and their one text form, the canonical JSON object: names sorted, values as strings, no spaces,
// escapes as text_add_json_string writes them. What is read is printed again and compared, so no second form ever gets
// in.
#include "catalogue/dimension_set.h"

#include <string.h>

void dimension_set_print(const struct dimension_set *set, struct text *out)
{
    text_add_char(out, '{');
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0) text_add_char(out, ',');
        text_add_json_string(out, set->members[i].dimension, strlen(set->members[i].dimension));
        text_add_char(out, ':');
        text_add_json_string(out, set->members[i].value, strlen(set->members[i].value));
    }
    text_add_char(out, '}');
}

const char *dimension_set_value(const struct dimension_set *set, const char *dimension)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->members[i].dimension, dimension) == 0) return set->members[i].value;
    return NULL;
}

enum err dimension_set_add(struct dimension_set *set, const char *dimension, const char *value, struct fault *fault)
{
    size_t at = 0;
    while (at < set->count && strcmp(set->members[at].dimension, dimension) < 0)
        at++;
    if (at < set->count && strcmp(set->members[at].dimension, dimension) == 0)
        return fault_set(fault, ERR_INVALID, "", "dimension %s is there twice", dimension);
    if (set->count == DIMENSIONS_MAX)
        return fault_set(fault, ERR_INVALID, "", "more than %d dimensions", DIMENSIONS_MAX);
    if (!*dimension) return fault_set(fault, ERR_INVALID, "", "a dimension without a name");
    if (strlen(dimension) > DIMENSION_VALUE_MAX || strlen(value) > DIMENSION_VALUE_MAX)
        return fault_set(fault, ERR_INVALID, "", "dimension %.64s: longer than %d bytes", dimension,
                         DIMENSION_VALUE_MAX);
    memmove(&set->members[at + 1], &set->members[at], (set->count - at) * sizeof *set->members);
    set->members[at] = (struct match_member){dimension, value};
    set->count++;
    return ERR_OK;
}

// --- reading

struct reader {
    const char *at, *end;
    struct arena *arena;
};

static bool take(struct reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted) return false;
    reader->at++;
    return true;
}

// The byte that an escape stands for; -1: none of the canonical ones. at is behind the backslash.
static int read_escape(struct reader *reader)
{
    static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    if (reader->at == reader->end) return -1;
    const char *name = *reader->at ? strchr(names, *reader->at) : NULL;
    if (name) {
        reader->at++;
        return bytes[name - names];
    }
    unsigned char byte;
    if (reader->end - reader->at < 5 || memcmp(reader->at, "u00", 3) != 0) return -1;
    if (hex_parse(reader->at + 3, 2, &byte) != ERR_OK) return -1;
    reader->at += 5;
    return byte;
}

// A string into the arena; NULL: malformed, or with a NUL inside.
static const char *read_string(struct reader *reader)
{
    if (!take(reader, '"')) return NULL;
    const char *end = reader->at;
    while (end < reader->end && *end != '"')
        end += *end == '\\' ? 2 : 1;
    if (end >= reader->end) return NULL;
    char *text = arena_alloc(reader->arena, (size_t)(end - reader->at) + 1), *out = text;
    while (reader->at < end) {
        int byte = (unsigned char)*reader->at++;
        if (byte == '\\') byte = read_escape(reader);
        if (byte <= 0) return NULL;
        *out++ = (char)byte;
    }
    return take(reader, '"') ? text : NULL;
}

static enum err read_members(struct reader *reader, struct dimension_set *set, struct fault *fault)
{
    if (!take(reader, '{')) goto malformed;
    if (!take(reader, '}')) {
        do {
            const char *name = read_string(reader);
            if (!name || !take(reader, ':')) goto malformed;
            const char *value = read_string(reader);
            if (!value) goto malformed;
            enum err err = dimension_set_add(set, name, value, fault);
            if (err) return err;
        } while (take(reader, ','));
        if (!take(reader, '}')) goto malformed;
    }
    if (reader->at == reader->end) return ERR_OK;
malformed:
    return fault_set(fault, ERR_INVALID, "", "not an object of strings in canonical form");
}

enum err dimension_set_read(struct arena *arena, struct slice members, struct dimension_set *set, struct fault *fault)
{
    struct reader reader = {members.data, members.data + members.length, arena};
    set->count = 0;
    enum err err = read_members(&reader, set, fault);
    if (err) return err;
    struct text again = {0};
    dimension_set_print(set, &again);
    bool canonical = slice_equal((struct slice){again.data, again.length}, members);
    text_free(&again);
    return canonical ? ERR_OK : fault_set(fault, ERR_INVALID, "", "not in canonical form: names sorted, least escapes");
}
