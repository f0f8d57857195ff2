// SPDX-License-Identifier: Apache-2.0
// See the header. Which member goes with which model is told by price_model.h.
#include "catalogue/file_price_terms.h"

#include <string.h>

#include "catalogue/price_model.h"

enum { ROUND_PLACES_MOST = 9 }; // on both sides of the point
enum { FREE_EVENTS_MAX = 1000000000 };
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

// A tier's units in whole blocks, at the tier's price for each.
static void read_block(struct file_errors *errors, const struct file_field *block, const struct yaml_node *price,
                       struct quantity per, struct price_tier_row *tier)
{
    size_t before = errors->count;
    if (!block->value) return;
    tier->block = file_decimal_quantity(errors, block, 0);
    if (!price) file_error(errors, block->key, "block goes with price: a tier's price is then that of a block");
    if (errors->count == before && !bound_is_exact(tier->block, per))
        file_error(errors, block->value, "block x per is no quantity of up to 9 fraction digits in range");
}

static void read_tier(struct file_errors *errors, const struct yaml_node *list, size_t index,
                      const struct price_row *row, struct price_tier_row *tiers)
{
    enum { UP_TO, BLOCK, PRICE, FLAT };
    struct file_field fields[] = {[UP_TO] = {.name = "up_to"}, [BLOCK] = {.name = "block"}, [PRICE] = {.name = "price"},
                                  [FLAT] = {.name = "flat"}};
    const struct price_form *form = &price_forms[row->model];
    const struct yaml_node *item = list->items[index];
    struct price_tier_row *tier = &tiers[index];
    if (!FILE_FIELDS(errors, item, "tier", fields)) return;
    bool last = index + 1 == list->count;
    tier->tier = (int)index;
    tier->last = !fields[UP_TO].value;
    tier->unit_price = file_decimal_price(errors, &fields[PRICE]);
    tier->flat = read_amount(errors, &fields[FLAT]);
    read_block(errors, &fields[BLOCK], fields[PRICE].value, row->per, tier);
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

// What the quantity of a period is made a multiple of before it is priced.
static void read_round(struct file_errors *errors, const struct file_field *field, struct price_row *row)
{
    enum { PLACES, MODE };
    struct file_field fields[] = {[PLACES] = {.name = "places", .required = true},
                                  [MODE] = {.name = "mode", .required = true}};
    size_t before = errors->count;
    if (!field->value || !FILE_FIELDS(errors, field->value, "round", fields)) return;
    int places = file_whole(errors, &fields[PLACES], -ROUND_PLACES_MOST, ROUND_PLACES_MOST, 0);
    row->round_mode =
        (enum rounding)file_choice(errors, &fields[MODE], rounding_names, ROUNDING_COUNT, ROUND_HALF_UP);
    row->round_to.nano = 1;
    for (int i = places; i < QUANTITY_PLACES; i++)
        row->round_to.nano *= 10;
    if (errors->count == before && !bound_is_exact(row->round_to, row->per))
        file_error(errors, fields[PLACES].value, "a place that is rounded to, x per, is no quantity of up to 9 fraction digits");
}

// Of a model with unit prices in tiers, or of a price per unit, which becomes one.
static void read_daily(struct file_errors *errors, const struct file_field *field, struct price_row *row)
{
    const struct price_form *form = &price_forms[row->model];
    const int first = PRICE_DAILY_FULL;
    if (!field->value) return;
    if (!form->tier_prices && row->model != PRICE_PER_UNIT && row->model != PRICE_DYNAMIC)
        file_error(errors, field->key, "a %s price does not count days: per_unit, graduated and volume prices may", form->name);
    row->daily = (enum price_daily)(first + file_choice(errors, field, &price_daily_names[first], PRICE_DAILY_COUNT - first, 0));
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

// --- of every event

enum { EVENT_FIXED, EVENT_MINIMUM, EVENT_MAXIMUM, FREE_EVENTS, FREE_AMOUNT, EVENT_FIELDS };

static void check_event_fee(struct file_errors *errors, const struct file_field *fields,
                            const struct price_event_fee *fee)
{
    const struct yaml_node *most = fields[EVENT_MAXIMUM].value;
    if (most && fee->maximum.pico == 0)
        file_error(errors, most, "maximum must be above zero");
    else if (most && amount_compare(fee->minimum, fee->maximum) > 0)
        file_error(errors, most, "the maximum per event is below the minimum");
}

// Price members that have no meaning beside it.
static void check_beside_events(struct file_errors *errors, const struct file_price_terms *terms,
                                enum price_model model)
{
    const struct file_field *beside[] = {terms->fixed, terms->free, terms->round, terms->times};
    if (model != PRICE_PERCENTAGE)
        file_error(errors, terms->per_event->key, "a %s price has no per_event: a percentage has",
                   price_forms[model].name);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        if (beside[i]->value)
            file_error(errors, beside[i]->key, "a price with per_event has no %s beside it", beside[i]->name);
}

static void read_event_fee(struct file_errors *errors, const struct file_price_terms *terms, struct price_row *row)
{
    struct file_field fields[EVENT_FIELDS] = {[EVENT_FIXED] = {.name = "fixed"},
                                              [EVENT_MINIMUM] = {.name = "minimum"},
                                              [EVENT_MAXIMUM] = {.name = "maximum"},
                                              [FREE_EVENTS] = {.name = "free_events"},
                                              [FREE_AMOUNT] = {.name = "free_amount"}};
    const struct file_field *field = terms->per_event;
    size_t before = errors->count;
    if (!field->value) return;
    check_beside_events(errors, terms, row->model);
    if (!FILE_FIELDS(errors, field->value, "per_event", fields)) return;
    row->per_event = true;
    row->event_fee = (struct price_event_fee){
        .fixed = read_amount(errors, &fields[EVENT_FIXED]),
        .minimum = read_amount(errors, &fields[EVENT_MINIMUM]),
        .maximum = read_amount(errors, &fields[EVENT_MAXIMUM]),
        .free_events = file_whole(errors, &fields[FREE_EVENTS], 1, FREE_EVENTS_MAX, 0),
        .free_amount = file_decimal_quantity(errors, &fields[FREE_AMOUNT], 0),
    };
    if (errors->count == before) check_event_fee(errors, fields, &row->event_fee);
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
    read_round(errors, terms->round, &price->row);
    read_event_fee(errors, terms, &price->row);
    read_daily(errors, terms->daily, &price->row);
    bool limited = terms->free->value || terms->minimum_spend->value || terms->maximum_spend->value ||
                   terms->round->value || terms->daily->value;
    if (price->row.model == PRICE_PER_UNIT && limited) share(errors, price);
    if (price->row.model == PRICE_DYNAMIC && limited)
        file_error(errors, item, "a dynamic price has no free, minimum_spend, maximum_spend, round or daily: a price per unit of its meter may");
    const struct file_field *of_runs[] = {terms->minimum_seconds, terms->increment_seconds};
    for (size_t i = 0; i < 2 && price->row.model != PRICE_PER_UNIT; i++)
        if (of_runs[i]->value)
            file_error(errors, of_runs[i]->value,
                       "%s goes with a price per unit, without tiers, free, minimum_spend, maximum_spend, round and daily",
                       of_runs[i]->name);
}
