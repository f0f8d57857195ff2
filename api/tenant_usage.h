// SPDX-License-Identifier: Apache-2.0
// Usage of one tenant as people read it: per meter and dimension set, by hour, day or month. As of what is committed in
// the caller's snapshot; running resources up to the watermark of their partition.
#pragma once
#include "api/usage_calendar.h"
#include "rating/usage.h"

struct usage_query {
    const struct tenant *tenant;
    const struct zone *zone; // of the groups
    instant_us from, to;     // half-open, on slot bounds
    enum usage_group group;
    int32_t meter; // only this one; 0: all
};

struct usage_point {
    instant_us start, end;
    struct quantity quantity;
};

struct usage_series {
    const struct meter *meter; // newest version
    const char *dimensions;    // canonical JSON
    struct quantity total;     // sum of the points
    const struct usage_point *points;
    size_t point_count; // groups with usage only
};

struct tenant_usage {
    const struct usage_series *series; // sorted by meter id, then dimensions
    size_t series_count;
    instant_us as_of; // least watermark of the partitions that have one; INSTANT_NONE: nothing was ever counted
};

// Zone of the account that pays for the tenant at an instant; UTC if nobody does.
const struct zone *tenant_zone(const struct catalogue *catalogue, const struct tenant *tenant, instant_us at);
// In the caller's transaction, which should be a snapshot. Everything lives in the arena and the catalogue. ERR_RETRY:
// also when there is usage of a meter that the catalogue does not have yet. ERR_INVALID, ERR_LIMIT: as usage_calendar.
enum err tenant_usage_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue,
                           const struct usage_query *query, struct arena *arena, struct tenant_usage *usage,
                           struct fault *fault) MUST_USE;
enum err usage_as_of(struct db *db, enum usage_reader reader, instant_us *as_of, struct fault *fault) MUST_USE;
