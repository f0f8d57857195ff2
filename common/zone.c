// SPDX-License-Identifier: Apache-2.0
// Calendar maths in zones. A zone is a sequence of stretches of constant offset; every question is answered from the
// stretch that contains an instant and the ones after it. Opened zones are kept for ever: there are some 600 of them.
#include "common/zone.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/zone_file.h"

enum { ZONE_NAME_MAX = 64, DIRECTORY_MAX = 512, BUCKETS = 128, VERSION_MAX = 32, DAY_SECONDS = 86400 };

struct zone {
    struct zone *next; // in its bucket
    struct zone_table table;
    char name[ZONE_NAME_MAX + 1];
};

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *cache[BUCKETS]; // guarded by cache_lock
static pthread_once_t directory_once = PTHREAD_ONCE_INIT;
static char directory[DIRECTORY_MAX] = "/usr/share/zoneinfo"; // constant after directory_once
static char version[VERSION_MAX] = "unknown";                 // constant after directory_once

// The word behind `prefix` in the first line of a file.
static bool read_version(const char *file, const char *prefix)
{
    char path[DIRECTORY_MAX + 32], line[128], word[VERSION_MAX];
    if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path) return false;
    FILE *stream = fopen(path, "re");
    if (!stream) return false;
    bool found = fgets(line, sizeof line, stream) && strncmp(line, prefix, strlen(prefix)) == 0 &&
                 sscanf(line + strlen(prefix), "%31s", word) == 1;
    fclose(stream);
    if (found) memcpy(version, word, sizeof version);
    return found;
}

static void find_directory(void)
{
    const char *chosen = getenv("TZDIR");
    if (chosen && *chosen && strlen(chosen) < sizeof directory) strcpy(directory, chosen);
    if (!read_version("tzdata.zi", "# version ")) read_version("+VERSION", "");
}

const char *zone_data_version(void)
{
    pthread_once(&directory_once, find_directory);
    return version;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Words of letters, digits, '+', '-' and '_' that begin with a letter, with a '/' between them. So no name leads out of
// the directory or to a file that is not a zone ("+VERSION", "zone.tab"). "localtime" and "posixrules" mean another
// zone on each machine.
static bool is_name(const char *name)
{
    size_t length = strnlen(name, ZONE_NAME_MAX + 1);
    if (length == 0 || length > ZONE_NAME_MAX) return false;
    if (strcmp(name, "localtime") == 0 || strcmp(name, "posixrules") == 0) return false;
    bool at_start = true;
    for (const char *at = name; *at; at++) {
        bool inner = (*at >= '0' && *at <= '9') || *at == '+' || *at == '-' || *at == '_' || *at == '/';
        if (!is_letter(*at) && (at_start || !inner)) return false;
        at_start = *at == '/';
    }
    return !at_start;
}

static size_t bucket_of(const char *name)
{
    uint32_t hash = 2166136261U; // FNV-1a
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619U;
    return hash % BUCKETS;
}

static enum err load(const char *name, struct zone **zone, struct fault *fault)
{
    char path[DIRECTORY_MAX + ZONE_NAME_MAX + 2];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    ENSURE(length > 0 && length < (int)sizeof path);
    struct zone_table table;
    enum err err = zone_file_read(path, &table, fault);
    if (err) return err;
    struct zone *opened = calloc(1, sizeof *opened);
    ENSURE(opened); // out of memory aborts, as everywhere
    opened->table = table;
    strcpy(opened->name, name); // is_name() has checked the length
    *zone = opened;
    return ERR_OK;
}

enum err zone_open(const char *name, const struct zone **zone, struct fault *fault)
{
    if (!is_name(name))
        return fault_set(fault, ERR_INVALID, NULL, "not the name of a time zone, write e.g. Europe/Berlin");
    pthread_once(&directory_once, find_directory);
    struct zone **bucket = &cache[bucket_of(name)];
    enum err err = ERR_OK;
    pthread_mutex_lock(&cache_lock);
    struct zone *found = *bucket;
    while (found && strcmp(found->name, name) != 0) found = found->next;
    if (!found && (err = load(name, &found, fault)) == ERR_OK) {
        found->next = *bucket;
        *bucket = found;
    }
    pthread_mutex_unlock(&cache_lock);
    if (!err) *zone = found;
    return err;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

static struct zone_stretch stretch_at(const struct zone *zone, int64_t second)
{
    const struct zone_table *table = &zone->table;
    size_t low = 0, high = table->count; // changes[low - 1] <= second < changes[high]
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->changes[middle] <= second) low = middle + 1;
        else high = middle;
    }
    if (low == table->count && table->rule.known) {
        struct zone_stretch stretch = zone_rule_stretch(&table->rule, second);
        // The rule knows nothing of the time before it holds; its own stretch may begin there.
        if (low > 0 && stretch.start < table->changes[low - 1]) stretch.start = table->changes[low - 1];
        return stretch;
    }
    return (struct zone_stretch){
        .start = low > 0 ? table->changes[low - 1] : INT64_MIN,
        .end = low < table->count ? table->changes[low] : INT64_MAX,
        .offset = low > 0 ? table->offsets[low - 1] : table->first_offset,
    };
}

