// SPDX-License-Identifier: Apache-2.0
// YAML to a tree of nodes with places; the only file that knows libyaml. Built from the parser's events, so that what
// we refuse (anchors, aliases, tags) is refused before anything is expanded. Recursion is bounded by YAML_DEPTH_MAX;
// memory by the size of the file.
#include "common/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/file.h"

enum { YAML_DEPTH_MAX = 32, YAML_FILE_MAX = 256 * 1024 * 1024, YAML_KEY_SHOWN_MAX = 80 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; // the one looked at
    struct arena *arena;
    const char *file;
    struct slice data;
    struct fault *fault;
};

// A list that grows on the heap while its length is unknown.
struct list {
    struct yaml_node **nodes;
    size_t count, capacity;
};

static void list_add(struct list *list, struct yaml_node *node)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->nodes = heap_grow(list->nodes, sizeof(struct yaml_node *), list->capacity);
    }
    list->nodes[list->count++] = node;
}

static struct yaml_node **list_keep(const struct list *list, struct arena *arena)
{
    struct yaml_node **kept = ARENA_ARRAY(arena, struct yaml_node *, list->count);
    if (list->count > 0) memcpy(kept, list->nodes, list->count * sizeof *kept);
    return kept;
}

static PRINTF_LIKE(4, 5) enum err refuse(struct reader *reader, size_t line, size_t column, const char *format, ...)
{
    char place[FAULT_PLACE_MAX], reason[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, sizeof reason, format, arguments) < 0) reason[0] = 0;
    va_end(arguments);
    yaml_place(&(struct yaml_node){.file = reader->file, .line = (int)line, .column = (int)column}, place);
    return fault_set(reader->fault, ERR_INVALID, place, "%s", reason);
}

static enum err refuse_event(struct reader *reader, const char *reason)
{
    return refuse(reader, reader->event.start_mark.line + 1, reader->event.start_mark.column + 1, "%s", reason);
}

// Place of a byte, as libyaml counts: columns are characters.
static enum err refuse_offset(struct reader *reader, size_t offset, const char *reason)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        unsigned char byte = (unsigned char)reader->data.data[i];
        if (byte == '\n')
            line++, column = 1;
        else if ((byte & 0xc0) != 0x80)
            column++;
    }
    return refuse(reader, line, column, "%s", reason);
}

static enum err refuse_parser(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    ENSURE(parser->error != YAML_MEMORY_ERROR);
    const char *problem = parser->problem ? parser->problem : "not valid YAML";
    if (parser->error == YAML_READER_ERROR) return refuse_offset(reader, parser->problem_offset, problem);
    return refuse(reader, parser->problem_mark.line + 1, parser->problem_mark.column + 1, "%s%s%s", problem,
                  parser->context ? ", " : "", parser->context ? parser->context : "");
}

// Moves on to the next event.
static enum err next(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    return yaml_parser_parse(&reader->parser, &reader->event) ? ERR_OK : refuse_parser(reader);
}

static struct yaml_node *node_new(struct reader *reader, enum yaml_kind kind)
{
    struct yaml_node *node = ARENA_NEW(reader->arena, struct yaml_node);
    node->kind = kind;
    node->file = reader->file;
    node->line = (int)reader->event.start_mark.line + 1;
    node->column = (int)reader->event.start_mark.column + 1;
    node->text = "";
    return node;
}

static enum err scalar_read(struct reader *reader, struct yaml_node **node)
{
    const char *text = (const char *)reader->event.data.scalar.value;
    size_t length = reader->event.data.scalar.length;
    if (memchr(text, 0, length)) return refuse_event(reader, "a text must not hold the character NUL");
    *node = node_new(reader, YAML_SCALAR);
    (*node)->plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    (*node)->text = arena_text(reader->arena, text, length);
    (*node)->length = length;
    return ERR_OK;
}

static enum err node_read(struct reader *reader, int depth, struct yaml_node **node);

