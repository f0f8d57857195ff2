// SPDX-License-Identifier: Apache-2.0
// One function per table describes its columns to a sink; one sink copies, the other hashes.
#include "catalogue/catalogue_write.h"

#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/catalogue_internal.h"
#include "catalogue/offer_form.h"
#include "catalogue/price_model.h"
#include "catalogue/row_sink.h"

// --- rows

static void put_service(struct sink *sink, const void *row)
{
    const struct service_row *service = row;
    sink_int4(sink, service->number);
    sink_int8(sink, service->version);
    sink_text(sink, service->id);
    sink_text(sink, service->name);
    sink_text(sink, service->category);
    sink_text(sink, service->subcategory);
}

// What an event is worth beside its value. A row without has the digest that it had before there was any.
static void put_worth(struct sink *sink, const struct meter_row *meter)
{
    const struct event_fee *fee = &meter->fee;
    const int128 quantities[] = {fee->fixed.nano, fee->minimum.nano, fee->maximum.nano};
    sink_text_or_null(sink, meter->times_property);
    if (meter->has_fee)
        sink_decimal(sink, fee->rate.pico, PRICE_PLACES);
    else
        sink_null(sink);
    for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
        if (meter->has_fee)
            sink_decimal(sink, quantities[i], QUANTITY_PLACES);
        else
            sink_null(sink);
}

static void put_meter(struct sink *sink, const void *row)
{
    const struct meter_row *meter = row;
    sink_int4(sink, meter->number);
    sink_instant(sink, meter->effective_from);
    sink_int8(sink, meter->version);
    sink_text(sink, meter->id);
    sink_text(sink, meter->name);
    sink_text(sink, meter->event_type);
    sink_text(sink, aggregation_forms[meter->aggregation].name);
    sink_text_or_null(sink, meter->value_property);
    sink_text_or_null(sink, meter->resource_property);
    sink_text_or_null(sink, meter->state_property);
    sink_names(sink, meter->running_states, meter->running_count);
    sink_names(sink, meter->stopped_states, meter->stopped_count);
    sink_names(sink, meter->dimensions, meter->dimension_count);
    sink_text(sink, meter->unit);
    sink_text(sink, evaluation_windows[meter->window]);
    sink_int2(sink, meter->slot_minutes);
    sink_int4(sink, meter->accept_days);
    sink_int4(sink, meter->future_seconds);
    bool worth = meter->times_property || meter->has_fee;
    if (sink->copy || worth || meter->keeps_events) put_worth(sink, meter);
    if (sink->copy || meter->keeps_events) sink_bool(sink, meter->keeps_events);
}

static void put_sku(struct sink *sink, const void *row)
{
    const struct sku_row *sku = row;
    sink_int4(sink, sku->number);
    sink_int8(sink, sku->version);
    sink_text(sink, sku->id);
    sink_int4(sink, sku->service);
    sink_int4(sink, sku->meter);
    sink_text(sink, sku->name);
}

static void put_currency(struct sink *sink, const void *row)
{
    const struct virtual_currency_row *currency = row;
    sink_text(sink, currency->code);
    sink_int8(sink, currency->version);
    sink_text(sink, currency->name);
    sink_int2(sink, currency->places);
}

static void put_book(struct sink *sink, const void *row)
{
    const struct price_book_row *book = row;
    sink_int4(sink, book->number);
    sink_int8(sink, book->version);
    sink_text(sink, book->id);
    sink_text(sink, book->name);
    sink_text(sink, book->currency);
    if (book->parent)
        sink_int4(sink, book->parent);
    else
        sink_null(sink);
}

static void put_exchange(struct sink *sink, const void *row)
{
    const struct exchange_row *exchange = row;
    sink_text(sink, exchange->from);
    sink_text(sink, exchange->to);
    sink_instant(sink, exchange->effective_from);
    sink_int8(sink, exchange->version);
    sink_decimal(sink, exchange->rate.pico, PRICE_PLACES);
    sink_text_or_null(sink, exchange->source);
}

static void put_event_fee(struct sink *sink, const struct price_row *price)
{
    const struct price_event_fee *fee = &price->event_fee;
    const int128 amounts[] = {fee->fixed.pico, fee->minimum.pico, fee->maximum.pico};
    if (!price->per_event) {
        for (int i = 0; i < 5; i++)
            sink_null(sink);
        return;
    }
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        sink_decimal(sink, amounts[i], AMOUNT_PLACES);
    sink_int8(sink, fee->free_events);
    sink_decimal(sink, fee->free_amount.nano, QUANTITY_PLACES);
}