static int64_t floor_second(instant_us instant)
{
    return instant / SECOND_US - (instant % SECOND_US < 0);
}

int zone_offset_seconds(const struct zone *zone, instant_us instant)
{
    return stretch_at(zone, floor_second(instant)).offset;
}

void zone_civil(const struct zone *zone, instant_us instant, struct civil *civil)
{
    int64_t second = floor_second(instant);
    civil->micro = (int)(instant - second * SECOND_US);
    second += stretch_at(zone, second).offset;
    int64_t days = second / DAY_SECONDS - (second % DAY_SECONDS < 0);
    int of_day = (int)(second - days * DAY_SECONDS);
    civil_from_days(days, &civil->year, &civil->month, &civil->day);
    civil->hour = of_day / 3600;
    civil->minute = of_day / 60 % 60;
    civil->second = of_day % 60;
}

instant_us zone_instant(const struct zone *zone, const struct civil *civil)
{
    ENSURE(civil->year >= -1 && civil->year <= 10001); // the years of an instant and the months around them
    int64_t wanted = civil_days(civil->year, civil->month, civil->day) * DAY_SECONDS + (int64_t)civil->hour * 3600 +
                     (int64_t)civil->minute * 60 + civil->second;
    // No civil time is further ahead of UTC than the largest offset: before `wanted` less that there is no answer.
    struct zone_stretch stretch = stretch_at(zone, wanted - ZONE_OFFSET_MAX);
    while (wanted - stretch.offset >= stretch.end) stretch = stretch_at(zone, stretch.end);
    int64_t second = wanted - stretch.offset;
    if (second < stretch.start) return stretch.start * SECOND_US; // the civil time was skipped
    return second * SECOND_US + civil->micro;
}

static void next_month(int *year, int *month)
{
    *year += *month == 12;
    *month = *month == 12 ? 1 : *month + 1;
}

void zone_month(const struct zone *zone, int year, int month, instant_us *start, instant_us *end)
{
    *start = zone_instant(zone, &(struct civil){.year = year, .month = month, .day = 1});
    next_month(&year, &month);
    *end = zone_instant(zone, &(struct civil){.year = year, .month = month, .day = 1});
}

void zone_month_of(const struct zone *zone, instant_us instant, int *year, int *month)
{
    struct civil civil;
    zone_civil(zone, instant, &civil);
    *year = civil.year;
    *month = civil.month;
    instant_us start, end;
    zone_month(zone, civil.year, civil.month, &start, &end);
    // Where the clock went back over the month's end (St John's, 2009-11-01 00:01), the old month is shown again for a
    // while after the new one began.
    if (instant >= end) next_month(year, month);
}
