// SPDX-License-Identifier: Apache-2.0
// GET /v1/tenants/{id}/usage
#include "api/call.h"
#include "api/live_counter.h"
#include "api/tenant_usage.h"

static enum err read_query(struct api_call *call, const struct tenant *tenant, struct usage_query *query)
{
    const struct http_request *request = call->request;
    const char *from = http_parameter(request, "from"), *to = http_parameter(request, "to");
    const char *group = http_parameter(request, "group"), *meter = http_parameter(request, "meter");
    int year, month;
    *query = (struct usage_query){
        .tenant = tenant, .zone = tenant_zone(call->catalogue, tenant, call->now), .group = USAGE_BY_DAY};
    zone_month_of(query->zone, call->now, &year, &month);
    zone_month(query->zone, year, month, &query->from, &query->to);
    enum err err = from ? usage_bound_parse(from, query->zone, &query->from, &call->fault) : ERR_OK;
    if (err) return call_bad_parameter(call, "from", err);
    err = to ? usage_bound_parse(to, query->zone, &query->to, &call->fault) : ERR_OK;
    if (err) return call_bad_parameter(call, "to", err);
    err = group ? usage_group_parse(group, &query->group, &call->fault) : ERR_OK;
    if (err) return call_bad_parameter(call, "group", err);
    if (!meter) return ERR_OK;
    const struct meter *wanted = catalogue_meter_id(call->catalogue, slice_of(meter));
    if (!wanted) return call_problem(call, 400, "invalid_parameter", "meter: there is no such meter");
    query->meter = wanted->number;
    return ERR_OK;
}

static void write_series(struct json_writer *json, const struct usage_series *series)
{
    json_object_open(json);
    json_put_text(json, "meter", series->meter->id);
    json_put_text(json, "name", series->meter->name);
    json_put_text(json, "unit", series->meter->unit);
    json_name(json, "dimensions");
    json_write_raw(json, series->dimensions);
    json_put_decimal(json, "quantity", series->total.nano, QUANTITY_PLACES);
    json_name(json, "points");
    json_array_open(json);
    for (size_t i = 0; i < series->point_count; i++) {
        json_object_open(json);
        json_put_instant(json, "start", series->points[i].start);
        json_put_instant(json, "end", series->points[i].end);
        json_put_decimal(json, "quantity", series->points[i].quantity.nano, QUANTITY_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
    json_object_close(json);
}

static enum err write_usage(struct api_call *call, const struct usage_query *query, const struct tenant_usage *usage)
{
    struct json_writer json;
    call_json(call, &json);
    json_put_text(&json, "tenant", query->tenant->id);
    json_put_instant(&json, "from", query->from);
    json_put_instant(&json, "to", query->to);
    json_put_text(&json, "zone", zone_name(query->zone));
    json_put_text(&json, "group", usage_group_name(query->group));
    json_put_instant(&json, "as_of", usage->as_of);
    json_name(&json, "usage");
    json_array_open(&json);
    for (size_t i = 0; i < usage->series_count; i++)
        write_series(&json, &usage->series[i]);
    json_array_close(&json);
    enum err err = live_counter_write(call, query, usage, &json);
    json_object_close(&json);
    return err;
}

enum err api_usage(struct api_call *call, struct slice id)
{
    const struct tenant *tenant;
    struct usage_query query;
    struct tenant_usage usage;
    enum err err = call_tenant(call, id, &tenant);
    if (err || !tenant) return err;
    err = read_query(call, tenant, &query);
    if (err || call->status) return err;
    err = tenant_usage_load(call->db, USAGE_READER_API, call->catalogue, &query, call->arena, &usage, &call->fault);
    if (err == ERR_INVALID || (err == ERR_LIMIT && call->fault.place[0]))
        return call_bad_parameter(call, call->fault.place, err);
    return err ? err : write_usage(call, &query, &usage);
}