// The groups of a price's last columns, in the order in which they came.
enum price_group { GROUP_NONE, GROUP_SPEND, GROUP_HOURS, GROUP_TIMES, GROUP_INCREMENT, GROUP_ROUND, GROUP_EVENT, GROUP_DAILY };

// The last group that says something: a row has the digest that it had before there were any further ones.
static enum price_group last_group(const struct price_row *price)
{
    if (price->daily) return GROUP_DAILY;
    if (price->per_event) return GROUP_EVENT;
    if (price->round_to.nano) return GROUP_ROUND;
    if (price->increment_us) return GROUP_INCREMENT;
    if (*text_or_empty(price->times)) return GROUP_TIMES;
    if (*text_or_empty(price->hours) || price->withdrawn) return GROUP_HOURS;
    bool spend = price->minimum_spend.pico || price->maximum_spend.pico;
    return spend || price->free.nano || price->fixed.pico ? GROUP_SPEND : GROUP_NONE;
}

static void put_price_rest(struct sink *sink, const struct price_row *price)
{
    enum price_group last = sink->copy ? GROUP_DAILY : last_group(price);
    if (last >= GROUP_SPEND) {
        sink_decimal(sink, price->free.nano, QUANTITY_PLACES);
        sink_decimal(sink, price->fixed.pico, AMOUNT_PLACES);
        sink_decimal(sink, price->minimum_spend.pico, AMOUNT_PLACES);
        sink_decimal(sink, price->maximum_spend.pico, AMOUNT_PLACES);
    }
    if (last >= GROUP_HOURS) {
        sink_text(sink, text_or_empty(price->hours));
        sink_bool(sink, price->withdrawn);
    }
    if (last >= GROUP_TIMES) sink_text(sink, text_or_empty(price->times));
    if (last >= GROUP_INCREMENT) sink_int8(sink, price->increment_us);
    if (last >= GROUP_ROUND) {
        sink_decimal(sink, price->round_to.nano, QUANTITY_PLACES);
        sink_text(sink, rounding_names[price->round_mode]);
    }
    if (last >= GROUP_EVENT) put_event_fee(sink, price);
    if (last >= GROUP_DAILY) sink_text(sink, price_daily_names[price->daily]);
}

static void put_price(struct sink *sink, const void *row)
{
    const struct price_row *price = row;
    sink_int8(sink, price->number);
    sink_int8(sink, price->version);
    sink_int4(sink, price->book);
    sink_int4(sink, price->sku);
    sink_text(sink, price->match);
    sink_instant(sink, price->effective_from);
    sink_instant(sink, price->effective_to);
    sink_text(sink, price_forms[price->model].name);
    sink_text(sink, price->unit);
    sink_decimal(sink, price->per.nano, QUANTITY_PLACES);
    if (price_forms[price->model].price)
        sink_decimal(sink, price->price.pico, PRICE_PLACES);
    else
        sink_null(sink);
    sink_int4(sink, price->minimum_seconds);
    put_price_rest(sink, price);
}

static void put_tier(struct sink *sink, const void *row)
{
    const struct price_tier_row *tier = row;
    sink_int8(sink, tier->price);
    sink_int2(sink, tier->tier);
    if (tier->last)
        sink_null(sink);
    else
        sink_decimal(sink, tier->up_to.nano, QUANTITY_PLACES);
    sink_decimal(sink, tier->unit_price.pico, PRICE_PLACES);
    if (sink->copy || tier->flat.pico || tier->block.nano) sink_decimal(sink, tier->flat.pico, AMOUNT_PLACES);
    if (sink->copy || tier->block.nano) sink_decimal(sink, tier->block.nano, QUANTITY_PLACES);
}

static void put_seller(struct sink *sink, const void *row)
{
    const struct seller_row *seller = row;
    sink_int4(sink, seller->number);
    sink_int8(sink, seller->version);
    sink_text(sink, seller->id);
    sink_personal(sink, seller->name);
    sink_personal(sink, seller->address);
    sink_personal(sink, seller->tax_id);
    sink_text(sink, seller->series);
    if (seller->account)
        sink_int8(sink, seller->account);
    else
        sink_null(sink);
}

static void put_account(struct sink *sink, const void *row)
{
    const struct account_row *account = row;
    sink_int8(sink, account->number);
    sink_int8(sink, account->version);
    sink_text(sink, account->id);
    sink_personal(sink, account->name);
    sink_personal(sink, account->address);
    sink_personal(sink, account->tax_id);
    sink_personal(sink, account->email);
}

