// SPDX-License-Identifier: Apache-2.0
// The simulated tenants and who pays for them. Tenant N is the same however many there are; about a quarter share the
// account of the tenant before.
#include "ingest/simulate.h"

#include <stdio.h>
#include <string.h>

#include "ingest/simulate_random.h"

static const struct simulate_place places[] = {
    {"Europe/Berlin", "EUR", "list-eur", "eu-central", "VAT", "0.19"},
    {"Europe/Paris", "EUR", "list-eur", "eu-central", "TVA", "0.2"},
    {"Europe/Madrid", "EUR", "list-eur", "eu-south", "IVA", "0.21"},
    {"Europe/Helsinki", "EUR", "list-eur", "eu-north", "ALV", "0.255"},
    {"UTC", "EUR", "list-eur", "eu-central", NULL, NULL},
    {"America/New_York", "USD", "list-usd", "us-east", NULL, NULL},
    {"America/Sao_Paulo", "USD", "list-usd", "sa-east", "ISS", "0.05"},
    {"Asia/Shanghai", "USD", "list-usd", "ap-east", "VAT", "0.06"},
    {"Asia/Kolkata", "USD", "list-usd", "ap-south", "GST", "0.18"},
    {"Asia/Kathmandu", "USD", "list-usd", "ap-south", "VAT", "0.13"},
    {"Asia/Tokyo", "USD", "list-usd", "ap-east", "JCT", "0.1"},
    {"Australia/Adelaide", "USD", "list-usd", "ap-east", "GST", "0.1"},
};
enum { PLACE_COUNT = sizeof places / sizeof *places, SHARED_PERCENT = 25, SHARED_MOST = 8 };

static bool shares(const struct simulation *simulation, int64_t number)
{
    struct chance chance = chance_of(simulation->seed, number, "shares", 0);
    return number % SHARED_MOST != 0 && chance_percent(&chance, SHARED_PERCENT);
}

void simulate_tenant_make(const struct simulation *simulation, int64_t number, struct simulate_tenant *tenant)
{
    unsigned long long seed = (unsigned long long)simulation->seed;
    struct chance chance = chance_of(simulation->seed, number, "class", 0);
    int64_t first = number, draw = chance_between(&chance, 0, 99);
    while (shares(simulation, first))
        first--;
    struct chance home = chance_of(simulation->seed, first, "place", 0);
    *tenant = (struct simulate_tenant){.number = number, .first_of_account = first == number};
    tenant->class = draw < 60 ? CLASS_HOBBY : draw < 90 ? CLASS_STARTUP : CLASS_ENTERPRISE;
    tenant->place = &places[chance_between(&home, 0, PLACE_COUNT - 1)];
    snprintf(tenant->id, sizeof tenant->id, "sim%llu-t%05lld", seed, (long long)number + 1);
    snprintf(tenant->account, sizeof tenant->account, "sim%llu-a%05lld", seed, (long long)first + 1);
}

// --- the catalogue file

static const char *const first_words[] = {"Amber",   "Birch",   "Cobalt", "Delta",   "Ember",   "Fern",
                                          "Granite", "Harbour", "Indigo", "Juniper", "Kestrel", "Lumen",
                                          "Meadow",  "North",   "Opal",   "Pine"};
static const char *const second_words[] = {"Atlas", "Bakery",   "Cycles",   "Dental",  "Energy",   "Freight",
                                           "Games", "Health",   "Insights", "Journal", "Kitchens", "Labs",
                                           "Media", "Networks", "Outdoor",  "Robotics"};
static const char *const uses_words[] = {"production", "staging", "analytics", "shop",
                                         "research",   "mobile",  "archive",   "internal"};
#define WORD(words, chance) (words)[chance_between((chance), 0, (int64_t)(sizeof(words) / sizeof *(words)) - 1)]

static void print_account_name(const struct simulation *simulation, const struct simulate_tenant *tenant,
                               struct text *out)
{
    struct chance chance = chance_of(simulation->seed, tenant->number, "name", 0);
    const char *first = WORD(first_words, &chance), *second = WORD(second_words, &chance);
    text_print(out, "%s %s %lld (simulated)", first, second, (long long)tenant->number + 1);
}

static void print_account(const struct simulation *simulation, const struct simulate_tenant *tenant, struct text *out)
{
    const struct simulate_place *place = tenant->place;
    text_print(out, "  - id: %s\n    name: ", tenant->account);
    print_account_name(simulation, tenant, out);
    text_print(out, "\n    currency: %s\n    zone: %s\n    price_book: %s\n", place->currency, place->zone,
               place->price_book);
    if (place->tax_name) text_print(out, "    tax: {name: %s, rate: \"%s\"}\n", place->tax_name, place->tax_rate);
}

static void print_tenant(const struct simulation *simulation, const struct simulate_tenant *tenant, struct text *out)
{
    struct chance chance = chance_of(simulation->seed, tenant->number, "use", 0);
    text_print(out, "  - {id: %s, name: \"Simulated %s %lld\", billing_account: %s}\n", tenant->id,
               WORD(uses_words, &chance), (long long)tenant->number + 1, tenant->account);
}

void simulate_print_catalogue(const struct simulation *simulation, struct text *out)
{
    struct simulate_tenant tenant;
    text_print(out,
               "# Billing accounts and tenants of a simulated cloud (turnpike collect simulate --tenants %lld --seed "
               "%llu).\n# All are invented. Their price books are those of deploy/sample.\n\nbilling_accounts:\n",
               (long long)simulation->tenants, (unsigned long long)simulation->seed);
    for (int64_t i = 0; i < simulation->tenants; i++) {
        simulate_tenant_make(simulation, i, &tenant);
        if (tenant.first_of_account) print_account(simulation, &tenant, out);
    }
    text_add_string(out, "\ntenants:\n");
    for (int64_t i = 0; i < simulation->tenants; i++) {
        simulate_tenant_make(simulation, i, &tenant);
        print_tenant(simulation, &tenant, out);
    }
}
