// SPDX-License-Identifier: Apache-2.0
// The canonical JSON of a document: body (what was billed, hashed) and envelope (what it was computed from). Member order is fixed by
// this file and described in docs/document-form.md; amounts and quantities are strings. Pure.
#include <string.h>

#include "catalogue/contract_commitment.h"
#include "catalogue/contract_limit.h"
#include "catalogue/price_model.h"
#include "catalogue/price_times.h"
#include "common/json.h"
#include "invoicing/document.h"
#include "rating/price.h"

static void derive_salt(const struct hash_key *key, const char *role, const char *id, unsigned char salt[16])
{
    const struct slice pieces[] = {slice_of("party"), slice_of(role), slice_of(id)};
    hash128_bytes(keyed_hash_pieces(key, pieces, 3), salt);
}

void document_party_seller(const struct seller *seller, const struct hash_key *key, struct document_party *party)
{
    *party = (struct document_party){seller->id, seller->name, seller->address, seller->tax_id, "", {0}};
    derive_salt(key, "seller", seller->id, party->salt);
}

void document_party_buyer(const struct billing_account *account, const struct hash_key *key, struct document_party *party)
{
    *party = (struct document_party){account->id, account->name, account->address, account->tax_id, account->email, {0}};
    derive_salt(key, "buyer", account->id, party->salt);
}

// SHA-256 over salt, name, address, tax number, each but the salt followed by a NUL.
static void write_party(struct json_writer *json, const char *role, const struct document_party *party)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct sha256 *hash = sha256_new();
    sha256_add(hash, party->salt, sizeof party->salt);
    sha256_add(hash, party->name, strlen(party->name) + 1);
    sha256_add(hash, party->address, strlen(party->address) + 1);
    sha256_add(hash, party->tax_id, strlen(party->tax_id) + 1);
    sha256_finish(hash, digest);
    sha256_free(hash);
    hex_print(digest, sizeof digest, hex);
    json_name(json, role);
    json_object_open(json);
    json_put_text(json, "id", party->id);
    json_put_text(json, "details_sha256", hex);
    json_object_close(json);
}

static void put_instant(struct json_writer *json, const char *name, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    instant_print(instant, text);
    json_put_text(json, name, instant <= INSTANT_MIN ? NULL : text); // null: without limit
}

static void write_period(struct json_writer *json, const struct billing_period *period)
{
    json_name(json, "period");
    json_object_open(json);
    json_put_text(json, "label", period->label);
    put_instant(json, "start", period->start);
    put_instant(json, "end", period->end);
    json_put_text(json, "zone", zone_name(period->agreement->zone));
    json_object_close(json);
}

// The days of the period if the price is for all of them, else 1.
static int64_t days_of(const struct price_version *price, const struct billing_period *period)
{
    if (price->daily != PRICE_DAILY_SHARE) return 1;
    return price_period_days(period->agreement->zone, period->start, period->end);
}

static void put_amount(struct json_writer *json, const char *name, struct amount amount)
{
    if (amount.pico) json_put_decimal(json, name, amount.pico, AMOUNT_PLACES);
}

// What a percentage takes of every event: the members that it has.
static void write_per_event(struct json_writer *json, const struct price_event_fee *fee)
{
    json_name(json, "per_event");
    json_object_open(json);
    put_amount(json, "fixed", fee->fixed);
    put_amount(json, "minimum", fee->minimum);
    put_amount(json, "maximum", fee->maximum);
    if (fee->free_events) json_put_int(json, "free_events", fee->free_events);
    if (fee->free_amount.nano) json_put_decimal(json, "free_amount", fee->free_amount.nano, QUANTITY_PLACES);
    json_object_close(json);
}

