// SPDX-License-Identifier: Apache-2.0
// From records of a file to quotes: whose month each record counts for, usage lines as a loader would give them, F, and
// the document's arithmetic. Does no I/O.
#include "invoicing/quote.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/contract_limit.h"
#include "invoicing/earlier.h"
#include "rating/fee.h"
#include "rating/usage_event.h"
#include "rating/usage_rows.h"

enum { CHAIN_MAX = 8 }; // levels of the partner chain, checked by the schema

// What of a record counts for one account's month.
struct piece {
    struct billing_period period;
    const char *account_id;
    const struct quote_record *record;
    instant_us from, to;
};
struct making {
    const struct catalogue *catalogue;
    const struct quote_usage *file;
    const struct quote_wish *wish;
    struct arena *arena;
    struct piece *pieces;
    size_t count, capacity;
    size_t asked; // of these, pieces of months that are asked for; the others are of months before it
    struct fault *fault;
};

// --- whose month

// Below 0: the month lies before the one that is asked for; 0: it is asked for; above 0: it lies behind.
static int month_order(const struct quote_wish *wish, const struct billing_period *period)
{
    int year, month;
    struct fault ignored;
    if (!wish->month) return 0;
    if (period_label_read(period->label, &year, &month, &ignored) != ERR_OK) return 1;
    return year != wish->year ? year - wish->year : month - wish->month;
}

// The account's months from `from` to `to` that are asked for, or lie before: a term's last month needs these. Time without
// an agreement is left out.
static void add_pieces(struct making *making, const struct quote_record *record, int64_t account, instant_us from,
                       instant_us to)
{
    const struct billing_account *buyer = catalogue_account_number(making->catalogue, account);
    struct piece piece = {.account_id = buyer->id, .record = record, .from = from};
    struct fault ignored;
    for (; piece.from < to; piece.from = piece.to) {
        const struct piece *last = making->count ? &making->pieces[making->count - 1] : NULL;
        if (last && last->period.account == account && last->period.start <= piece.from &&
            piece.from < last->period.end)
            piece.period = last->period; // most records are of the month of the one before
        else if (period_of(making->catalogue, account, piece.from, &piece.period, &ignored) != ERR_OK)
            return;
        piece.to = piece.period.end < to ? piece.period.end : to;
        const int order = month_order(making->wish, &piece.period);
        if (order > 0) continue;
        making->asked += order == 0;
        making->pieces = arena_grow(making->arena, making->pieces, sizeof piece, making->count, &making->capacity);
        making->pieces[making->count++] = piece;
    }
}

// The account that sells to this one; 0: the operator does.
static int64_t seller_of(const struct making *making, int64_t account, instant_us at)
{
    const struct agreement *terms = catalogue_agreement(making->catalogue, account, at);
    return terms ? terms->seller->account : 0;
}

// false: nothing of the record lies in what was asked for. It counts for who pays, and for every partner above.
static bool place_record(struct making *making, const struct quote_record *record)
{
    const bool interval = record->meter->aggregation == AGGREGATION_INTERVAL;
    const struct billing_account *only = making->wish->account;
    const size_t before = making->asked;
    const instant_us slot = instant_floor(record->start, record->meter->slot_us);
    const instant_us begin = interval ? record->start : slot, end = interval ? record->end : slot + 1;
    size_t count;
    const struct membership *members = catalogue_memberships(making->catalogue, record->tenant->number, &count);
    for (size_t i = 0; i < count; i++) {
        const instant_us from = members[i].effective_from > begin ? members[i].effective_from : begin;
        const instant_us to = members[i].effective_to < end ? members[i].effective_to : end;
        int64_t account = from < to ? members[i].account : 0;
        for (int level = 0; level < CHAIN_MAX && account; level++, account = seller_of(making, account, from))
            if (!only || only->number == account) add_pieces(making, record, account, from, to);
    }
    return making->asked > before || begin == end;
}

static int piece_order(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;
    int order = strcmp(a->account_id, b->account_id);
    if (!order) order = (a->period.start > b->period.start) - (a->period.start < b->period.start);
    if (order || !a->record || !b->record) return order;
    return (a->record->order > b->record->order) - (a->record->order < b->record->order);
}

