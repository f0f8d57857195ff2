// SPDX-License-Identifier: Apache-2.0
// Binary mode to structured mode. Data goes in as it came, between braces of ours, so it must not be able to close them.
#include "ingest/event_compose.h"

#include <string.h>

#include "ingest/event_batch.h"

static bool is_text(struct slice text)
{
    return utf8_valid(text.data, text.length) && !memchr(text.data, 0, text.length);
}

static enum err check_attribute(const struct event_parts *parts, size_t index, struct fault *fault)
{
    struct slice name = parts->attributes[index].name;
    int length = (int)(name.length < EVENT_ID_MAX ? name.length : EVENT_ID_MAX);
    if (!is_text(name)) return fault_set(fault, ERR_INVALID, "", "a header's name is not UTF-8");
    if (slice_equal(name, SLICE("data")) || slice_equal(name, SLICE("data_base64")) ||
        slice_equal(name, SLICE("datacontenttype")))
        return fault_set(fault, ERR_INVALID, "", "the header %s%.*s is not an attribute in binary mode", parts->prefix,
                         length, name.data);
    for (size_t i = 0; i < index; i++)
        if (slice_equal(parts->attributes[i].name, name))
            return fault_set(fault, ERR_INVALID, "", "the header %s%.*s is there twice", parts->prefix, length,
                             name.data);
    if (is_text(parts->attributes[index].value)) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "", "the header %s%.*s is not UTF-8", parts->prefix, length, name.data);
}

// Is the data one element, so that it cannot close the event that it is put into? What kind it is, is judged later.
static bool is_one_value(struct slice data)
{
    struct text list = {0};
    struct slice value;
    size_t count = 0;
    text_add_char(&list, '[');
    text_add_slice(&list, data);
    text_add_char(&list, ']');
    enum err err = event_batch_split((struct slice){list.data, list.length}, &value, 1, &count, NULL);
    text_free(&list);
    return err == ERR_OK && count == 1;
}

enum err event_compose(const struct event_parts *parts, struct text *json, struct fault *fault)
{
    text_add_char(json, '{');
    for (size_t i = 0; i < parts->count; i++) {
        const struct event_attribute *attribute = &parts->attributes[i];
        enum err err = check_attribute(parts, i, fault);
        if (err) return err;
        if (i > 0) text_add_char(json, ',');
        text_add_json_string(json, attribute->name.data, attribute->name.length);
        text_add_char(json, ':');
        text_add_json_string(json, attribute->value.data, attribute->value.length);
    }
    if (parts->has_data) {
        if (!is_one_value(parts->data)) return fault_set(fault, ERR_INVALID, "", "the data is not one JSON value");
        if (parts->count > 0) text_add_char(json, ',');
        text_add_string(json, "\"datacontenttype\":\"application/json\",\"data\":");
        text_add_slice(json, parts->data);
    }
    text_add_char(json, '}');
    return ERR_OK;
}