static void put_agreement(struct sink *sink, const void *row)
{
    const struct agreement_row *agreement = row;
    sink_int8(sink, agreement->number);
    sink_instant(sink, agreement->effective_from);
    sink_int8(sink, agreement->version);
    sink_int4(sink, agreement->seller);
    sink_int8(sink, agreement->account);
    sink_int2(sink, agreement->level);
    sink_int4(sink, agreement->book);
    sink_text(sink, agreement->currency);
    sink_text(sink, agreement->zone);
    sink_text(sink, agreement->tax_name);
    sink_decimal(sink, agreement->tax_rate.pico, PRICE_PLACES);
    sink_text(sink, rounding_names[agreement->rounding]);
    // terms without them have the digest that they had before there were any
    if (!sink->copy && !agreement->stages && !agreement->deductions) return;
    sink_text(sink, agreement->stages ? agreement->stages : "usage");
    sink_text(sink, agreement->deductions ? agreement->deductions : "{}");
}

static void put_offer(struct sink *sink, const void *row)
{
    const struct offer_row *offer = row;
    sink_int8(sink, offer->number);
    sink_int8(sink, offer->version);
    sink_text(sink, offer->id);
    sink_text(sink, offer->name);
    sink_text(sink, offer_forms[offer->kind].name);
    sink_text_or_null(sink, offer->currency);
    sink_text(sink, offer->terms);
}

static void put_holding(struct sink *sink, const void *row)
{
    const struct holding_row *holding = row;
    sink_int8(sink, holding->number);
    sink_int8(sink, holding->version);
    sink_text(sink, holding->id);
    sink_int8(sink, holding->account);
    sink_int8(sink, holding->offer);
    sink_int8(sink, holding->quantity);
    sink_instant(sink, holding->effective_from);
    sink_instant(sink, holding->effective_to);
    // a row without one has the digest that it had before there were any
    if (sink->copy || holding->anchor != INSTANT_NONE) sink_instant(sink, holding->anchor);
}

static void put_tenant(struct sink *sink, const void *row)
{
    const struct tenant_row *tenant = row;
    sink_int8(sink, tenant->number);
    sink_int8(sink, tenant->version);
    sink_text(sink, tenant->id);
    sink_personal(sink, tenant->name);
}

static void put_membership(struct sink *sink, const void *row)
{
    const struct membership_row *membership = row;
    sink_int8(sink, membership->tenant);
    sink_instant(sink, membership->effective_from);
    sink_int8(sink, membership->version);
    sink_int8(sink, membership->account);
}

// --- order: by the primary key, which is how anybody finds the rows of a version again

#define ORDER_BY_NUMBER(noun)                                                                                          \
    static int compare_##noun(const void *a, const void *b)                                                            \
    {                                                                                                                  \
        const struct noun##_row *x = a, *y = b;                                                                        \
        return COMPARE(x->number, y->number);                                                                          \
    }
#define ORDER_BY_TWO(noun, first, second)                                                                              \
    static int compare_##noun(const void *a, const void *b)                                                            \
    {                                                                                                                  \
        const struct noun##_row *x = a, *y = b;                                                                        \
        return x->first != y->first ? COMPARE(x->first, y->first) : COMPARE(x->second, y->second);                     \
    }
ORDER_BY_NUMBER(service)
ORDER_BY_TWO(meter, number, effective_from)
ORDER_BY_NUMBER(sku)
ORDER_BY_NUMBER(price_book)
ORDER_BY_NUMBER(price)
ORDER_BY_TWO(price_tier, price, tier)
ORDER_BY_NUMBER(seller)
ORDER_BY_NUMBER(account)
ORDER_BY_TWO(agreement, number, effective_from)
ORDER_BY_NUMBER(offer)
ORDER_BY_NUMBER(holding)
ORDER_BY_NUMBER(tenant)
ORDER_BY_TWO(membership, tenant, effective_from)

// --- tables

struct list {
    void *rows;
    size_t count, size;
};
#define LIST(rows, name) ((struct list){(rows)->name.row, (rows)->name.count, sizeof *(rows)->name.row})