// The account's period of the month that is asked for; false: it is not asked for, or has none.
static bool wished_period(const struct making *making, int64_t account, struct billing_period *period)
{
    const struct billing_account *only = making->wish->account;
    struct fault ignored;
    return (!only || only->number == account) &&
           !period_of_label(making->catalogue, account, making->wish->year, making->wish->month, period, &ignored);
}

// What an account holds, or its terms' minimum, is due in the month that is asked for, whether anything was used or not:
// a piece without a record.
static void place_due(struct making *making)
{
    size_t count;
    struct billing_period period;
    const struct holding *holdings = catalogue_all_holdings(making->catalogue, &count);
    for (size_t i = 0; i < count; i++)
        if (wished_period(making, holdings[i].account, &period) && holdings[i].from < period.end &&
            fee_holding_end(making->catalogue, &holdings[i]) > period.start)
            add_pieces(making, NULL, holdings[i].account, period.start, period.start + 1);
    const struct agreement *const *committed = catalogue_committed(making->catalogue, &count);
    for (size_t i = 0; i < count; i++)
        if (wished_period(making, committed[i]->account->number, &period) && period.agreement == committed[i] &&
            contract_has_minimum(committed[i]->contract, period.start, period.end))
            add_pieces(making, NULL, period.account, period.start, period.start + 1);
}

// --- usage of one account's month

struct collecting {
    struct making *making;
    struct usage_request request;
    struct usage_rows rows;
    struct usage_events events;
    const struct quote_record **levels; // of meters that are merged by slot
    size_t level_count, level_capacity;
    const struct quote_record *record; // whose lines interval_derive emits
};

static enum err take_line(void *context, const struct usage_line *line)
{
    struct collecting *collecting = context;
    struct usage_line named = *line;
    named.tenant = collecting->record->tenant->number;
    named.meter = collecting->record->meter->number;
    usage_rows_add(&collecting->rows, 0, &named);
    return ERR_OK;
}

static enum err add_run(struct collecting *collecting, const struct piece *piece)
{
    const struct quote_record *record = piece->record;
    const struct usage_request *request = &collecting->request;
    struct transition run[] = {{.event_time = record->start,
                                .running = true,
                                .value = record->quantity,
                                .dimension_set = record->dimension_set},
                               {.event_time = record->end, .dimension_set = record->dimension_set}};
    const struct interval_window window = {piece->from,           piece->to,           INSTANT_MAX,
                                           request->period_start, request->boundaries, request->boundary_count};
    collecting->record = record;
    return interval_derive(run, 2, &window, take_line, collecting, collecting->making->fault);
}

// A record of such a meter is one event; of one instant the earlier line of the file comes first.
static void keep_event(struct collecting *collecting, const struct quote_record *record, instant_us segment)
{
    const struct kept_event event = {.tenant = record->tenant->number,
                                     .meter = record->meter->number,
                                     .dimension_set = record->dimension_set,
                                     .segment = segment,
                                     .time = record->start,
                                     .id = {0, record->order},
                                     .value = record->quantity};
    usage_events_add(&collecting->events, 0, &event);
}

static enum err add_piece(struct collecting *collecting, const struct piece *piece)
{
    const struct quote_record *record = piece->record;
    struct arena *arena = collecting->making->arena;
    if (!record) return ERR_OK;
    switch (record->meter->aggregation) {
    case AGGREGATION_INTERVAL:
        return add_run(collecting, piece);
    case AGGREGATION_MAX:
    case AGGREGATION_MIN:
    case AGGREGATION_AVERAGE:
    case AGGREGATION_LATEST:
    case AGGREGATION_UNIQUE:
        collecting->levels = arena_grow(arena, collecting->levels, sizeof *collecting->levels, collecting->level_count,
                                        &collecting->level_capacity);
        collecting->levels[collecting->level_count++] = record;
        return ERR_OK;
    case AGGREGATION_SUM:
    case AGGREGATION_COUNT: {
        struct usage_line line = {.kind = USAGE_QUANTITY,
                                  .quantity = record->quantity,
                                  .dimension_set = record->dimension_set,
                                  .segment = usage_segment(&collecting->request, piece->from)};
        collecting->record = record;
        if (record->meter->keeps_events && collecting->request.events) keep_event(collecting, record, line.segment);
        return take_line(collecting, &line);
    }
    }
    return ERR_OK;
}

