// SPDX-License-Identifier: Apache-2.0
// Subscriptions: fees that recur, charged where their interval begins or ends, and what of one is paid back. Fees are
// there in every contract, before its stages of money. Pure: a function of what is held, the calendar and the time that
// has passed; no fee of a period depends on what happens after it.
#include "rating/fee.h"
#include "rating/stage.h"

// What falls on a period, of all intervals of one holding.
struct fee_sum {
    struct quantity quantity; // intervals times how many are held
    struct amount billed, effective;
};

struct fee {
    const struct holding *holding;
    struct fee_calendar calendar;
    instant_us due;
    struct amount whole; // of all that are held, for one interval
    struct fee_sum charged, refunded, spread;
};

static instant_us later(instant_us a, instant_us b)
{
    return a > b ? a : b;
}

// The part of `whole` that falls on [from, to) of an interval: the difference of two parts from its begin, each rounded
// once, so that adjoining parts add up exactly.
static enum err part_of(const struct fee *fee, struct fee_interval interval, instant_us from, instant_us to, int128 whole,
                        int128 *part)
{
    int64_t all = fee_passed(&fee->calendar, interval, interval.end);
    int128 before, after;
    if (decimal_mul_div(whole, fee_passed(&fee->calendar, interval, from), all, ROUND_HALF_UP, &before) ||
        decimal_mul_div(whole, fee_passed(&fee->calendar, interval, to), all, ROUND_HALF_UP, &after))
        return ERR_LIMIT;
    *part = after - before;
    return ERR_OK;
}

static enum err add_quantity(const struct fee *fee, struct fee_interval interval, instant_us from, instant_us to,
                             struct fee_sum *sum)
{
    const int128 held = (int128)fee->holding->quantity * 1000000000;
    int128 quantity;
    if (part_of(fee, interval, from, to, held, &quantity)) return ERR_LIMIT;
    return decimal_add(sum->quantity.nano, quantity, &sum->quantity.nano);
}

static enum err add_amount(const struct fee *fee, struct fee_interval interval, instant_us from, instant_us to,
                           struct amount *sum)
{
    int128 amount;
    if (part_of(fee, interval, from, to, fee->whole.pico, &amount)) return ERR_LIMIT;
    return decimal_add(sum->pico, amount, &sum->pico);
}

static enum err add_billed(const struct fee *fee, struct fee_interval interval, instant_us from, instant_us to,
                           struct fee_sum *sum)
{
    enum err err = add_quantity(fee, interval, from, to, sum);
    return err ? err : add_amount(fee, interval, from, to, &sum->billed);
}

// Charged where the interval, or the holding in it, begins; its cost falls on the periods that it is for.
static enum err in_advance(struct fee *fee, struct fee_interval interval, bool ended)
{
    const struct fee_interval *period = &fee->calendar.period;
    instant_us begin = later(interval.begin, fee->holding->from), end = interval.end;
    instant_us low = later(begin, period->begin), high = end < period->end ? end : period->end;
    if (low >= fee->due) return ERR_OK;
    if (fee->calendar.terms->proration == FEE_WHOLE) interval.begin = begin; // all of it is for what is left
    if (ended) high = fee->calendar.terms->refund ? fee->holding->to : end;
    bool begins = begin >= period->begin;
    struct fee_sum *sum = begins ? &fee->charged : &fee->spread;
    enum err err = begins ? add_billed(fee, interval, begin, end, sum) : add_quantity(fee, interval, low, high, sum);
    if (!err) err = add_amount(fee, interval, low, high, &sum->effective);
    if (!err && ended && fee->calendar.terms->refund)
        err = add_billed(fee, interval, fee->holding->to, end, &fee->refunded);
    return err;
}

// Charged where the interval, or the holding in it, ends.
static enum err in_arrears(struct fee *fee, struct fee_interval interval, bool ended)
{
    instant_us begin = later(interval.begin, fee->holding->from), end = ended ? fee->holding->to : interval.end;
    if (!ended && end > fee->due) return ERR_OK;
    if (fee->calendar.terms->proration == FEE_WHOLE) interval = (struct fee_interval){begin, end};
    enum err err = add_billed(fee, interval, begin, end, &fee->charged);
    return err ? err : add_amount(fee, interval, begin, end, &fee->charged.effective);
}

static enum err add_intervals(struct fee *fee)
{
    const struct holding *holding = fee->holding;
    const struct fee_interval *period = &fee->calendar.period;
    enum err err = ERR_OK;
    for (instant_us at = later(holding->from, period->begin); at < period->end && !err;) {
        const struct fee_interval interval = fee_interval_at(&fee->calendar, at);
        bool ended = holding->to < fee->due && holding->to < interval.end;
        if (interval.begin >= holding->to) break;
        err = fee->calendar.terms->in_arrears ? in_arrears(fee, interval, ended) : in_advance(fee, interval, ended);
        at = interval.end;
    }
    return err;
}

static void add_charge(const struct stage_work *work, const struct fee *fee, enum charge_stage stage, int tier, int sign,
                       const struct fee_sum *sum)
{
    if (sum->quantity.nano == 0 && sum->billed.pico == 0 && sum->effective.pico == 0) return;
    struct charge *charge = charge_list_add(work->charges);
    charge->sku = fee->calendar.terms->booked->number;
    charge->stage = stage;
    charge->tier = tier;
    charge->deduction = fee->holding->number;
    charge->quantity.nano = sign * sum->quantity.nano;
    charge->billed_cost.pico = sign * sum->billed.pico;
    charge->list_cost = charge->contracted_cost = charge->billed_cost;
    charge->effective_cost = sum->effective;
}

static enum err charge_holding(const struct stage_work *work, const struct holding *holding)
{
    const struct account_usage *usage = work->usage;
    struct fee fee = {.holding = holding,
                      .calendar = fee_calendar_of(work->catalogue, holding, usage->period_start, usage->period_end),
                      .due = usage->due};
    if (decimal_mul_div(fee.calendar.terms->price.pico, holding->quantity, 1, ROUND_DOWN, &fee.whole.pico) ||
        add_intervals(&fee))
        return fault_set(work->fault, ERR_LIMIT, "", "holding %s: its fees leave the range of exact amounts (1e26)",
                         holding->id);
    add_charge(work, &fee, STAGE_FEE, 0, 1, &fee.charged);
    add_charge(work, &fee, STAGE_FEE, 1, 1, &fee.spread);
    add_charge(work, &fee, STAGE_FEE_REFUND, 0, -1, &fee.refunded);
    return ERR_OK;
}

enum err stage_fee_run(struct stage_work *work)
{
    size_t count;
    const struct holding *holdings = catalogue_holdings(work->catalogue, work->usage->account, &count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        if (holdings[i].offer->kind == OFFER_SUBSCRIPTION && holdings[i].from < work->usage->period_end &&
            holdings[i].to >= work->usage->period_start)
            err = charge_holding(work, &holdings[i]);
    return err;
}
