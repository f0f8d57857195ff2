// SPDX-License-Identifier: Apache-2.0
// Reads reservations and savings plans, and writes each as one canonical JSON value: members in the order given here.
#include "catalogue/file_commitment.h"

#include <string.h>

#include "catalogue/contract_commitment.h"
#include "catalogue/dimension_set.h"
#include "catalogue/file_contract.h"
#include "common/json.h"

struct reader {
    struct file_errors *errors;
    struct file_contract *contract;
    struct json_writer *json;
};

static struct file_reference need(struct reader *reader, const char *kind, const struct file_field *field)
{
    struct file_reference reference = file_reference(reader->errors, field);
    file_contract_need(reader->errors, reader->contract, kind, reference);
    return reference;
}

// Ids of tenants may hold what other ids may not.
static void need_tenant(struct reader *reader, const struct file_field *field)
{
    const char *id = file_text(reader->errors, field, ID_MAX);
    if (!id) return;
    file_contract_need(reader->errors, reader->contract, "tenant", (struct file_reference){field->value, id});
    json_put_text(reader->json, "tenant", id);
}

// --- what both have

enum { ID, SKU, TENANT, FROM, TO, UPFRONT, HOURLY, BASE_FIELDS };
#define BASE_FIELD_ROWS                                                                                                \
    [ID] = {.name = "id", .required = true}, [SKU] = {.name = "sku", .required = true},                                \
    [TENANT] = {.name = "tenant", .required = true}, [FROM] = {.name = "from", .required = true},                      \
    [TO] = {.name = "to"}, [UPFRONT] = {.name = "upfront"}, [HOURLY] = {.name = "hourly"}

struct base {
    instant_us from, to;
    struct price upfront, hourly;
};

static struct base read_base(struct reader *reader, const struct file_field *fields)
{
    struct file_errors *errors = reader->errors;
    struct base base = {file_instant(errors, &fields[FROM], INSTANT_MIN),
                        file_instant(errors, &fields[TO], INSTANT_MAX), file_decimal_price(errors, &fields[UPFRONT]),
                        file_decimal_price(errors, &fields[HOURLY])};
    json_put_text(reader->json, "id", file_id(errors, &fields[ID]));
    json_put_text(reader->json, "sku", need(reader, "sku", &fields[SKU]).id);
    need_tenant(reader, &fields[TENANT]);
    json_put_instant(reader->json, "from", base.from);
    if (base.to != INSTANT_MAX) json_put_instant(reader->json, "to", base.to);
    json_put_decimal(reader->json, "upfront", base.upfront.pico, PRICE_PLACES);
    json_put_decimal(reader->json, "hourly", base.hourly.pico, PRICE_PLACES);
    if (fields[TO].value && base.to <= base.from) file_error(errors, fields[TO].value, "to is not after from");
    if (!fields[TO].value && base.upfront.pico > 0)
        file_error(errors, fields[UPFRONT].value, "what is paid upfront is paid for a term: give `to`");
    return base;
}

// --- reservations

static void read_match(struct reader *reader, const struct file_field *field)
{
    const struct yaml_node *match = field->value;
    struct dimension_set set = {.count = 0};
    struct fault fault = {0};
    struct text text = {0};
    if (!match) return;
    if (match->kind != YAML_MAPPING) {
        file_error(reader->errors, match, "match is a mapping: {dimension: value}");
        return;
    }
    for (size_t i = 0; i < match->count; i++) {
        const struct yaml_node *value = match->items[i];
        if (value->kind != YAML_SCALAR || yaml_is_null(value))
            file_error(reader->errors, value, "the value of %.64s is a single text", match->keys[i]->text);
        else if (dimension_set_add(&set, match->keys[i]->text, value->text, &fault))
            file_error(reader->errors, value, "%s", fault.reason);
    }
    dimension_set_print(&set, &text);
    json_name(reader->json, "match");
    json_write_raw(reader->json, text.data);
    text_free(&text);
}

static void read_units(struct reader *reader, const struct file_field *field)
{
    const struct yaml_node *units = field->value;
    if (!units) return;
    if (units->kind != YAML_MAPPING || units->count == 0 || units->count > CONTRACT_SIZES_MAX) {
        file_error(reader->errors, units, "units is a mapping of 1 to %d: {small: 1, large: 4}", CONTRACT_SIZES_MAX);
        return;
    }
    json_name(reader->json, "sizes");
    json_object_open(reader->json);
    for (size_t i = 0; i < units->count; i++) {
        const struct file_field size = {.name = units->keys[i]->text, .value = units->items[i], .key = units->keys[i]};
        json_put_decimal(reader->json, size.name, file_decimal_quantity(reader->errors, &size, 1).nano,
                         QUANTITY_PLACES);
    }
    json_object_close(reader->json);
}

