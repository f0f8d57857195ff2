// SPDX-License-Identifier: Apache-2.0
// What a catalogue holds, and the parts that build it. Private to catalogue/. Immutable once catalogue_build has
// returned. Numbers are looked up by hash; every array of things is sorted by its number, and parallel arrays share its
// index.
#pragma once
#include <stdatomic.h>

#include "catalogue/catalogue_build.h"
#include "catalogue/lookup.h"

struct span {
    uint32_t first, count;
};

// When any price of a book (not of its parents) begins or ends: sorted, unique, none open. And the different windows of
// its prices.
struct book_changes {
    instant_us *instants;
    size_t count;
    const struct price_version **windows;
    size_t window_count;
    bool daily; // some price counts days
};
// The versions of one (book, SKU, match, hours) are `versions` of catalogue.prices.
struct price_match {
    int32_t book, sku;
    struct span versions;
};
// A set of dimension names that matches of a (book, SKU) use.
struct price_shape {
    const char *names[DIMENSIONS_MAX];
    size_t count;
};
// All matches of one (book, SKU): shapes sorted by falling count.
struct price_list {
    int32_t book, sku;
    const struct price_shape *shapes;
    size_t shape_count;
};

struct catalogue {
    atomic_int references;
    int64_t version;
    struct arena *arena; // everything built
    struct arena *texts; // the rows' arena, taken over

    struct service *services;
    size_t service_count;
    struct lookup service_numbers;
    struct sku *skus;
    size_t sku_count;
    struct lookup sku_numbers, sku_ids;

    struct meter *meters;
    size_t meter_count; // versions, sorted by (number, effective_from)
    struct span *meter_spans;
    size_t meter_span_count;
    struct lookup meter_numbers, meter_ids; // one span per meter
    const struct meter **meters_by_type;
    struct span *type_spans;
    size_t type_count;
    struct lookup types;
    const struct sku **skus_by_meter;
    struct span *meter_skus; // parallel to meter_spans
    int64_t longest_accept_us, longest_future_us;

    struct currency *currencies; // virtual
    size_t currency_count;
    struct lookup currency_codes;

    struct price_book *books;
    size_t book_count;
    struct lookup book_numbers;
    struct book_changes *book_changes; // parallel to books
    struct price_version *prices;
    size_t price_count; // sorted by (book, sku, match text, hours, effective_from)
    struct lookup price_numbers;
    struct price_match *matches;
    size_t match_count;
    struct lookup match_members;
    struct price_list *lists;
    size_t list_count;
    struct lookup list_keys;

    struct exchange_rate *exchanges;
    size_t exchange_count; // sorted by (from, to, effective_from)

    struct seller *sellers;
    size_t seller_count;
    struct lookup seller_numbers;
    struct billing_account *accounts;
    size_t account_count;
    struct lookup account_numbers, account_ids;
    int64_t *account_list; // numbers of accounts
    struct agreement *agreements;
    size_t agreement_count;
    struct span *account_agreements; // parallel to accounts
    const struct agreement **committed; // with reservations, savings plans or a minimum
    size_t committed_count;
    int64_t *customers;
    struct span *account_customers; // parallel to accounts

    struct offer *offers;
    size_t offer_count; // sorted by number
    struct lookup offer_numbers;
    struct holding *holdings;
    size_t holding_count; // sorted by (account, number)
    struct lookup holding_numbers;
    struct span *account_holdings; // parallel to accounts; NULL: there are no holdings

    struct tenant *tenants;
    size_t tenant_count;
    struct lookup tenant_numbers, tenant_ids;
    struct membership *memberships;
    size_t membership_count;         // sorted by (tenant, effective_from)
    struct span *tenant_memberships; // parallel to tenants
    struct membership *members;
    struct span *account_members; // the same sorted by (account, tenant, effective_from)
};

// The steps of catalogue_build, in this order; each checks its own rows.
enum err catalogue_build_meters(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault) MUST_USE;
enum err catalogue_build_skus(struct catalogue *catalogue, struct catalogue_rows *rows,
                              struct fault *fault) MUST_USE; // services, too
enum err catalogue_build_currencies(struct catalogue *catalogue, struct catalogue_rows *rows,
                                    struct fault *fault) MUST_USE; // virtual
enum err catalogue_build_books(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault) MUST_USE;
enum err catalogue_build_exchanges(struct catalogue *catalogue, struct catalogue_rows *rows,
                                   struct fault *fault) MUST_USE;
enum err catalogue_build_prices(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault) MUST_USE;
enum err catalogue_build_accounts(struct catalogue *catalogue, struct catalogue_rows *rows,
                                  struct fault *fault) MUST_USE; // sellers, agreements
enum err catalogue_build_offers(struct catalogue *catalogue, struct catalogue_rows *rows,
                                struct fault *fault) MUST_USE; // holdings
enum err catalogue_build_tenants(struct catalogue *catalogue, struct catalogue_rows *rows,
                                 struct fault *fault) MUST_USE; // memberships

// Sorts unless sorted already (a load of millions of rows comes in order).
void rows_sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *));
// Of neighbours that are equal by `same` keeps the last (compare by version last, so it is the newest); returns how
// many stay.
size_t rows_keep_newest(void *rows, size_t count, size_t size, bool (*same)(const void *, const void *));
// Adds an id to a table that lives only while building; false: it is there already. ids[i] is the id of index i.
bool ids_add(struct lookup *table, const char **ids, size_t index, const char *id);
// ERR_INVALID at "KIND ID".
enum err row_fault(struct fault *fault, const char *kind, const char *id, const char *format, ...) PRINTF_LIKE(4, 5);
// The id is there, valid UTF-8, 1..ID_MAX bytes, without control characters; number > 0.
enum err row_check_id(const char *kind, const char *id, int64_t number, struct fault *fault) MUST_USE;
bool instant_on_slot_bound(instant_us instant); // or open (INSTANT_MIN, INSTANT_MAX)
// A currency of prices: of ISO 4217, or one that the catalogue declares. ERR_INVALID: neither.
enum err catalogue_currency(const struct catalogue *catalogue, const char *code, struct currency *currency,
                            struct fault *fault) MUST_USE;
int virtual_currency_order(const void *a, const void *b); // by code, then version
// By currencies and time; of one key by version. For sorting rows, and their keys alone.
int exchange_order(const void *a, const void *b);
int exchange_key_order(const struct exchange_row *a, const struct exchange_row *b);
bool catalogue_exchange_known(const struct catalogue *catalogue, const char *from, const char *to); // at any time
#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))
static inline const char *text_or_empty(const char *text)
{
    return text ? text : "";
}
#define NO_INDEX UINT32_MAX
// Indexes of parallel arrays; NO_INDEX if there is no such number.
uint32_t catalogue_account_index(const struct catalogue *catalogue, int64_t number);
uint32_t catalogue_book_index(const struct catalogue *catalogue, int32_t number);
uint32_t catalogue_meter_index(const struct catalogue *catalogue, int32_t number); // of meter_spans
