// SPDX-License-Identifier: Apache-2.0
// Reads limits, and writes each as one canonical JSON value: members in the order given here.
#include "catalogue/file_limit.h"

#include "catalogue/contract_limit.h"
#include "catalogue/file_contract.h"
#include "common/json.h"

enum { MINIMUM, MAXIMUM, OF, SERVICES, BOOKED, FROM, TO };

static const char *const spans[] = {"period", "term"};

static void put_services(struct file_errors *errors, const struct file_field *field, struct file_contract *contract,
                         struct json_writer *json)
{
    size_t count;
    const char **ids = file_names(errors, field, FILE_TEXT_MAX, true, &count);
    if (field->value && field->value->kind == YAML_SEQUENCE && field->value->count == 0)
        file_error(errors, field->value, "services names at least one service");
    json_name(json, "services");
    json_array_open(json);
    for (size_t i = 0; i < count; i++) {
        json_write_text(json, ids[i]);
        file_contract_need(errors, contract, "service", (struct file_reference){field->value->items[i], ids[i]});
    }
    json_array_close(json);
}

static void check_minimum(struct file_errors *errors, const struct yaml_node *item, const struct file_field *fields,
                          struct price minimum)
{
    if (!fields[MINIMUM].value) {
        if (fields[BOOKED].key) file_error(errors, fields[BOOKED].key, "booked is for a minimum_spend");
        return;
    }
    if (minimum.pico == 0) file_error(errors, fields[MINIMUM].value, "minimum_spend is above 0: leave it out");
    if (!fields[BOOKED].value)
        file_error(errors, item, "a limit with minimum_spend needs booked: the SKU under which it is paid");
    if (!fields[FROM].value)
        file_error(errors, item, "a limit with minimum_spend needs from: billing periods since then are paid, used or not");
}

static void read_limit(struct file_errors *errors, const struct yaml_node *item, struct file_contract *contract,
                       struct json_writer *json)
{
    struct file_field fields[] = {
        [MINIMUM] = {.name = "minimum_spend"}, [MAXIMUM] = {.name = "maximum_spend"},
        [OF] = {.name = "of"},                 [SERVICES] = {.name = "services"},
        [BOOKED] = {.name = "booked"},         [FROM] = {.name = "from"},
        [TO] = {.name = "to"}};
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "limit", fields)) return;
    struct price minimum = file_decimal_price(errors, &fields[MINIMUM]);
    struct price most = file_decimal_price(errors, &fields[MAXIMUM]);
    bool term = file_choice(errors, &fields[OF], spans, 2, 0) == 1;
    struct file_reference booked = file_reference(errors, &fields[BOOKED]);
    instant_us from = file_instant(errors, &fields[FROM], INSTANT_MIN);
    instant_us to = file_instant(errors, &fields[TO], INSTANT_MAX);
    json_object_open(json);
    if (term) json_put_text(json, "of", "term");
    json_put_decimal(json, "minimum_spend", minimum.pico, AMOUNT_PLACES);
    if (fields[MAXIMUM].value) json_put_decimal(json, "maximum_spend", most.pico, AMOUNT_PLACES);
    put_services(errors, &fields[SERVICES], contract, json);
    if (booked.id) {
        json_put_text(json, "booked", booked.id);
        file_contract_need(errors, contract, "sku", booked);
    }
    if (from != INSTANT_MIN) json_put_instant(json, "from", from);
    if (to != INSTANT_MAX) json_put_instant(json, "to", to);
    json_object_close(json);
    if (errors->count > before) return;
    if (!fields[MINIMUM].value && !fields[MAXIMUM].value)
        file_error(errors, item, "a limit has minimum_spend, maximum_spend or both");
    check_minimum(errors, item, fields, minimum);
    if (term && (!fields[MINIMUM].value || fields[MAXIMUM].value || !fields[TO].value))
        file_error(errors, fields[OF].value, "a term has a minimum_spend, no maximum_spend, and ends: give `to`");
    if (fields[MAXIMUM].value && most.pico < minimum.pico)
        file_error(errors, fields[MAXIMUM].value, "maximum_spend is below minimum_spend");
    if (fields[TO].value && to <= from) file_error(errors, fields[TO].value, "to is after from");
}

void file_limits_read(struct file_errors *errors, const struct file_field *field, struct file_contract *contract)
{
    const struct yaml_node *list = field->value;
    struct json_writer json;
    struct text out = {0};
    if (!list) return;
    if (list->kind != YAML_SEQUENCE || list->count > CONTRACT_LIMITS_MAX) {
        file_error(errors, list, "limits is a list of up to %d: [{maximum_spend: \"1000\"}]", CONTRACT_LIMITS_MAX);
        return;
    }
    json_begin(&json, &out);
    json_array_open(&json);
    for (size_t i = 0; i < list->count; i++)
        read_limit(errors, list->items[i], contract, &json);
    json_array_close(&json);
    if (list->count > 0) contract->limits = arena_text(errors->arena, out.data, out.length);
    text_free(&out);
}
