// SPDX-License-Identifier: Apache-2.0
// Reads the rows of a catalogue version from PostgreSQL, a piece at a time, and has them built. One statement per
// table, all in one snapshot, so that no half of an apply is ever seen.
#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/catalogue_build.h"
#include "catalogue/offer_form.h"
#include "catalogue/price_model.h"

enum { FETCH_ROWS = 20000 }; // bounds the client's memory beside the rows themselves
#define FETCH_SQL "fetch 20000 from catalogue_rows"
_Static_assert(FETCH_ROWS == 20000, "the statement says it");

struct loader {
    struct catalogue_rows *rows;
    const struct db_result *result;
    int row;
    enum err err; // of the first row that cannot be read
    struct fault *fault;
};

// --- columns

static const char *get_text(struct loader *loader, int column)
{
    return rows_text(loader->rows, db_text(loader->result, loader->row, column),
                     db_length(loader->result, loader->row, column));
}

static const char *get_text_or_null(struct loader *loader, int column)
{
    return db_is_null(loader->result, loader->row, column) ? NULL : get_text(loader, column);
}

static int64_t get_int(struct loader *loader, int column)
{
    return db_get_int(loader->result, loader->row, column);
}

static instant_us get_instant(struct loader *loader, int column)
{
    return db_get_instant(loader->result, loader->row, column);
}

static struct price get_price(struct loader *loader, int column)
{
    return (struct price){db_get_decimal(loader->result, loader->row, column, PRICE_PLACES)};
}

static struct amount get_amount(struct loader *loader, int column)
{
    return (struct amount){db_get_decimal(loader->result, loader->row, column, AMOUNT_PLACES)};
}

static struct quantity get_quantity(struct loader *loader, int column)
{
    return (struct quantity){db_get_decimal(loader->result, loader->row, column, QUANTITY_PLACES)};
}

// Names that the statement joined with 0x1f, which no name has.
static const char **get_list(struct loader *loader, int column, size_t *count)
{
    const char *text = db_text(loader->result, loader->row, column);
    *count = 0;
    if (!*text) return NULL;
    size_t names = 1;
    for (const char *at = text; *at; at++)
        if (*at == '\x1f') names++;
    const char **list = ARENA_ARRAY(loader->rows->arena, const char *, names);
    for (;;) {
        size_t length = strcspn(text, "\x1f");
        list[(*count)++] = rows_text(loader->rows, text, length);
        if (!text[length]) return list;
        text += length + 1;
    }
}

// The place of a word in a list that follows an enum. The table's check constraint has the same words, so another one
// means a database that was altered behind our back.
static int get_word(struct loader *loader, int column, const char *const *words, size_t count)
{
    const char *text = db_text(loader->result, loader->row, column);
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0) return (int)i;
    loader->err = fault_set(loader->fault, ERR_BUG, "schema catalog", "this binary does not know the word '%s'", text);
    return 0;
}
static enum price_model get_model(struct loader *loader, int column)
{
    const char *text = db_text(loader->result, loader->row, column);
    enum price_model model = PRICE_PER_UNIT;
    if (!price_model_find(text, &model))
        loader->err =
            fault_set(loader->fault, ERR_BUG, "schema catalog", "this binary does not know the price model '%s'", text);
    return model;
}

#define WORD(loader, column, words) get_word((loader), (column), (words), sizeof(words) / sizeof *(words))

static enum aggregation get_aggregation(struct loader *loader, int column)
{
    const char *text = db_text(loader->result, loader->row, column);
    enum aggregation aggregation = AGGREGATION_SUM;
    if (!aggregation_find(text, &aggregation))
        loader->err =
            fault_set(loader->fault, ERR_BUG, "schema catalog", "this binary does not know the aggregation '%s'", text);
    return aggregation;
}

// --- one statement and one function per table; columns in the order of the statement

static const char services_sql[] = "select version, service, id, name, category, subcategory\n"
                                   "  from catalog.service\n"
                                   " where version <= $1\n"
                                   " order by service, version";

