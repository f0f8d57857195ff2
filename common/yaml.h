// SPDX-License-Identifier: Apache-2.0
// YAML with places (libyaml underneath): a tree of nodes, each knowing its file, line and column, so that every error
// of a catalogue file names where it is. Scalars stay text: no implicit typing ("no", "1e3" and "0.10" are what was
// written). Refused: anchors, aliases, tags, duplicate keys, keys that are no scalars, NUL, depth > 32, files > 256
// MiB, invalid UTF-8.
#pragma once
#include "common/arena.h"
#include "common/text.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };
struct yaml_node {
    enum yaml_kind kind;
    bool plain; // scalar without quotes (a plain "null" or "~" or empty counts as null: yaml_is_null)
    const char *file;
    int line, column; // 1-based
    const char *text; // scalar, NUL-terminated
    size_t length;
    size_t count;             // items or members
    struct yaml_node **keys;  // mapping: scalar keys
    struct yaml_node **items; // sequence items or mapping values
};
// All documents of one file, in order (none for an empty file). file is the name used in places; it is copied. Nodes
// live in the arena. ERR_INVALID: *count is 0, and the fault has "file:line:column"; ERR_LIMIT: too large; also
// file_read's errors.
enum err yaml_read(struct arena *arena, const char *file, const char *data, size_t length,
                   struct yaml_node ***documents, size_t *count, struct fault *fault) MUST_USE;
enum err yaml_read_file(struct arena *arena, const char *path, struct yaml_node ***documents, size_t *count,
                        struct fault *fault) MUST_USE;
const struct yaml_node *yaml_member(const struct yaml_node *mapping,
                                    const char *name); // NULL if absent or not a mapping
bool yaml_is_null(const struct yaml_node *node);       // an absent one is, too
// ERR_INVALID with its place: the node is no mapping, or has a key that is not among the known ones (NULL at their end).
// `what` names it: "a counter".
enum err yaml_check_keys(const struct yaml_node *node, const char *what, const char *const *known,
                         struct fault *fault) MUST_USE;
// "file:line:column" of a node into out.
void yaml_place(const struct yaml_node *node, char out[FAULT_PLACE_MAX]);
enum err yaml_fault(const struct yaml_node *node, struct fault *fault, const char *format, ...)
    PRINTF_LIKE(3, 4); // ERR_INVALID
