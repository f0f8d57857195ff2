// SPDX-License-Identifier: Apache-2.0
// The catalogue in memory: an immutable snapshot of one catalogue version, shared by all threads; and the ways to make
// one: from the database (raters, gateway, settlement, API) or from parsed files (apply, tests).
// Numbers (tenant, meter, sku ...) are those of the database; ids are the files'. All pointers live as long as the snapshot.
#pragma once
#include "common/currency.h"
#include "common/db.h"
#include "common/hash.h"
#include "common/zone.h"

enum { DIMENSIONS_MAX = 16, STATES_MAX = 16, DIMENSION_VALUE_MAX = 256, TIERS_MAX = 64, ID_MAX = 128 };

enum aggregation { // what each has: aggregation.h
    AGGREGATION_SUM, AGGREGATION_COUNT, AGGREGATION_MAX, AGGREGATION_LATEST, AGGREGATION_INTERVAL,
    AGGREGATION_MIN, AGGREGATION_AVERAGE, AGGREGATION_UNIQUE
};
enum { AGGREGATIONS = AGGREGATION_UNIQUE + 1 };
enum evaluation_window {
    WINDOW_SLOT, WINDOW_DAY, WINDOW_PERIOD,
    WINDOW_PERCENTILE, WINDOW_PERCENTILE_ALL, WINDOW_PERCENTILE_DAILY, WINDOW_PERCENTILE_DAYS, // of the slots' values in the period (percentile.h)
    WINDOW_COUNT
};

struct service { int32_t number; const char *id, *name, *category, *subcategory; };

// What a meter makes of every event's value: rate x value + fixed, not below minimum, not above maximum (0: none); in the meter's unit.
struct event_fee { struct price rate; struct quantity fixed, minimum, maximum; };

// One version of a meter, valid for event times in [effective_from, effective_to).
struct meter {
    int32_t number;
    const char *id, *name, *event_type, *unit;
    instant_us effective_from, effective_to; // INSTANT_MIN / INSTANT_MAX when open
    enum aggregation aggregation;
    const char *value_property, *resource_property, *state_property; // NULL if none
    const char *times_property;  // sum: member by which the value is multiplied; NULL if none
    const struct event_fee *fee; // sum: then an event counts this (event_worth.h); NULL: it counts its value
    bool keeps_events;           // sum: every event is kept beside the usage it adds to; the same in all versions
    const char **running_states; size_t running_count;
    const char **stopped_states; size_t stopped_count;
    const char **dimensions; size_t dimension_count; // sorted by name
    enum evaluation_window window;
    int64_t slot_us;      // grain
    int64_t accept_us;    // event_time >= received_time - accept_us
    int64_t future_us;    // event_time <= received_time + future_us
};

struct sku { int32_t number; const char *id, *name; const struct service *service; int32_t meter; };

enum price_model { // what each has: price_model.h
    PRICE_PER_UNIT, PRICE_GRADUATED, PRICE_VOLUME, PRICE_PACKAGE, PRICE_STAIRSTEP, PRICE_PERCENTAGE, PRICE_FLAT, PRICE_DYNAMIC, PRICE_MODEL_COUNT
};
// What a price's tiers are applied to: the period's quantity, or that of every civil day in the account's zone by itself; SHARE: a day
// costs 1 / (days of the period) of what its quantity would cost.
enum price_daily { PRICE_DAILY_NONE, PRICE_DAILY_FULL, PRICE_DAILY_SHARE, PRICE_DAILY_COUNT };
extern const char *const price_daily_names[PRICE_DAILY_COUNT]; // in files and in the database; "": none
// up_to in METER units (already times per); last: no bound. flat: once a period beside the units, or for the step of a stairstep.
// block: METER units that are charged as one, started ones whole, at `price` each; 0: units are charged as they are.
struct price_tier { struct quantity up_to; bool last; struct price price; struct amount flat; struct quantity block; };
struct match_member { const char *dimension, *value; };
struct price_window; // price_window.h
struct price_times;  // price_times.h
// What a percentage takes of every event: its share of what the event pays + fixed, not below minimum, not above maximum (0: none), in
// the book's currency. The events of a period are free in the order of their time until there were free_events of them, or until they
// came to free_amount (METER units), whichever is first; 0: no such bound.
struct price_event_fee { struct amount fixed, minimum, maximum; int64_t free_events; struct quantity free_amount; };
// One version of a price, valid for slots in [effective_from, effective_to).
struct price_version {
    int64_t number;
    int32_t book, sku;
    const struct match_member *match; size_t match_count; // sorted by dimension
    const char *match_text;                               // canonical JSON
    const struct price_window *window; const char *hours; // when it holds, and its text; NULL and "": always
    const struct price_times *times;                      // what quantities are multiplied by; NULL: nothing
    bool withdrawn;                                       // never found: no price of this match and hours any more
    instant_us effective_from, effective_to;
    enum price_model model;
    const char *unit;          // pricing unit for people ("hour")
    struct quantity per;       // meter units per pricing unit
    struct price price;        // models without tiers: of a pricing unit; percentage: the rate; flat: of a period
    struct amount fixed;       // percentage: once in a period with usage
    const struct price_event_fee *per_event; // percentage: of every event; NULL: of their sum
    const struct price_tier *tiers; size_t tier_count; // models with tiers
    int minimum_seconds;       // per_unit
    int64_t increment_us;      // per_unit; 0: none
    // shared models:
    struct quantity free;      // METER units of a period that cost nothing
    struct quantity round_to;  // METER units of which the period's quantity is made a multiple; 0: it is charged as it is
    enum rounding round_mode;
    enum price_daily daily;    // models with tiers of unit prices
    struct amount minimum_spend, maximum_spend; // of a period with usage; 0: none
};
// What one unit of a currency is in another, for billing periods that start in [effective_from, effective_to).
struct exchange_rate { const char *from, *to; instant_us effective_from, effective_to; struct price rate; /* at 1e-12, above 0 */ const char *source; };
struct price_book {
    int32_t number; const char *id, *name; struct currency currency; const struct price_book *parent;
    bool per_event; // it or a parent has prices of every event: kept events must be loaded with the usage
};