static void fill_service(struct loader *loader)
{
    *ROW_NEW(&loader->rows->services) = (struct service_row){
        .version = get_int(loader, 0),
        .number = (int32_t)get_int(loader, 1),
        .id = get_text(loader, 2),
        .name = get_text(loader, 3),
        .category = get_text(loader, 4),
        .subcategory = get_text(loader, 5),
    };
}

static const char meters_sql[] =
    "select version, meter, effective_from, id, name, event_type, unit, aggregation, value_property, "
    "resource_property,\n"
    "       state_property, array_to_string(running_states, E'\\x1f'), array_to_string(stopped_states, E'\\x1f'),\n"
    "       array_to_string(dimensions, E'\\x1f'), evaluation_window, slot_minutes, accept_days, future_seconds,\n"
    "       value_times, event_rate, event_fixed, event_minimum, event_maximum, keeps_events\n"
    "  from catalog.meter\n"
    " where version <= $1\n"
    " order by meter, effective_from, version";

static void fill_meter(struct loader *loader)
{
    struct meter_row row = {
        .version = get_int(loader, 0),
        .number = (int32_t)get_int(loader, 1),
        .effective_from = get_instant(loader, 2),
        .id = get_text(loader, 3),
        .name = get_text(loader, 4),
        .event_type = get_text(loader, 5),
        .unit = get_text(loader, 6),
        .aggregation = get_aggregation(loader, 7),
        .value_property = get_text_or_null(loader, 8),
        .resource_property = get_text_or_null(loader, 9),
        .state_property = get_text_or_null(loader, 10),
        .window = (enum evaluation_window)get_word(loader, 14, evaluation_windows, WINDOW_COUNT),
        .slot_minutes = (int)get_int(loader, 15),
        .accept_days = (int)get_int(loader, 16),
        .future_seconds = (int)get_int(loader, 17),
        .times_property = get_text_or_null(loader, 18),
        .has_fee = !db_is_null(loader->result, loader->row, 19),
        .keeps_events = db_get_bool(loader->result, loader->row, 23),
    };
    if (row.has_fee)
        row.fee = (struct event_fee){get_price(loader, 19), get_quantity(loader, 20), get_quantity(loader, 21),
                                     get_quantity(loader, 22)};
    row.running_states = get_list(loader, 11, &row.running_count);
    row.stopped_states = get_list(loader, 12, &row.stopped_count);
    row.dimensions = get_list(loader, 13, &row.dimension_count);
    *ROW_NEW(&loader->rows->meters) = row;
}

static const char skus_sql[] = "select version, sku, service, meter, id, name\n"
                               "  from catalog.sku\n"
                               " where version <= $1\n"
                               " order by sku, version";

static void fill_sku(struct loader *loader)
{
    *ROW_NEW(&loader->rows->skus) = (struct sku_row){
        .version = get_int(loader, 0),
        .number = (int32_t)get_int(loader, 1),
        .service = (int32_t)get_int(loader, 2),
        .meter = (int32_t)get_int(loader, 3),
        .id = get_text(loader, 4),
        .name = get_text(loader, 5),
    };
}

static const char books_sql[] = "select version, price_book, parent, id, name, currency\n"
                                "  from catalog.price_book\n"
                                " where version <= $1\n"
                                " order by price_book, version";

static void fill_book(struct loader *loader)
{
    *ROW_NEW(&loader->rows->books) = (struct price_book_row){
        .version = get_int(loader, 0),
        .number = (int32_t)get_int(loader, 1),
        .parent = (int32_t)get_int(loader, 2),
        .id = get_text(loader, 3),
        .name = get_text(loader, 4),
        .currency = get_text(loader, 5),
    };
}

static const char prices_sql[] =
    "select version, price, price_book, sku, match, effective_from, effective_to, model, unit,\n"
    "       per, unit_price, minimum_seconds, free, fixed, minimum_spend, maximum_spend,\n"
    "       hours, withdrawn, times, increment_us, round_to, round_mode,\n"
    "       event_fixed, event_minimum, event_maximum, free_events, free_amount, daily\n"
    "  from catalog.price\n"
    " where version <= $1";