static enum err sequence_read(struct reader *reader, int depth, struct yaml_node **node)
{
    struct list items = {0};
    *node = node_new(reader, YAML_SEQUENCE);
    enum err err = next(reader);
    while (err == ERR_OK && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        struct yaml_node *item = NULL;
        err = node_read(reader, depth + 1, &item);
        if (err != ERR_OK) break;
        list_add(&items, item);
        err = next(reader);
    }
    (*node)->items = list_keep(&items, reader->arena);
    (*node)->count = items.count;
    free(items.nodes);
    return err;
}

static int key_compare(const void *a, const void *b)
{
    const struct yaml_node *first = *(struct yaml_node *const *)a, *second = *(struct yaml_node *const *)b;
    int order = strcmp(first->text, second->text);
    if (order != 0) return order;
    if (first->line != second->line) return first->line < second->line ? -1 : 1;
    return (first->column > second->column) - (first->column < second->column);
}

// Sorted, not compared pair by pair: a mapping may have a million keys. Names the first repetition in the file.
static enum err keys_check(struct reader *reader, const struct list *keys)
{
    if (keys->count < 2) return ERR_OK;
    const struct yaml_node *again = NULL, *before = NULL;
    struct yaml_node **sorted = heap_grow(NULL, sizeof(struct yaml_node *), keys->count);
    memcpy(sorted, keys->nodes, keys->count * sizeof *sorted);
    qsort(sorted, keys->count, sizeof *sorted, key_compare);
    for (size_t i = 1; i < keys->count; i++) {
        if (strcmp(sorted[i]->text, sorted[i - 1]->text) != 0) continue;
        bool earlier = !again || sorted[i]->line < again->line ||
                       (sorted[i]->line == again->line && sorted[i]->column < again->column);
        if (earlier) again = sorted[i], before = sorted[i - 1];
    }
    free(sorted);
    if (!again) return ERR_OK;
    return refuse(reader, (size_t)again->line, (size_t)again->column,
                  "the key \"%.*s\" is there twice, first on line %d", YAML_KEY_SHOWN_MAX, again->text, before->line);
}

static enum err member_read(struct reader *reader, int depth, struct list *keys, struct list *values)
{
    struct yaml_node *key = NULL, *value = NULL;
    if (reader->event.type == YAML_SEQUENCE_START_EVENT || reader->event.type == YAML_MAPPING_START_EVENT)
        return refuse_event(reader, "a key must be a text");
    enum err err = node_read(reader, depth + 1, &key);
    if (err == ERR_OK) err = next(reader);
    if (err == ERR_OK) err = node_read(reader, depth + 1, &value);
    if (err != ERR_OK) return err;
    list_add(keys, key);
    list_add(values, value);
    return next(reader);
}

static enum err mapping_read(struct reader *reader, int depth, struct yaml_node **node)
{
    struct list keys = {0}, values = {0};
    *node = node_new(reader, YAML_MAPPING);
    enum err err = next(reader);
    while (err == ERR_OK && reader->event.type != YAML_MAPPING_END_EVENT)
        err = member_read(reader, depth, &keys, &values);
    if (err == ERR_OK) err = keys_check(reader, &keys);
    (*node)->keys = list_keep(&keys, reader->arena);
    (*node)->items = list_keep(&values, reader->arena);
    (*node)->count = keys.count;
    free(keys.nodes);
    free(values.nodes);
    return err;
}

static enum err properties_check(struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor) return refuse_event(reader, "anchors are not allowed");
    if (tag) return refuse_event(reader, "tags are not allowed");
    return ERR_OK;
}

