// SPDX-License-Identifier: Apache-2.0
// GET /v1/tenants/{id}/spend
#include "api/call.h"
#include "api/tenant_spend.h"

static const char note[] =
    "An estimate as of the time above. Late events, price changes, and for tiered prices the use of "
    "the other tenants of the billing account may still move it.";

// An account's key does not see what another payer was charged for the same tenant.
static enum err may_see(struct api_call *call, const struct tenant *tenant, int64_t payer, bool *granted)
{
    struct db_result *result;
    const char *const values[] = {db_int(call->arena, tenant->number), db_int(call->arena, payer)};
    enum err err =
        db_query(call->db, "select api.granted_spend($1::bigint, $2::bigint)", 2, values, &result, &call->fault);
    if (err) return err;
    *granted = db_get_bool(result, 0, 0);
    db_result_free(result);
    return ERR_OK;
}

static void write_lines(struct json_writer *json, const struct tenant_spend *spend)
{
    json_name(json, "lines");
    json_array_open(json);
    for (size_t i = 0; i < spend->line_count; i++) {
        const struct spend_line *line = &spend->lines[i];
        json_object_open(json);
        json_put_text(json, "service", line->sku->service->id);
        json_put_text(json, "sku", line->sku->id);
        json_put_text(json, "name", line->sku->name);
        json_put_decimal(json, "quantity", line->quantity.nano, QUANTITY_PLACES);
        json_put_text(json, "unit", line->unit);
        json_put_decimal(json, "cost", line->cost.pico, AMOUNT_PLACES);
        json_put_bool(json, "shared_tiers", line->shared);
        json_object_close(json);
    }
    json_array_close(json);
}

static void write_spend(struct api_call *call, const struct tenant *tenant, const struct tenant_spend *spend)
{
    const struct agreement *terms = spend->period.agreement;
    char rounded[DECIMAL_TEXT_MAX];
    struct json_writer json;
    call_json(call, &json);
    json_put_text(&json, "tenant", tenant->id);
    json_name(&json, "period");
    json_object_open(&json);
    json_put_text(&json, "label", spend->period.label);
    json_put_instant(&json, "start", spend->period.start);
    json_put_instant(&json, "end", spend->period.end);
    json_put_text(&json, "zone", zone_name(terms->zone));
    json_object_close(&json);
    json_put_text(&json, "currency", terms->currency.code);
    write_lines(&json, spend);
    currency_print(terms->currency, spend->rounded, rounded);
    json_put_decimal(&json, "total", spend->total.pico, AMOUNT_PLACES);
    json_put_text(&json, "total_rounded", rounded);
    json_put_int(&json, "unpriced_records", (int64_t)spend->unpriced);
    json_put_bool(&json, "estimated", true);
    json_put_instant(&json, "as_of", spend->as_of);
    json_put_int(&json, "catalogue_version", catalogue_version(call->catalogue));
    json_put_text(&json, "note", note);
    json_object_close(&json);
}

enum err api_spend(struct api_call *call, struct slice id)
{
    const struct tenant *tenant;
    struct billing_period period;
    struct tenant_spend spend;
    bool granted = false;
    enum err err = call_tenant(call, id, &tenant);
    if (err || !tenant) return err;
    err = tenant_spend_period(call->catalogue, tenant, http_parameter(call->request, "period"), call->now, &period,
                              &call->fault);
    if (err == ERR_INVALID) return call_bad_parameter(call, "period", err);
    if (err == ERR_NOT_FOUND) return call_not_found(call);
    if (!err) err = may_see(call, tenant, period.account, &granted);
    if (err) return err;
    if (!granted) return call_not_found(call);
    err = tenant_spend_load(call->db, USAGE_READER_API, call->catalogue, tenant, &period, call->arena, &spend,
                            &call->fault);
    if (!err) write_spend(call, tenant, &spend);
    return err;
}
