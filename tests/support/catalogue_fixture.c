// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/support/catalogue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *server_dimensions[] = {"region", "flavour", "os"};
static const char *request_dimensions[] = {"operation"};
static const char *running[] = {"running"}, *stopped[] = {"stopped"};

static void add_services(struct catalogue_rows *rows)
{
    *ROW_NEW(&rows->services) = (struct service_row){1, 1, "compute", "Compute", "Compute", "Virtual Machines"};
    *ROW_NEW(&rows->services) = (struct service_row){1, 2, "storage", "Storage", "Storage", "Object Storage"};
    *ROW_NEW(&rows->meters) = (struct meter_row){
        .version = 1,
        .number = 1,
        .effective_from = INSTANT_MIN,
        .id = "requests",
        .name = "Requests",
        .event_type = "cloud.storage.request",
        .unit = "request",
        .aggregation = AGGREGATION_SUM,
        .value_property = "n",
        .dimensions = request_dimensions,
        .dimension_count = 1,
        .slot_minutes = 15,
        .accept_days = 35,
        .future_seconds = 300,
    };
    *ROW_NEW(&rows->meters) = (struct meter_row){
        .version = 1,
        .number = 2,
        .effective_from = INSTANT_MIN,
        .id = "servers",
        .name = "Server time",
        .event_type = "cloud.server.state",
        .unit = "second",
        .aggregation = AGGREGATION_INTERVAL,
        .resource_property = "server",
        .state_property = "state",
        .running_states = running,
        .running_count = 1,
        .stopped_states = stopped,
        .stopped_count = 1,
        .dimensions = server_dimensions,
        .dimension_count = 3,
        .slot_minutes = 15,
        .accept_days = 200,
        .future_seconds = 60,
    };
    *ROW_NEW(&rows->skus) = (struct sku_row){1, 1, 2, 1, "storage.requests", "Requests"};
    *ROW_NEW(&rows->skus) = (struct sku_row){1, 2, 1, 2, "compute.server", "Virtual machine"};
}

static void add_parties(struct catalogue_rows *rows)
{
    *ROW_NEW(&rows->books) = (struct price_book_row){1, 1, 0, "list", "List prices", "EUR"};
    *ROW_NEW(&rows->books) = (struct price_book_row){1, 2, 1, "partner", "Partner prices", "EUR"};
    *ROW_NEW(&rows->sellers) = (struct seller_row){1, 1, "nimbus", "Nimbus Cloud", "", "", "NC", 0};
    *ROW_NEW(&rows->sellers) = (struct seller_row){1, 2, "sky", "Sky Resale", "", "", "SKY", 2};
    *ROW_NEW(&rows->accounts) = (struct account_row){1, 1, "acme", "Acme", "", "", ""};
    *ROW_NEW(&rows->accounts) = (struct account_row){1, 2, "sky", "Sky Resale", "", "", ""};
    *ROW_NEW(&rows->accounts) = (struct account_row){1, 3, "bolt", "Bolt", "", "", ""};
    const struct agreement_row terms = {.version = 1, .effective_from = INSTANT_MIN, .currency = "EUR", .zone = "UTC"};
    static const struct {
        int64_t number;
        int32_t seller;
        int64_t account;
        int level;
        int32_t book;
    } agreements[] = {{1, 1, 1, 0, 1}, {2, 1, 2, 0, 2}, {3, 2, 3, 1, 1}};
    for (size_t i = 0; i < 3; i++) {
        struct agreement_row *row = ROW_NEW(&rows->agreements);
        *row = terms;
        row->number = agreements[i].number;
        row->seller = agreements[i].seller;
        row->account = agreements[i].account;
        row->level = agreements[i].level;
        row->book = agreements[i].book;
    }
    *ROW_NEW(&rows->tenants) = (struct tenant_row){1, 1, "t-1", "Acme production"};
    *ROW_NEW(&rows->tenants) = (struct tenant_row){1, 2, "t-2", "Acme test"};
    *ROW_NEW(&rows->tenants) = (struct tenant_row){1, 3, "t-3", "Bolt"};
    *ROW_NEW(&rows->memberships) = (struct membership_row){1, 1, 1, INSTANT_MIN};
    *ROW_NEW(&rows->memberships) = (struct membership_row){1, 2, 1, INSTANT_MIN};
    *ROW_NEW(&rows->memberships) = (struct membership_row){1, 3, 3, INSTANT_MIN};
}

void catalogue_fixture(struct catalogue_rows *rows)
{
    catalogue_rows_init(rows, 1);
    add_services(rows);
    add_parties(rows);
}

instant_us catalogue_fixture_instant(const char *text)
{
    instant_us instant = 0;
    ENSURE(instant_parse_loose(text, strlen(text), &instant, NULL) == ERR_OK);
    return instant;
}

struct price_row *catalogue_fixture_price(struct catalogue_rows *rows, int64_t number, int32_t book, int32_t sku,
                                          const char *match, const char *from, const char *to, const char *price)
{
    struct price_row *row = ROW_NEW(&rows->prices);
    *row = (struct price_row){
        .version = 1,
        .number = number,
        .book = book,
        .sku = sku,
        .match = match,
        .effective_from = from ? catalogue_fixture_instant(from) : INSTANT_MIN,
        .effective_to = to ? catalogue_fixture_instant(to) : INSTANT_MAX,
        .model = PRICE_PER_UNIT,
        .unit = "unit",
        .per = {1000000000},
    };
    ENSURE(price_parse(price, strlen(price), &row->price, NULL) == ERR_OK);
    return row;
}

struct catalogue *catalogue_fixture_build(struct catalogue_rows *rows)
{
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    if (catalogue_build(rows, &catalogue, &fault)) {
        fprintf(stderr, "catalogue_build: %s: %s\n", fault.place, fault.reason);
        abort();
    }
    catalogue_rows_fini(rows);
    return catalogue;
}