// The price of the charge's units; of stages that are not at that price, 0.
static void write_price(struct json_writer *json, const struct price_version *price, const char *unit, const struct charge *charge, int64_t days)
{
    const struct price_form *form = &price_forms[price->model];
    json_put_text(json, "pricing_unit", price->number ? price->unit : unit);
    json_put_decimal(json, "per", price->per.nano, QUANTITY_PLACES);
    json_put_text(json, "model", form->name);
    bool at_price = charge->stage == STAGE_USAGE || charge->stage == STAGE_MINIMUM;
    const struct price_tier *tier = form->tiers ? &price->tiers[charge->tier] : NULL;
    int128 flat = tier ? tier->flat.pico : form->once ? price->price.pico : price->fixed.pico;
    if (tier && at_price) json_put_int(json, "tier", charge->tier);
    json_put_decimal(json, "unit_price", !at_price || form->once ? 0 : tier ? tier->price.pico : price->price.pico, AMOUNT_PLACES);
    if (at_price && flat) json_put_decimal(json, "flat", flat, AMOUNT_PLACES);
    if (at_price && days > 1) json_put_int(json, "price_days", days);
    if (at_price && tier && tier->block.nano) json_put_decimal(json, "block", tier->block.nano, QUANTITY_PLACES);
    if (at_price && price->per_event) write_per_event(json, price->per_event);
    json_name(json, "price_match");
    json_write_raw(json, price->match_text);
    if (price->window) json_put_text(json, "price_hours", price->hours);
    if (price->times) json_put_text(json, "price_times", price->times->dimension);
    put_instant(json, "price_effective_from", price->effective_from);
}

// Where the price is in another currency than the document: which, and what one of it was counted as.
static void write_exchange(struct json_writer *json, const struct catalogue *catalogue, const struct billable *billable)
{
    const struct billing_period *period = billable->original;
    const struct exchange_rate *exchange = catalogue_exchange(catalogue, period->agreement, period->start);
    if (!exchange || !billable->charge.price) return;
    json_put_text(json, "pricing_currency", exchange->from);
    json_put_decimal(json, "exchange_rate", exchange->rate.pico, PRICE_PLACES);
}

// The negotiated discount that the charge has; absent if it has none.
static void write_discount(struct json_writer *json, const struct billable *billable)
{
    const struct contract *contract = billable->original->agreement->contract;
    const struct charge *charge = &billable->charge;
    if (!charge->deduction || !charge_of_price(charge->stage)) return;
    ENSURE((size_t)charge->deduction <= contract->discount_count); // the charge was rated under these terms
    json_put_decimal(json, "discount_rate", contract->discounts[charge->deduction - 1].rate.pico, PRICE_PLACES);
}

// The reservation or savings plan that the charge comes of; absent if it comes of none.
static void write_commitment(struct json_writer *json, const struct billable *billable)
{
    const struct charge *charge = &billable->charge;
    bool plan;
    if (!charge_of_commitment(charge->stage)) return;
    const struct contract_commitment *commitment = contract_commitment_of(billable->original->agreement->contract, charge->deduction, &plan);
    json_put_text(json, plan ? "savings_plan" : "reservation", commitment->id);
    if (charge->stage == STAGE_PURCHASE) json_put_text(json, "purchase", charge->tier ? "hourly" : "upfront");
}

// The amount of the limit of the terms that the charge comes of; absent if it comes of none.
static void write_limit(struct json_writer *json, const struct billable *billable)
{
    const struct contract *contract = billable->original->agreement->contract;
    const struct charge *charge = &billable->charge;
    if (!charge_of_limit(charge->stage)) return;
    ENSURE((size_t)charge->deduction <= contract->limit_count); // the charge was rated under these terms
    const struct contract_limit *limit = &contract->limits[charge->deduction - 1];
    json_put_decimal(json, "limit", (charge->stage == STAGE_ACCOUNT_MAXIMUM ? limit->maximum_spend : limit->minimum_spend).pico, AMOUNT_PLACES);
}

// What the account holds that the charge comes of; absent if it comes of no such thing.
static void write_holding(struct json_writer *json, const struct holding *holding, const struct charge *charge)
{
    if (!holding) return;
    json_put_text(json, "offer", holding->offer->id);
    json_put_text(json, "holding", holding->id);
    if (charge->stage == STAGE_FEE && charge->tier) json_put_text(json, "paid", "before");
}

