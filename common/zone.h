// SPDX-License-Identifier: Apache-2.0
// Calendar maths in IANA time zones, read from the system's compiled zone files (TZif, RFC 8536).
// Zones are immutable once opened and shared by all threads.
#pragma once
#include "common/instant.h"

struct zone;

// Opens by IANA name ("Europe/Berlin", "UTC"); cached, never freed before exit. ERR_INVALID: no such zone, or a bad name
// (names with "..", a leading '/' and so on are refused before any file is touched). The directory is /usr/share/zoneinfo, or $TZDIR.
enum err zone_open(const char *name, const struct zone **zone, struct fault *fault) MUST_USE;
const char *zone_name(const struct zone *zone);
// Version text of the zone data (from tzdata.zi or +VERSION, "unknown" if the system has none). Static storage.
const char *zone_data_version(void);

// Offset from UTC in seconds at an instant; correct beyond the last transition by the file's POSIX TZ footer.
int zone_offset_seconds(const struct zone *zone, instant_us instant);

struct civil { int year, month, day, hour, minute, second, micro; };
void zone_civil(const struct zone *zone, instant_us instant, struct civil *civil);
// First instant whose civil time is at or after the given one: in a gap the instant after it, in an overlap the first of
// the two (America/Asuncion 2023-10-01 -> 04:00Z, America/Havana 2020-11-01 -> 04:00Z).
instant_us zone_instant(const struct zone *zone, const struct civil *civil);

// Civil month as half-open [start, end). month 1..12.
void zone_month(const struct zone *zone, int year, int month, instant_us *start, instant_us *end);
// The month that contains an instant.
void zone_month_of(const struct zone *zone, instant_us instant, int *year, int *month);
