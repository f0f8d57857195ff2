// SPDX-License-Identifier: Apache-2.0
// Loads a tenant's usage with the groups as boundaries and turns its lines into series.
#include "api/tenant_usage.h"

#include <stdlib.h>
#include <string.h>

struct build {
    const struct catalogue *catalogue;
    const struct usage_query *query;
    const struct account_usage *usage;
    const instant_us *bounds;
    size_t bound_count;
    struct usage_series *series;
    size_t series_count;
    struct usage_point *points;
    size_t point_count;
    struct fault *fault;
};

const struct zone *tenant_zone(const struct catalogue *catalogue, const struct tenant *tenant, instant_us at)
{
    const struct zone *utc;
    int64_t payer = catalogue_payer(catalogue, tenant->number, at);
    const struct agreement *terms = payer ? catalogue_agreement(catalogue, payer, at) : NULL;
    if (terms) return terms->zone;
    ENSURE(zone_open("UTC", &utc, NULL) == ERR_OK);
    return utc;
}

enum err usage_as_of(struct db *db, enum usage_reader reader, instant_us *as_of, struct fault *fault)
{
    struct db_result *result;
    const char *sql = reader == USAGE_READER_API
                          ? "select min(watermark) from api.usage_progress() where isfinite(watermark)"
                          : "select min(watermark) from rating.progress where isfinite(watermark)";
    enum err err = db_query(db, sql, 0, NULL, &result, fault);
    if (err) return err;
    *as_of = db_get_instant(result, 0, 0);
    db_result_free(result);
    return ERR_OK;
}

static instant_us group_end(const struct build *build, instant_us start)
{
    for (size_t i = 0; i < build->bound_count; i++)
        if (build->bounds[i] > start) return build->bounds[i];
    return build->query->to;
}

static bool same_series(const struct usage_line *a, const struct usage_line *b)
{
    return a->meter == b->meter && hash128_equal(a->dimension_set, b->dimension_set);
}

// Lines come sorted by meter, dimension set and segment.
static enum err add_line(struct build *build, const struct usage_line *line, const struct usage_line *previous)
{
    if (!previous || !same_series(line, previous)) {
        const struct meter *meter = catalogue_meter_newest(build->catalogue, line->meter);
        const struct usage_dimension *dimension = usage_dimension_find(build->usage, line->dimension_set);
        if (!meter)
            return fault_set(build->fault, ERR_RETRY, "catalogue",
                             "a meter is newer than the catalogue that is loaded");
        build->series[build->series_count++] = (struct usage_series){.meter = meter,
                                                                     .dimensions = dimension ? dimension->text : "{}",
                                                                     .points = &build->points[build->point_count]};
    }
    struct usage_series *series = &build->series[build->series_count - 1];
    build->points[build->point_count++] =
        (struct usage_point){line->segment, group_end(build, line->segment), line->quantity};
    series->point_count++;
    if (quantity_add(series->total, line->quantity, &series->total))
        return fault_set(build->fault, ERR_LIMIT, "", "the sum of meter %s leaves the range of exact numbers",
                         series->meter->id);
    return ERR_OK;
}

static int series_order(const void *left, const void *right)
{
    const struct usage_series *a = left, *b = right;
    int order = strcmp(a->meter->id, b->meter->id);
    return order ? order : strcmp(a->dimensions, b->dimensions);
}

static enum err build_series(struct build *build, struct arena *arena, struct tenant_usage *out)
{
    const struct usage_line *previous = NULL;
    enum err err = ERR_OK;
    build->series = ARENA_ARRAY(arena, struct usage_series, build->usage->line_count + 1);
    build->points = ARENA_ARRAY(arena, struct usage_point, build->usage->line_count + 1);
    for (size_t i = 0; i < build->usage->line_count && !err; i++) {
        const struct usage_line *line = &build->usage->lines[i];
        if (line->kind != USAGE_QUANTITY || (build->query->meter && build->query->meter != line->meter)) continue;
        err = add_line(build, line, previous);
        previous = line;
    }
    if (build->series_count) qsort(build->series, build->series_count, sizeof *build->series, series_order);
    out->series = build->series;
    out->series_count = build->series_count;
    return err;
}

enum err tenant_usage_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue,
                           const struct usage_query *query, struct arena *arena, struct tenant_usage *out,
                           struct fault *fault)
{
    struct account_usage usage = {0};
    instant_us *bounds;
    size_t bound_count;
    enum err err =
        usage_calendar(query->zone, query->from, query->to, query->group, arena, &bounds, &bound_count, fault);
    if (err) return err;
    const struct usage_request request = {.period_start = query->from,
                                          .period_end = query->to,
                                          .zone = query->zone,
                                          .boundaries = bounds,
                                          .boundary_count = bound_count};
    err = usage_load_tenants(db, reader, catalogue, USAGE_CUT_LIVE, &query->tenant->number, 1, &request, arena, &usage,
                             fault);
    struct build build = {.catalogue = catalogue,
                          .query = query,
                          .usage = &usage,
                          .bounds = bounds,
                          .bound_count = bound_count,
                          .fault = fault};
    *out = (struct tenant_usage){0};
    if (!err) err = build_series(&build, arena, out);
    return err ? err : usage_as_of(db, reader, &out->as_of, fault);
}
