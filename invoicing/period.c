// SPDX-License-Identifier: Apache-2.0
// Which civil month of which account an instant belongs to, and its frozen row.
#include "invoicing/period.h"

#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"

enum err period_label_read(const char *label, int *year, int *month, struct fault *fault)
{
    bool shaped = strlen(label) == 7 && label[4] == '-';
    for (int i = 0; shaped && i < 7; i++) shaped = i == 4 || (label[i] >= '0' && label[i] <= '9');
    if (shaped) {
        *year = (label[0] - '0') * 1000 + (label[1] - '0') * 100 + (label[2] - '0') * 10 + (label[3] - '0');
        *month = (label[5] - '0') * 10 + (label[6] - '0');
    }
    if (!shaped || *month < 1 || *month > 12 || *year < 1970)
        return fault_set(fault, ERR_INVALID, "", "a period is a month like 2026-10");
    return ERR_OK;
}

static enum err no_agreement(const struct catalogue *catalogue, int64_t account, struct fault *fault)
{
    const struct billing_account *buyer = catalogue_account_number(catalogue, account);
    return fault_set(fault, ERR_NOT_FOUND, "", "billing account %s has no agreement in that period", buyer ? buyer->id : "?");
}

// Terms may change the zone at a period start: the terms in force at the instant name the zone, those at the start are the period's.
enum err period_of(const struct catalogue *catalogue, int64_t account, instant_us instant, struct billing_period *period, struct fault *fault)
{
    int year, month;
    const struct agreement *agreement = catalogue_agreement(catalogue, account, instant);
    if (!agreement) return no_agreement(catalogue, account, fault);
    zone_month_of(agreement->zone, instant, &year, &month);
    return period_of_label(catalogue, account, year, month, period, fault);
}

enum err period_of_label(const struct catalogue *catalogue, int64_t account, int year, int month, struct billing_period *period, struct fault *fault)
{
    *period = (struct billing_period){.account = account};
    period->agreement = catalogue_agreement(catalogue, account, civil_days(year, month, 1) * DAY_US);
    for (int look = 0; look < 2 && period->agreement; look++) { // the second look uses the zone in force at the start itself
        zone_month(period->agreement->zone, year, month, &period->start, &period->end);
        period->agreement = catalogue_agreement(catalogue, account, period->start);
    }
    if (!period->agreement) return no_agreement(catalogue, account, fault);
    int length = snprintf(period->label, sizeof period->label, "%04d-%02d", year % 10000, month % 100);
    ENSURE(length == PERIOD_LABEL_MAX - 1);
    return ERR_OK;
}

int period_order(const void *left, const void *right)
{
    const struct billing_period *a = left, *b = right;
    if (a->account != b->account) return a->account < b->account ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

// The instants that were frozen when the period was first needed win over what the zone data gives now (rules 1.3).
static enum err take_frozen(struct db *db, const char *const *values, struct billing_period *periods, size_t count, struct fault *fault)
{
    struct db_result *result;
    const char *const keys[] = {values[0], values[1], values[4]};
    enum err err = db_query(db,
        "select k.place, e.period_start, e.period_end from unnest($1::bigint[], $2::bigint[], $3::text[]) with ordinality as k (agreement, account, label, place)"
        "  join invoicing.period e on e.agreement = k.agreement and e.account = k.account and e.label = k.label", 3, keys, &result, fault);
    if (err) return err;
    ENSURE((size_t)db_rows(result) == count);
    for (int row = 0; row < db_rows(result); row++) {
        struct billing_period *period = &periods[db_get_int(result, row, 0) - 1];
        instant_us start = db_get_instant(result, row, 1), end = db_get_instant(result, row, 2);
        if (start != period->start || end != period->end)
            log_warn("period_frozen_otherwise", LOG_TEXT("account", period->agreement->account->id), LOG_TEXT("period", period->label));
        period->start = start;
        period->end = end;
    }
    db_result_free(result);
    return ERR_OK;
}

enum err period_ensure(struct db *db, struct billing_period *periods, size_t count, struct arena *arena, struct fault *fault)
{
    struct array agreements = {0}, accounts = {0}, starts = {0}, ends = {0}, labels = {0}, zones = {0};
    for (size_t i = 0; i < count; i++) {
        array_add_int(&agreements, periods[i].agreement->number);
        array_add_int(&accounts, periods[i].account);
        array_add_instant(&starts, periods[i].start);
        array_add_instant(&ends, periods[i].end);
        array_add_text(&labels, periods[i].label);
        array_add_text(&zones, zone_name(periods[i].agreement->zone));
    }
    const char *const values[] = {array_end(&agreements, arena), array_end(&accounts, arena), array_end(&starts, arena), array_end(&ends, arena),
                                  array_end(&labels, arena), array_end(&zones, arena), zone_data_version()};
    enum err err = db_exec(db,
        "insert into invoicing.period (agreement, account, period_start, period_end, label, zone, zone_data)"
        " select p.agreement, p.account, coalesce(before.period_end, p.period_start), coalesce(after.period_start, p.period_end), p.label, p.zone, $7"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[]) as p"
        "       (agreement, account, period_start, period_end, label, zone)"
        "  left join invoicing.period before on before.agreement = p.agreement and before.account = p.account" // neighbours leave no gap and no overlap
        "        and before.label = to_char((p.label || '-01')::date - interval '1 month', 'YYYY-MM')"
        "  left join invoicing.period after on after.agreement = p.agreement and after.account = p.account"
        "        and after.label = to_char((p.label || '-01')::date + interval '1 month', 'YYYY-MM')"
        " order by 1, 2, 3"
        " on conflict do nothing", 7, values, NULL, fault);
    if (err) return err;
    return take_frozen(db, values, periods, count, fault);
}

enum err period_hold_catalogue(struct db *db, int64_t *version, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db, "select invoicing.hold_catalogue()", 0, NULL, &result, fault);
    if (err) return err;
    *version = db_get_int(result, 0, 0);
    db_result_free(result);
    return ERR_OK;
}
