// SPDX-License-Identifier: Apache-2.0
// The times at which a price holds, if not always: hours of some days on the clocks of a zone ("Europe/Berlin mon,tue
// 18:00-08:00"). A quarter of an hour belongs to a window if the local time of its first instant does, so that where
// clocks change every hour that is lived through is judged by what the clock shows. Pure, but for zone files.
#pragma once
#include "common/arena.h"
#include "common/zone.h"

enum { WINDOW_DATES_MAX = 100, WINDOW_TEXT_MAX = 1400 };
enum { WINDOW_DAILY = 0x7f, WINDOW_MINUTES = 15, DAY_MINUTES = 1440 };

// Half-open from..to, multiples of WINDOW_MINUTES. to <= from: it ends on the day after the one on which it begins; all
// of it belongs to the day on which it begins.
struct price_window {
    const struct zone *zone;
    unsigned days;                // of the week on which it begins, bit 0 is Monday; 0: on the dates
    int64_t *dates; size_t count; // days since 1970-01-01 on the zone's calendar, rising
    int from_minute, to_minute;   // of the local day: 0..1425 and 15..1440
};

// Reads the canonical text. ERR_INVALID with the reason: no such zone, not what price_window_print would print; other
// errors are the zone file's.
enum err price_window_read(struct arena *arena, const char *text, struct price_window *window, struct fault *fault) MUST_USE;
// "ZONE DAYS HH:MM-HH:MM": DAYS is "daily", names of days joined by commas, or dates likewise. It fits WINDOW_TEXT_MAX.
void price_window_print(const struct price_window *window, char out[WINDOW_TEXT_MAX]);
// Fault-free parts of it, for readers of files: "18:00" to minutes, -1 if it is none; a date to days, INT64_MIN.
int price_window_minute(const char *text);
int64_t price_window_date(const char *text, size_t length);
// Bit of a day's name ("mon"); 0 if it is none.
unsigned price_window_day(const char *text, size_t length);

bool price_window_holds(const struct price_window *window, instant_us slot);
// 2 for dates, 1 for days of the week, 0 for none (NULL): where several prices hold, the one of the highest rank does.
int price_window_rank(const struct price_window *window);
// Both are of one rank, in one zone, and some local time belongs to both.
bool price_windows_overlap(const struct price_window *a, const struct price_window *b);
// Instants inside (start, end), on slot bounds, at which the window begins or ends, in time order: their number, and
// into `changes` if it is not NULL.
size_t price_window_changes(const struct price_window *window, instant_us start, instant_us end, instant_us *changes);
