// SPDX-License-Identifier: Apache-2.0
// The calendar of a usage query: hours, days and months of a zone inside a range. Pure.
#pragma once
#include "common/arena.h"
#include "common/text.h"
#include "common/zone.h"

enum usage_group { USAGE_BY_HOUR, USAGE_BY_DAY, USAGE_BY_MONTH };
// "hour", "day", "month". ERR_INVALID: another word.
enum err usage_group_parse(const char *word, enum usage_group *group, struct fault *fault) MUST_USE;
const char *usage_group_name(enum usage_group group);

// An RFC 3339 instant, or a date: its first instant in the zone. Both must lie on a slot bound. ERR_INVALID.
enum err usage_bound_parse(const char *text, const struct zone *zone, instant_us *bound, struct fault *fault) MUST_USE;

// Starts of the groups inside (from, to), rising; each is on a slot bound when the zone's offsets are. ERR_LIMIT: more
// than USAGE_POINTS_MAX groups. ERR_INVALID: from is not before to.
enum { USAGE_POINTS_MAX = 1000 };
enum err usage_calendar(const struct zone *zone, instant_us from, instant_us to, enum usage_group group,
                        struct arena *arena, instant_us **bounds, size_t *count, struct fault *fault) MUST_USE;
