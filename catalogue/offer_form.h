// SPDX-License-Identifier: Apache-2.0
// What there is to know of each kind of offer: one row per kind.
#pragma once
#include "catalogue/catalogue.h"

struct offer_reading;
struct json_value;

struct offer_form {
    const char *name;          // in files and in the database
    enum contract_stage stage; // which applies what an account holds of it; CONTRACT_STAGE_COUNT: none, it is applied in every contract
    bool hourly;               // something falls due with every hour; else when it begins and with every period
    void (*read)(struct offer_reading *reading); // NULL: there is no such kind yet
    // Fills offer->terms from the stored object. ERR_INVALID.
    enum err (*build)(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                      struct fault *fault);
};
extern const struct offer_form offer_forms[OFFER_KIND_COUNT];
// The kind of that name; false: there is none. Pure.
bool offer_kind_find(const char *name, enum offer_kind *kind) MUST_USE;
