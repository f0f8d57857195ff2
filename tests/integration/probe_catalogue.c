// SPDX-License-Identifier: Apache-2.0
// Used by test_catalogue: loads the catalogue and the API keys as a login role and prints what it finds, a fact a line.
//   probe_catalogue CONFIG DATABASE ROLE [KEY]
#include <stdio.h>
#include <string.h>

#include "catalogue/api_key.h"
#include "catalogue/catalogue_watch.h"
#include "catalogue/incarnation.h"
#include "catalogue/price_model.h"

static int failed(const char *what, const struct fault *fault)
{
    printf("%s: %s: %s: %s\n", what, err_name(fault->err), fault->place, fault->reason);
    return 1;
}

static void print_instant(const char *name, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    instant_print(instant, text);
    printf("%s %s\n", name, instant == INSTANT_MIN ? "-infinity" : instant == INSTANT_MAX ? "infinity" : text);
}

static void print_meters(const struct catalogue *catalogue)
{
    size_t count;
    const struct meter *const *meters = catalogue_meters_of_type(catalogue, SLICE("cloud.server.state"), &count);
    for (size_t i = 0; i < count; i++) {
        const struct meter *meter = meters[i];
        printf("meter %s aggregation %d running %zu:%s stopped %zu:%s dimensions", meter->id, (int)meter->aggregation,
               meter->running_count, meter->running_states[1], meter->stopped_count, meter->stopped_states[0]);
        for (size_t j = 0; j < meter->dimension_count; j++)
            printf(" %s", meter->dimensions[j]);
        printf(" value %s accept_days %d\n", meter->value_property ? meter->value_property : "none",
               (int)(meter->accept_us / DAY_US));
        print_instant("meter from", meter->effective_from);
        print_instant("meter to", meter->effective_to);
    }
}

static void print_prices(const struct catalogue *catalogue)
{
    struct dimension_set set = {{{"flavour", "s1"}, {"region", "eu-1"}}, 2};
    const struct agreement *terms = catalogue_agreement(catalogue, 1, 0);
    const struct price_version *price = catalogue_price(catalogue, terms->book, 1, &set, 0);
    char text[DECIMAL_TEXT_MAX], per[DECIMAL_TEXT_MAX];
    price_print(price->price, text);
    quantity_print(price->per, per);
    printf("price %lld match %s unit_price %s per %s minimum %d\n", (long long)price->number, price->match_text, text,
           per, price->minimum_seconds);
    print_instant("price to", price->effective_to);
    price = catalogue_price_number(catalogue, 3);
    for (size_t i = 0; i < price->tier_count; i++) {
        quantity_print(price->tiers[i].up_to, per);
        price_print(price->tiers[i].price, text);
        printf("tier %zu up_to %s unit_price %s", i, price->tiers[i].last ? "last" : per, text);
        amount_print(price->tiers[i].flat, text);
        printf(" flat %s\n", text);
    }
    price = catalogue_price_number(catalogue, 5);
    price_print(price->price, text);
    printf("price 5 model %s rate %s", price_forms[price->model].name, text);
    amount_print(price->fixed, text);
    quantity_print(price->free, per);
    printf(" fixed %s free %s", text, per);
    amount_print(price->minimum_spend, text);
    amount_print(price->maximum_spend, per);
    printf(" spend %s to %s\n", text, per);
    price_print(terms->tax_rate, text);
    printf("terms zone %s currency %s tax %s rounding %d\n", zone_name(terms->zone), terms->currency.code, text,
           (int)terms->rounding);
}

static int print_catalogue(struct db *db)
{
    struct catalogue *catalogue = NULL, *before;
    struct fault fault = {0};
    if (catalogue_refresh(db, &catalogue, &fault)) return failed("load", &fault);
    before = catalogue;
    if (catalogue_refresh(db, &catalogue, &fault)) return failed("refresh", &fault);
    const struct tenant *tenant = catalogue_tenant(catalogue, SLICE("t-1"));
    printf("version %lld same %d\n", (long long)catalogue_version(catalogue), before == catalogue);
    printf("tenant %s name %s payer %lld\n", tenant->id, tenant->name,
           (long long)catalogue_payer(catalogue, tenant->number, 0));
    print_meters(catalogue);
    print_prices(catalogue);
    catalogue_release(catalogue);
    if (catalogue_load(db, 1, &catalogue, &fault)) return failed("load 1", &fault);
    printf("version 1 name %s\n", catalogue_tenant(catalogue, SLICE("t-1"))->name);
    catalogue_release(catalogue);
    if (catalogue_load(db, 99, &catalogue, &fault) != ERR_NOT_FOUND) return failed("load 99", &fault);
    return 0;
}

static int print_key(struct db *db, const char *text)
{
    struct api_key_table *table = NULL;
    char key_id[API_KEY_ID_SIZE];
    unsigned char hash[SHA256_BYTES];
    struct fault fault = {0};
    if (api_key_table_refresh(db, &table, 1, &fault)) return failed("keys", &fault);
    if (api_key_parse(slice_of(text), key_id, hash, &fault)) return failed("key", &fault);
    const struct api_key *key = api_key_find(table, key_id, hash, clock_now(clock_system()));
    if (key)
        printf("key scopes %u every %d tenants %zu first %lld account %lld\n", key->scopes, key->every_tenant,
               key->tenant_count, key->tenant_count > 0 ? (long long)key->tenants[0] : 0, (long long)key->account);
    else
        printf("key refused\n");
    api_key_table_release(table);
    return 0;
}

static int print_topic(struct db *db)
{
    struct incarnation incarnation;
    struct fault fault = {0};
    if (incarnation_load(db, &incarnation, &fault)) return failed("incarnation", &fault);
    printf("incarnation %d topic %s partitions %d\n", incarnation.number, incarnation.topic, incarnation.partitions);
    return 0;
}

int main(int argc, char **argv)
{
    struct config *config;
    struct text errors = {0};
    struct fault fault = {0};
    struct db *db;
    hash_init();
    if (argc < 4 || config_open(argv[1], &config, &errors))
        return fputs(errors.data ? errors.data : "usage\n", stdout), 2;
    if (db_open(config, argv[3], argv[2], &db, &fault)) return failed("open", &fault);
    int code = argc > 4 ? print_key(db, argv[4]) : print_catalogue(db);
    if (code == 0 && argc == 4) code = print_topic(db);
    db_close(db);
    config_free(config);
    text_free(&errors);
    return code;
}