// The node that the current event begins. depth: containers around it.
static enum err node_read(struct reader *reader, int depth, struct yaml_node **node)
{
    const yaml_event_t *event = &reader->event;
    enum err err;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        err = properties_check(reader, event->data.scalar.anchor, event->data.scalar.tag);
        return err == ERR_OK ? scalar_read(reader, node) : err;
    case YAML_SEQUENCE_START_EVENT:
        err = properties_check(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        if (err == ERR_OK && depth == YAML_DEPTH_MAX) err = refuse_event(reader, "nested deeper than 32 levels");
        return err == ERR_OK ? sequence_read(reader, depth, node) : err;
    case YAML_MAPPING_START_EVENT:
        err = properties_check(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        if (err == ERR_OK && depth == YAML_DEPTH_MAX) err = refuse_event(reader, "nested deeper than 32 levels");
        return err == ERR_OK ? mapping_read(reader, depth, node) : err;
    case YAML_ALIAS_EVENT:
        return refuse_event(reader, "aliases are not allowed");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        break;
    }
    ENSURE(false); // the parser's grammar does not give these here
}

static enum err documents_read(struct reader *reader, struct list *documents)
{
    enum err err = next(reader); // start of the stream
    if (err == ERR_OK) err = next(reader);
    while (err == ERR_OK && reader->event.type != YAML_STREAM_END_EVENT) {
        struct yaml_node *document = NULL;
        err = next(reader); // behind the start of the document
        if (err == ERR_OK) err = node_read(reader, 0, &document);
        if (err != ERR_OK) break;
        list_add(documents, document);
        err = next(reader); // the document's end
        if (err == ERR_OK) err = next(reader);
    }
    return err;
}

enum err yaml_read(struct arena *arena, const char *file, const char *data, size_t length,
                   struct yaml_node ***documents, size_t *count, struct fault *fault)
{
    struct reader reader = {.arena = arena, .data = {data, length}, .fault = fault};
    reader.file = arena_text(arena, file, strlen(file));
    *documents = NULL;
    *count = 0;
    if (length > YAML_FILE_MAX) return fault_set(fault, ERR_LIMIT, file, "is larger than %d bytes", YAML_FILE_MAX);
    size_t valid = utf8_valid_length(data, length);
    if (valid < length) return refuse_offset(&reader, valid, "not valid UTF-8");
    ENSURE(yaml_parser_initialize(&reader.parser));
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING); // never guessed
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(length > 0 ? data : ""), length);
    struct list list = {0};
    enum err err = documents_read(&reader, &list);
    if (err == ERR_OK) {
        *documents = list_keep(&list, arena);
        *count = list.count;
    }
    free(list.nodes);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return err;
}

enum err yaml_read_file(struct arena *arena, const char *path, struct yaml_node ***documents, size_t *count,
                        struct fault *fault)
{
    struct text data = {0};
    *documents = NULL;
    *count = 0;
    enum err err = file_read(path, YAML_FILE_MAX, &data, fault);
    if (err == ERR_OK) err = yaml_read(arena, path, data.data, data.length, documents, count, fault);
    text_free(&data);
    return err;
}

const struct yaml_node *yaml_member(const struct yaml_node *mapping, const char *name)
{
    if (!mapping || mapping->kind != YAML_MAPPING) return NULL;
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->keys[i]->text, name) == 0) return mapping->items[i];
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (!node) return true;
    if (node->kind != YAML_SCALAR || !node->plain) return false;
    return node->length == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0;
}

// The end of a long path is kept: it tells more, and line and column must not be cut.
void yaml_place(const struct yaml_node *node, char out[FAULT_PLACE_MAX])
{
    char where[32];
    int length = snprintf(where, sizeof where, ":%d:%d", node->line, node->column);
    ENSURE(length > 0 && length < (int)sizeof where);
    size_t room = FAULT_PLACE_MAX - 1 - (size_t)length, named = strlen(node->file);
    const char *file = named > room ? node->file + named - room : node->file;
    length = snprintf(out, FAULT_PLACE_MAX, "%s%s", file, where);
    ENSURE(length > 0 && length < FAULT_PLACE_MAX);
}

enum err yaml_fault(const struct yaml_node *node, struct fault *fault, const char *format, ...)
{
    char place[FAULT_PLACE_MAX], reason[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, sizeof reason, format, arguments) < 0) reason[0] = 0;
    va_end(arguments);
    yaml_place(node, place);
    return fault_set(fault, ERR_INVALID, place, "%s", reason);
}

enum err yaml_check_keys(const struct yaml_node *node, const char *what, const char *const *known, struct fault *fault)
{
    if (node->kind != YAML_MAPPING) return yaml_fault(node, fault, "%s is a mapping of keys and values", what);
    for (size_t i = 0; i < node->count; i++) {
        const char *const *at = known;
        while (*at && strcmp(*at, node->keys[i]->text) != 0)
            at++;
        if (!*at) return yaml_fault(node->keys[i], fault, "unknown key '%s' of %s", node->keys[i]->text, what);
    }
    return ERR_OK;
}