static instant_us slot_of(const struct quote_record *record)
{
    return instant_floor(record->start, record->meter->slot_us);
}

// Values of one slot together, in time order; of one instant the later line of the file is the latest.
static int level_order(const void *left, const void *right)
{
    const struct quote_record *a = *(const struct quote_record *const *)left,
                              *b = *(const struct quote_record *const *)right;
    if (a->tenant->number != b->tenant->number) return a->tenant->number < b->tenant->number ? -1 : 1;
    if (a->meter->number != b->meter->number) return a->meter->number < b->meter->number ? -1 : 1;
    int order = hash128_compare(a->dimension_set, b->dimension_set);
    if (order) return order;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static bool same_slot(const struct slot_value *slot, const struct quote_record *record)
{
    return slot->tenant == record->tenant->number && slot->meter == record->meter->number &&
           hash128_equal(slot->dimension_set, record->dimension_set) && slot->slot == slot_of(record) &&
           hash128_equal(slot->value, record->value);
}

static enum err merge_level(const struct quote_record *record, struct slot_value *slot, struct fault *fault)
{
    if (quantity_compare(record->quantity, slot->greatest) > 0) slot->greatest = record->quantity;
    if (quantity_compare(record->quantity, slot->least) < 0) slot->least = record->quantity;
    slot->latest = record->quantity;
    slot->events++;
    if (!quantity_add(slot->total, record->quantity, &slot->total)) return ERR_OK;
    return fault_set(fault, ERR_LIMIT, "", "the samples of meter %s leave the range of exact numbers", record->meter->id);
}

static enum err add_levels(struct collecting *collecting)
{
    struct making *making = collecting->making;
    struct slot_value *slots = ARENA_ARRAY(making->arena, struct slot_value, collecting->level_count + 1);
    size_t count = 0;
    if (collecting->level_count)
        qsort(collecting->levels, collecting->level_count, sizeof *collecting->levels, level_order);
    for (size_t i = 0; i < collecting->level_count; i++) {
        const struct quote_record *record = collecting->levels[i];
        if (!count || !same_slot(&slots[count - 1], record))
            slots[count++] = (struct slot_value){.tenant = record->tenant->number,
                                                 .meter = record->meter->number,
                                                 .dimension_set = record->dimension_set,
                                                 .slot = slot_of(record),
                                                 .greatest = record->quantity,
                                                 .least = record->quantity,
                                                 .value = record->value};
        enum err err = merge_level(record, &slots[count - 1], making->fault);
        if (err) return err;
    }
    return usage_evaluate_windows(making->catalogue, &collecting->request, slots, count, &collecting->rows,
                                  making->fault);
}

static enum err collect(struct making *making, const struct piece *pieces, size_t count, struct account_usage *usage)
{
    const struct billing_period *period = &pieces[0].period;
    struct collecting collecting = {.making = making, .rows = {.arena = making->arena}};
    instant_us *changes;
    size_t change_count = charge_boundaries(making->catalogue, period->agreement, period->start, period->end,
                                            making->arena, &changes);
    collecting.request = (struct usage_request){period->account,         period->start, period->end,
                                                period->agreement->zone, changes,       change_count,
                                                period->agreement->book->per_event};
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = add_piece(&collecting, &pieces[i]);
    if (!err) err = add_levels(&collecting);
    if (!err) err = usage_rows_finish(&collecting.rows, &collecting.request, 1, usage, making->fault);
    if (!err) usage_events_finish(&collecting.events, &collecting.request, 1, making->arena, usage);
    usage_events_free(&collecting.events);
    usage_set_due(usage, period->end); // a quote is of whole periods
    usage->dimensions = making->file->dimensions;
    usage->dimension_count = making->file->dimension_count;
    return err;
}

// --- its document

static const char *dimension_text(const struct quote *quote, struct hash128 id)
{
    const struct usage_dimension *dimension = usage_dimension_find(&quote->usage, id);
    return dimension && !hash128_is_zero(id) ? dimension->text : "{}";
}

static enum err draft(struct making *making, struct quote *quote)
{
    const struct rated *rated = &quote->rated;
    struct billable *billables = ARENA_ARRAY(making->arena, struct billable, rated->charge_count + 1);
    const struct contract *contract = quote->period.agreement->contract;
    struct document_group *groups = ARENA_ARRAY(making->arena, struct document_group, contract->tax_count + 1);
    size_t group_count;
    for (size_t i = 0; i < rated->charge_count; i++) {
        billables[i] = (struct billable){.original = &quote->period,
                                         .charge = rated->charges[i],
                                         .dimensions = dimension_text(quote, rated->charges[i].dimension_set)};
        if (!rated->charges[i].tenant)
            billables[i].shares = charge_shares_of(rated, quote->shares, quote->share_count, &rated->charges[i],
                                                   &billables[i].share_count);
    }
    enum err err = billables_sort(making->catalogue, billables, rated->charge_count, making->arena, making->fault);
    if (err) return err;
    if (document_groups(&quote->period, billables, rated->charge_count, groups, &group_count))
        return fault_set(making->fault, ERR_LIMIT, "", "account %s: a sum leaves the range of exact amounts",
                         quote->period.agreement->account->id);
    err = document_build(&quote->period, 1, billables, rated->charge_count, groups, group_count, making->arena,
                         &quote->document, making->fault);
    if (!err) document_drop_quiet_groups(&quote->document, groups);
    return err;
}

// Earlier periods are those that this quote has: they come first.
static enum err set_earlier(const struct making *making, const struct quote_list *list, struct quote *quote)
{
    struct earlier_sums sums;
    if (!earlier_begin(making->catalogue, &quote->period, making->arena, &sums)) return ERR_OK;
    for (size_t i = 0; &list->quotes[i] < quote; i++)
        if (list->quotes[i].period.account == quote->period.account &&
            earlier_add_rated(&sums, &list->quotes[i].period, &list->quotes[i].rated))
            return earlier_limit_fault(&sums, making->fault);
    earlier_tell(&sums, &quote->usage);
    return ERR_OK;
}

static enum err rate_one(struct making *making, const struct piece *pieces, size_t count, const struct quote_list *list,
                         struct quote *quote)
{
    *quote = (struct quote){.period = pieces[0].period};
    const struct agreement *terms = quote->period.agreement;
    enum err err = collect(making, pieces, count, &quote->usage);
    quote->exchange = catalogue_exchange(making->catalogue, terms, quote->period.start);
    if (!err) err = set_earlier(making, list, quote);
    if (!err) err = charge_rate(making->catalogue, terms, &quote->usage, making->arena, &quote->rated, making->fault);
    if (!err)
        err = charge_share(making->catalogue, terms, &quote->usage, &quote->rated, making->arena, &quote->shares,
                           &quote->share_count, making->fault);
    return err;
}

// Before documents are drafted: their lines point to the quote.
static void keep_asked(const struct making *making, struct quote_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (month_order(making->wish, &list->quotes[i].period) == 0) list->quotes[kept++] = list->quotes[i];
    list->count = kept;
}

enum err quote_make(const struct catalogue *catalogue, const struct quote_usage *usage, const struct quote_wish *wish,
                    struct arena *arena, struct quote_list *list, struct fault *fault)
{
    struct making making = {.catalogue = catalogue, .file = usage, .wish = wish, .arena = arena, .fault = fault};
    *list = (struct quote_list){0};
    for (size_t i = 0; i < usage->record_count; i++)
        list->outside += !place_record(&making, &usage->records[i]);
    if (wish->month) place_due(&making);
    if (making.count) qsort(making.pieces, making.count, sizeof *making.pieces, piece_order);
    list->quotes = ARENA_ARRAY(arena, struct quote, making.count + 1);
    for (size_t from = 0, to; from < making.count; from = to) {
        for (to = from + 1;
             to < making.count && period_order(&making.pieces[from].period, &making.pieces[to].period) == 0;)
            to++;
        enum err err = rate_one(&making, making.pieces + from, to - from, list, &list->quotes[list->count++]);
        if (err) return err;
    }
    keep_asked(&making, list);
    enum err err = ERR_OK;
    for (size_t i = 0; i < list->count && !err; i++)
        err = draft(&making, &list->quotes[i]);
    return err;
}
