// SPDX-License-Identifier: Apache-2.0
// Calendar maths in IANA time zones, read from the system's compiled zone files (TZif, RFC 8536).
// Zones are immutable once opened and shared by all threads.
#pragma once
#include "common/instant.h"

struct zone;

// Opens by IANA name ("Europe/Berlin", "UTC"); cached, never freed before exit. ERR_INVALID: no such zone, or a bad
// name (names with "..", a leading '/', "localtime" and so on are refused before any file is touched). ERR_RETRY: the
// file cannot be read now; ERR_BUG: it is broken. The directory is /usr/share/zoneinfo, or $TZDIR as it was at the
// first call.
enum err zone_open(const char *name, const struct zone **zone, struct fault *fault) MUST_USE;
const char *zone_name(const struct zone *zone);
// Version text of the zone data (from tzdata.zi or +VERSION, "unknown" if the system has none). Static storage.
const char *zone_data_version(void);

// Offset from UTC in seconds at an instant; correct beyond the last transition by the file's POSIX TZ footer.
int zone_offset_seconds(const struct zone *zone, instant_us instant);

struct civil { int year, month, day, hour, minute, second, micro; };
void zone_civil(const struct zone *zone, instant_us instant, struct civil *civil);
// First instant whose civil time is at or after the given one: in a gap the instant after it, in an overlap the first
// of the two (America/Asuncion 2023-10-01 -> 04:00Z, America/Havana 2020-11-01 -> 04:00Z). Years -1..10001, months
// 1..12 (ENSUREd); days, hours, minutes and seconds beyond their range count on into the next larger unit. micro
// 0..999999.
instant_us zone_instant(const struct zone *zone, const struct civil *civil);

// Civil month as half-open [start, end): each end is the start of the next month. Years 0..10000, month 1..12.
void zone_month(const struct zone *zone, int year, int month, instant_us *start, instant_us *end);
// The month [start, end) that contains an instant (INSTANT_MIN..INSTANT_MAX). Not always the one of zone_civil: where
// the clock goes back over a month's end, the old month's civil time is shown again in the new month.
void zone_month_of(const struct zone *zone, instant_us instant, int *year, int *month);
