// SPDX-License-Identifier: Apache-2.0
// The terms of subscriptions: a fee that recurs, and how much of it is due for a part of its interval.
#include "catalogue/offer_kind.h"

#include <string.h>

enum { EVERY_PERIOD, EVERY_WEEK, EVERY_MONTH, EVERY_QUARTER, EVERY_YEAR };
static const char *const everies[] = {
    [EVERY_PERIOD] = "period",   [EVERY_WEEK] = "week", [EVERY_MONTH] = "month",
    [EVERY_QUARTER] = "quarter", [EVERY_YEAR] = "year",
};
static const int months_of[] = {[EVERY_MONTH] = 1, [EVERY_QUARTER] = 3, [EVERY_YEAR] = 12};
static const int days_of[] = {[EVERY_WEEK] = 7, [EVERY_YEAR] = 0};
static const char *const dues[] = {"in_advance", "in_arrears"};
static const char *const started[] = {"new", "old"};
static const char *const truths[] = {"false", "true"};
static const char *const prorations[] = {
    [FEE_ACTUAL_DAYS] = "actual_days", [FEE_FIXED_30_DAYS] = "fixed_30_days", [FEE_HOURS] = "hours",
    [FEE_SECONDS] = "seconds",         [FEE_WHOLE] = "none",
};
#define WORDS(list) (list), sizeof(list) / sizeof *(list)

// --- files

enum { PRICE, EVERY, DUE, PRORATION, STARTED, REFUND, BOOKED };

static void check_together(struct file_errors *errors, const struct file_field *fields, int every, bool in_arrears,
                           int proration, bool refund)
{
    if (every == EVERY_WEEK && proration == FEE_FIXED_30_DAYS)
        file_error(errors, fields[PRORATION].value, "a week has no months of 30 days: actual_days, hours, seconds or none");
    if (in_arrears && fields[REFUND].value)
        file_error(errors, fields[REFUND].key, "what is paid in arrears is not paid back: refund is for in_advance");
    else if (refund && proration == FEE_WHOLE)
        file_error(errors, fields[REFUND].key, "without a proration there is no rest of a fee to pay back");
    if (fields[STARTED].value && (proration == FEE_SECONDS || proration == FEE_WHOLE))
        file_error(errors, fields[STARTED].key, "started is for prorations by days or hours");
}

void offer_subscription_read(struct offer_reading *reading)
{
    struct file_field fields[] = {
        [PRICE] = {.name = "price", .required = true}, [EVERY] = {.name = "every", .required = true},
        [DUE] = {.name = "due", .required = true},     [PRORATION] = {.name = "proration", .required = true},
        [STARTED] = {.name = "started"},               [REFUND] = {.name = "refund"},
        [BOOKED] = {.name = "booked", .required = true},
    };
    struct file_errors *errors = reading->errors;
    if (!FILE_FIELDS(errors, reading->terms, "subscription", fields)) return;
    struct price price = file_decimal_price(errors, &fields[PRICE]);
    struct file_reference booked = file_reference(errors, &fields[BOOKED]);
    int every = file_choice(errors, &fields[EVERY], WORDS(everies), 0);
    int due = file_choice(errors, &fields[DUE], WORDS(dues), 0);
    int proration = file_choice(errors, &fields[PRORATION], WORDS(prorations), 0);
    int old = file_choice(errors, &fields[STARTED], WORDS(started), 0);
    int refund = file_choice(errors, &fields[REFUND], WORDS(truths), due == 0 && proration != FEE_WHOLE);
    json_put_decimal(reading->json, "price", price.pico, AMOUNT_PLACES);
    json_put_text(reading->json, "every", everies[every]);
    json_put_text(reading->json, "due", dues[due]);
    json_put_text(reading->json, "proration", prorations[proration]);
    json_put_text(reading->json, "started", started[old]);
    json_put_bool(reading->json, "refund", refund == 1);
    json_put_text(reading->json, "booked", booked.id);
    offer_refer(reading, OFFER_REFERS_SKU, booked.node, booked.id);
    check_together(errors, fields, every, due == 1, proration, refund == 1);
    if (!reading->offer->row.currency && fields[PRICE].key)
        file_error(errors, fields[PRICE].key, "a subscription needs the currency of its offer");
}

// --- stored form

static enum err get_word(const struct json_value *terms, const char *member, const char *const *words, size_t count,
                         const struct offer *offer, size_t *place, struct fault *fault)
{
    const char *text = json_text(json_member(terms, member), "");
    for (*place = 0; *place < count; ++*place)
        if (strcmp(words[*place], text) == 0) return ERR_OK;
    return row_fault(fault, "offer", offer->id, "its %s '%.40s' is not known", member, text);
}

enum err offer_subscription_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                                  struct fault *fault)
{
    struct subscription_terms *fee = ARENA_NEW(catalogue->arena, struct subscription_terms);
    size_t every = 0, due = 0, proration = 0, old = 0;
    enum err err = offer_get_amount(terms, "price", offer, &fee->price, fault);
    if (!err) err = get_word(terms, "every", WORDS(everies), offer, &every, fault);
    if (!err) err = get_word(terms, "due", WORDS(dues), offer, &due, fault);
    if (!err) err = get_word(terms, "proration", WORDS(prorations), offer, &proration, fault);
    if (!err) err = get_word(terms, "started", WORDS(started), offer, &old, fault);
    if (!err) err = offer_get_sku(catalogue, terms, "booked", offer, &fee->booked, fault);
    if (err) return err;
    fee->months = months_of[every];
    fee->days = days_of[every];
    fee->in_arrears = due == 1;
    fee->proration = (enum fee_proration)proration;
    fee->started_is_old = old == 1;
    fee->refund = json_bool(json_member(terms, "refund"), false);
    offer->subscription = fee;
    if (!fee->booked) return row_fault(fault, "offer", offer->id, "its price is booked under no SKU");
    if (fee->refund && (fee->in_arrears || fee->proration == FEE_WHOLE))
        return row_fault(fault, "offer", offer->id, "there is nothing that it could pay back");
    return ERR_OK;
}
