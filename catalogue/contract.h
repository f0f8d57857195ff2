// SPDX-License-Identifier: Apache-2.0
// What the catalogue knows of the stages of a contract: one row per stage; and the deductions of an agreement in their
// stored form. What a stage does is one file each in rating/ (stage_table.c lists them).
#pragma once
#include "catalogue/catalogue.h"
#include "catalogue/catalogue_build.h"

struct contract_form {
    const char *name; // in files and in the database
    bool units;       // takes units before they are priced; false: works on money
};
extern const struct contract_form contract_forms[CONTRACT_STAGE_COUNT];

enum { CONTRACT_DISCOUNTS_MAX = 1000 };

// The stage of that name; false: there is none. Pure.
bool contract_stage_find(const char *name, enum contract_stage *stage) MUST_USE;
// Index of the first stage that is there a second time, that takes units after one that took money, that lowers prices
// after coupons or limits, or that comes after prepayments; count if the list can be computed. Pure.
size_t contract_order_check(const enum contract_stage *stages, size_t count);
// The discount on a SKU (NULL: on what has none): the most specific one, of equal ones the first. Place from 1; 0: none.
// Pure.
size_t contract_discount_of(const struct contract_discount *discounts, size_t count, const struct sku *sku);
extern const struct contract contract_default; // of an agreement that says nothing

// Sets terms->contract from a row's stored form:
//   stages      names joined by ","
//   deductions  {"discounts":[{"rate":"0.1","sku":ID} | {"rate":"0.1","service":ID} | {"rate":"0.1"},...],
//                "reservations":[{"id","sku","tenant","from","to"?,"upfront","hourly","instances","units","per","match"?,
//                                 "size"?,"sizes"?:{VALUE:UNITS}},...],
//                "savings_plans":[{"id","sku","tenant","from","to"?,"upfront","hourly","only_cheaper",
//                                  "price_book" | "rates":[as discounts]},...],
//                "limits":[{"of":"term"?,"minimum_spend","maximum_spend"?,"services":[ID,...],"booked"?,"from"?,"to"?},...],
//                "taxes":[{"name","rate","sku" | "service","note"?},...], "tax_note"}; each only if there is one
// ERR_INVALID: it cannot be read, or names what is not there.
enum err contract_build(struct catalogue *catalogue, const struct agreement_row *row, struct agreement *terms,
                        struct fault *fault) MUST_USE;
