// SPDX-License-Identifier: Apache-2.0
// Faults of an event with the JSON path of what is wrong. Off the hot path: runs only for events that are refused.
#include <stdio.h>
#include <string.h>

#include "ingest/event_scan.h"

struct path {
    char *data;
    size_t length, size;
};

// Adds as much as fits. A cut inside a UTF-8 sequence is mended where the path is written (text_add_json_string).
static void path_add(struct path *path, const char *data, size_t length)
{
    size_t room = path->size - 1 - path->length;
    if (length > room) length = room;
    if (length > 0) memcpy(path->data + path->length, data, length);
    path->length += length;
    path->data[path->length] = 0;
}

static bool name_is_plain(struct slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
    }
    return name.length > 0;
}

// RFC 9535: .name where the name allows it, else ['name'].
static void path_add_name(struct path *path, struct slice name)
{
    if (name_is_plain(name)) {
        path_add(path, ".", 1);
        path_add(path, name.data, name.length);
        return;
    }
    path_add(path, "['", 2);
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '\'' || name.data[i] == '\\') path_add(path, "\\", 1);
        path_add(path, name.data + i, 1);
    }
    path_add(path, "']", 2);
}

static void path_add_index(struct path *path, const struct scan_tree *tree, size_t node)
{
    size_t index = 0;
    char number[32];
    for (size_t at = tree->nodes[node].parent + 1U; at != node; at = tree->nodes[at].end)
        index++;
    int length = snprintf(number, sizeof number, "[%zu]", index);
    path_add(path, number, (size_t)length);
}

static void path_of_node(struct path *path, const struct scan_tree *tree, size_t node)
{
    size_t above[EVENT_DEPTH_MAX + 2], count = 0;
    path_add(path, "$", 1);
    if (tree->count == 0) return;
    for (; node != 0; node = tree->nodes[node].parent)
        above[count++] = node;
    while (count-- > 0) {
        const struct scan_node *at = &tree->nodes[above[count]];
        if (tree->nodes[at->parent].kind == SCAN_ARRAY)
            path_add_index(path, tree, above[count]);
        else
            path_add_name(path, at->name);
    }
}

static void PRINTF_LIKE(4, 0)
    fault_write(struct event_faults *faults, const char *path, bool value, const char *format, va_list arguments)
{
    if (faults->count == EVENT_FAULTS_MAX) return;
    struct event_fault *fault = &faults->list[faults->count++];
    snprintf(fault->path, sizeof fault->path, "%s", path);
    vsnprintf(fault->reason, sizeof fault->reason, format, arguments);
    fault->value = value;
}

void event_fault_add(struct event_faults *faults, const struct scan_tree *tree, size_t node, bool value,
                     const char *format, ...)
{
    char text[sizeof faults->list[0].path] = "";
    struct path path = {text, 0, sizeof text};
    path_of_node(&path, tree, node);
    va_list arguments;
    va_start(arguments, format);
    fault_write(faults, text, value, format, arguments);
    va_end(arguments);
}

void event_fault_add_at(struct event_faults *faults, const char *path, bool value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fault_write(faults, path, value, format, arguments);
    va_end(arguments);
}