static void fill_price(struct loader *loader)
{
    *ROW_NEW(&loader->rows->prices) = (struct price_row){
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .book = (int32_t)get_int(loader, 2),
        .sku = (int32_t)get_int(loader, 3),
        .match = get_text(loader, 4),
        .effective_from = get_instant(loader, 5),
        .effective_to = get_instant(loader, 6),
        .model = get_model(loader, 7),
        .unit = get_text(loader, 8),
        .per = get_quantity(loader, 9),
        .price = get_price(loader, 10),
        .minimum_seconds = (int)get_int(loader, 11),
        .free = get_quantity(loader, 12),
        .fixed = get_amount(loader, 13),
        .minimum_spend = get_amount(loader, 14),
        .maximum_spend = get_amount(loader, 15),
        .hours = db_length(loader->result, loader->row, 16) ? get_text(loader, 16) : "",
        .withdrawn = db_get_bool(loader->result, loader->row, 17),
        .times = db_length(loader->result, loader->row, 18) ? get_text(loader, 18) : "",
        .increment_us = get_int(loader, 19),
        .round_to = get_quantity(loader, 20),
        .round_mode = (enum rounding)WORD(loader, 21, rounding_names),
        .per_event = !db_is_null(loader->result, loader->row, 22),
        .event_fee = {get_amount(loader, 22), get_amount(loader, 23), get_amount(loader, 24), get_int(loader, 25),
                      get_quantity(loader, 26)},
        .daily = (enum price_daily)WORD(loader, 27, price_daily_names),
    };
}

static const char tiers_sql[] = "select tier.price, tier.tier, tier.up_to, tier.unit_price, tier.flat, tier.block\n"
                                "  from catalog.price_tier tier\n"
                                "  join catalog.price price using (price)\n"
                                " where price.version <= $1\n"
                                " order by tier.price, tier.tier";

static void fill_tier(struct loader *loader)
{
    *ROW_NEW(&loader->rows->tiers) = (struct price_tier_row){
        .price = get_int(loader, 0),
        .tier = (int)get_int(loader, 1),
        .up_to = get_quantity(loader, 2),
        .last = db_is_null(loader->result, loader->row, 2),
        .unit_price = get_price(loader, 3),
        .flat = get_amount(loader, 4),
        .block = get_quantity(loader, 5),
    };
}

static const char sellers_sql[] = "select version, seller, id, name, address, tax_id, series, account\n"
                                  "  from catalog.seller\n"
                                  " where version <= $1\n"
                                  " order by seller, version";

static void fill_seller(struct loader *loader)
{
    *ROW_NEW(&loader->rows->sellers) = (struct seller_row){
        .version = get_int(loader, 0),
        .number = (int32_t)get_int(loader, 1),
        .id = get_text(loader, 2),
        .name = get_text(loader, 3),
        .address = get_text(loader, 4),
        .tax_id = get_text(loader, 5),
        .series = get_text(loader, 6),
        .account = get_int(loader, 7),
    };
}

static const char accounts_sql[] = "select version, account, id, name, address, tax_id, email\n"
                                   "  from catalog.billing_account\n"
                                   " where version <= $1\n"
                                   " order by account, version";

static void fill_account(struct loader *loader)
{
    *ROW_NEW(&loader->rows->accounts) = (struct account_row){
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .id = get_text(loader, 2),
        .name = get_text(loader, 3),
        .address = get_text(loader, 4),
        .tax_id = get_text(loader, 5),
        .email = get_text(loader, 6),
    };
}

static const char agreements_sql[] =
    "select version, agreement, effective_from, seller, account, level, price_book, currency,\n"
    "       zone, tax_name, tax_rate, rounding, nullif(stages, 'usage'), nullif(deductions, '{}')\n"
    "  from catalog.agreement\n"
    " where version <= $1\n"
    " order by account, effective_from, agreement, version";