// The steps by which a contract deducts from what was used, in the order of an agreement (contract.h). Those of units come before prices
// are multiplied, those of money after.
enum contract_stage {
    CONTRACT_FREE,          // the free units of prices
    CONTRACT_PACKAGES, CONTRACT_RESERVATIONS, CONTRACT_SAVINGS_PLANS, // cover units
    CONTRACT_DISCOUNTS,     // negotiated
    CONTRACT_COUPONS,
    CONTRACT_LIMITS,        // minimum and maximum of the account's period
    CONTRACT_PREPAYMENTS,   // spend that was paid for before
    CONTRACT_STAGE_COUNT
};
// A negotiated discount: on one SKU, on a service's SKUs, or (both NULL) on all.
struct contract_discount { struct price rate; /* a fraction (0.1) at 1e-12, above 0 */ const struct sku *sku; const struct service *service; };
// What an agreement deducts; one is shared by all agreements that say nothing.
struct contract {
    enum contract_stage stages[CONTRACT_STAGE_COUNT]; size_t stage_count; // in order, each once
    const struct contract_discount *discounts; size_t discount_count;     // a charge names one by its place, from 1
    // contract_commitment.h; a charge names a reservation by its place, from 1, and a plan by reservation_count + its place
    const struct contract_reservation *reservations; size_t reservation_count;
    const struct contract_plan *plans; size_t plan_count;
    const struct contract_limit *limits; size_t limit_count; // contract_limit.h; a charge names one by its place, from 1
    const struct contract_tax *taxes; size_t tax_count; const char *tax_note; // contract_tax.h; the note is NULL if there is none
};

