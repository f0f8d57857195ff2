// SPDX-License-Identifier: Apache-2.0
// The hot loop over an event's bytes. UTF-8 is checked once for the whole text; after that every structural byte is
// ASCII, and a string without escapes is found eight bytes at a time and never copied.
// Invariant: `at` never passes `end`; recursion is bounded by EVENT_DEPTH_MAX.
#include "ingest/event_scan.h"

#include <string.h>

struct scan {
    const char *start, *at, *end;
    struct arena *arena;
    struct scan_tree *tree;
    struct event_faults *faults;
    size_t container; // node that is being read, for the path of a fault
    enum err err;
};

#define COLD __attribute__((cold, noinline))
#define REPEAT(byte) (UINT64_C(0x0101010101010101) * (byte))

static COLD bool scan_stop(struct scan *scan, enum err err, const char *at, const char *reason)
{
    scan->err = err;
    event_fault_add(scan->faults, scan->tree, scan->container, false, "byte %zu: %s", (size_t)(at - scan->start),
                    reason);
    return false;
}

static COLD bool scan_refuse(struct scan *scan, const char *reason)
{
    return scan_stop(scan, ERR_INVALID, scan->at, scan->at < scan->end ? reason : "the text ends too early");
}

static inline void scan_space(struct scan *scan)
{
    while (scan->at < scan->end && (unsigned char)*scan->at <= ' ') {
        char c = *scan->at;
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return; // refused by whoever looks next
        scan->at++;
    }
}

static inline bool string_byte_is_plain(char c)
{
    return c != '"' && c != '\\' && (unsigned char)c >= 0x20;
}

// First byte that is a quote, a backslash or a control character; end if there is none.
static inline const char *plain_run(const char *at, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        uint64_t quote = eight ^ REPEAT('"'), backslash = eight ^ REPEAT('\\');
        // a byte's high bit is set when it is zero, or below 0x20; exact for the lowest such byte, which is the one we
        // want
        uint64_t hit =
            ((quote - REPEAT(1)) & ~quote) | ((backslash - REPEAT(1)) & ~backslash) | ((eight - REPEAT(0x20)) & ~eight);
        hit &= REPEAT(0x80);
        if (hit) return at + (__builtin_ctzll(hit) >> 3);
        at += 8;
    }
#endif
    while (at < end && string_byte_is_plain(*at))
        at++;
    return at;
}