static void fill_agreement(struct loader *loader)
{
    *ROW_NEW(&loader->rows->agreements) = (struct agreement_row){
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .effective_from = get_instant(loader, 2),
        .seller = (int32_t)get_int(loader, 3),
        .account = get_int(loader, 4),
        .level = (int)get_int(loader, 5),
        .book = (int32_t)get_int(loader, 6),
        .currency = get_text(loader, 7),
        .zone = get_text(loader, 8),
        .tax_name = get_text(loader, 9),
        .tax_rate = get_price(loader, 10),
        .rounding = (enum rounding)WORD(loader, 11, rounding_names),
        .stages = get_text_or_null(loader, 12),
        .deductions = get_text_or_null(loader, 13),
    };
}

static const char offers_sql[] = "select version, offer, id, name, kind, currency, terms\n"
                                 "  from catalog.offer\n"
                                 " where version <= $1\n"
                                 " order by offer, version";

static void fill_offer(struct loader *loader)
{
    struct offer_row row = {
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .id = get_text(loader, 2),
        .name = get_text(loader, 3),
        .currency = get_text_or_null(loader, 5),
        .terms = get_text(loader, 6),
    };
    if (!offer_kind_find(db_text(loader->result, loader->row, 4), &row.kind))
        loader->err = fault_set(loader->fault, ERR_BUG, "schema catalog", "this binary does not know the offer kind '%s'",
                                db_text(loader->result, loader->row, 4));
    *ROW_NEW(&loader->rows->offers) = row;
}

static const char holdings_sql[] =
    "select version, holding, id, account, offer, quantity, effective_from, effective_to, anchor\n"
    "  from catalog.holding\n"
    " where version <= $1\n"
    " order by holding, version";

static void fill_holding(struct loader *loader)
{
    *ROW_NEW(&loader->rows->holdings) = (struct holding_row){
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .id = get_text(loader, 2),
        .account = get_int(loader, 3),
        .offer = get_int(loader, 4),
        .quantity = get_int(loader, 5),
        .effective_from = get_instant(loader, 6),
        .effective_to = get_instant(loader, 7),
        .anchor = get_instant(loader, 8),
    };
}

static const char exchanges_sql[] = "select version, from_currency, to_currency, effective_from, rate, source\n"
                                    "  from catalog.exchange_rate\n"
                                    " where version <= $1\n"
                                    " order by from_currency, to_currency, effective_from, version";

static void fill_exchange(struct loader *loader)
{
    *ROW_NEW(&loader->rows->exchanges) = (struct exchange_row){
        .version = get_int(loader, 0),
        .from = get_text(loader, 1),
        .to = get_text(loader, 2),
        .effective_from = get_instant(loader, 3),
        .rate = get_price(loader, 4),
        .source = get_text_or_null(loader, 5),
    };
}

static const char currencies_sql[] = "select version, code, name, places\n"
                                     "  from catalog.virtual_currency\n"
                                     " where version <= $1\n"
                                     " order by code, version";

static void fill_currency(struct loader *loader)
{
    *ROW_NEW(&loader->rows->currencies) = (struct virtual_currency_row){
        .version = get_int(loader, 0),
        .code = get_text(loader, 1),
        .name = get_text(loader, 2),
        .places = (int)get_int(loader, 3),
    };
}

static const char tenants_sql[] = "select version, tenant, id, name\n"
                                  "  from catalog.tenant\n"
                                  " where version <= $1\n"
                                  " order by tenant, version";

static void fill_tenant(struct loader *loader)
{
    *ROW_NEW(&loader->rows->tenants) = (struct tenant_row){
        .version = get_int(loader, 0),
        .number = get_int(loader, 1),
        .id = get_text(loader, 2),
        .name = get_text(loader, 3),
    };
}

static const char memberships_sql[] = "select version, tenant, effective_from, account\n"
                                      "  from catalog.membership\n"
                                      " where version <= $1\n"
                                      " order by tenant, effective_from, version";

