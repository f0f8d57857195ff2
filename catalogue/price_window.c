// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/price_window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS_A_WEEK = 7, ZONE_TEXT_MAX = 128, DATE_LENGTH = 10 };
static const char day_names[DAYS_A_WEEK][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// --- texts

int price_window_minute(const char *text)
{
    static const char form[] = "00:00";
    if (strlen(text) != sizeof form - 1) return -1;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == ':' ? text[i] != ':' : text[i] < '0' || text[i] > '9') return -1;
    int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    int sum = hour * 60 + minute;
    return minute < 60 && sum <= DAY_MINUTES && minute % WINDOW_MINUTES == 0 ? sum : -1;
}

int64_t price_window_date(const char *text, size_t length)
{
    instant_us midnight;
    if (length != DATE_LENGTH || instant_parse_loose(text, length, &midnight, NULL)) return INT64_MIN;
    return instant_floor(midnight, DAY_US) / DAY_US;
}

unsigned price_window_day(const char *text, size_t length)
{
    for (int i = 0; i < DAYS_A_WEEK; i++)
        if (length == 3 && memcmp(text, day_names[i], 3) == 0) return 1u << i;
    return 0;
}

static size_t print_days(const struct price_window *window, char *out)
{
    size_t length = 0;
    if (window->days == WINDOW_DAILY) return (size_t)sprintf(out, "daily");
    for (int i = 0; i < DAYS_A_WEEK; i++)
        if (window->days >> i & 1) length += (size_t)sprintf(out + length, "%s%s", length ? "," : "", day_names[i]);
    for (size_t i = 0; i < window->count; i++) {
        int year, month, day;
        civil_from_days(window->dates[i], &year, &month, &day);
        length += (size_t)sprintf(out + length, "%s%04d-%02d-%02d", length ? "," : "", year % 10000, month, day);
    }
    return length;
}

void price_window_print(const struct price_window *window, char out[WINDOW_TEXT_MAX])
{
    _Static_assert(ZONE_TEXT_MAX + WINDOW_DATES_MAX * (DATE_LENGTH + 1) + 32 < WINDOW_TEXT_MAX, "it fits");
    size_t length = (size_t)snprintf(out, ZONE_TEXT_MAX, "%s ", zone_name(window->zone));
    ENSURE(length < ZONE_TEXT_MAX && window->count <= WINDOW_DATES_MAX);
    length += print_days(window, out + length);
    sprintf(out + length, " %02d:%02d-%02d:%02d", window->from_minute / 60, window->from_minute % 60,
            window->to_minute / 60, window->to_minute % 60);
}

static bool read_days(struct arena *arena, const char *text, size_t length, struct price_window *window)
{
    if (length == strlen("daily") && memcmp(text, "daily", length) == 0) {
        window->days = WINDOW_DAILY;
        return true;
    }
    window->dates = ARENA_ARRAY(arena, int64_t, WINDOW_DATES_MAX);
    for (size_t from = 0, to; from <= length; from = to + 1) {
        for (to = from; to < length && text[to] != ',';) to++;
        unsigned day = price_window_day(text + from, to - from);
        int64_t date = day ? 0 : price_window_date(text + from, to - from);
        if (date == INT64_MIN || window->count == WINDOW_DATES_MAX) return false;
        window->days |= day;
        if (!day) window->dates[window->count++] = date;
    }
    return true;
}

enum err price_window_read(struct arena *arena, const char *text, struct price_window *window, struct fault *fault)
{
    const char *days = strchr(text, ' '), *hours = days ? strchr(days + 1, ' ') : NULL;
    char zone[ZONE_TEXT_MAX], from[6], printed[WINDOW_TEXT_MAX];
    *window = (struct price_window){.days = 0};
    if (!hours || days - text >= ZONE_TEXT_MAX || strlen(hours) != strlen(" 00:00-00:00"))
        return fault_set(fault, ERR_INVALID, "", "'%.200s' is no time window", text);
    snprintf(zone, sizeof zone, "%.*s", (int)(days - text), text);
    snprintf(from, sizeof from, "%.5s", hours + 1);
    enum err err = zone_open(zone, &window->zone, fault);
    if (err) return err;
    bool good = read_days(arena, days + 1, (size_t)(hours - days - 1), window);
    window->from_minute = price_window_minute(from);
    window->to_minute = price_window_minute(hours + 7);
    good = good && (window->days == 0) != (window->count == 0) && window->from_minute >= 0 &&
           window->from_minute < DAY_MINUTES && window->to_minute > 0 && window->from_minute != window->to_minute;
    for (size_t i = 1; good && i < window->count; i++)
        good = window->dates[i - 1] < window->dates[i];
    if (good) price_window_print(window, printed);
    if (good && strcmp(printed, text) == 0) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "", "'%.200s' is no time window", text);
}