struct seller { int32_t number; const char *id, *name, *address, *tax_id, *series; int64_t account; /* 0: the operator */ };
struct billing_account { int64_t number; const char *id, *name, *address, *tax_id, *email; };
// One version of the terms between a seller and a buyer, valid for periods that start in [effective_from, effective_to).
struct agreement {
    int64_t number;
    instant_us effective_from, effective_to;
    const struct seller *seller;
    const struct billing_account *account;
    int level;
    const struct price_book *book;
    struct currency currency; // of charges and documents; that of the book may be another
    const struct zone *zone;
    const char *tax_name;
    struct price tax_rate; // a fraction (0.19) at 1e-12
    enum rounding rounding;
    const struct contract *contract; // never NULL
};
// What can be bought besides usage at a price. An offer never changes.
enum offer_kind { OFFER_PACKAGE, OFFER_RESERVATION, OFFER_SAVINGS_PLAN, OFFER_COUPON, OFFER_SUBSCRIPTION, OFFER_PREPAYMENT, OFFER_KIND_COUNT };
// A quota of usage, anew in every period. quantity: METER units; per: METER units in one of `unit`. price: of one package and period;
// booked: SKU under which it is paid, NULL if the price is 0.
struct package_terms {
    const struct sku *const *skus; size_t sku_count;
    struct quantity quantity, per;
    const char *unit;
    struct amount price;
    const struct sku *booked;
    bool lasts; // one quota for all of the holding's time, paid once; else one in every period
};
// Money off what a period charges on the SKUs or services, or on all if it names none. rate 0: it is an amount; minimum_spend and maximum: 0: none.
struct coupon_terms {
    struct price rate; struct amount amount, minimum_spend, maximum;
    const struct sku *const *skus; size_t sku_count;
    const struct service *const *services; size_t service_count;
    bool lasts; // amount and maximum are of all of the holding's time; else of a period
};
// Spend that is paid for before it happens: `amount` of what the SKUs, those of the services, or (none named) all are billed, for `price`.
struct prepayment_terms {
    struct amount amount, price;
    const struct sku *const *skus; size_t sku_count;
    const struct service *const *services; size_t service_count;
    const struct sku *booked; // SKU under which it is paid
};
// A fee that recurs. price: of one, for a whole interval. Intervals are of `months` civil months, or of `days` civil days, in the zone of
// the account's terms where the holding begins, from the holding's anchor on; both 0: the billing periods themselves.
enum fee_proration { FEE_ACTUAL_DAYS, FEE_FIXED_30_DAYS, FEE_HOURS, FEE_SECONDS, FEE_WHOLE };
struct subscription_terms {
    struct amount price;
    int months, days; // one of them is 0
    bool in_arrears; // else in advance
    bool refund;     // in advance: what is left of an interval in which the holding ends is paid back
    enum fee_proration proration;
    bool started_is_old; // a day or hour in which one holding ends and another begins counts for the one that ends; else for the other
    const struct sku *booked; // SKU under which it is paid
};
struct offer {
    int64_t number; const char *id, *name;
    enum offer_kind kind;
    const char *currency; // code; NULL: none is needed
    union { const struct package_terms *package; const struct coupon_terms *coupon; const struct subscription_terms *subscription; const struct prepayment_terms *prepayment; const void *terms; }; // of its kind
};
// Does what is held of it last through several periods, so that what earlier ones used of it counts in later ones? Pure.
bool offer_lasts(const struct offer *offer);
// What an account holds of an offer, for time in [from, to).
struct holding { int64_t number; const char *id; int64_t version /* that wrote it last */; int64_t account; const struct offer *offer; int64_t quantity; instant_us from, to, anchor /* where its intervals begin, <= from */; };

struct tenant { int64_t number; const char *id, *name; int shard; };
struct membership { int64_t tenant, account; instant_us effective_from, effective_to; };

struct catalogue;

// Loads a version (0: the newest) in one REPEATABLE READ snapshot; *catalogue is freed with catalogue_release.
// ERR_INVALID: the rows contradict each other (names the row); ERR_RETRY: the database.
// The caller must not be inside a transaction of its own unless it is a snapshot: then that one is used.
enum err catalogue_load(struct db *db, int64_t version, struct catalogue **catalogue, struct fault *fault) MUST_USE;
// Newest committed version number.
enum err catalogue_newest(struct db *db, int64_t *version, struct fault *fault) MUST_USE;
void catalogue_retain(struct catalogue *catalogue);  // reference counted, any thread
void catalogue_release(struct catalogue *catalogue); // NULL is fine
int64_t catalogue_version(const struct catalogue *catalogue);

// Look-ups by id return NULL if there is none. O(1).
const struct tenant *catalogue_tenant(const struct catalogue *catalogue, struct slice id);
// Asks for the cache line that catalogue_tenant will read first.
void catalogue_tenant_prefetch(const struct catalogue *catalogue, struct slice id);
// When that has come: most likely the tenant that catalogue_tenant will say, not compared and only asked for; or NULL.
const struct tenant *catalogue_tenant_expect(const struct catalogue *catalogue, struct slice id);
const struct tenant *catalogue_tenant_number(const struct catalogue *catalogue, int64_t number);
const struct billing_account *catalogue_account(const struct catalogue *catalogue, struct slice id);
const struct billing_account *catalogue_account_number(const struct catalogue *catalogue, int64_t number);
const struct seller *catalogue_seller_number(const struct catalogue *catalogue, int32_t number);
const struct sku *catalogue_sku_number(const struct catalogue *catalogue, int32_t number);
const struct sku *catalogue_sku_id(const struct catalogue *catalogue, struct slice id);
const struct service *catalogue_service_number(const struct catalogue *catalogue, int32_t number);
const struct service *catalogue_service_id(const struct catalogue *catalogue, struct slice id); // O(n)
// Meters that take an event type: all versions, all meters; sets *count. The array is sorted by (number, effective_from).
const struct meter *const *catalogue_meters_of_type(const struct catalogue *catalogue, struct slice event_type, size_t *count);
// The version of a meter at an event time; NULL if it did not exist then.
const struct meter *catalogue_meter_at(const struct catalogue *catalogue, int32_t number, instant_us event_time);
const struct meter *catalogue_meter_newest(const struct catalogue *catalogue, int32_t number);
const struct meter *catalogue_meter_id(const struct catalogue *catalogue, struct slice id); // newest version
// Longest accept window + future allowance of all meters: how long an identity lives in the index (rules 1.2).
int64_t catalogue_longest_accept_us(const struct catalogue *catalogue);
int64_t catalogue_longest_future_us(const struct catalogue *catalogue);

