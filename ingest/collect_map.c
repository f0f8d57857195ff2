// SPDX-License-Identifier: Apache-2.0
// A row and a map give an event. Numbers are decimals throughout; times are whole microseconds.
#include "ingest/collect_map.h"

#include <stdio.h>
#include <string.h>

#include "ingest/collect_event.h"

enum { TIME_TEXT_MAX = 64, EVENT_TEXT_MAX = 512 };

// --- columns

static enum err bind_number(struct map_column *column, const char *input, size_t count, struct fault *fault)
{
    size_t number = 0;
    for (const char *at = column->name; *at; at++) {
        if (*at < '0' || *at > '9' || number > count)
            return yaml_fault(column->node, fault, "a file without a header has columns 1 to %zu (%s)", count, input);
        number = number * 10 + (size_t)(*at - '0');
    }
    if (number < 1 || number > count)
        return yaml_fault(column->node, fault, "a file without a header has columns 1 to %zu (%s)", count, input);
    column->index = number - 1;
    return ERR_OK;
}

static enum err missing(const struct map_column *column, const char *input, const struct slice *fields, size_t count,
                        struct fault *fault)
{
    struct text all = {0};
    for (size_t i = 0; i < count && all.length < 200; i++) {
        if (i) text_add_string(&all, ", ");
        text_add_slice(&all, fields[i]);
    }
    enum err err = yaml_fault(column->node, fault, "%s has no column '%s'; it has: %s", input, column->name,
                              all.data ? all.data : "none");
    text_free(&all);
    return err;
}

static enum err bind_name(struct map_column *column, const char *input, const struct slice *fields, size_t count,
                          struct fault *fault)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!slice_is(fields[i], column->name)) continue;
        column->index = i;
        found++;
    }
    if (found == 0) return missing(column, input, fields, count, fault);
    if (found > 1) return yaml_fault(column->node, fault, "%s has %zu columns '%s'", input, found, column->name);
    return ERR_OK;
}

enum err map_bind(struct collect_map *map, const char *input, const struct slice *fields, size_t count,
                  struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < map->column_count; i++)
        err = fields ? bind_name(map->columns[i], input, fields, count, fault)
                     : bind_number(map->columns[i], input, count, fault);
    return err;
}

// --- fields

static enum err refuse(const struct map_row *row, const struct map_column *column, enum err err, struct fault *fault,
                       const char *reason)
{
    char place[FAULT_PLACE_MAX], where[64];
    int length = snprintf(where, sizeof where, ":%lld:%zu", (long long)row->line, column->index + 1);
    ENSURE(length > 0 && length < (int)sizeof where);
    size_t room = sizeof place - 1 - (size_t)length, named = strlen(row->input);
    snprintf(place, sizeof place, "%s%s", named > room ? row->input + named - room : row->input, where);
    return fault_set(fault, err, place, "column '%s': %s", column->name, reason);
}

// In nano-units of the format (nanoseconds for seconds) to microseconds, finer parts cut off.
static instant_us to_us(int128 nano, enum map_time_format format)
{
    int128 divisor = format == MAP_TIME_EPOCH_MS ? 1000000 : 1000;
    int128 us = nano / divisor;
    if (nano % divisor < 0) us--; // towards the past also before 1970
    if (us > INSTANT_MAX || us < INSTANT_MIN) return INSTANT_NONE;
    return (instant_us)us;
}

// "yyyy-mm-dd hh:mm:ss" is RFC 3339 but for two letters.
static enum err civil_time(struct slice field, instant_us *instant, struct fault *why)
{
    char text[TIME_TEXT_MAX];
    if (field.length < 19 || field.length + 1 >= sizeof text || field.data[10] != ' ')
        return fault_set(why, ERR_INVALID, "", "not of the form yyyy-mm-dd hh:mm:ss");
    memcpy(text, field.data, field.length);
    text[10] = 'T';
    text[field.length] = 'Z';
    return instant_parse(text, field.length + 1, instant, why);
}

static enum err field_time(const struct collect_map *map, const struct map_event *event, const struct map_row *row,
                           instant_us *instant, struct fault *fault)
{
    struct slice field = row->fields[event->time->index];
    struct fault why;
    enum err err = ERR_OK;
    int128 nano = 0, moved;
    switch (event->format) {
    case MAP_TIME_RFC3339:
        err = instant_parse(field.data, field.length, instant, &why);
        break;
    case MAP_TIME_CIVIL:
        err = civil_time(field, instant, &why);
        break;
    case MAP_TIME_EPOCH_S:
    case MAP_TIME_EPOCH_MS:
    case MAP_TIME_OFFSET_S:
        err = decimal_parse(field.data, field.length, QUANTITY_PLACES, false, &nano, &why);
        if (err == ERR_OK) *instant = to_us(nano, event->format);
        if (err == ERR_OK && *instant == INSTANT_NONE)
            return refuse(row, event->time, ERR_LIMIT, fault, "beyond the years 1 to 9999");
        break;
    }
    if (err != ERR_OK) return refuse(row, event->time, err, fault, why.reason);
    if (map->to == INSTANT_NONE) return ERR_OK;
    moved = (int128)*instant + map->to - (event->format == MAP_TIME_OFFSET_S ? 0 : map->from);
    if (moved > INSTANT_MAX || moved < INSTANT_MIN)
        return refuse(row, event->time, ERR_LIMIT, fault, "moved beyond the years 1 to 9999");
    *instant = (instant_us)moved;
    return ERR_OK;
}

