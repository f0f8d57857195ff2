// SPDX-License-Identifier: Apache-2.0
// Instants: microseconds since 1970-01-01T00:00:00Z, no leap seconds, and the one clock of the program.
// Calendar maths with zones is in zone.h.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

typedef int64_t instant_us; // microseconds UTC

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define SLOT_US (15 * MINUTE_US)      // default grain of usage
#define INSTANT_NONE INT64_MIN
#define INSTANT_MAX INT64_C(253402300799999999) // 9999-12-31T23:59:59.999999Z
#define INSTANT_MIN INT64_C(-62135596800000000) // 0001-01-01T00:00:00Z

enum { INSTANT_TEXT_MAX = 40 };

// RFC 3339 section 5.6 date-time: separator 'T' or 't' (no space), offset required, 'Z', 'z' or up to +-23:59; -00:00
// is UTC. Any number of fraction digits, cut off after microseconds. Second 60 is clamped to 59.999999 of its minute
// (leap second). ERR_INVALID with the reason: Feb 30, 24:00:00, year 0, no offset, trailing text, or before INSTANT_MIN
// or after INSTANT_MAX in UTC. text need not end in NUL; on an error *instant is left as it was.
enum err instant_parse(const char *text, size_t length, instant_us *instant, struct fault *fault) MUST_USE;
// Like instant_parse, also accepts a bare date (midnight UTC). For command lines and catalogue files.
enum err instant_parse_loose(const char *text, size_t length, instant_us *instant, struct fault *fault) MUST_USE;
// "2026-10-01T00:00:00Z"; with fraction digits only if not whole seconds (".5", no trailing zeros). Returns the length.
// INSTANT_NONE is "none"; years beyond 0000..9999 get a sign and cannot be read back.
size_t instant_print(instant_us instant, char out[INSTANT_TEXT_MAX]);

// Floor to a multiple of grain_us (> 0) since 1970, also right for negative instants. INSTANT_NONE stays INSTANT_NONE.
instant_us instant_floor(instant_us instant, int64_t grain_us);

// Proleptic Gregorian civil date <-> days since 1970. month 1..12 (ENSUREd); a day beyond its month counts on into the
// next.
int64_t civil_days(int year, int month, int day);
void civil_from_days(int64_t days, int *year, int *month, int *day);
// 28..31; month 1..12.
int civil_month_days(int year, int month);

// The clock: an object that is passed in. clock_system() reads the machine's clock; a simulated one is set by tests.
struct clock;
struct clock *clock_system(void);                      // one static object, never freed, any thread
struct clock *clock_simulated(instant_us start);       // free with clock_free
void clock_set(struct clock *clock, instant_us now);   // simulated only (ENSUREd); may go back (that is a test, too)
instant_us clock_now(const struct clock *clock);       // wall time
int64_t clock_monotonic_us(void);                      // for durations and deadlines; never for money
void clock_free(struct clock *clock);                  // NULL and the system clock are fine