// The tax that the line bears; absent where the terms have one only.
static void write_tax(struct json_writer *json, const struct billable *billable)
{
    const struct agreement *terms = billable->original->agreement;
    const struct tax tax = tax_of_group(terms, billable->tax_group);
    if (!terms->contract->tax_count) return;
    json_put_text(json, "tax_name", tax.name);
    json_put_decimal(json, "tax_rate", tax.rate.pico, PRICE_PLACES);
}

static const char *tenant_id(const struct catalogue *catalogue, int64_t number)
{
    const struct tenant *tenant = number ? catalogue_tenant_number(catalogue, number) : NULL;
    return tenant ? tenant->id : NULL;
}

static void write_shares(struct json_writer *json, const struct catalogue *catalogue, const struct billable *billable)
{
    if (!billable->share_count) return;
    json_name(json, "shares");
    json_array_open(json);
    for (size_t i = 0; i < billable->share_count; i++) {
        json_object_open(json);
        json_put_text(json, "tenant", tenant_id(catalogue, billable->shares[i].tenant));
        json_put_decimal(json, "quantity", billable->shares[i].quantity.nano, QUANTITY_PLACES);
        json_put_decimal(json, "cost", billable->shares[i].billed_cost.pico, AMOUNT_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
}

static void write_line(struct json_writer *json, const struct catalogue *catalogue, const struct document_line *line)
{
    const struct billable *billable = line->billable;
    const struct charge *charge = &billable->charge;
    const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
    const struct price_version *price = catalogue_price_number(catalogue, charge->price);
    const struct meter *meter = sku ? catalogue_meter_newest(catalogue, sku->meter) : NULL;
    const struct holding *holding = charge_of_holding(charge->stage) ? catalogue_holding_number(catalogue, charge->deduction) : NULL;
    ENSURE(sku && price && meter && (holding || !charge_of_holding(charge->stage))); // the charge was rated with this catalogue
    const char *unit = charge_unit(charge, meter, billable->original->agreement);
    json_object_open(json);
    json_put_text(json, "period", billable->original->label);
    json_put_text(json, "service", sku->service->id);
    json_put_text(json, "sku", sku->id);
    json_put_text(json, "description", holding && (!charge->price || charge->stage != STAGE_PACKAGE) ? holding->offer->name : sku->name);
    json_put_text(json, "tenant", tenant_id(catalogue, charge->tenant));
    json_put_text(json, "stage", charge_stage_name(charge->stage));
    json_name(json, "dimensions");
    json_write_raw(json, billable->dimensions);
    json_put_decimal(json, "quantity", line->quantity.nano, QUANTITY_PLACES);
    json_put_text(json, "unit", unit);
    write_price(json, price, unit, charge, days_of(price, billable->original));
    write_exchange(json, catalogue, billable);
    write_discount(json, billable);
    write_commitment(json, billable);
    write_limit(json, billable);
    write_holding(json, holding, charge);
    write_tax(json, billable);
    json_put_decimal(json, "cost", line->cost.pico, AMOUNT_PLACES);
    json_put_money(json, "amount", billable->original->agreement->currency, line->amount);
    write_shares(json, catalogue, billable);
    json_object_close(json);
}

static void write_group(struct json_writer *json, const struct document_group *group)
{
    const struct agreement *terms = group->original->agreement;
    const struct tax tax = tax_of_group(terms, group->tax_group);
    json_object_open(json);
    json_put_text(json, "period", group->original->label);
    json_put_text(json, "tax_name", tax.name);
    json_put_decimal(json, "tax_rate", tax.rate.pico, AMOUNT_PLACES);
    if (tax.note) json_put_text(json, "tax_note", tax.note);
    json_put_decimal(json, "base_to_date", group->base_to_date.pico, AMOUNT_PLACES);
    json_put_money(json, "net_before", terms->currency, group->net_before);
    json_put_money(json, "tax_before", terms->currency, group->tax_before);
    json_put_money(json, "net", terms->currency, group->net);
    json_put_money(json, "tax", terms->currency, group->tax);
    json_object_close(json);
}

void document_body(const struct catalogue *catalogue, const struct document *document, const struct document_party *seller,
                   const struct document_party *buyer, struct text *body)
{
    struct json_writer json;
    const struct currency currency = document->period->agreement->currency;
    json_begin(&json, body);
    json_object_open(&json);
    json_put_text(&json, "form", "turnpike.document/1");
    json_put_text(&json, "kind", document->total.pico < 0 ? "credit_note" : "invoice");
    write_party(&json, "seller", seller);
    write_party(&json, "buyer", buyer);
    write_period(&json, document->period);
    json_put_int(&json, "ordinal", document->ordinal);
    json_put_text(&json, "currency", currency.code);
    json_name(&json, "lines");
    json_array_open(&json);
    for (size_t i = 0; i < document->line_count; i++) write_line(&json, catalogue, &document->lines[i]);
    json_array_close(&json);
    json_name(&json, "groups");
    json_array_open(&json);
    for (size_t i = 0; i < document->group_count; i++) write_group(&json, &document->groups[i]);
    json_array_close(&json);
    json_put_money(&json, "net", currency, document->net);
    json_put_money(&json, "tax", currency, document->tax);
    json_put_money(&json, "total", currency, document->total);
    json_object_close(&json);
}

// The rates at which prices of the document's periods were converted: only where some were.
static void write_rates(struct json_writer *json, const struct document_envelope *envelope)
{
    if (!envelope->rate_count) return;
    json_name(json, "exchange_rates");
    json_array_open(json);
    for (size_t i = 0; i < envelope->rate_count; i++) {
        const struct exchange_rate *exchange = envelope->rates[i].exchange;
        json_object_open(json);
        json_put_text(json, "period", envelope->rates[i].period);
        json_put_text(json, "from", exchange->from);
        json_put_text(json, "to", exchange->to);
        json_put_decimal(json, "rate", exchange->rate.pico, PRICE_PLACES);
        put_instant(json, "effective_from", exchange->effective_from);
        json_object_close(json);
    }
    json_array_close(json);
}

// What grants paid of the total, and what is left to pay: only where some did.
static void write_credits(struct json_writer *json, const struct document_envelope *envelope)
{
    if (!envelope->credit_use_count) return;
    json_name(json, "credits");
    json_array_open(json);
    for (size_t i = 0; i < envelope->credit_use_count; i++) {
        json_object_open(json);
        json_put_text(json, "grant", envelope->credit_uses[i].key);
        json_put_money(json, "amount", envelope->currency, envelope->credit_uses[i].amount);
        json_object_close(json);
    }
    json_array_close(json);
    json_put_money(json, "due", envelope->currency, envelope->due);
}

size_t document_rates(const struct catalogue *catalogue, const struct document *document, struct arena *arena,
                      const struct document_rate **rates)
{
    struct document_rate *list = ARENA_ARRAY(arena, struct document_rate, document->group_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < document->group_count; i++) {
        const struct billing_period *original = document->groups[i].original;
        if (i && document->groups[i - 1].original == original) continue; // another tax group of the same period
        list[count] = (struct document_rate){original->label, catalogue_exchange(catalogue, original->agreement, original->start)};
        count += list[count].exchange != NULL;
    }
    *rates = list;
    return count;
}

void document_envelope_print(const struct document_envelope *envelope, struct text *out)
{
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_put_text(&json, "form", "turnpike.envelope/1");
    json_put_text(&json, "number", envelope->number);
    put_instant(&json, "issued_time", envelope->issued_time);
    json_put_text(&json, "body_sha256", envelope->body_sha256_hex);
    json_put_int(&json, "cut", envelope->cut);
    json_put_int(&json, "catalogue_version", envelope->catalogue_version);
    json_put_int(&json, "rate_version", 0);
    json_name(&json, "earlier_sha256");
    json_array_open(&json);
    for (size_t i = 0; i < envelope->earlier_count; i++) json_write_text(&json, envelope->earlier_sha256_hex[i]);
    json_array_close(&json);
    write_rates(&json, envelope);
    write_credits(&json, envelope);
    json_put_text(&json, "engine", TURNPIKE_VERSION);
    json_put_text(&json, "zone_data", zone_data_version());
    json_object_close(&json);
}
