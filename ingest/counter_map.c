// SPDX-License-Identifier: Apache-2.0
// Reads the map of the counters' collector. Every mistake has its place.
#include <string.h>

#include "ingest/collect_counters.h"
#include "ingest/event_uri.h"

enum { TEXT_MAX = 255 };

struct reading {
    struct arena *arena;
    const char *subject; // of counters that name none; NULL: each must
    struct fault *fault;
};

static enum err check_text(const struct reading *reading, const struct yaml_node *value, const char *key)
{
    if (value->kind != YAML_SCALAR || value->length == 0 || value->length > TEXT_MAX)
        return yaml_fault(value, reading->fault, "'%s' is a text of 1 to %d bytes", key, TEXT_MAX);
    return ERR_OK;
}

// *text stays as it is when the key is absent.
static enum err read_text(const struct reading *reading, const struct yaml_node *node, const char *key,
                          const char **text)
{
    const struct yaml_node *value = yaml_member(node, key);
    if (yaml_is_null(value)) return ERR_OK;
    enum err err = check_text(reading, value, key);
    if (!err) *text = value->text;
    return err;
}

// A list of texts, NULL at its end.
static enum err read_list(const struct reading *reading, const struct yaml_node *value, const char *key, size_t most,
                          const char ***list, size_t *count)
{
    if (value->kind != YAML_SEQUENCE || value->count == 0 || value->count > most)
        return yaml_fault(value, reading->fault, "'%s' is a list of 1 to %zu texts", key, most);
    *list = ARENA_ARRAY(reading->arena, const char *, value->count + 1);
    for (*count = 0; *count < value->count; ++*count) {
        enum err err = check_text(reading, value->items[*count], key);
        if (err) return err;
        (*list)[*count] = value->items[*count]->text;
    }
    (*list)[*count] = NULL;
    return ERR_OK;
}

static enum err read_from(const struct reading *reading, const struct yaml_node *node, struct counter_source *counter)
{
    const struct yaml_node *interfaces = yaml_member(node, "interfaces"), *file = yaml_member(node, "file"),
                           *command = yaml_member(node, "command");
    size_t count;
    if (!yaml_is_null(interfaces) + !yaml_is_null(file) + !yaml_is_null(command) != 1)
        return yaml_fault(node, reading->fault, "a counter has one of interfaces, file and command");
    if (!yaml_is_null(file)) {
        counter->from = COUNTER_FILE;
        return read_text(reading, node, "file", &counter->path);
    }
    if (!yaml_is_null(command)) {
        counter->from = COUNTER_COMMAND;
        return read_list(reading, command, "command", COUNTER_ARGUMENTS_MAX, &counter->arguments, &count);
    }
    counter->from = COUNTER_INTERFACES;
    if (interfaces->kind == YAML_SCALAR && strcmp(interfaces->text, "all") == 0) return ERR_OK;
    if (interfaces->kind == YAML_SCALAR)
        return yaml_fault(interfaces, reading->fault, "'interfaces' is all, or a list of names");
    return read_list(reading, interfaces, "interfaces", HOST_DEVICES_MAX, &counter->interfaces,
                     &counter->interface_count);
}

static enum err read_counter(const struct reading *reading, const struct yaml_node *node,
                             struct counter_source *counter)
{
    static const char *const known[] = {"type", "subject", "resource", "interfaces", "file", "command", NULL};
    counter->subject = reading->subject;
    enum err err = yaml_check_keys(node, "a counter", known, reading->fault);
    if (!err) err = read_text(reading, node, "type", &counter->type);
    if (!err) err = read_text(reading, node, "subject", &counter->subject);
    if (!err) err = read_text(reading, node, "resource", &counter->resource);
    if (!err) err = read_from(reading, node, counter);
    if (err) return err;
    if (!counter->type) return yaml_fault(node, reading->fault, "'type' is missing");
    if (!counter->subject) return yaml_fault(node, reading->fault, "'subject' is missing");
    if (counter->from == COUNTER_INTERFACES && counter->resource)
        return yaml_fault(yaml_member(node, "resource"), reading->fault, "interfaces name the resources themselves");
    if (counter->from != COUNTER_INTERFACES && !counter->resource)
        return yaml_fault(node, reading->fault, "'resource' is missing: what the counter is of");
    return ERR_OK;
}

// One resource of a type is read in one place.
static enum err check_twice(const struct reading *reading, const struct yaml_node *list, const struct counter_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct counter_source *a = &map->counters[i], *b = &map->counters[k];
            if (strcmp(a->type, b->type) == 0 && strcmp(a->subject, b->subject) == 0 &&
                strcmp(a->resource ? a->resource : "", b->resource ? b->resource : "") == 0)
                return yaml_fault(list->items[i], reading->fault, "this resource of %s is in the list twice", a->type);
        }
    return ERR_OK;
}

static enum err read_root(struct reading *reading, const struct yaml_node *root, struct counter_map *map)
{
    static const char *const known[] = {"source", "subject", "counters", NULL};
    enum err err = yaml_check_keys(root, "a map of counters", known, reading->fault);
    if (!err) err = read_text(reading, root, "source", &map->source);
    const char *problem = !err && map->source ? uri_reference_problem(slice_of(map->source)) : NULL;
    if (problem) return yaml_fault(yaml_member(root, "source"), reading->fault, "'source': %s", problem);
    if (!err) err = read_text(reading, root, "subject", &reading->subject);
    if (err) return err;
    const struct yaml_node *list = yaml_member(root, "counters");
    if (yaml_is_null(list) || list->kind != YAML_SEQUENCE || list->count == 0 || list->count > COUNTERS_MAX)
        return yaml_fault(list ? list : root, reading->fault, "'counters' is a list of 1 to %d counters", COUNTERS_MAX);
    map->counters = ARENA_ARRAY(reading->arena, struct counter_source, list->count);
    for (; !err && map->count < list->count; map->count++)
        err = read_counter(reading, list->items[map->count], &map->counters[map->count]);
    return err ? err : check_twice(reading, list, map);
}

enum err counter_map_read(struct arena *arena, const char *path, const char *subject, struct counter_map *map,
                          struct fault *fault)
{
    struct reading reading = {arena, subject, fault};
    struct yaml_node **documents;
    size_t count;
    *map = (struct counter_map){0};
    enum err err = yaml_read_file(arena, path, &documents, &count, fault);
    if (err) return err;
    if (count != 1) return fault_set(fault, ERR_INVALID, path, "a map of counters is one document");
    return read_root(&reading, documents[0], map);
}
