// SPDX-License-Identifier: Apache-2.0
// The terms of prepayments: an amount of spend, paid for before it happens.
#include "catalogue/offer_kind.h"

void offer_prepayment_read(struct offer_reading *reading)
{
    enum { AMOUNT, PRICE, SKUS, SERVICES, BOOKED };
    struct file_field fields[] = {
        [AMOUNT] = {.name = "amount", .required = true}, [PRICE] = {.name = "price"},
        [SKUS] = {.name = "skus"},                       [SERVICES] = {.name = "services"},
        [BOOKED] = {.name = "booked", .required = true},
    };
    struct file_errors *errors = reading->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, reading->terms, "prepayment", fields)) return;
    struct price amount = file_decimal_price(errors, &fields[AMOUNT]), price = file_decimal_price(errors, &fields[PRICE]);
    struct file_reference booked = file_reference(errors, &fields[BOOKED]);
    if (amount.pico == 0 && errors->count == before)
        file_error(errors, fields[AMOUNT].value, "a prepayment is of more than 0");
    json_put_decimal(reading->json, "amount", amount.pico, AMOUNT_PLACES);
    json_put_decimal(reading->json, "price", fields[PRICE].value ? price.pico : amount.pico, AMOUNT_PLACES);
    offer_read_skus(reading, &fields[SKUS]);
    offer_read_services(reading, &fields[SERVICES]);
    json_put_text(reading->json, "booked", booked.id);
    offer_refer(reading, OFFER_REFERS_SKU, booked.node, booked.id);
    if (!reading->offer->row.currency)
        file_error(errors, reading->terms, "a prepayment needs the currency of its offer");
}

enum err offer_prepayment_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                                struct fault *fault)
{
    struct prepayment_terms *prepayment = ARENA_NEW(catalogue->arena, struct prepayment_terms);
    enum err err = offer_get_amount(terms, "amount", offer, &prepayment->amount, fault);
    if (!err) err = offer_get_amount(terms, "price", offer, &prepayment->price, fault);
    if (!err) err = offer_get_skus(catalogue, terms, "skus", offer, &prepayment->skus, &prepayment->sku_count, fault);
    if (!err)
        err = offer_get_services(catalogue, terms, "services", offer, &prepayment->services,
                                 &prepayment->service_count, fault);
    if (!err) err = offer_get_sku(catalogue, terms, "booked", offer, &prepayment->booked, fault);
    if (err) return err;
    offer->prepayment = prepayment;
    if (prepayment->amount.pico <= 0) return row_fault(fault, "offer", offer->id, "a prepayment is of more than 0");
    if (!prepayment->booked) return row_fault(fault, "offer", offer->id, "its price is booked under no SKU");
    return ERR_OK;
}
