// SPDX-License-Identifier: Apache-2.0
// See the header. Which member goes with which model is told by price_model.h.
#include "catalogue/file_price_terms.h"

#include <string.h>

#include "catalogue/price_model.h"

static const int128 QUANTITY_ONE = 1000000000, PRICE_ONE = 1000000000000;

// A bound in meter units must be exact: a rounded one would move usage between tiers.
static bool bound_is_exact(struct quantity bound, struct quantity per)
{
    int128 below, above;
    const int128 one = 1000000000;
    return decimal_mul_div(bound.nano, per.nano, one, ROUND_DOWN, &below) == ERR_OK &&
           decimal_mul_div(bound.nano, per.nano, one, ROUND_UP, &above) == ERR_OK && below == above;
}

static struct amount read_amount(struct file_errors *errors, const struct file_field *field)
{
    return (struct amount){file_decimal_price(errors, field).pico};
}

// --- tiers

static void check_bound(struct file_errors *errors, const struct file_field *up_to, size_t index, struct quantity per,
                        struct price_tier_row *tiers)
{
    size_t before = errors->count;
    struct price_tier_row *tier = &tiers[index];
    tier->up_to = file_decimal_quantity(errors, up_to, 0);
    if (errors->count > before) return;
    if (index > 0 && tier->up_to.nano <= tiers[index - 1].up_to.nano)
        file_error(errors, up_to->value, "up_to %.48s is not above the tier before", up_to->value->text);
    if (!bound_is_exact(tier->up_to, per))
        file_error(errors, up_to->value, "up_to x per is no quantity of up to 9 fraction digits in range");
}

static void read_tier(struct file_errors *errors, const struct yaml_node *list, size_t index,
                      const struct price_row *row, struct price_tier_row *tiers)
{
    enum { UP_TO, PRICE, FLAT };
    struct file_field fields[] = {[UP_TO] = {.name = "up_to"}, [PRICE] = {.name = "price"}, [FLAT] = {.name = "flat"}};
    const struct price_form *form = &price_forms[row->model];
    const struct yaml_node *item = list->items[index];
    struct price_tier_row *tier = &tiers[index];
    if (!FILE_FIELDS(errors, item, "tier", fields)) return;
    bool last = index + 1 == list->count;
    tier->tier = (int)index;
    tier->last = !fields[UP_TO].value;
    tier->unit_price = file_decimal_price(errors, &fields[PRICE]);
    tier->flat = read_amount(errors, &fields[FLAT]);
    if (!form->tier_prices && fields[PRICE].value)
        file_error(errors, fields[PRICE].key, "a tier of a %s price has flat, not price", form->name);
    else if (!form->tier_prices && !fields[FLAT].value)
        file_error(errors, item, "a tier of a %s price needs flat", form->name);
    else if (!fields[PRICE].value && !fields[FLAT].value)
        file_error(errors, item, "a tier needs price, flat or both");
    if (last && !tier->last)
        file_error(errors, fields[UP_TO].value, "the last tier has no up_to: what is above %.48s would have no price",
                   fields[UP_TO].value->text);
    if (!last && tier->last) file_error(errors, item, "only the last tier has no up_to");
    if (!tier->last) check_bound(errors, &fields[UP_TO], index, row->per, tiers);
}

static void read_tiers(struct file_errors *errors, const struct yaml_node *list, struct file_price *price)
{
    if (list->kind != YAML_SEQUENCE || list->count == 0 || list->count > TIERS_MAX) {
        file_error(errors, list, "tiers is a list of 1 to %d tiers", TIERS_MAX);
        return;
    }
    struct price_tier_row *tiers = ARENA_ARRAY(errors->arena, struct price_tier_row, list->count);
    for (size_t i = 0; i < list->count; i++)
        read_tier(errors, list, i, &price->row, tiers);
    price->tiers = tiers;
    price->tier_count = list->count;
}

// --- the model

static enum price_model read_model(struct file_errors *errors, const struct file_price_terms *terms)
{
    const char *names[PRICE_MODEL_COUNT];
    for (int i = 0; i < PRICE_MODEL_COUNT; i++)
        names[i] = price_forms[i].name;
    int otherwise = terms->tiers->value ? PRICE_GRADUATED : terms->rate->value ? PRICE_PERCENTAGE : PRICE_PER_UNIT;
    return (enum price_model)file_choice(errors, terms->model, names, PRICE_MODEL_COUNT, otherwise);
}

