// SPDX-License-Identifier: Apache-2.0
// jansson as the judge of our own scanner: the same texts are valid, and their values are the same. Aborts when not.
// Where they may differ: our limits (depth, members, length of numbers), and numbers that jansson cannot hold.
#pragma once
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// jansson has macros of these names
#undef json_is_object
#undef json_is_array

#include "ingest/event_content.h"

static inline void oracle_same_number(const struct scan_node *ours, const json_t *theirs)
{
    char literal[EVENT_NUMBER_MAX + 1] = "";
    memcpy(literal, ours->text.data, ours->text.length);
    if (json_typeof(theirs) == JSON_INTEGER)
        ENSURE(strtoll(literal, NULL, 10) == json_integer_value(theirs));
    else
        ENSURE(json_typeof(theirs) == JSON_REAL && strtod(literal, NULL) == json_real_value(theirs));
}

static inline void oracle_same_value(const struct scan_tree *tree, size_t node, const json_t *theirs)
{
    const struct scan_node *ours = &tree->nodes[node];
    size_t index = 0;
    ENSURE(theirs);
    switch ((enum scan_kind)ours->kind) {
    case SCAN_OBJECT:
        ENSURE(json_typeof(theirs) == JSON_OBJECT && json_object_size(theirs) == ours->children);
        for (size_t at = node + 1; at < ours->end; at = tree->nodes[at].end)
            oracle_same_value(tree, at,
                              json_object_getn(theirs, tree->nodes[at].name.data, tree->nodes[at].name.length));
        break;
    case SCAN_ARRAY:
        ENSURE(json_typeof(theirs) == JSON_ARRAY && json_array_size(theirs) == ours->children);
        for (size_t at = node + 1; at < ours->end; at = tree->nodes[at].end)
            oracle_same_value(tree, at, json_array_get(theirs, index++));
        break;
    case SCAN_STRING:
        ENSURE(json_typeof(theirs) == JSON_STRING && json_string_length(theirs) == ours->text.length);
        ENSURE(memcmp(json_string_value(theirs), ours->text.data, ours->text.length) == 0);
        break;
    case SCAN_NUMBER:
        oracle_same_number(ours, theirs);
        break;
    case SCAN_TRUE:
        ENSURE(json_typeof(theirs) == JSON_TRUE);
        break;
    case SCAN_FALSE:
        ENSURE(json_typeof(theirs) == JSON_FALSE);
        break;
    case SCAN_NULL:
        ENSURE(json_typeof(theirs) == JSON_NULL);
        break;
    }
}

enum oracle_verdict { ORACLE_VALID, ORACLE_INVALID, ORACLE_BEYOND };

// Our verdict on a text as a JSON object: scan, then duplicate members anywhere.
static inline enum oracle_verdict oracle_ours(struct slice raw, struct arena *arena, struct scan_tree *tree)
{
    struct event_faults faults = {.count = 0};
    enum err err = event_scan(raw, arena, tree, &faults);
    if (err == ERR_LIMIT) return ORACLE_BEYOND;
    if (err != ERR_OK) return ORACLE_INVALID;
    struct content content = {arena_alloc(arena, content_room(raw.length, tree->count)), 0, &faults};
    content_add_value(&content, tree, 0);
    ENSURE(content.length <= content_room(raw.length, tree->count));
    enum oracle_verdict verdict = ORACLE_VALID;
    for (size_t i = 0; i < faults.count; i++) {
        if (strcmp(faults.list[i].reason, "the member is there twice") == 0) return ORACLE_INVALID;
        verdict = ORACLE_BEYOND; // an exponent
    }
    return verdict;
}

static inline enum oracle_verdict oracle_check(struct slice raw, struct arena *arena)
{
    struct scan_tree *tree = ARENA_NEW(arena, struct scan_tree);
    enum oracle_verdict ours = oracle_ours(raw, arena, tree);
    if (ours == ORACLE_BEYOND) return ours;
    if (raw.length && memchr(raw.data, '\0', raw.length)) { // jansson overlooks a NUL that follows a number
        ENSURE(ours == ORACLE_INVALID);
        return ours;
    }
    json_error_t error;
    json_t *theirs = json_loadb(raw.length ? raw.data : "", raw.length, JSON_REJECT_DUPLICATES, &error);
    if (!theirs && json_error_code(&error) == json_error_numeric_overflow) return ORACLE_BEYOND;
    bool object = theirs && json_typeof(theirs) == JSON_OBJECT;
    ENSURE(object == (ours == ORACLE_VALID));
    if (object) oracle_same_value(tree, 0, theirs);
    json_decref(theirs);
    return ours;
}
