// SPDX-License-Identifier: Apache-2.0
// Reads a map from YAML. The keys of each level are a table, so that an unknown one is an error with its place.
#include <string.h>

#include "common/file.h"
#include "ingest/collect_map.h"
#include "ingest/event_uri.h"

struct reading {
    struct arena *arena;
    struct collect_map *map;
    struct fault *fault;
};

// A scalar of 1 to EVENT_SOURCE_MAX bytes; *text stays NULL when the key is absent and may be.
static enum err read_text(struct reading *reading, const struct yaml_node *node, const char *key, bool required,
                          const char **text)
{
    const struct yaml_node *value = yaml_member(node, key);
    *text = NULL;
    if (yaml_is_null(value)) {
        if (required) return yaml_fault(value ? value : node, reading->fault, "'%s' is missing", key);
        return ERR_OK;
    }
    if (value->kind != YAML_SCALAR) return yaml_fault(value, reading->fault, "'%s' is a single value", key);
    if (value->length > EVENT_SOURCE_MAX)
        return yaml_fault(value, reading->fault, "'%s' is longer than %d bytes", key, EVENT_SOURCE_MAX);
    *text = value->text;
    return ERR_OK;
}

static enum err read_choice(struct reading *reading, const struct yaml_node *node, const char *key,
                            const char *const *choices, int *choice)
{
    const char *text;
    enum err err = read_text(reading, node, key, false, &text);
    if (err != ERR_OK || !text) return err;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) == 0) {
            *choice = i;
            return ERR_OK;
        }
    }
    struct text all = {0};
    for (int i = 0; choices[i]; i++)
        text_print(&all, "%s%s", i ? ", " : "", choices[i]);
    err = yaml_fault(yaml_member(node, key), reading->fault, "'%s' is one of: %s", key, all.data);
    text_free(&all);
    return err;
}

static const struct map_column *column_of(struct reading *reading, const struct yaml_node *node, const char *name)
{
    struct collect_map *map = reading->map;
    for (size_t i = 0; i < map->column_count; i++)
        if (strcmp(map->columns[i]->name, name) == 0) return map->columns[i];
    map->columns =
        arena_grow(reading->arena, map->columns, sizeof *map->columns, map->column_count, &map->column_capacity);
    struct map_column *column = ARENA_NEW(reading->arena, struct map_column);
    column->name = name;
    column->node = node;
    map->columns[map->column_count++] = column;
    return column;
}

static enum err read_column(struct reading *reading, const struct yaml_node *node, bool required,
                            const struct map_column **column)
{
    const char *name;
    *column = NULL;
    enum err err = read_text(reading, node, "column", required, &name);
    if (err == ERR_OK && name) *column = column_of(reading, yaml_member(node, "column"), name);
    return err;
}

static enum err read_instant(struct reading *reading, const struct yaml_node *node, const char *key,
                             instant_us *instant)
{
    const char *text;
    struct fault fault;
    *instant = INSTANT_NONE;
    enum err err = read_text(reading, node, key, false, &text);
    if (err != ERR_OK || !text) return err;
    if (instant_parse_loose(text, strlen(text), instant, &fault) == ERR_OK) return ERR_OK;
    return yaml_fault(yaml_member(node, key), reading->fault, "'%s' is no instant: %s", key, fault.reason);
}

// "pod-{name}": literals and columns. There is no escape: ids and subjects have no use for braces.
static enum err read_template(struct reading *reading, const struct yaml_node *node, const char *key, bool required,
                              struct map_template *template)
{
    const char *text;
    enum err err = read_text(reading, node, key, required, &text);
    if (err != ERR_OK || !text) return err;
    const struct yaml_node *value = yaml_member(node, key);
    size_t capacity = 0;
    while (*text) {
        size_t length = strcspn(text, "{}");
        struct map_part part = {.literal = {text, length}};
        if (length == 0) {
            size_t name = strcspn(text + 1, "{}");
            if (*text == '}' || text[1 + name] != '}' || name == 0)
                return yaml_fault(value, reading->fault, "'%s': braces enclose a column's name", key);
            const char *column = arena_text(reading->arena, text + 1, name);
            part.record = strcmp(column, "record") == 0;
            part.column = part.record ? NULL : column_of(reading, value, column);
            length = name + 2;
        }
        template->parts = arena_grow(reading->arena, template->parts, sizeof part, template->count, &capacity);
        template->parts[template->count++] = part;
        text += length;
    }
    return ERR_OK;
}

static enum err read_time(struct reading *reading, const struct yaml_node *node, struct map_event *event)
{
    static const char *const keys[] = {"column", "format", NULL};
    static const char *const formats[] = {
        [MAP_TIME_RFC3339] = "rfc3339",   [MAP_TIME_CIVIL] = "yyyy-mm-dd hh:mm:ss", [MAP_TIME_EPOCH_S] = "epoch_s",
        [MAP_TIME_EPOCH_MS] = "epoch_ms", [MAP_TIME_OFFSET_S] = "offset_s",         NULL};
    const struct yaml_node *time = yaml_member(node, "time");
    int format = MAP_TIME_RFC3339;
    if (!time) return yaml_fault(node, reading->fault, "'time' is missing");
    enum err err = yaml_check_keys(time, "'time'", keys, reading->fault);
    if (err == ERR_OK) err = read_column(reading, time, true, &event->time);
    if (err == ERR_OK) err = read_choice(reading, time, "format", formats, &format);
    event->format = (enum map_time_format)format;
    return err;
}

