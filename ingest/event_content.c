// SPDX-License-Identifier: Apache-2.0
// The canonical form of an event's content, self-delimiting bytes:
//   string '"' length (4 bytes, little-endian) bytes;  number '#' [-]digits[e[-]exponent] ';'  with no zero at either
//   end of the digits and no exponent of zero, zero itself "0";  true 't', false 'f', null 'n';  array '[' values ']';
//   object '{' (name as a string, value) sorted by the bytes of the name '}';  absent '0';  instant '@' 8 bytes.
// Once written to the log's verdicts it cannot change: another form is another version.
#include "ingest/event_content.h"

#include <stdio.h>
#include <string.h>

static inline void content_add_byte(struct content *content, char byte)
{
    content->data[content->length++] = byte;
}

static inline void content_add_bytes(struct content *content, const char *data, size_t length)
{
    if (length > 0) memcpy(content->data + content->length, data, length);
    content->length += length;
}

void content_add_string(struct content *content, struct slice text)
{
    uint32_t length = (uint32_t)text.length;
    const char head[5] = {'"', (char)(length & 0xff), (char)((length >> 8) & 0xff), (char)((length >> 16) & 0xff),
                          (char)(length >> 24)};
    content_add_bytes(content, head, sizeof head);
    content_add_bytes(content, text.data, text.length);
}

void content_add_absent(struct content *content)
{
    content_add_byte(content, '0');
}

void content_add_instant(struct content *content, instant_us instant)
{
    uint64_t bits = (uint64_t)instant;
    content_add_byte(content, '@');
    for (int i = 0; i < 8; i++)
        content_add_byte(content, (char)((bits >> (8 * i)) & 0xff));
}

// The exponent after 'e', at most 124 digits: saturates far beyond CONTENT_EXPONENT_MAX.
static long exponent_read(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    long exponent = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    for (; at < end; at++)
        if (exponent < 1000000) exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

// Digits of the number without point and without zeros at either end; *exponent is the power of ten of the last one.
static size_t digits_read(struct slice literal, char digits[EVENT_NUMBER_MAX], long *exponent)
{
    size_t count = 0;
    long fraction = 0;
    bool point = false;
    const char *at = literal.data, *end = literal.data + literal.length;
    *exponent = 0;
    if (*at == '-') at++;
    for (; at < end; at++) {
        if (*at == '.') {
            point = true;
        } else if (*at == 'e' || *at == 'E') {
            *exponent = exponent_read(at + 1, end);
            break;
        } else {
            fraction += point;
            if (count > 0 || *at != '0') digits[count++] = *at;
        }
    }
    *exponent -= fraction;
    for (; count > 0 && digits[count - 1] == '0'; count--)
        ++*exponent;
    return count;
}

static void content_add_number(struct content *content, const struct scan_tree *tree, size_t node)
{
    SCRATCH char digits[EVENT_NUMBER_MAX];
    struct slice literal = tree->nodes[node].text;
    long exponent;
    size_t count = digits_read(literal, digits, &exponent);
    content_add_byte(content, '#');
    if (count == 0) { // -0, 0.00 and 0e7 are zero
        content_add_bytes(content, "0;", 2);
        return;
    }
    if (exponent > CONTENT_EXPONENT_MAX || exponent < -CONTENT_EXPONENT_MAX) {
        event_fault_add(content->faults, tree, node, false, "the number's exponent is beyond +-%d",
                        CONTENT_EXPONENT_MAX);
        return;
    }
    if (*literal.data == '-') content_add_byte(content, '-');
    content_add_bytes(content, digits, count);
    if (exponent != 0) {
        char text[16];
        int length = snprintf(text, sizeof text, "e%ld", exponent);
        content_add_bytes(content, text, (size_t)length);
    }
    content_add_byte(content, ';');
}

// Sorts node numbers by name; a Shell sort: members are few and often sorted, and 256 of them must not cost 256
// squared.
static void members_sort(const struct scan_tree *tree, uint16_t *members, size_t count)
{
    static const size_t gaps[] = {57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        size_t gap = gaps[g];
        for (size_t i = gap; i < count; i++) {
            uint16_t member = members[i];
            size_t at = i;
            for (; at >= gap && slice_compare(tree->nodes[members[at - gap]].name, tree->nodes[member].name) > 0;
                 at -= gap)
                members[at] = members[at - gap];
            members[at] = member;
        }
    }
}

// Fills members with the children of an object, sorted by name, and reports those that come twice.
static size_t members_of(const struct scan_tree *tree, size_t object, uint16_t *members, struct event_faults *faults)
{
    size_t count = 0;
    for (size_t at = object + 1; at < tree->nodes[object].end; at = tree->nodes[at].end)
        members[count++] = (uint16_t)at;
    members_sort(tree, members, count);
    for (size_t i = 1; i < count; i++)
        if (slice_equal(tree->nodes[members[i - 1]].name, tree->nodes[members[i]].name))
            event_fault_add(faults, tree, members[i], false, "the member is there twice");
    return count;
}

void content_check_members(const struct scan_tree *tree, size_t object, struct event_faults *faults)
{
    SCRATCH uint16_t members[EVENT_MEMBERS_MAX];
    (void)members_of(tree, object, members, faults);
}

// `free_members` is where this value and all below it may keep member lists; together they have at most one entry per
// node.
static void content_add(struct content *content, const struct scan_tree *tree, size_t node, uint16_t *free_members)
{
    const struct scan_node *value = &tree->nodes[node];
    switch ((enum scan_kind)value->kind) {
    case SCAN_STRING:
        content_add_string(content, value->text);
        break;
    case SCAN_NUMBER:
        content_add_number(content, tree, node);
        break;
    case SCAN_TRUE:
        content_add_byte(content, 't');
        break;
    case SCAN_FALSE:
        content_add_byte(content, 'f');
        break;
    case SCAN_NULL:
        content_add_byte(content, 'n');
        break;
    case SCAN_ARRAY:
        content_add_byte(content, '[');
        for (size_t at = node + 1; at < value->end; at = tree->nodes[at].end)
            content_add(content, tree, at, free_members);
        content_add_byte(content, ']');
        break;
    case SCAN_OBJECT: {
        size_t count = members_of(tree, node, free_members, content->faults);
        content_add_byte(content, '{');
        for (size_t i = 0; i < count; i++) {
            content_add_string(content, tree->nodes[free_members[i]].name);
            content_add(content, tree, free_members[i], free_members + count);
        }
        content_add_byte(content, '}');
        break;
    }
    }
}

void content_add_value(struct content *content, const struct scan_tree *tree, size_t node)
{
    SCRATCH uint16_t members[EVENT_MEMBERS_MAX];
    content_add(content, tree, node, members);
}
