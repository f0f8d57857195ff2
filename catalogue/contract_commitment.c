// SPDX-License-Identifier: Apache-2.0
// Reads the stored form of reservations and savings plans. What a file may say is checked by file_commitment.c; here
// only that the rows can be read.
#include "catalogue/contract_commitment.h"

#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/contract_limit.h"
#include "common/json.h"

struct reading {
    struct catalogue *catalogue;
    const char *account;
    const struct json_value *json; // the commitment
    struct fault *fault;
    enum err err; // the first one
};

static void refuse(struct reading *reading, const char *name)
{
    const char *id = json_text(json_member(reading->json, "id"), "?");
    if (reading->err) return;
    reading->err = row_fault(reading->fault, "agreement of", reading->account,
                             "commitment %s: '%s' cannot be read, or names what is not there", id, name);
}

static const char *text_of(struct reading *reading, const char *name)
{
    const char *text = json_text(json_member(reading->json, name), NULL);
    if (!text) {
        refuse(reading, name);
        return "";
    }
    return arena_text(reading->catalogue->arena, text, strlen(text));
}

static int128 decimal_of(struct reading *reading, const struct json_value *json, const char *name, int places)
{
    const char *text = json_text(json_member(json, name), "");
    int128 value = 0;
    if (decimal_parse(text, strlen(text), places, false, &value, NULL) || value < 0) refuse(reading, name);
    return value;
}

static instant_us instant_of(struct reading *reading, const char *name)
{
    const char *text = json_text(json_member(reading->json, name), NULL);
    instant_us instant = INSTANT_MAX;
    if (text && instant_parse(text, strlen(text), &instant, NULL)) refuse(reading, name);
    return instant;
}

static const struct sku *sku_of(struct reading *reading, const struct json_value *json)
{
    const char *id = json_text(json_member(json, "sku"), NULL);
    const struct sku *sku = id ? catalogue_sku_id(reading->catalogue, slice_of(id)) : NULL;
    if (!sku) refuse(reading, "sku");
    return sku;
}

static struct contract_commitment read_base(struct reading *reading)
{
    struct contract_commitment base = {
        .id = text_of(reading, "id"),
        .sku = sku_of(reading, reading->json),
        .tenant = text_of(reading, "tenant"),
        .from = instant_of(reading, "from"),
        .to = instant_of(reading, "to"),
        .upfront = {decimal_of(reading, reading->json, "upfront", AMOUNT_PLACES)},
        .hourly = {decimal_of(reading, reading->json, "hourly", AMOUNT_PLACES)},
    };
    if (base.from >= base.to || (base.to == INSTANT_MAX && base.upfront.pico)) refuse(reading, "to");
    return base;
}

// --- reservations

static void read_match(struct reading *reading, struct contract_reservation *reservation)
{
    struct arena *arena = reading->catalogue->arena;
    const struct json_value *json = json_member(reading->json, "match");
    size_t count = json_length(json);
    struct match_member *match = ARENA_ARRAY(arena, struct match_member, count + 1);
    if (count > DIMENSIONS_MAX) refuse(reading, "match");
    for (size_t i = 0; i < count; i++) {
        const char *name = json_member_name(json, i), *value = json_text(json_member(json, name), NULL);
        if (!value) {
            refuse(reading, "match");
            return;
        }
        match[i] =
            (struct match_member){arena_text(arena, name, strlen(name)), arena_text(arena, value, strlen(value))};
    }
    reservation->match = match;
    reservation->match_count = count;
}

static void read_sizes(struct reading *reading, struct contract_reservation *reservation)
{
    struct arena *arena = reading->catalogue->arena;
    const struct json_value *json = json_member(reading->json, "sizes");
    size_t count = json_length(json);
    if (!json) return;
    struct contract_size *sizes = ARENA_ARRAY(arena, struct contract_size, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *value = json_member_name(json, i);
        sizes[i].value = arena_text(arena, value, strlen(value));
        sizes[i].units.nano = decimal_of(reading, json, value, QUANTITY_PLACES);
        if (sizes[i].units.nano == 0) refuse(reading, "sizes");
    }
    reservation->size_dimension = text_of(reading, "size");
    reservation->sizes = sizes;
    reservation->size_count = count;
}

