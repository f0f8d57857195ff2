// SPDX-License-Identifier: Apache-2.0
// What a price of a catalogue file costs: its model, and what goes with that. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

// The members of the price that say so, absent ones too.
struct file_price_terms {
    const struct file_field *model, *price, *rate, *fixed, *tiers, *free, *minimum_spend, *maximum_spend,
        *round, *daily, *minimum_seconds, *increment_seconds, *times, *per_event;
};
// Fills model, amounts and tiers of price->row, whose `per` is set. Without `model` tiers are graduated and a price is
// per unit. A price per unit that is shared (free units, a least or greatest spend, a rounded quantity, days) becomes a
// graduated one of one tier.
void file_price_terms_read(struct file_errors *errors, const struct yaml_node *item,
                           const struct file_price_terms *terms, struct file_price *price);
// The canonical JSON of a price's `times` (price_times.h); "" if it is absent or wrong.
const char *file_price_times_read(struct file_errors *errors, const struct file_field *times);
// The canonical text of a price's `when` (price_window.h), in errors->arena; "" if it is absent or wrong.
const char *file_price_window_read(struct file_errors *errors, const struct file_field *when);