// An exact product, or none: both ways of rounding must agree.
static enum err scale_exactly(int128 value, int128 scale, int128 *product)
{
    int128 down, up;
    enum err err = decimal_mul_div(value, scale, 1000000000, ROUND_DOWN, &down);
    if (err == ERR_OK) err = decimal_mul_div(value, scale, 1000000000, ROUND_UP, &up);
    if (err != ERR_OK) return err;
    if (down != up) return ERR_INVALID;
    *product = down;
    return ERR_OK;
}

static enum err member_number(const struct map_row *row, const struct map_member *member, struct slice field,
                              bool from_column, char out[DECIMAL_TEXT_MAX], struct fault *fault)
{
    int128 value;
    struct fault why;
    enum err err = decimal_parse(field.data, field.length, QUANTITY_PLACES, false, &value, &why);
    if (err != ERR_OK) {
        ENSURE(from_column); // constants and defaults were checked when the map was read
        return refuse(row, member->column, err, fault, field.length == 0 ? "is empty" : why.reason);
    }
    if (member->scaled && from_column) {
        err = scale_exactly(value, member->scale, &value);
        if (err != ERR_OK)
            return refuse(row, member->column, err, fault,
                          "scaled, it needs more than 9 fraction digits or is too large");
    }
    decimal_print(value, QUANTITY_PLACES, out);
    return ERR_OK;
}

static enum err write_member(const struct map_row *row, const struct map_member *member, struct json_writer *writer,
                             struct fault *fault)
{
    char number[DECIMAL_TEXT_MAX];
    bool from_column = member->column != NULL;
    struct slice field = from_column ? row->fields[member->column->index] : slice_of(member->constant);
    if (from_column && field.length == 0 && member->otherwise) {
        field = slice_of(member->otherwise);
        from_column = false;
    }
    if (!member->number && from_column && field.length == 0) return ERR_OK;
    if (member->number) {
        enum err err = member_number(row, member, field, from_column, number, fault);
        if (err != ERR_OK) return err;
        field = slice_of(number);
    }
    json_name(writer, member->name);
    if (member->text)
        json_write_slice(writer, field);
    else
        json_write_raw(writer, number);
    return ERR_OK;
}

// --- templates

// A part of an id or a subject that is empty would make two things one.
static enum err print_template(const struct map_template *template, const struct map_row *row, struct text *out,
                               struct fault *fault)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct map_part *part = &template->parts[i];
        if (part->record) {
            text_print(out, "%lld", (long long)row->record);
        } else if (part->column) {
            struct slice field = row->fields[part->column->index];
            if (field.length == 0)
                return refuse(row, part->column, ERR_INVALID, fault, "is empty, but names something");
            text_add_slice(out, field);
        } else {
            text_add_slice(out, part->literal);
        }
    }
    return ERR_OK;
}

static bool left_out(const struct map_event *event, const struct map_row *row)
{
    if (!event->when) return false;
    struct slice field = row->fields[event->when->index];
    return event->when_equals ? !slice_is(field, event->when_equals) : field.length == 0;
}

static enum err print_id(const struct collect_map *map, size_t index, const struct map_row *row, struct text *out,
                         struct fault *fault)
{
    const struct map_event *event = &map->events[index];
    if (event->id.count > 0) return print_template(&event->id, row, out, fault);
    text_print(out, "%s-%lld", row->digest, (long long)row->record);
    if (map->event_count > 1) text_print(out, "-%c", (char)('a' + index));
    return ERR_OK;
}

// Of a sequenced map: the input, and the place of the event in its row, make a source with numbers of its own.
static void print_source(const struct collect_map *map, size_t index, const struct map_row *row,
                         char source[EVENT_SOURCE_MAX + 1])
{
    char which[3] = {'/', (char)('a' + index), 0};
    int length = snprintf(source, EVENT_SOURCE_MAX + 1, "%s/%s%s", map->source, row->digest,
                          map->event_count > 1 ? which : "");
    ENSURE(length > 0 && length <= EVENT_SOURCE_MAX);
}

static enum err write_event(const struct collect_map *map, size_t index, const struct map_row *row,
                            struct text *scratch, struct text *out, struct fault *fault)
{
    const struct map_event *event = &map->events[index];
    // each event of a row has a number of its own, the same in every run
    struct collect_event head = {.source = map->source,
                                 .type = event->type,
                                 .sequence = (row->record - 1) * (int64_t)map->event_count + (int64_t)index + 1};
    char source[EVENT_SOURCE_MAX + 1];
    if (map->sequenced) {
        print_source(map, index, row, source);
        head.source = source;
        head.sequence = row->record;
        head.incarnation = row->digest;
    }
    struct json_writer writer;
    enum err err = field_time(map, event, row, &head.time, fault);
    if (err == ERR_OK) err = print_id(map, index, row, scratch, fault);
    size_t id_length = scratch->length;
    if (err == ERR_OK) err = print_template(&event->subject, row, scratch, fault);
    if (err != ERR_OK) return err;
    head.id = (struct slice){scratch->data, id_length};
    head.subject = (struct slice){scratch->data + id_length, scratch->length - id_length};
    collect_event_open(&writer, out, &head);
    for (size_t i = 0; err == ERR_OK && i < event->member_count; i++)
        err = write_member(row, &event->members[i], &writer, fault);
    if (err == ERR_OK) collect_event_close(&writer);
    return err;
}

enum err map_apply(const struct collect_map *map, size_t index, const struct map_row *row, struct text *out,
                   struct fault *fault)
{
    ENSURE(index < map->event_count);
    if (left_out(&map->events[index], row)) return ERR_NOT_FOUND;
    struct text scratch = {0};
    size_t before = out->length;
    enum err err = write_event(map, index, row, &scratch, out, fault);
    if (err != ERR_OK && out->data) {
        out->length = before;
        out->data[before] = 0;
    }
    text_free(&scratch);
    return err;
}