static void fill_membership(struct loader *loader)
{
    *ROW_NEW(&loader->rows->memberships) = (struct membership_row){
        .version = get_int(loader, 0),
        .tenant = get_int(loader, 1),
        .effective_from = get_instant(loader, 2),
        .account = get_int(loader, 3),
    };
}

static const struct table {
    const char *sql;
    void (*fill)(struct loader *);
} tables[] = {
    {services_sql, fill_service}, {meters_sql, fill_meter},           {skus_sql, fill_sku},
    {books_sql, fill_book},       {prices_sql, fill_price},           {tiers_sql, fill_tier},
    {sellers_sql, fill_seller},   {accounts_sql, fill_account},       {agreements_sql, fill_agreement},
    {offers_sql, fill_offer},     {holdings_sql, fill_holding},       {exchanges_sql, fill_exchange},
    {tenants_sql, fill_tenant},   {memberships_sql, fill_membership}, {currencies_sql, fill_currency},
};

// --- loading

// Reads a table through a cursor; *done when the last piece has come.
static enum err fetch_piece(struct db *db, const struct table *table, struct catalogue_rows *rows, bool *done,
                            struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, FETCH_SQL, 0, NULL, &result, fault);
    if (err) return err;
    struct loader loader = {.rows = rows, .result = result, .fault = fault};
    for (; loader.row < db_rows(result) && !loader.err; loader.row++)
        table->fill(&loader);
    *done = db_rows(result) < FETCH_ROWS;
    db_result_free(result);
    return loader.err;
}

static enum err load_table(struct db *db, const struct table *table, struct catalogue_rows *rows, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    const char *declare = arena_print(arena, "declare catalogue_rows no scroll cursor for\n%s", table->sql);
    const char *values[] = {db_int(arena, rows->version)};
    bool done = false;
    enum err err = db_exec(db, declare, 1, values, NULL, fault);
    while (!err && !done)
        err = fetch_piece(db, table, rows, &done, fault);
    if (!err) err = db_exec(db, "close catalogue_rows", 0, NULL, NULL, fault);
    arena_free(arena);
    return err;
}

enum err catalogue_newest(struct db *db, int64_t *version, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, "select version from catalog.version", 0, NULL, &result, fault);
    if (err) return err;
    if (db_rows(result) == 1)
        *version = db_get_int(result, 0, 0);
    else
        err = fault_set(fault, ERR_BUG, "catalog.version", "it has %d rows instead of one", db_rows(result));
    db_result_free(result);
    return err;
}

static enum err load_rows(struct db *db, int64_t version, struct catalogue_rows *rows, struct fault *fault)
{
    int64_t newest;
    enum err err = catalogue_newest(db, &newest, fault);
    if (err) return err;
    if (version < 0 || version > newest)
        return fault_set(fault, ERR_NOT_FOUND, "catalog.version",
                         "there is no catalogue version %lld, the newest is %lld", (long long)version,
                         (long long)newest);
    rows->version = version == 0 ? newest : version;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !err; i++)
        err = load_table(db, &tables[i], rows, fault);
    return err;
}

enum err catalogue_rows_load(struct db *db, int64_t version, struct catalogue_rows *rows, struct fault *fault)
{
    if (db_in_transaction(db)) return load_rows(db, version, rows, fault);
    enum err err = db_begin_snapshot(db, fault);
    if (err) return err;
    err = load_rows(db, version, rows, fault);
    if (!err) err = db_commit(db, fault);
    if (!err) return ERR_OK;
    db_rollback(db);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // a reading transaction: nothing can have been done
}

enum err catalogue_load(struct db *db, int64_t version, struct catalogue **catalogue, struct fault *fault)
{
    struct catalogue_rows rows;
    catalogue_rows_init(&rows, version);
    enum err err = catalogue_rows_load(db, version, &rows, fault);
    if (!err) err = catalogue_build(&rows, catalogue, fault);
    catalogue_rows_fini(&rows);
    return err;
}