// Of price, rate and tiers the one that the model has.
static void read_cost(struct file_errors *errors, const struct yaml_node *item, const struct file_price_terms *terms,
                      struct file_price *price)
{
    const struct price_form *form = &price_forms[price->row.model];
    const struct file_field *all[] = {terms->price, terms->rate, terms->tiers}, *wanted = terms->tiers;
    if (form->price) wanted = strcmp(form->price_key, terms->rate->name) == 0 ? terms->rate : terms->price;
    if (!terms->model->value &&
        (terms->price->value != NULL) + (terms->rate->value != NULL) + (terms->tiers->value != NULL) != 1) {
        file_error(errors, item, "a price has either price or tiers");
        return;
    }
    if (!wanted->value && !form->money) file_error(errors, item, "a %s price needs %s", form->name, wanted->name);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] != wanted && all[i]->value)
            file_error(errors, all[i]->key, "a %s price has no %s", form->name, all[i]->name);
    if (!form->fixed && terms->fixed->value)
        file_error(errors, terms->fixed->key, "a %s price has no fixed part", form->name);
    if (form->price) price->row.price = file_decimal_price(errors, wanted);
    if (form->money && !wanted->value) price->row.price.pico = PRICE_ONE;
    if (form->money && price->row.per.nano != QUANTITY_ONE)
        file_error(errors, item, "a %s price has no per: its meter counts money", form->name);
    if (form->tiers && wanted->value) read_tiers(errors, wanted->value, price);
    if (form->fixed) price->row.fixed = read_amount(errors, terms->fixed);
}

// One tier of this price, so that its units can be shared.
static void share(struct file_errors *errors, struct file_price *price)
{
    struct price_tier_row *tier = ARENA_ARRAY(errors->arena, struct price_tier_row, 1);
    *tier = (struct price_tier_row){.last = true, .unit_price = price->row.price};
    price->row.model = PRICE_GRADUATED;
    price->row.price = PRICE_ZERO;
    price->tiers = tier;
    price->tier_count = 1;
}

// --- what a shared price may have

static void read_free(struct file_errors *errors, const struct file_field *field, struct file_price *price)
{
    size_t before = errors->count;
    if (!field->value) return;
    price->row.free = file_decimal_quantity(errors, field, 0);
    if (errors->count == before && !bound_is_exact(price->row.free, price->row.per))
        file_error(errors, field->value, "free x per is no quantity of up to 9 fraction digits in range");
}

static void read_spend(struct file_errors *errors, const struct file_price_terms *terms, struct price_row *row)
{
    const struct yaml_node *most = terms->maximum_spend->value;
    size_t before = errors->count;
    row->minimum_spend = read_amount(errors, terms->minimum_spend);
    row->maximum_spend = read_amount(errors, terms->maximum_spend);
    if (!most || errors->count > before) return;
    if (row->maximum_spend.pico == 0)
        file_error(errors, most, "maximum_spend must be above zero");
    else if (amount_compare(row->minimum_spend, row->maximum_spend) > 0)
        file_error(errors, most, "maximum_spend %.48s is below minimum_spend", most->text);
}

void file_price_terms_read(struct file_errors *errors, const struct yaml_node *item,
                           const struct file_price_terms *terms, struct file_price *price)
{
    size_t before = errors->count;
    price->row.model = read_model(errors, terms);
    if (errors->count > before) return; // what goes with an unknown model is not known
    read_cost(errors, item, terms, price);
    read_free(errors, terms->free, price);
    read_spend(errors, terms, &price->row);
    bool limited = terms->free->value || terms->minimum_spend->value || terms->maximum_spend->value;
    if (price->row.model == PRICE_PER_UNIT && limited) share(errors, price);
    if (price->row.model == PRICE_DYNAMIC && limited)
        file_error(errors, item, "a dynamic price has no free, minimum_spend or maximum_spend: a price per unit of its meter may");
    const struct file_field *of_runs[] = {terms->minimum_seconds, terms->increment_seconds};
    for (size_t i = 0; i < 2 && price->row.model != PRICE_PER_UNIT; i++)
        if (of_runs[i]->value)
            file_error(errors, of_runs[i]->value,
                       "%s goes with a price per unit, without tiers, free, minimum_spend and maximum_spend",
                       of_runs[i]->name);
}
