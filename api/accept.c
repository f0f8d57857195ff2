// SPDX-License-Identifier: Apache-2.0
// Content negotiation and entity tags.
#include "api/accept.h"

#include <string.h>
#include <strings.h>

struct range {
    const char *text; // "type/subtype"
    size_t length;
    int quality; // thousandths
};

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

// "0", "1", "0.5", "1.000"; -1 if it is no quality.
static int read_quality(const char *text, size_t length)
{
    if (length < 1 || length > 5 || (text[0] != '0' && text[0] != '1') || (length > 1 && text[1] != '.')) return -1;
    int quality = (text[0] - '0') * 1000, place = 100;
    for (size_t i = 2; i < length; i++, place /= 10) {
        if (text[i] < '0' || text[i] > '9') return -1;
        quality += (text[i] - '0') * place;
    }
    return quality <= 1000 ? quality : -1;
}

// One element of the list, up to the next comma; false if it is no media range.
static bool read_range(const char *at, size_t length, struct range *range)
{
    size_t end = 0;
    while (end < length && at[end] != ';')
        end++;
    size_t size = end;
    while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t'))
        size--;
    *range = (struct range){at, size, 1000};
    if (!memchr(at, '/', size)) return false;
    while (end < length) {
        const char *name = skip_blanks(at + end + 1);
        size_t start = (size_t)(name - at), stop = start;
        if (start > length) return false;
        while (stop < length && at[stop] != ';')
            stop++;
        if (stop - start >= 2 && (name[0] == 'q' || name[0] == 'Q') && name[1] == '=') {
            size_t value = stop - start - 2;
            while (value > 0 && (name[2 + value - 1] == ' ' || name[2 + value - 1] == '\t'))
                value--;
            range->quality = read_quality(name + 2, value);
        }
        end = stop;
    }
    return range->quality >= 0;
}

// How closely a range names a type: 3 exactly, 2 "type/*", 1 "*/*", 0 not at all.
static int closeness(const struct range *range, const char *type)
{
    size_t major = strcspn(type, "/");
    if (range->length == strlen(type) && strncasecmp(range->text, type, range->length) == 0) return 3;
    if (range->length == 3 && memcmp(range->text, "*/*", 3) == 0) return 1;
    if (range->length == major + 2 && strncasecmp(range->text, type, major + 1) == 0 && range->text[major + 1] == '*')
        return 2;
    return 0;
}

static int quality_of(const char *header, const char *type)
{
    int quality = 0, closest = 0;
    while (*header) {
        header = skip_blanks(header);
        size_t length = strcspn(header, ",");
        struct range range;
        if (read_range(header, length, &range) && closeness(&range, type) > closest) {
            closest = closeness(&range, type);
            quality = range.quality;
        }
        header += length + (header[length] == ',');
    }
    return quality;
}

int accept_choose(const char *header, const char *const *types, size_t count)
{
    int best = -1, best_quality = 0;
    if (!header || !*skip_blanks(header)) return 0;
    for (size_t i = 0; i < count; i++) {
        int quality = quality_of(header, types[i]);
        if (quality <= best_quality) continue;
        best = (int)i;
        best_quality = quality;
    }
    return best;
}

bool entity_tag_listed(const char *header, const char *tag, bool weak)
{
    size_t tag_length = strlen(tag);
    const char *at = skip_blanks(header);
    if (at[0] == '*' && !*skip_blanks(at + 1)) return true;
    while (*at) {
        bool is_weak = strncmp(at, "W/", 2) == 0;
        if (is_weak) at += 2;
        if (*at != '"') return false; // no list of tags: matches nothing
        size_t length = strcspn(++at, "\"");
        if (!at[length]) return false;
        if ((weak || !is_weak) && length == tag_length && memcmp(at, tag, length) == 0) return true;
        at = skip_blanks(at + length + 1);
        if (*at == ',') at = skip_blanks(at + 1);
    }
    return false;
}
