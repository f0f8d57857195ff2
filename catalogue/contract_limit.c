// SPDX-License-Identifier: Apache-2.0
// Reads the stored form of limits. What a file may say is checked by file_limit.c; here only that the rows can be read.
#include "catalogue/contract_limit.h"

#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "common/json.h"

static bool read_amount(const struct json_value *json, const char *name, struct amount *amount)
{
    const char *text = json_text(json_member(json, name), "0");
    return !amount_parse(text, strlen(text), amount, NULL) && amount->pico >= 0;
}

static bool read_instant(const struct json_value *json, const char *name, instant_us otherwise, instant_us *instant)
{
    const char *text = json_text(json_member(json, name), NULL);
    *instant = otherwise;
    return !text || !instant_parse(text, strlen(text), instant, NULL);
}

static bool read_services(struct catalogue *catalogue, const struct json_value *list, struct contract_limit *limit)
{
    const struct service **services = ARENA_ARRAY(catalogue->arena, const struct service *, json_length(list) + 1);
    limit->services = services;
    limit->service_count = json_length(list);
    for (size_t i = 0; i < limit->service_count; i++)
        if (!(services[i] = catalogue_service_id(catalogue, slice_of(json_text(json_item(list, i), "")))))
            return false;
    return true;
}

static bool read_limit(struct catalogue *catalogue, const struct json_value *json, struct contract_limit *limit)
{
    const char *booked = json_text(json_member(json, "booked"), NULL);
    *limit = (struct contract_limit){.term = strcmp(json_text(json_member(json, "of"), "period"), "term") == 0,
                                     .has_maximum = json_member(json, "maximum_spend") != NULL};
    if (booked) limit->booked = catalogue_sku_id(catalogue, slice_of(booked));
    return read_amount(json, "minimum_spend", &limit->minimum_spend) &&
           read_amount(json, "maximum_spend", &limit->maximum_spend) &&
           read_instant(json, "from", INSTANT_MIN, &limit->from) &&
           read_instant(json, "to", INSTANT_MAX, &limit->to) &&
           read_services(catalogue, json_member(json, "services"), limit) &&
           (booked == NULL) == (limit->booked == NULL) && (limit->booked || limit->minimum_spend.pico == 0) &&
           (!limit->term || (limit->minimum_spend.pico && !limit->has_maximum));
}

enum err contract_limits_build(struct catalogue *catalogue, const struct json_value *root, const char *account,
                               struct contract *contract, struct fault *fault)
{
    const struct json_value *list = json_member(root, "limits");
    size_t count = json_length(list);
    struct contract_limit *limits = ARENA_ARRAY(catalogue->arena, struct contract_limit, count + 1);
    if (count > CONTRACT_LIMITS_MAX)
        return row_fault(fault, "agreement of", account, "it has %zu limits, more than %d", count, CONTRACT_LIMITS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!read_limit(catalogue, json_item(list, i), &limits[i]))
            return row_fault(fault, "agreement of", account,
                             "limit %zu cannot be read, or names what is not there", i + 1);
    contract->limits = limits;
    contract->limit_count = count;
    return ERR_OK;
}

// --- questions

bool contract_term_ends(const struct contract_limit *limit, instant_us period_start, instant_us period_end)
{
    return limit->term && period_start < limit->to && limit->to <= period_end;
}

bool contract_has_minimum(const struct contract *contract, instant_us period_start, instant_us period_end)
{
    for (size_t i = 0; i < contract->limit_count; i++) {
        const struct contract_limit *limit = &contract->limits[i];
        bool held = !limit->term && period_start >= limit->from && period_start < limit->to;
        if (limit->minimum_spend.pico && (held || contract_term_ends(limit, period_start, period_end))) return true;
    }
    return false;
}

void contract_minimum_time(const struct contract *contract, instant_us *from, instant_us *to)
{
    *from = INSTANT_MAX;
    *to = INSTANT_MIN;
    for (size_t i = 0; i < contract->limit_count; i++) {
        const struct contract_limit *limit = &contract->limits[i];
        if (limit->minimum_spend.pico == 0) continue;
        if (limit->from < *from) *from = limit->from;
        if (limit->to > *to) *to = limit->to;
    }
}
