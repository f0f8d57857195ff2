// SPDX-License-Identifier: Apache-2.0
// turnpike usage, turnpike spend
#include <stdio.h>

#include "api/tenant_spend.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"

const char usage_usage[] = "TENANT [--from TIME] [--to TIME] [--group hour|day|month] [--meter ID]\n\n"
                           "  --from, --to  half-open; a date (midnight in the payer's zone) or an RFC 3339 time\n"
                           "                (default: the running month there)\n"
                           "  --group       one row for each hour, day (default) or month\n"
                           "  --meter ID    only this meter\n\n"
                           "As of what is committed now; running resources up to the watermark.";
const char spend_usage[] =
    "TENANT [--period YYYY-MM]\n\n"
    "  --period  billing period of the account that pays for the tenant (default: the running one)\n\n"
    "An estimate, rated as of now: late events, price changes, and for tiered prices the use of other\n"
    "tenants of the account may still move it.";

// --- usage

static enum err read_query(const struct reading *reading, const struct flag *flags, struct usage_query *query,
                           struct fault *fault)
{
    int year, month;
    instant_us now = clock_now(clock_system());
    enum err err = ERR_OK;
    query->zone = tenant_zone(reading->catalogue, query->tenant, now);
    query->group = USAGE_BY_DAY;
    zone_month_of(query->zone, now, &year, &month);
    zone_month(query->zone, year, month, &query->from, &query->to);
    if (flags[0].given) err = usage_bound_parse(flags[0].text, query->zone, &query->from, fault);
    if (!err && flags[1].given) err = usage_bound_parse(flags[1].text, query->zone, &query->to, fault);
    if (!err && flags[2].given) err = usage_group_parse(flags[2].text, &query->group, fault);
    if (err || !flags[3].given) return err;
    const struct meter *meter = catalogue_meter_id(reading->catalogue, slice_of(flags[3].text));
    if (!meter) return fault_set(fault, ERR_NOT_FOUND, flags[3].text, "there is no such meter");
    query->meter = meter->number;
    return ERR_OK;
}

static void print_usage(struct command_context *context, const struct tenant_usage *usage)
{
    static const struct table_column columns[] = {{"meter", false}, {"dimensions", false}, {"start", false},
                                                  {"end", false},   {"quantity", true},    {"unit", false}};
    struct table *table = table_open(context, columns, 6);
    for (size_t i = 0; i < usage->series_count; i++) {
        const struct usage_series *series = &usage->series[i];
        for (size_t p = 0; p < series->point_count; p++) {
            table_text(table, series->meter->id);
            table_text(table, series->dimensions);
            table_instant(table, series->points[p].start);
            table_instant(table, series->points[p].end);
            table_decimal(table, series->points[p].quantity.nano, QUANTITY_PLACES);
            table_text(table, series->meter->unit);
        }
    }
    table_close(table);
}

static void say_as_of(const struct command_context *context, instant_us as_of)
{
    char text[INSTANT_TEXT_MAX] = "nothing was counted yet";
    if (context->json) return; // standard output is for rows
    if (as_of != INSTANT_NONE) instant_print(as_of, text);
    printf("\nas of %s\n", text);
}

int usage_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--from", .kind = FLAG_TEXT},
                           {.name = "--to", .kind = FLAG_TEXT},
                           {.name = "--group", .kind = FLAG_TEXT},
                           {.name = "--meter", .kind = FLAG_TEXT}};
    struct usage_query query = {0};
    struct tenant_usage usage;
    struct reading reading;
    struct fault fault = {0};
    if (!command_flags(context, flags, 4, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    int code = reading_open(context, &reading);
    if (code) return code;
    code = reading_tenant(context, &reading, argv[1], &query.tenant);
    if (!code) {
        enum err err = read_query(&reading, flags, &query, &fault);
        if (!err)
            err = tenant_usage_load(reading.db, USAGE_READER_BILL, reading.catalogue, &query, context->arena, &usage,
                                    &fault);
        if (err) {
            code = command_fail(context, &fault);
        } else {
            print_usage(context, &usage);
            say_as_of(context, usage.as_of);
        }
    }
    reading_close(&reading);
    return code;
}

// --- spend

static void print_total(struct command_context *context, const struct tenant_spend *spend)
{
    static const struct table_column columns[] = {
        {"period", false},       {"currency", false},        {"total", true},
        {"total_rounded", true}, {"unpriced_records", true}, {"as_of", false}};
    char rounded[DECIMAL_TEXT_MAX];
    struct table *table = table_open(context, columns, 6);
    currency_print(spend->period.agreement->currency, spend->rounded, rounded);
    table_text(table, spend->period.label);
    table_text(table, spend->period.agreement->currency.code);
    table_decimal(table, spend->total.pico, AMOUNT_PLACES);
    table_text(table, rounded);
    table_int(table, (int64_t)spend->unpriced);
    table_instant(table, spend->as_of);
    table_close(table);
}

static void print_spend(struct command_context *context, const struct tenant_spend *spend)
{
    static const struct table_column columns[] = {{"service", false}, {"sku", false},  {"name", false},
                                                  {"quantity", true}, {"unit", false}, {"cost", true}};
    struct table *table = table_open(context, columns, 6);
    for (size_t i = 0; i < spend->line_count; i++) {
        const struct spend_line *line = &spend->lines[i];
        table_text(table, line->sku->service->id);
        table_text(table, line->sku->id);
        table_text(table, line->sku->name);
        table_decimal(table, line->quantity.nano, QUANTITY_PLACES);
        table_text(table, line->unit);
        table_decimal(table, line->cost.pico, AMOUNT_PLACES);
    }
    table_close(table);
    if (!context->json) putchar('\n');
    print_total(context, spend);
}

int spend_run(struct command_context *context, int argc, char **argv)
{
    struct flag period_flag = {.name = "--period", .kind = FLAG_TEXT};
    const struct tenant *tenant;
    struct billing_period period;
    struct tenant_spend spend;
    struct reading reading;
    struct fault fault = {0};
    if (!command_flags(context, &period_flag, 1, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    int code = reading_open(context, &reading);
    if (code) return code;
    code = reading_tenant(context, &reading, argv[1], &tenant);
    if (!code) {
        enum err err = tenant_spend_period(reading.catalogue, tenant, period_flag.text, clock_now(clock_system()),
                                           &period, &fault);
        if (!err)
            err = tenant_spend_load(reading.db, USAGE_READER_BILL, reading.catalogue, tenant, &period, context->arena,
                                    &spend, &fault);
        if (err)
            code = command_fail(context, &fault);
        else
            print_spend(context, &spend);
    }
    reading_close(&reading);
    return code;
}
