// SPDX-License-Identifier: Apache-2.0
// Splits a JSON array into the spans of its elements, looking at strings and brackets only. What an element is made of
// is event_decode's to judge; an array is well-formed exactly when it splits and every element decodes, for a decoded
// element is balanced in itself.
#include <stdio.h>

#include "ingest/event_batch.h"

static const char *space_skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

// After the closing quote; end if it is missing. `at` stands after the opening one.
static const char *string_skip(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return at < end ? at + 1 : end;
}

// The comma or bracket that ends the element at `at`; end if there is none.
static const char *element_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        switch (*at) {
        case '"':
            at = string_skip(at + 1, end);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0) return at;
            depth--;
            break;
        case ',':
            if (depth == 0) return at;
            break;
        default:
            break;
        }
        at++;
    }
    return end;
}

static enum err batch_fault(struct fault *fault, const struct batch_reader *reader, const char *reason)
{
    char place[32];
    snprintf(place, sizeof place, "byte %zu", (size_t)(reader->at - reader->start));
    return fault_set(fault, ERR_INVALID, place, "%s", reason);
}

enum err batch_open(struct slice json, struct batch_reader *reader, struct fault *fault)
{
    *reader = (struct batch_reader){json.data, json.data, json.data + json.length, 0, false};
    reader->at = space_skip(reader->at, reader->end);
    if (reader->at == reader->end || *reader->at != '[') return batch_fault(fault, reader, "a JSON array is expected");
    reader->at++;
    return ERR_OK;
}

// `at` stands on the bracket that ends the array.
static enum err batch_finish(struct batch_reader *reader, struct fault *fault)
{
    reader->done = true;
    reader->at = space_skip(reader->at + 1, reader->end);
    if (reader->at < reader->end) return batch_fault(fault, reader, "more text follows the array");
    return ERR_NOT_FOUND;
}

enum err batch_next(struct batch_reader *reader, struct slice *element, struct fault *fault)
{
    if (reader->done) return ERR_NOT_FOUND;
    const char *begin = reader->at = space_skip(reader->at, reader->end);
    if (begin < reader->end && *begin == ']' && reader->count == 0) return batch_finish(reader, fault);
    const char *end = element_end(begin, reader->end);
    if (end == reader->end || *end == '}') {
        reader->at = end;
        return batch_fault(fault, reader, end == reader->end ? "the text ends too early" : "an unexpected '}'");
    }
    size_t length = (size_t)(end - begin);
    while (length > 0 && space_skip(begin + length - 1, begin + length) == begin + length)
        length--;
    if (length == 0) return batch_fault(fault, reader, "an element of the array is missing");
    *element = (struct slice){begin, length};
    reader->count++;
    if (*end == ',') {
        reader->at = end + 1;
        return ERR_OK;
    }
    reader->at = end;
    enum err err = batch_finish(reader, fault);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err event_batch_split(struct slice json, struct slice *events, size_t most, size_t *count, struct fault *fault)
{
    struct batch_reader reader;
    struct slice element;
    *count = 0;
    enum err err = batch_open(json, &reader, fault);
    while (err == ERR_OK && (err = batch_next(&reader, &element, fault)) == ERR_OK) {
        if (*count == most) return fault_set(fault, ERR_LIMIT, "", "more than %zu events", most);
        events[(*count)++] = element;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