static enum err read_when(struct reading *reading, const struct yaml_node *node, struct map_event *event)
{
    static const char *const keys[] = {"column", "not_empty", "equals", NULL}, *const yes[] = {"true", NULL};
    const struct yaml_node *when = yaml_member(node, "when");
    int unused = 0;
    if (!when) return ERR_OK;
    enum err err = yaml_check_keys(when, "'when'", keys, reading->fault);
    if (err == ERR_OK) err = read_column(reading, when, true, &event->when);
    if (err == ERR_OK) err = read_choice(reading, when, "not_empty", yes, &unused);
    if (err == ERR_OK) err = read_text(reading, when, "equals", false, &event->when_equals);
    if (err == ERR_OK && !yaml_member(when, "not_empty") == !event->when_equals)
        return yaml_fault(when, reading->fault, "'when' has either 'not_empty: true' or 'equals'");
    return err;
}

static enum err check_decimal(struct reading *reading, const struct yaml_node *node, const char *key, const char *text,
                              int128 *scaled)
{
    struct fault fault;
    if (decimal_parse(text, strlen(text), QUANTITY_PLACES, false, scaled, &fault) == ERR_OK) return ERR_OK;
    return yaml_fault(yaml_member(node, key), reading->fault, "'%s' is no exact decimal: %s", key, fault.reason);
}

static enum err read_number(struct reading *reading, const struct yaml_node *node, struct map_member *member)
{
    const char *scale;
    int128 unused;
    enum err err = read_text(reading, node, "scale", false, &scale);
    if (err != ERR_OK) return err;
    if (scale) {
        if (!member->column) return yaml_fault(node, reading->fault, "'scale' goes with a 'column'");
        member->number = member->scaled = true;
        err = check_decimal(reading, node, "scale", scale, &member->scale);
    }
    if (err == ERR_OK && member->number && member->otherwise)
        err = check_decimal(reading, node, "default", member->otherwise, &unused);
    if (err == ERR_OK && member->number && member->constant)
        err = check_decimal(reading, node, "value", member->constant, &unused);
    return err;
}

static enum err read_member(struct reading *reading, const char *name, const struct yaml_node *node,
                            struct map_member *member)
{
    static const char *const keys[] = {"column", "value", "scale", "default", "type", NULL};
    static const char *const types[] = {"string", "number", NULL};
    int type = 0;
    member->name = name;
    enum err err = yaml_check_keys(node, "a member of data", keys, reading->fault);
    if (err == ERR_OK) err = read_column(reading, node, false, &member->column);
    if (err == ERR_OK) err = read_text(reading, node, "value", false, &member->constant);
    if (err == ERR_OK) err = read_text(reading, node, "default", false, &member->otherwise);
    if (err == ERR_OK) err = read_choice(reading, node, "type", types, &type);
    if (err != ERR_OK) return err;
    if (!member->column == !member->constant)
        return yaml_fault(node, reading->fault, "a member of data has either a 'column' or a constant 'value'");
    if (member->otherwise && !member->column) return yaml_fault(node, reading->fault, "'default' goes with a 'column'");
    member->number = type == 1;
    member->text = type == 0;
    return read_number(reading, node, member);
}

static enum err read_data(struct reading *reading, const struct yaml_node *node, struct map_event *event)
{
    const struct yaml_node *data = yaml_member(node, "data");
    if (!data) return yaml_fault(node, reading->fault, "'data' is missing");
    if (data->kind != YAML_MAPPING) return yaml_fault(data, reading->fault, "'data' is a mapping of member names");
    if (data->count > EVENT_PROPERTIES_MAX)
        return yaml_fault(data, reading->fault, "data has at most %d members", EVENT_PROPERTIES_MAX);
    event->members = ARENA_ARRAY(reading->arena, struct map_member, data->count);
    event->member_count = data->count;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < data->count; i++)
        err = read_member(reading, data->keys[i]->text, data->items[i], &event->members[i]);
    return err;
}

static enum err read_event(struct reading *reading, const struct yaml_node *node, struct map_event *event)
{
    static const char *const keys[] = {"type", "subject", "id", "time", "when", "data", NULL};
    enum err err = yaml_check_keys(node, "an event", keys, reading->fault);
    if (err == ERR_OK) err = read_text(reading, node, "type", true, &event->type);
    if (err == ERR_OK) err = read_template(reading, node, "subject", true, &event->subject);
    if (err == ERR_OK) err = read_template(reading, node, "id", false, &event->id);
    if (err == ERR_OK) err = read_time(reading, node, event);
    if (err == ERR_OK) err = read_when(reading, node, event);
    if (err == ERR_OK) err = read_data(reading, node, event);
    return err;
}