static void read_sizes(struct reader *reader, const struct file_field *field)
{
    enum { DIMENSION, UNITS };
    struct file_field fields[] = {
        [DIMENSION] = {.name = "dimension", .required = true}, [UNITS] = {.name = "units", .required = true}};
    if (!field->value || !FILE_FIELDS(reader->errors, field->value, "sizes", fields)) return;
    json_put_text(reader->json, "size", file_text(reader->errors, &fields[DIMENSION], DIMENSION_VALUE_MAX));
    read_units(reader, &fields[UNITS]);
}

static void read_reservation(struct reader *reader, const struct yaml_node *item)
{
    enum { INSTANCES = BASE_FIELDS, UNITS, PER, MATCH, SIZES };
    struct file_field fields[] = {
        BASE_FIELD_ROWS,         [INSTANCES] = {.name = "instances"}, [UNITS] = {.name = "units"},
        [PER] = {.name = "per"}, [MATCH] = {.name = "match"},         [SIZES] = {.name = "sizes"},
    };
    struct file_errors *errors = reader->errors;
    if (!FILE_FIELDS(errors, item, "reservation", fields)) return;
    json_object_open(reader->json);
    read_base(reader, fields);
    json_put_int(reader->json, "instances", file_whole(errors, &fields[INSTANCES], 1, CONTRACT_INSTANCES_MAX, 1));
    json_put_decimal(reader->json, "units", file_decimal_quantity(errors, &fields[UNITS], 1).nano, QUANTITY_PLACES);
    json_put_decimal(reader->json, "per", file_decimal_quantity(errors, &fields[PER], 1).nano, QUANTITY_PLACES);
    read_match(reader, &fields[MATCH]);
    read_sizes(reader, &fields[SIZES]);
    json_object_close(reader->json);
}

// --- savings plans

static void read_rate(struct reader *reader, const struct yaml_node *item)
{
    enum { RATE, RATE_SKU, RATE_SERVICE };
    struct file_field fields[] = {[RATE] = {.name = "rate", .required = true},
                                  [RATE_SKU] = {.name = "sku"},
                                  [RATE_SERVICE] = {.name = "service"}};
    const int128 one = INT64_C(1000000000000);
    if (!FILE_FIELDS(reader->errors, item, "discount", fields)) return;
    struct price rate = file_decimal_price(reader->errors, &fields[RATE]);
    if (rate.pico > one)
        file_error(reader->errors, fields[RATE].value, "rate %.48s is above 1: 10 %% is written \"0.10\"",
                   fields[RATE].value->text);
    if (fields[RATE_SKU].value && fields[RATE_SERVICE].value)
        file_error(reader->errors, fields[RATE_SERVICE].key,
                   "a discount is for a sku, for a service, or without both for all");
    json_object_open(reader->json);
    json_put_decimal(reader->json, "rate", rate.pico, PRICE_PLACES);
    if (fields[RATE_SKU].value) json_put_text(reader->json, "sku", need(reader, "sku", &fields[RATE_SKU]).id);
    if (fields[RATE_SERVICE].value)
        json_put_text(reader->json, "service", need(reader, "service", &fields[RATE_SERVICE]).id);
    json_object_close(reader->json);
}

static bool same_member(const struct yaml_node *a, const struct yaml_node *b, const char *name)
{
    const struct yaml_node *left = yaml_member(a, name), *right = yaml_member(b, name);
    return left && right ? strcmp(left->text, right->text) == 0 : left == right;
}

static void read_rates(struct reader *reader, const struct file_field *field)
{
    const struct yaml_node *list = field->value;
    if (!list) return;
    if (list->kind != YAML_SEQUENCE || list->count == 0 || list->count > CONTRACT_RATES_MAX) {
        file_error(reader->errors, list, "discounts is a list of 1 to %d: [{rate: \"0.30\", service: ID}]",
                   CONTRACT_RATES_MAX);
        return;
    }
    json_name(reader->json, "rates");
    json_array_open(reader->json);
    for (size_t i = 0; i < list->count; i++) {
        size_t before = reader->errors->count;
        read_rate(reader, list->items[i]);
        for (size_t j = 0; j < i && reader->errors->count == before; j++)
            if (list->items[j]->kind == YAML_MAPPING && same_member(list->items[i], list->items[j], "sku") &&
                same_member(list->items[i], list->items[j], "service"))
                file_error(reader->errors, list->items[i], "another discount of this plan is for the same");
    }
    json_array_close(reader->json);
}

