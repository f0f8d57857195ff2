// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/event_worth.h"

static const int128 QUANTITY_ONE = 1000000000, PRICE_ONE = 1000000000000;
static const int128 quantity_most = (int128)QUANTITY_EVENT_MAX_UNITS * 1000000000;

static enum err multiply(struct quantity value, struct quantity factor, struct quantity *product, struct fault *fault)
{
    int128 below, above;
    if (decimal_mul_div(value.nano, factor.nano, QUANTITY_ONE, ROUND_DOWN, &below) ||
        decimal_mul_div(value.nano, factor.nano, QUANTITY_ONE, ROUND_UP, &above) || above > quantity_most)
        return fault_set(fault, ERR_INVALID, "", "the product is more than 1000000000000000");
    if (below != above) return fault_set(fault, ERR_INVALID, "", "the product has more than 9 fraction digits");
    product->nano = below;
    return ERR_OK;
}

static enum err take_fee(const struct event_fee *fee, struct quantity value, struct quantity *worth,
                         struct fault *fault)
{
    struct quantity sum;
    if (decimal_mul_div(value.nano, fee->rate.pico, PRICE_ONE, ROUND_HALF_UP, &sum.nano) ||
        quantity_add(sum, fee->fixed, &sum))
        sum.nano = DECIMAL_MAX; // a maximum may bring it back
    if (quantity_compare(sum, fee->minimum) < 0) sum = fee->minimum;
    if (fee->maximum.nano && quantity_compare(sum, fee->maximum) > 0) sum = fee->maximum;
    if (sum.nano > quantity_most)
        return fault_set(fault, ERR_INVALID, "", "the fee of the event is more than 1000000000000000");
    *worth = sum;
    return ERR_OK;
}

enum err event_worth(const struct meter *meter, struct quantity value, struct quantity factor, struct quantity *worth,
                     struct fault *fault)
{
    enum err err = meter->times_property ? multiply(value, factor, &value, fault) : ERR_OK;
    if (!err && meter->fee) return take_fee(meter->fee, value, worth, fault);
    if (!err) *worth = value;
    return err;
}