// Account that pays for a tenant's usage in a slot; 0 if none.
int64_t catalogue_payer(const struct catalogue *catalogue, int64_t tenant, instant_us slot);
// All memberships of a tenant in time order, the first from INSTANT_MIN, without gap.
const struct membership *catalogue_memberships(const struct catalogue *catalogue, int64_t tenant, size_t *count);
// All memberships of an account (any time), for loading its usage.
const struct membership *catalogue_members(const struct catalogue *catalogue, int64_t account, size_t *count);
// Terms under which an account buys, at a period start; an account has exactly one seller. NULL if none then.
const struct agreement *catalogue_agreement(const struct catalogue *catalogue, int64_t account, instant_us period_start);
// Whether the prices of an agreement's book are in another currency than its charges.
bool agreement_converts(const struct agreement *agreement);
// The rate at which they are converted in a period that starts then; NULL: there is none, or none is needed.
const struct exchange_rate *catalogue_exchange(const struct catalogue *catalogue, const struct agreement *agreement, instant_us period_start);
// All terms with reservations, savings plans or a minimum of the period: something is due under them also without usage.
const struct agreement *const *catalogue_committed(const struct catalogue *catalogue, size_t *count);
// Accounts that buy from the seller whose own account is `account` (a partner's customers); 0 for a plain account.
const int64_t *catalogue_customers(const struct catalogue *catalogue, int64_t account, size_t *count);
const int64_t *catalogue_all_accounts(const struct catalogue *catalogue, size_t *count); // sorted
const struct tenant *catalogue_all_tenants(const struct catalogue *catalogue, size_t *count);
const struct service *catalogue_all_services(const struct catalogue *catalogue, size_t *count);

// What an account holds at any time, by number.
const struct holding *catalogue_holdings(const struct catalogue *catalogue, int64_t account, size_t *count);
const struct holding *catalogue_holding_number(const struct catalogue *catalogue, int64_t number);
const struct holding *catalogue_all_holdings(const struct catalogue *catalogue, size_t *count); // sorted by account

// SKUs that price a meter; sets *count.
const struct sku *const *catalogue_skus_of_meter(const struct catalogue *catalogue, int32_t meter, size_t *count);
// A dimension set as members sorted by name. The parsed form of rating.dimension_set.members.
struct dimension_set { struct match_member members[DIMENSIONS_MAX]; size_t count; };
// Canonical JSON text of a dimension set ({"a":"x","b":"y"}, sorted, no spaces).
void dimension_set_print(const struct dimension_set *set, struct text *out);
// The value of a dimension; NULL: the set does not have it.
const char *dimension_set_value(const struct dimension_set *set, const char *dimension);
enum err dimension_set_read(struct arena *arena, struct slice members, struct dimension_set *set, struct fault *fault) MUST_USE;
// The price of a SKU for a dimension set at a slot: in the book, else in its parents; the match with most members wins, ties by
// the canonical match text; of one match what holds on dates, then on days of the week, then always. NULL: unpriced.
const struct price_version *catalogue_price(const struct catalogue *catalogue, const struct price_book *book, int32_t sku, const struct dimension_set *dimensions, instant_us slot);
// 0: what charges at no price have: per unit, one meter unit, 0. NULL: there is no such number.
const struct price_version *catalogue_price_number(const struct catalogue *catalogue, int64_t number);
// Whether any price of the book (and parents), at any time, counts days: then usage has to be split at midnights of the account's zone.
bool catalogue_price_daily(const struct catalogue *catalogue, const struct price_book *book);
// Instants inside (start, end) at which any price of the book (and parents) changes, or a window of one begins or ends, sorted: a period is
// rated in these segments.
size_t catalogue_price_changes(const struct catalogue *catalogue, const struct price_book *book, instant_us start, instant_us end, struct arena *arena, instant_us **changes);