static bool read_only_cheaper(struct reader *reader, const struct file_field *field)
{
    static const char *const words[] = {"false", "true"};
    return file_choice(reader->errors, field, words, 2, 0) == 1;
}

// Not more upfront than the whole term costs.
static void check_upfront(struct reader *reader, const struct file_field *fields, const struct base *base)
{
    int128 whole;
    if (base->upfront.pico == 0 || base->to == INSTANT_MAX || base->to <= base->from) return;
    if (decimal_mul_div(base->hourly.pico, base->to - base->from, HOUR_US, ROUND_HALF_UP, &whole)) return;
    if (base->upfront.pico > whole)
        file_error(reader->errors, fields[UPFRONT].value,
                   "upfront %.48s is more than the plan's hours cost together: it is a part of them",
                   fields[UPFRONT].value->text);
}

static void read_plan(struct reader *reader, const struct yaml_node *item)
{
    enum { PRICE_BOOK = BASE_FIELDS, DISCOUNTS, ONLY_CHEAPER };
    struct file_field fields[] = {
        BASE_FIELD_ROWS,
        [PRICE_BOOK] = {.name = "price_book"},
        [DISCOUNTS] = {.name = "discounts"},
        [ONLY_CHEAPER] = {.name = "only_cheaper"},
    };
    struct file_errors *errors = reader->errors;
    fields[HOURLY].required = true;
    if (!FILE_FIELDS(errors, item, "savings plan", fields)) return;
    json_object_open(reader->json);
    struct base base = read_base(reader, fields);
    if (fields[HOURLY].value && base.hourly.pico == 0)
        file_error(errors, fields[HOURLY].value, "hourly is what is promised for an hour, above 0");
    check_upfront(reader, fields, &base);
    json_put_bool(reader->json, "only_cheaper", read_only_cheaper(reader, &fields[ONLY_CHEAPER]));
    if ((fields[PRICE_BOOK].value != NULL) == (fields[DISCOUNTS].value != NULL))
        file_error(errors, item, "a savings plan has either discounts or a price_book of its own prices");
    if (fields[PRICE_BOOK].value)
        json_put_text(reader->json, "price_book", need(reader, "price book", &fields[PRICE_BOOK]).id);
    read_rates(reader, &fields[DISCOUNTS]);
    json_object_close(reader->json);
}

// --- lists

static void check_ids(struct file_errors *errors, const struct yaml_node *list)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < i; j++)
            if (list->items[i]->kind == YAML_MAPPING && list->items[j]->kind == YAML_MAPPING &&
                same_member(list->items[i], list->items[j], "id"))
                file_error(errors, list->items[i], "another one of these terms has the same id");
}

static const char *read_list(struct reader *reader, const struct file_field *field,
                             void (*read)(struct reader *, const struct yaml_node *))
{
    const struct yaml_node *list = field->value;
    struct json_writer json;
    struct text out = {0};
    size_t before = reader->errors->count;
    if (!list) return NULL;
    if (list->kind != YAML_SEQUENCE || list->count > CONTRACT_COMMITMENTS_MAX) {
        file_error(reader->errors, list, "%s is a list of up to %d", field->name, CONTRACT_COMMITMENTS_MAX);
        return NULL;
    }
    json_begin(&json, &out);
    json_array_open(&json);
    reader->json = &json;
    for (size_t i = 0; i < list->count; i++)
        read(reader, list->items[i]);
    if (reader->errors->count == before) check_ids(reader->errors, list);
    json_array_close(&json);
    const char *copy = list->count > 0 ? arena_text(reader->errors->arena, out.data, out.length) : NULL;
    text_free(&out);
    return copy;
}

void file_commitments_read(struct file_errors *errors, const struct file_field *reservations,
                           const struct file_field *plans, struct file_contract *contract)
{
    struct reader reader = {.errors = errors, .contract = contract};
    contract->reservations = read_list(&reader, reservations, read_reservation);
    contract->plans = read_list(&reader, plans, read_plan);
}