static void read_reservation(struct reading *reading, struct contract_reservation *reservation)
{
    *reservation = (struct contract_reservation){
        .base = read_base(reading),
        .instances = json_int(json_member(reading->json, "instances"), 0),
        .units = {decimal_of(reading, reading->json, "units", QUANTITY_PLACES)},
        .per = {decimal_of(reading, reading->json, "per", QUANTITY_PLACES)},
    };
    if (reservation->instances < 1 || reservation->instances > CONTRACT_INSTANCES_MAX) refuse(reading, "instances");
    if (reservation->units.nano == 0) refuse(reading, "units");
    if (reservation->per.nano == 0) refuse(reading, "per");
    read_match(reading, reservation);
    read_sizes(reading, reservation);
}

// --- savings plans

static const struct service *service_of(struct reading *reading, const char *id)
{
    const struct service *service = catalogue_service_id(reading->catalogue, slice_of(id));
    if (!service) refuse(reading, "service");
    return service;
}

static const struct price_book *book_of(struct reading *reading, const char *id)
{
    for (size_t i = 0; i < reading->catalogue->book_count; i++)
        if (strcmp(reading->catalogue->books[i].id, id) == 0) return &reading->catalogue->books[i];
    refuse(reading, "price_book");
    return NULL;
}

static void read_rates(struct reading *reading, struct contract_plan *plan)
{
    const int128 one = INT64_C(1000000000000);
    const struct json_value *list = json_member(reading->json, "rates");
    size_t count = json_length(list);
    struct contract_discount *rates = ARENA_ARRAY(reading->catalogue->arena, struct contract_discount, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct json_value *json = json_item(list, i);
        const char *service = json_text(json_member(json, "service"), NULL);
        rates[i].rate.pico = decimal_of(reading, json, "rate", PRICE_PLACES);
        if (rates[i].rate.pico > one) refuse(reading, "rate");
        if (json_member(json, "sku")) rates[i].sku = sku_of(reading, json);
        if (service) rates[i].service = service_of(reading, service);
    }
    plan->rates = rates;
    plan->rate_count = count;
}

static void read_plan(struct reading *reading, struct contract_plan *plan)
{
    const char *book = json_text(json_member(reading->json, "price_book"), NULL);
    *plan = (struct contract_plan){.base = read_base(reading),
                                   .only_cheaper = json_bool(json_member(reading->json, "only_cheaper"), false),
                                   .book = book ? book_of(reading, book) : NULL};
    read_rates(reading, plan);
}

const struct contract_commitment *contract_commitment_of(const struct contract *contract, int64_t deduction, bool *plan)
{
    size_t place = (size_t)deduction;
    ENSURE(place >= 1 && place <= contract->reservation_count + contract->plan_count);
    *plan = place > contract->reservation_count;
    return *plan ? &contract->plans[place - contract->reservation_count - 1].base
                 : &contract->reservations[place - 1].base;
}

void contract_committed_time(const struct contract *contract, instant_us *from, instant_us *to)
{
    size_t count = contract->reservation_count + contract->plan_count;
    contract_minimum_time(contract, from, to);
    for (size_t place = 1; place <= count; place++) {
        bool plan;
        const struct contract_commitment *commitment = contract_commitment_of(contract, (int64_t)place, &plan);
        if (commitment->from < *from) *from = commitment->from;
        if (commitment->to > *to) *to = commitment->to;
    }
}

enum err contract_commitments_build(struct catalogue *catalogue, const struct json_value *root, const char *account,
                                    struct contract *contract, struct fault *fault)
{
    const struct json_value *reserved = json_member(root, "reservations"), *plan = json_member(root, "savings_plans");
    struct reading reading = {.catalogue = catalogue, .account = account, .fault = fault};
    size_t reserved_count = json_length(reserved), plan_count = json_length(plan);
    struct contract_reservation *reservations =
        ARENA_ARRAY(catalogue->arena, struct contract_reservation, reserved_count + 1);
    struct contract_plan *plans = ARENA_ARRAY(catalogue->arena, struct contract_plan, plan_count + 1);
    for (size_t i = 0; i < reserved_count && !reading.err; i++) {
        reading.json = json_item(reserved, i);
        read_reservation(&reading, &reservations[i]);
    }
    for (size_t i = 0; i < plan_count && !reading.err; i++) {
        reading.json = json_item(plan, i);
        read_plan(&reading, &plans[i]);
    }
    contract->reservations = reservations;
    contract->reservation_count = reserved_count;
    contract->plans = plans;
    contract->plan_count = plan_count;
    return reading.err;
}
