// SPDX-License-Identifier: Apache-2.0
// A quote: what usage from a file would cost under a catalogue from files, without any server. The usage becomes the
// same lines that a loader would give, and F (rating/charge.h) and the documents' arithmetic do the rest, so a quote is
// what a close would bill. Pure but for reading the file. docs/quote.md.
#pragma once
#include "invoicing/document.h"
#include "rating/usage.h"

// One line of the usage file. What quantity, start and end mean depends on the meter's aggregation:
//   sum, count     quantity counts at start; end is not looked at. Of a meter that multiplies or takes a fee of events
//                  a record is one event, and its quantity what that is worth (event_worth.h); one of a meter that keeps
//                  its events is one event, too
//   max, min, average, latest    quantity is the value at start
//   unique         value was seen at start
//   interval       a resource of this size that runs from start to end
struct quote_record {
    size_t order; // in the file
    const struct tenant *tenant;
    const struct meter *meter;
    struct hash128 dimension_set;
    instant_us start, end; // end: INSTANT_NONE if not given; not before start
    struct quantity quantity;
    struct hash128 value; // unique: a hash of it; else zero
};
struct quote_usage {
    const struct quote_record *records;
    size_t record_count;
    const struct usage_dimension *dimensions; // sorted by id; tenant is 0
    size_t dimension_count;
};
// Reads a usage file: CSV if its name ends in .csv, else YAML, of which JSON is a part. ERR_INVALID: every error is
// added to `errors`, one a line, "place: reason" (at most 100, then how many more); also file_read's errors, as one
// line.
enum err quote_usage_read(const struct catalogue *catalogue, const char *path, struct arena *arena,
                          struct quote_usage *usage, struct text *errors) MUST_USE;

// What is asked for: which account and month.
struct quote_wish {
    const struct billing_account *account; // NULL: every account that is billed for usage, partners too
    int year, month;                       // month 0: every month that has usage
};
// One account's month.
struct quote {
    struct billing_period period;
    struct account_usage usage;
    struct rated rated;
    const struct exchange_rate *exchange; // of the prices; NULL: they are in the account's currency, or there is none
    const struct tenant_share *shares; // of shared charges
    size_t share_count;
    struct document document; // lines point to billables whose charges are rated.charges
};
struct quote_list {
    struct quote *quotes; // by account id, then month
    size_t count;
    size_t outside; // records of which nothing lies in what was asked for
};
// ERR_LIMIT: a quantity or an amount leaves the range of exact numbers (names what). Everything is in the arena.
enum err quote_make(const struct catalogue *catalogue, const struct quote_usage *usage, const struct quote_wish *wish,
                    struct arena *arena, struct quote_list *list, struct fault *fault) MUST_USE;

// What an amount of the account's currency is in that of the prices; false: prices are not converted, or it is beyond
// the range.
bool quote_priced(const struct quote *quote, struct amount amount, struct amount *priced);
// How a charge came about, in words and figures: "1500000 request / 1000000 x 0.2 EUR per million requests".
void quote_explain(const struct catalogue *catalogue, const struct quote *quote, const struct charge *charge,
                   struct text *out);
