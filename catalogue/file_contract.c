// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/file_contract.h"

#include <string.h>

#include "catalogue/contract.h"
#include "catalogue/file_commitment.h"
#include "catalogue/file_limit.h"

// --- stages

static void tell_unknown_stage(struct file_errors *errors, const struct yaml_node *node)
{
    struct text known = {0};
    for (int i = 0; i < CONTRACT_STAGE_COUNT; i++)
        text_print(&known, "%s%s", i > 0 ? ", " : "", contract_forms[i].name);
    file_error(errors, node, "stage '%.64s' is unknown; there are: %s", node->text, known.data);
    text_free(&known);
}

static void tell_order(struct file_errors *errors, const struct yaml_node *list, const enum contract_stage *stages,
                       size_t place)
{
    const char *name = contract_forms[stages[place]].name;
    for (size_t i = 0; i < place; i++) {
        if (stages[i] != stages[place]) continue;
        file_error(errors, list->items[place], "stage '%s' is there twice", name);
        return;
    }
    if (!contract_forms[stages[place]].units) {
        file_error(errors, list->items[place],
                   "stage '%s' lowers prices, and '%s' before it what they came to: it comes first", name,
                   contract_forms[stages[place - 1]].name);
        return;
    }
    file_error(errors, list->items[place],
               "stage '%s' takes units, and '%s' before it takes money: units are taken before they are priced", name,
               contract_forms[stages[place - 1]].name);
}

static void read_stages(struct file_errors *errors, const struct file_field *field, struct file_contract *contract)
{
    const struct yaml_node *list = field->value;
    size_t before = errors->count;
    if (!list) return;
    if (list->kind != YAML_SEQUENCE || list->count == 0) {
        file_error(errors, list, "stages is a list of at least one: [free, packages, discounts]");
        return;
    }
    for (size_t i = 0; i < list->count && errors->count == before; i++) {
        const struct yaml_node *item = list->items[i];
        enum contract_stage stage;
        if (item->kind != YAML_SCALAR || !contract_stage_find(item->text, &stage)) {
            tell_unknown_stage(errors, item);
            return;
        }
        if (i == CONTRACT_STAGE_COUNT) { // then one of them is there twice, which is told
            return;
        }
        contract->stages[i] = stage;
        if (contract_order_check(contract->stages, i + 1) <= i) tell_order(errors, list, contract->stages, i);
    }
    if (errors->count == before) contract->stage_count = list->count;
}

// --- discounts

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_target(const struct file_discount *a, const struct file_discount *b)
{
    return same_text(a->sku.id, b->sku.id) && same_text(a->service.id, b->service.id);
}

static void read_discount(struct file_errors *errors, const struct yaml_node *item, struct file_discount *discount)
{
    enum { RATE, SKU, SERVICE };
    struct file_field fields[] = {
        [RATE] = {.name = "rate", .required = true}, [SKU] = {.name = "sku"}, [SERVICE] = {.name = "service"}};
    const int128 one = INT64_C(1000000000000);
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "discount", fields)) return;
    discount->rate = file_decimal_price(errors, &fields[RATE]);
    discount->sku = file_reference(errors, &fields[SKU]);
    discount->service = file_reference(errors, &fields[SERVICE]);
    if (fields[SKU].value && fields[SERVICE].value)
        file_error(errors, fields[SERVICE].key, "a discount is for a sku, for a service, or without both for all");
    if (errors->count == before && discount->rate.pico == 0)
        file_error(errors, fields[RATE].value, "rate is above 0: leave the discount out");
    if (discount->rate.pico > one)
        file_error(errors, fields[RATE].value, "rate %.48s is above 1: 10 %% is written \"0.10\"",
                   fields[RATE].value->text);
}

static void read_discounts(struct file_errors *errors, const struct file_field *field, struct file_contract *contract)
{
    const struct yaml_node *list = field->value;
    if (!list) return;
    if (list->kind != YAML_SEQUENCE || list->count > CONTRACT_DISCOUNTS_MAX) {
        file_error(errors, list, "discounts is a list of up to %d: [{rate: \"0.10\", service: ID}]",
                   CONTRACT_DISCOUNTS_MAX);
        return;
    }
    struct file_discount *discounts = ARENA_ARRAY(errors->arena, struct file_discount, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        read_discount(errors, list->items[i], &discounts[i]);
        for (size_t j = 0; j < i; j++)
            if (same_target(&discounts[i], &discounts[j]))
                file_error(errors, list->items[i], "another discount of these terms is for the same");
    }
    contract->discounts = discounts;
    contract->discount_count = list->count;
}

static bool has_stage(const struct file_contract *contract, enum contract_stage stage)
{
    for (size_t i = 0; i < contract->stage_count; i++)
        if (contract->stages[i] == stage) return true;
    return contract->stage_count == 0;
}

static void need_stage(struct file_errors *errors, const struct file_contract *contract,
                       const struct file_field *field, enum contract_stage stage)
{
    if (field->value && field->value->count > 0 && !has_stage(contract, stage))
        file_error(errors, field->key, "there are %s, but the stages have no '%s'", field->name,
                   contract_forms[stage].name);
}

void file_contract_need(struct file_errors *errors, struct file_contract *contract, const char *kind,
                        struct file_reference reference)
{
    struct file_needed *needed = &contract->needed;
    if (!reference.id) return;
    needed->list = arena_grow(errors->arena, needed->list, sizeof *needed->list, needed->count, &needed->capacity);
    needed->list[needed->count++] = (struct file_need){kind, reference};
}

void file_contract_read(struct file_errors *errors, const struct file_contract_fields *fields,
                        struct file_contract *contract)
{
    *contract = (struct file_contract){0};
    read_stages(errors, fields->stages, contract);
    read_discounts(errors, fields->discounts, contract);
    file_commitments_read(errors, fields->reservations, fields->plans, contract);
    file_limits_read(errors, fields->limits, contract);
    need_stage(errors, contract, fields->discounts, CONTRACT_DISCOUNTS);
    need_stage(errors, contract, fields->reservations, CONTRACT_RESERVATIONS);
    need_stage(errors, contract, fields->plans, CONTRACT_SAVINGS_PLANS);
    need_stage(errors, contract, fields->limits, CONTRACT_LIMITS);
}