static enum err read_events(struct reading *reading, const struct yaml_node *node)
{
    const struct yaml_node *events = yaml_member(node, "events");
    if (!events) return yaml_fault(node, reading->fault, "'events' is missing");
    if (events->kind != YAML_SEQUENCE || events->count == 0 || events->count > MAP_EVENTS_MAX)
        return yaml_fault(events, reading->fault, "'events' is a list of 1 to %d events", MAP_EVENTS_MAX);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < events->count; i++)
        err = read_event(reading, events->items[i], &reading->map->events[i]);
    reading->map->event_count = events->count;
    return err;
}

static enum err read_shift(struct reading *reading, const struct yaml_node *node)
{
    static const char *const keys[] = {"from", "to", NULL};
    const struct yaml_node *shift = yaml_member(node, "shift");
    reading->map->from = reading->map->to = INSTANT_NONE;
    if (!shift) return ERR_OK;
    enum err err = yaml_check_keys(shift, "'shift'", keys, reading->fault);
    if (err == ERR_OK) err = read_instant(reading, shift, "from", &reading->map->from);
    if (err == ERR_OK) err = read_instant(reading, shift, "to", &reading->map->to);
    return err;
}

// Records are the numbers: an id would say something else, and the source gets the input's digest.
static enum err check_sequenced(struct reading *reading, const struct yaml_node *node)
{
    const struct yaml_node *events = yaml_member(node, "events");
    if (strlen(reading->map->source) + MAP_SOURCE_MORE > EVENT_SOURCE_MAX)
        return yaml_fault(yaml_member(node, "source"), reading->fault, "'source' is too long for a sequenced map");
    for (size_t i = 0; i < events->count; i++)
        if (yaml_member(events->items[i], "id"))
            return yaml_fault(yaml_member(events->items[i], "id"), reading->fault,
                              "the events of a sequenced map are known by their records: leave 'id' out");
    return ERR_OK;
}

static enum err read_map(struct reading *reading, const struct yaml_node *node)
{
    static const char *const keys[] = {"source", "header", "sequenced", "events", "shift", NULL};
    static const char *const booleans[] = {"false", "true", NULL};
    int header = 1, sequenced = 0;
    reading->map->node = node;
    enum err err = yaml_check_keys(node, "a map", keys, reading->fault);
    if (err == ERR_OK) err = read_text(reading, node, "source", true, &reading->map->source);
    if (err != ERR_OK) return err;
    const char *problem = uri_reference_problem(slice_of(reading->map->source));
    if (problem)
        return yaml_fault(yaml_member(node, "source"), reading->fault, "'source' is no URI reference: %s", problem);
    err = read_choice(reading, node, "header", booleans, &header);
    reading->map->header = header == 1;
    if (err == ERR_OK) err = read_choice(reading, node, "sequenced", booleans, &sequenced);
    reading->map->sequenced = sequenced == 1;
    if (err == ERR_OK) err = read_events(reading, node);
    if (err == ERR_OK && sequenced) err = check_sequenced(reading, node);
    return err == ERR_OK ? read_shift(reading, node) : err;
}

enum err map_read(struct arena *arena, const char *file, const char *data, size_t length, struct collect_map *map,
                  struct fault *fault)
{
    struct reading reading = {arena, map, fault};
    struct yaml_node **documents;
    size_t count;
    unsigned char digest[SHA256_BYTES];
    memset(map, 0, sizeof *map);
    enum err err = yaml_read(arena, file, data, length, &documents, &count, fault);
    if (err != ERR_OK) return err;
    if (count != 1) return fault_set(fault, ERR_INVALID, file, "a map is one YAML document, not %zu", count);
    sha256_of(data, length, digest);
    hex_print(digest, (MAP_DIGEST_HEX - 1) / 2, map->digest);
    return read_map(&reading, documents[0]);
}

enum err map_read_file(struct arena *arena, const char *path, struct collect_map *map, struct fault *fault)
{
    struct text data = {0};
    enum err err = file_read(path, MAP_BYTES_MAX, &data, fault);
    if (err == ERR_OK) err = map_read(arena, path, data.data, data.length, map, fault);
    text_free(&data);
    return err;
}

enum err map_begin(struct collect_map *map, instant_us begin, struct fault *fault)
{
    bool offset = false, absolute = false;
    for (size_t i = 0; i < map->event_count; i++) {
        offset = offset || map->events[i].format == MAP_TIME_OFFSET_S;
        absolute = absolute || map->events[i].format != MAP_TIME_OFFSET_S;
    }
    if (begin != INSTANT_NONE) map->to = begin;
    if (offset && map->to == INSTANT_NONE)
        return yaml_fault(map->node, fault,
                          "times count from a begin: give --begin INSTANT, or 'shift: {to: INSTANT}'");
    if (map->from != INSTANT_NONE && map->to == INSTANT_NONE)
        return yaml_fault(map->node, fault,
                          "the map moves times from an instant: give --begin INSTANT, or 'to' in 'shift'");
    if (absolute && map->to != INSTANT_NONE && map->from == INSTANT_NONE)
        return yaml_fault(map->node, fault, "to move times, the map needs 'shift: {from: INSTANT}'");
    return ERR_OK;
}
