// SPDX-License-Identifier: Apache-2.0
// The terms of coupons: an amount or a rate off what a period charges.
#include "catalogue/offer_kind.h"

#include <string.h>

static const int128 one = INT64_C(1000000000000); // a rate of 1
static const char *const resets[] = {"period", "never"};

// An amount above 0 if it is there; in the offer's currency.
static struct price read_amount(struct offer_reading *reading, const struct file_field *field)
{
    struct price amount = file_decimal_price(reading->errors, field);
    if (!field->value) return amount;
    if (!reading->offer->row.currency)
        file_error(reading->errors, field->key, "a coupon with an amount needs the currency of its offer");
    return amount;
}

static void check_size(struct offer_reading *reading, const struct file_field *rate, const struct file_field *amount,
                       struct price rate_off, struct price amount_off)
{
    struct file_errors *errors = reading->errors;
    if ((rate->value != NULL) == (amount->value != NULL)) {
        file_error(errors, reading->terms, "a coupon has either a rate or an amount");
        return;
    }
    if (rate_off.pico > one)
        file_error(errors, rate->value, "rate %.48s is above 1: 10 %% is written \"0.10\"", rate->value->text);
    if (rate->value ? rate_off.pico == 0 : amount_off.pico == 0)
        file_error(errors, rate->value ? rate->value : amount->value, "a coupon takes off more than 0");
}

void offer_coupon_read(struct offer_reading *reading)
{
    enum { RATE, AMOUNT, MINIMUM_SPEND, MAXIMUM, RESET, SKUS, SERVICES };
    struct file_field fields[] = {
        [RATE] = {.name = "rate"},       [AMOUNT] = {.name = "amount"}, [MINIMUM_SPEND] = {.name = "minimum_spend"},
        [MAXIMUM] = {.name = "maximum"}, [RESET] = {.name = "reset"},   [SKUS] = {.name = "skus"},
        [SERVICES] = {.name = "services"},
    };
    struct file_errors *errors = reading->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, reading->terms, "coupon", fields)) return;
    struct price rate = file_decimal_price(errors, &fields[RATE]), amount = read_amount(reading, &fields[AMOUNT]);
    struct price minimum = read_amount(reading, &fields[MINIMUM_SPEND]), most = read_amount(reading, &fields[MAXIMUM]);
    if (errors->count == before) check_size(reading, &fields[RATE], &fields[AMOUNT], rate, amount);
    if (fields[MAXIMUM].value && fields[AMOUNT].value)
        file_error(errors, fields[MAXIMUM].key, "maximum is of a rate: an amount is its own");
    if (fields[MAXIMUM].value && most.pico == 0 && errors->count == before)
        file_error(errors, fields[MAXIMUM].value, "maximum is above 0: leave it out");
    int reset = file_choice(errors, &fields[RESET], resets, 2, 0);
    if (reset && !fields[AMOUNT].value && !fields[MAXIMUM].value && errors->count == before)
        file_error(errors, fields[RESET].value, "a rate without a maximum has nothing that could last");
    json_put_decimal(reading->json, "rate", rate.pico, PRICE_PLACES);
    json_put_decimal(reading->json, "amount", amount.pico, AMOUNT_PLACES);
    json_put_decimal(reading->json, "minimum_spend", minimum.pico, AMOUNT_PLACES);
    json_put_decimal(reading->json, "maximum", most.pico, AMOUNT_PLACES);
    if (reset) json_put_text(reading->json, "reset", resets[reset]); // absent in offers that were stored before it came
    offer_read_skus(reading, &fields[SKUS]);
    offer_read_services(reading, &fields[SERVICES]);
}

enum err offer_coupon_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                            struct fault *fault)
{
    struct coupon_terms *coupon = ARENA_NEW(catalogue->arena, struct coupon_terms);
    struct amount rate;
    enum err err = offer_get_amount(terms, "rate", offer, &rate, fault);
    if (!err) err = offer_get_amount(terms, "amount", offer, &coupon->amount, fault);
    if (!err) err = offer_get_amount(terms, "minimum_spend", offer, &coupon->minimum_spend, fault);
    if (!err) err = offer_get_amount(terms, "maximum", offer, &coupon->maximum, fault);
    if (!err) err = offer_get_skus(catalogue, terms, "skus", offer, &coupon->skus, &coupon->sku_count, fault);
    if (!err)
        err = offer_get_services(catalogue, terms, "services", offer, &coupon->services, &coupon->service_count, fault);
    if (err) return err;
    coupon->rate.pico = rate.pico; // of the same places
    coupon->lasts = strcmp(json_text(json_member(terms, "reset"), ""), "never") == 0;
    offer->coupon = coupon;
    if ((rate.pico == 0) == (coupon->amount.pico == 0) || rate.pico > one)
        return row_fault(fault, "offer", offer->id, "a coupon has either a rate up to 1 or an amount");
    return ERR_OK;
}
