// SPDX-License-Identifier: Apache-2.0
// A map: how a row of a CSV file becomes usage events (docs/collectors.md). Decides, does not do: a map and a row in,
// events out. Reading a map gives an error with file, line and column for every mistake in it.
#pragma once
#include "common/decimal.h"
#include "common/yaml.h"
#include "ingest/event.h"

enum { MAP_EVENTS_MAX = 26, MAP_BYTES_MAX = 1024 * 1024, MAP_DIGEST_HEX = 17, MAP_SOURCE_MORE = 20 };

// How the text of a time column is read. All exact; what is finer than a microsecond is cut off.
enum map_time_format {
    MAP_TIME_RFC3339,  // 2026-10-01T02:00:00+02:00
    MAP_TIME_CIVIL,    // "yyyy-mm-dd hh:mm:ss", with or without a fraction, UTC
    MAP_TIME_EPOCH_S,  // seconds since 1970, fraction allowed
    MAP_TIME_EPOCH_MS, // milliseconds since 1970, fraction allowed
    MAP_TIME_OFFSET_S  // seconds since the begin, fraction allowed
};

// A column that the map names; index is found by map_bind.
struct map_column {
    const char *name;
    const struct yaml_node *node;
    size_t index;
};

// Text with {column} in it; {record} is the number of the record.
struct map_part {
    struct slice literal; // if column is NULL and not record
    const struct map_column *column;
    bool record;
};
struct map_template {
    struct map_part *parts;
    size_t count;
};

struct map_member {
    const char *name;
    const struct map_column *column; // NULL: the constant
    const char *constant;
    const char *otherwise; // default for an empty field; NULL: a string is left out, a number is an error
    bool number;           // a decimal; written as a JSON number unless text
    bool text;             // written as a JSON string
    bool scaled;
    int128 scale; // 1e-9
};

struct map_event {
    const char *type;
    struct map_template subject, id; // id.count 0: by digest and record
    const struct map_column *time, *when;
    enum map_time_format format;
    const char *when_equals; // NULL: when the column is not empty
    struct map_member *members;
    size_t member_count;
};

struct collect_map {
    const char *source;
    bool header;
    bool sequenced; // every input, and every event of a row, is a source of its own; events are known by their record
    struct map_event events[MAP_EVENTS_MAX];
    size_t event_count;
    struct map_column **columns; // all that the map names, once each
    size_t column_count, column_capacity;
    instant_us from, to; // INSTANT_NONE: not given
    const struct yaml_node *node;
    char digest[MAP_DIGEST_HEX]; // of the file's bytes
};

// Nodes and texts live in the arena.
enum err map_read(struct arena *arena, const char *file, const char *data, size_t length, struct collect_map *map,
                  struct fault *fault) MUST_USE;
enum err map_read_file(struct arena *arena, const char *path, struct collect_map *map, struct fault *fault) MUST_USE;
// The begin of the command line (or INSTANT_NONE) above that of the map. ERR_INVALID: one is needed and none is there.
enum err map_begin(struct collect_map *map, instant_us begin, struct fault *fault) MUST_USE;
// Finds the columns in the header; without a header (fields NULL) they are numbers from 1 up to count.
// ERR_INVALID: a column is missing or there twice.
enum err map_bind(struct collect_map *map, const char *input, const struct slice *fields, size_t count,
                  struct fault *fault) MUST_USE;

struct map_row {
    const char *input;  // name for places: "pods.csv:12:3" is the third field of the record that begins on line 12
    const char *digest; // of the input: begin of the ids
    const struct slice *fields;
    int64_t record, line; // data records from 1
};
// Adds the event `index` of the map for this row to out, a JSON object. ERR_NOT_FOUND: its condition leaves it out.
// ERR_INVALID: a field cannot be what the map says; ERR_LIMIT: a number or an instant beyond its range.
// On an error out is as it was.
enum err map_apply(const struct collect_map *map, size_t index, const struct map_row *row, struct text *out,
                   struct fault *fault) MUST_USE;
