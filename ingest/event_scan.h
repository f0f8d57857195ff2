// SPDX-License-Identifier: Apache-2.0
// The checked pass over the JSON text of one event: strict RFC 8259 into a flat list of nodes, on the caller's stack.
// Used by event_decode, event_content and the gateway's binary mode; nobody outside ingest/ needs it.
// Strict means: valid UTF-8, no NUL, no lone surrogate, no control character in a string, nothing after the object; and
// within the limits of event.h. Duplicate members are found where members are sorted (event_content.h), not here.
#pragma once
#include "ingest/event.h"

enum { EVENT_NUMBER_MAX = 128 }; // bytes of a number's literal

// Large scratch on the stack that is written before it is read: not cleared by -ftrivial-auto-var-init.
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define SCRATCH __attribute__((uninitialized))
#endif
#endif
#ifndef SCRATCH
#define SCRATCH
#endif

enum scan_kind { SCAN_OBJECT, SCAN_ARRAY, SCAN_STRING, SCAN_NUMBER, SCAN_TRUE, SCAN_FALSE, SCAN_NULL };

// A value. Nodes are in the order of the text: the first child of node i is i + 1, and the next sibling of node c is
// nodes[c].end, the first node after its subtree.
struct scan_node {
    struct slice name; // members: unescaped; elements and the root: empty
    struct slice text; // strings: unescaped; others: the JSON as it came
    uint16_t parent, end, children;
    uint8_t kind; // enum scan_kind
};

struct scan_tree {
    size_t count;
    struct scan_node nodes[EVENT_MEMBERS_MAX + 1]; // the root is the object
};

// ERR_INVALID: not one strict JSON object; ERR_LIMIT: within the grammar so far, but beyond a limit. Both add one fault
// with the path of the innermost container and "byte N: ..." (from 0). Escaped strings are put into the arena.
enum err event_scan(struct slice raw, struct arena *arena, struct scan_tree *tree,
                    struct event_faults *faults) MUST_USE;

// Adds a fault about a node. value: the JSON is fine, but what it says is not (HTTP 422).
void event_fault_add(struct event_faults *faults, const struct scan_tree *tree, size_t node, bool value,
                     const char *format, ...) PRINTF_LIKE(5, 6);
// The same with a path in words of the caller.
void event_fault_add_at(struct event_faults *faults, const char *path, bool value, const char *format, ...)
    PRINTF_LIKE(4, 5);