// The quote that ends a string with escapes; NULL with a fault if there is none, or a control character comes first.
static const char *string_end(struct scan *scan, const char *at)
{
    for (;;) {
        at = plain_run(at, scan->end);
        scan->at = at;
        if (at == scan->end) break;
        if (*at == '"') return at;
        if (*at != '\\') {
            scan_refuse(scan, "a control character stands in a string");
            return NULL;
        }
        if (scan->end - at < 2) break;
        at += 2;
    }
    scan_stop(scan, ERR_INVALID, scan->end, "the text ends too early");
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Four hex digits at `at`, -1 if they are not. Within a string that ends at a quote, so no bound is needed beyond it.
static int32_t hex_four(const char *at, const char *end)
{
    if (end - at < 4) return -1;
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

static char *utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

// After "\u": writes the character, with the second half of a surrogate pair. NULL with a fault.
static char *unicode_unescape(struct scan *scan, const char **at, const char *end, char *out)
{
    int32_t code = hex_four(*at, end);
    scan->at = *at - 2;
    if (code < 0) return scan_refuse(scan, "\\u needs four hexadecimal digits"), NULL;
    if (code == 0) return scan_refuse(scan, "the character NUL is not allowed"), NULL;
    *at += 4;
    if (code >= 0xd800 && code <= 0xdfff) {
        int32_t low =
            code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex_four(*at + 2, end) : -1;
        if (low < 0xdc00 || low > 0xdfff) return scan_refuse(scan, "half of a surrogate pair stands alone"), NULL;
        *at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return utf8_put(out, (uint32_t)code);
}

static char simple_unescape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

static COLD bool scan_string_escaped(struct scan *scan, const char *begin, struct slice *text)
{
    const char *end = string_end(scan, begin);
    if (!end) return false;
    char *copy = arena_alloc(scan->arena, (size_t)(end - begin)), *out = copy; // an escape never gets longer
    for (const char *at = begin; at < end;) {
        const char *run = plain_run(at, end);
        memcpy(out, at, (size_t)(run - at));
        out += run - at;
        at = run;
        if (at == end) break;
        char escape = at[1]; // a backslash is never the last byte: string_end stepped over pairs
        at += 2;
        if (escape == 'u') {
            if (!(out = unicode_unescape(scan, &at, end, out))) return false;
        } else if ((*out = simple_unescape(escape))) {
            out++;
        } else {
            scan->at = at - 2;
            return scan_refuse(scan, "unknown escape");
        }
    }
    *text = (struct slice){copy, (size_t)(out - copy)};
    scan->at = end + 1;
    return true;
}

// `at` stands after the opening quote.
static inline bool scan_string(struct scan *scan, struct slice *text)
{
    const char *begin = scan->at, *at = plain_run(begin, scan->end);
    if (at == scan->end || *at != '"') return scan_string_escaped(scan, begin, text);
    *text = (struct slice){begin, (size_t)(at - begin)};
    scan->at = at + 1;
    return true;
}

static inline bool scan_digits(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > begin || scan_refuse(scan, "a digit is expected");
}

static inline bool scan_is(const struct scan *scan, char c)
{
    return scan->at < scan->end && *scan->at == c;
}

static bool scan_number(struct scan *scan, struct slice *text)
{
    const char *begin = scan->at;
    if (*begin == '-') scan->at++;
    if (scan_is(scan, '0')) {
        scan->at++;
        if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
            return scan_refuse(scan, "a number has no leading zero");
    } else if (!scan_digits(scan)) {
        return false;
    }
    if (scan_is(scan, '.')) {
        scan->at++;
        if (!scan_digits(scan)) return false;
    }
    if (scan_is(scan, 'e') || scan_is(scan, 'E')) {
        scan->at++;
        if (scan_is(scan, '+') || scan_is(scan, '-')) scan->at++;
        if (!scan_digits(scan)) return false;
    }
    *text = (struct slice){begin, (size_t)(scan->at - begin)};
    if (text->length > EVENT_NUMBER_MAX)
        return scan_stop(scan, ERR_LIMIT, begin, "the number is longer than 128 bytes");
    return true;
}

static bool scan_word(struct scan *scan, const char *word, size_t length, struct slice *text)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return scan_refuse(scan, "a JSON value is expected");
    *text = (struct slice){scan->at, length};
    scan->at += length;
    return true;
}

static bool scan_members(struct scan *scan, size_t self, unsigned depth);
static bool scan_elements(struct scan *scan, size_t self, unsigned depth);

// Reads a value into a new node. `name` is set before the value is read, so that a fault inside it has its path.
static bool scan_value(struct scan *scan, size_t parent, struct slice name, unsigned depth)
{
    if (scan->at == scan->end) return scan_refuse(scan, "");
    struct scan_tree *tree = scan->tree;
    if (tree->count > EVENT_MEMBERS_MAX)
        return scan_stop(scan, ERR_LIMIT, scan->at, "more than 256 members and elements");
    size_t self = tree->count++;
    struct scan_node *node = &tree->nodes[self];
    node->name = name;
    node->parent = (uint16_t)parent;
    node->children = 0;
    const char *begin = scan->at;
    bool done;
    switch (*begin) {
    case '"':
        node->kind = SCAN_STRING;
        scan->at++;
        done = scan_string(scan, &node->text);
        break;
    case '{':
        node->kind = SCAN_OBJECT;
        done = scan_members(scan, self, depth + 1);
        node->text = (struct slice){begin, (size_t)(scan->at - begin)};
        break;
    case '[':
        node->kind = SCAN_ARRAY;
        done = scan_elements(scan, self, depth + 1);
        node->text = (struct slice){begin, (size_t)(scan->at - begin)};
        break;
    case 't':
        node->kind = SCAN_TRUE;
        done = scan_word(scan, "true", 4, &node->text);
        break;
    case 'f':
        node->kind = SCAN_FALSE;
        done = scan_word(scan, "false", 5, &node->text);
        break;
    case 'n':
        node->kind = SCAN_NULL;
        done = scan_word(scan, "null", 4, &node->text);
        break;
    default:
        node->kind = SCAN_NUMBER;
        if (*begin != '-' && (*begin < '0' || *begin > '9')) return scan_refuse(scan, "a JSON value is expected");
        done = scan_number(scan, &node->text);
    }
    node->end = (uint16_t)tree->count;
    return done;
}

// Steps into a container: `at` stands on its bracket. False with a fault if it is too deep.
static bool scan_enter(struct scan *scan, size_t self, unsigned depth)
{
    if (depth > EVENT_DEPTH_MAX) return scan_stop(scan, ERR_LIMIT, scan->at, "nested deeper than 16 levels");
    scan->container = self;
    scan->at++;
    scan_space(scan);
    return true;
}

static bool scan_members(struct scan *scan, size_t self, unsigned depth)
{
    size_t outer = scan->container;
    if (!scan_enter(scan, self, depth)) return false;
    while (!scan_is(scan, '}') || scan->tree->nodes[self].children > 0) {
        struct slice name;
        if (!scan_is(scan, '"')) return scan_refuse(scan, "a member's name in quotes is expected");
        scan->at++;
        if (!scan_string(scan, &name)) return false;
        scan_space(scan);
        if (!scan_is(scan, ':')) return scan_refuse(scan, "a colon is expected after a member's name");
        scan->at++;
        scan_space(scan);
        if (!scan_value(scan, self, name, depth)) return false;
        scan->tree->nodes[self].children++;
        scan_space(scan);
        if (scan_is(scan, '}')) break;
        if (!scan_is(scan, ',')) return scan_refuse(scan, "a comma or the end of the object is expected");
        scan->at++;
        scan_space(scan);
    }
    scan->at++;
    scan->container = outer;
    return true;
}

static bool scan_elements(struct scan *scan, size_t self, unsigned depth)
{
    size_t outer = scan->container;
    if (!scan_enter(scan, self, depth)) return false;
    while (!scan_is(scan, ']') || scan->tree->nodes[self].children > 0) {
        if (!scan_value(scan, self, (struct slice){"", 0}, depth)) return false;
        scan->tree->nodes[self].children++;
        scan_space(scan);
        if (scan_is(scan, ']')) break;
        if (!scan_is(scan, ',')) return scan_refuse(scan, "a comma or the end of the array is expected");
        scan->at++;
        scan_space(scan);
    }
    scan->at++;
    scan->container = outer;
    return true;
}

enum err event_scan(struct slice raw, struct arena *arena, struct scan_tree *tree, struct event_faults *faults)
{
    struct scan scan = {raw.data, raw.data, raw.data + raw.length, arena, tree, faults, 0, ERR_OK};
    tree->count = 0;
    if (raw.length > EVENT_BYTES_MAX) {
        scan_stop(&scan, ERR_LIMIT, scan.start + EVENT_BYTES_MAX, "the event is longer than 65536 bytes");
        return ERR_LIMIT;
    }
    size_t valid = utf8_valid_length(raw.data, raw.length);
    if (valid < raw.length) {
        scan_stop(&scan, ERR_INVALID, raw.data + valid, "not valid UTF-8");
        return ERR_INVALID;
    }
    scan_space(&scan);
    if (!scan_is(&scan, '{')) {
        scan_stop(&scan, ERR_INVALID, scan.at, "an event is a JSON object");
        return ERR_INVALID;
    }
    if (!scan_value(&scan, 0, (struct slice){"", 0}, 0)) return scan.err;
    scan_space(&scan);
    if (scan.at < scan.end) {
        scan_refuse(&scan, "more text follows the object");
        return ERR_INVALID;
    }
    return ERR_OK;
}