// --- what belongs to it

int price_window_rank(const struct price_window *window)
{
    return !window ? 0 : window->count ? 2 : 1;
}

static int compare_days(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool begins_on(const struct price_window *window, int64_t day)
{
    int64_t weekday = ((day + 3) % DAYS_A_WEEK + DAYS_A_WEEK) % DAYS_A_WEEK; // 1970-01-01 was a Thursday
    if (window->days) return window->days >> weekday & 1;
    return bsearch(&day, window->dates, window->count, sizeof day, compare_days) != NULL;
}

static bool holds_at(const struct price_window *window, int64_t day, int minute)
{
    if (window->from_minute < window->to_minute)
        return minute >= window->from_minute && minute < window->to_minute && begins_on(window, day);
    return (minute >= window->from_minute && begins_on(window, day)) ||
           (minute < window->to_minute && begins_on(window, day - 1));
}

bool price_window_holds(const struct price_window *window, instant_us slot)
{
    instant_us local = slot + zone_offset_seconds(window->zone, slot) * SECOND_US;
    instant_us midnight = instant_floor(local, DAY_US);
    return holds_at(window, midnight / DAY_US, (int)((local - midnight) / MINUTE_US));
}

// Some quarter of an hour of the days [first, last] belongs to both.
static bool meet(const struct price_window *a, const struct price_window *b, int64_t first, int64_t last)
{
    for (int64_t day = first; day <= last; day++)
        for (int minute = 0; minute < DAY_MINUTES; minute += WINDOW_MINUTES)
            if (holds_at(a, day, minute) && holds_at(b, day, minute)) return true;
    return false;
}

bool price_windows_overlap(const struct price_window *a, const struct price_window *b)
{
    if (a->zone != b->zone || price_window_rank(a) != price_window_rank(b)) return false;
    if (a->days) return meet(a, b, 0, DAYS_A_WEEK - 1);
    for (size_t i = 0; i < a->count; i++)
        if (meet(a, b, a->dates[i], a->dates[i] + 1)) return true;
    return false;
}

// --- where it begins and ends

// The next slot bound after `slot` before which nothing can change: the next local from, to or midnight; where the
// clocks change in between, or show no quarters, the next slot.
static instant_us next_slot(const struct price_window *window, instant_us slot)
{
    int64_t offset_us = zone_offset_seconds(window->zone, slot) * SECOND_US;
    instant_us local = slot + offset_us, midnight = instant_floor(local, DAY_US), next = midnight + DAY_US;
    const instant_us bounds[] = {midnight + window->from_minute * MINUTE_US, midnight + window->to_minute * MINUTE_US};
    for (int i = 0; i < 2; i++)
        if (bounds[i] > local && bounds[i] < next) next = bounds[i];
    next -= offset_us;
    bool steady = offset_us % SLOT_US == 0 && zone_offset_seconds(window->zone, next) * SECOND_US == offset_us;
    return steady ? next : slot + SLOT_US;
}

size_t price_window_changes(const struct price_window *window, instant_us start, instant_us end, instant_us *changes)
{
    size_t count = 0;
    instant_us slot = instant_floor(start, SLOT_US);
    bool holds = price_window_holds(window, slot);
    while ((slot = next_slot(window, slot)) < end) {
        if (price_window_holds(window, slot) == holds) continue;
        holds = !holds;
        if (slot <= start) continue;
        if (changes) changes[count] = slot;
        count++;
    }
    return count;
}
