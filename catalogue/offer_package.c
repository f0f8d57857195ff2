// SPDX-License-Identifier: Apache-2.0
// The terms of usage packages: so many units of SKUs, paid for before, anew in every period or once.
#include "catalogue/offer_kind.h"

#include <string.h>

static const char *const resets[] = {"period", "never"};

// Units of the meter: quantity times per, exact.
static struct quantity meter_units(struct offer_reading *reading, const struct file_field *quantity,
                                   const struct file_field *per)
{
    const int128 one = 1000000000; // quantities are at 1e-9
    struct quantity units = file_decimal_quantity(reading->errors, quantity, 1);
    struct quantity each = file_decimal_quantity(reading->errors, per, 1), product, back;
    if (decimal_mul_div(units.nano, each.nano, one, ROUND_DOWN, &product.nano) ||
        decimal_mul_div(product.nano, one, each.nano, ROUND_DOWN, &back.nano) || back.nano != units.nano)
        file_error(reading->errors, quantity->value, "quantity x per has at most 9 places and is below 1e29");
    else
        return product;
    return units;
}

void offer_package_read(struct offer_reading *reading)
{
    enum { SKUS, QUANTITY, UNIT, PER, RESET, PRICE, BOOKED };
    struct file_field fields[] = {
        [SKUS] = {.name = "skus", .required = true}, [QUANTITY] = {.name = "quantity", .required = true},
        [UNIT] = {.name = "unit", .required = true}, [PER] = {.name = "per"},
        [RESET] = {.name = "reset"},                 [PRICE] = {.name = "price"},
        [BOOKED] = {.name = "booked"},
    };
    struct file_errors *errors = reading->errors;
    if (!FILE_FIELDS(errors, reading->terms, "package", fields)) return;
    struct price price = file_decimal_price(errors, &fields[PRICE]);
    struct file_reference booked = file_reference(errors, &fields[BOOKED]);
    int reset = file_choice(errors, &fields[RESET], resets, 2, 0);
    offer_read_skus(reading, &fields[SKUS]);
    json_put_decimal(reading->json, "quantity", meter_units(reading, &fields[QUANTITY], &fields[PER]).nano,
                     QUANTITY_PLACES);
    json_put_text(reading->json, "unit", file_text(errors, &fields[UNIT], FILE_NAME_MAX));
    json_put_decimal(reading->json, "per", file_decimal_quantity(errors, &fields[PER], 1).nano, QUANTITY_PLACES);
    json_put_text(reading->json, "reset", resets[reset]);
    json_put_decimal(reading->json, "price", price.pico, AMOUNT_PLACES);
    json_put_text(reading->json, "booked", booked.id);
    offer_refer(reading, OFFER_REFERS_SKU, booked.node, booked.id);
    if (price.pico && !reading->offer->row.currency)
        file_error(errors, fields[PRICE].key, "a package with a price needs the currency of its offer");
    if (price.pico && !booked.node)
        file_error(errors, fields[PRICE].key, "a package with a price needs booked: the SKU under which it is paid");
}

enum err offer_package_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                             struct fault *fault)
{
    struct package_terms *package = ARENA_NEW(catalogue->arena, struct package_terms);
    const char *unit = json_text(json_member(terms, "unit"), "");
    enum err err =
        offer_get_skus(catalogue, terms, "skus", offer, &package->skus, &package->sku_count, fault);
    if (!err) err = offer_get_quantity(terms, "quantity", offer, &package->quantity, fault);
    if (!err) err = offer_get_quantity(terms, "per", offer, &package->per, fault);
    if (!err) err = offer_get_amount(terms, "price", offer, &package->price, fault);
    if (!err) err = offer_get_sku(catalogue, terms, "booked", offer, &package->booked, fault);
    if (err) return err;
    package->lasts = strcmp(json_text(json_member(terms, "reset"), ""), "never") == 0;
    package->unit = arena_text(catalogue->arena, unit, strlen(unit));
    offer->package = package;
    if (package->quantity.nano == 0 || package->per.nano == 0 || package->sku_count == 0)
        return row_fault(fault, "offer", offer->id, "a package is of more than nothing");
    if (package->price.pico && !package->booked)
        return row_fault(fault, "offer", offer->id, "its price is booked under no SKU");
    for (size_t i = 1; i < package->sku_count; i++)
        if (strcmp(catalogue_meter_newest(catalogue, package->skus[i]->meter)->unit,
                   catalogue_meter_newest(catalogue, package->skus[0]->meter)->unit) != 0)
            return row_fault(fault, "offer", offer->id, "the SKUs %s and %s are not metered in the same unit",
                             package->skus[0]->id, package->skus[i]->id);
    return ERR_OK;
}