enum { TABLE_COUNT = 15 };
static const struct table {
    const char *name, *copy; // of the COPY: table and columns
    int columns;
    void (*put)(struct sink *sink, const void *row);
    int (*compare)(const void *, const void *);
} tables[TABLE_COUNT] = {
    {"service", "catalog.service (service, version, id, name, category, subcategory)", 6, put_service, compare_service},
    {"meter",
     "catalog.meter (meter, effective_from, version, id, name, event_type, aggregation, value_property, "
     "resource_property, "
     "state_property, running_states, stopped_states, dimensions, unit, evaluation_window, slot_minutes, accept_days, "
     "future_seconds, value_times, event_rate, event_fixed, event_minimum, event_maximum, keeps_events)",
     24, put_meter, compare_meter},
    {"sku", "catalog.sku (sku, version, id, service, meter, name)", 6, put_sku, compare_sku},
    {"virtual_currency", "catalog.virtual_currency (code, version, name, places)", 4, put_currency,
     virtual_currency_order},
    {"price_book", "catalog.price_book (price_book, version, id, name, currency, parent)", 6, put_book,
     compare_price_book},
    {"price",
     "catalog.price (price, version, price_book, sku, match, effective_from, effective_to, model, unit, per, "
     "unit_price, minimum_seconds, free, fixed, minimum_spend, maximum_spend, hours, withdrawn, times, increment_us, "
     "round_to, round_mode, event_fixed, event_minimum, event_maximum, free_events, free_amount, daily)",
     28, put_price, compare_price},
    {"price_tier", "catalog.price_tier (price, tier, up_to, unit_price, flat, block)", 6, put_tier, compare_price_tier},
    {"seller", "catalog.seller (seller, version, id, name, address, tax_id, series, account)", 8, put_seller,
     compare_seller},
    {"billing_account", "catalog.billing_account (account, version, id, name, address, tax_id, email)", 7, put_account,
     compare_account},
    {"agreement",
     "catalog.agreement (agreement, effective_from, version, seller, account, level, price_book, currency, zone, "
     "tax_name, "
     "tax_rate, rounding, stages, deductions)",
     14, put_agreement, compare_agreement},
    {"exchange_rate",
     "catalog.exchange_rate (from_currency, to_currency, effective_from, version, rate, source)", 6, put_exchange,
     exchange_order},
    {"offer", "catalog.offer (offer, version, id, name, kind, currency, terms)", 7, put_offer, compare_offer},
    {"holding",
     "catalog.holding (holding, version, id, account, offer, quantity, effective_from, effective_to, anchor)",
     9, put_holding, compare_holding},
    {"tenant", "catalog.tenant (tenant, version, id, name)", 4, put_tenant, compare_tenant},
    {"membership", "catalog.membership (tenant, effective_from, version, account)", 4, put_membership,
     compare_membership},
};

static void lists_of(const struct catalogue_rows *rows, struct list lists[TABLE_COUNT])
{
    const struct list all[TABLE_COUNT] = {
        LIST(rows, services),   LIST(rows, meters),  LIST(rows, skus),        LIST(rows, currencies), LIST(rows, books),
        LIST(rows, prices),     LIST(rows, tiers),   LIST(rows, sellers),     LIST(rows, accounts),
        LIST(rows, agreements), LIST(rows, exchanges), LIST(rows, offers),  LIST(rows, holdings),    LIST(rows, tenants), LIST(rows, memberships),
    };
    memcpy(lists, all, sizeof all);
}

void catalogue_rows_order(struct catalogue_rows *rows)
{
    struct list lists[TABLE_COUNT];
    lists_of(rows, lists);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        rows_sort(lists[i].rows, lists[i].count, lists[i].size, tables[i].compare);
}

static enum err write_table(struct db *db, const struct table *table, struct list list, struct fault *fault)
{
    struct db_copy copy;
    struct sink sink = {.copy = &copy};
    if (list.count == 0) return ERR_OK;
    enum err err = db_copy_open(db, table->copy, table->columns, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < list.count; i++) {
        db_copy_row(&copy);
        table->put(&sink, (const char *)list.rows + i * list.size);
    }
    return db_copy_close(&copy, fault);
}

enum err catalogue_rows_write(struct db *db, const struct catalogue_rows *rows, struct fault *fault)
{
    struct list lists[TABLE_COUNT];
    lists_of(rows, lists);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        enum err err = write_table(db, &tables[i], lists[i], fault);
        if (err) return err;
    }
    return ERR_OK;
}

void catalogue_rows_digest(const struct catalogue_rows *rows, unsigned char digest[SHA256_BYTES])
{
    struct list lists[TABLE_COUNT];
    struct text line = {0};
    struct json_writer json;
    struct sink sink = {.json = &json};
    struct sha256 *hash = sha256_new();
    lists_of(rows, lists);
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < lists[t].count; i++) {
            text_clear(&line);
            json_begin(&json, &line);
            json_array_open(&json);
            json_write_text(&json, tables[t].name);
            tables[t].put(&sink, (const char *)lists[t].rows + i * lists[t].size);
            json_array_close(&json);
            text_add_char(&line, '\n');
            sha256_add(hash, line.data, line.length);
        }
    }
    sha256_finish(hash, digest);
    sha256_free(hash);
    text_free(&line);
}
