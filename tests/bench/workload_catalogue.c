// SPDX-License-Identifier: Apache-2.0
// The catalogue that the workload's events are counted by, without a database.
#include <stdio.h>
#include <stdlib.h>

#include "catalogue/catalogue_build.h"
#include "tests/bench/workload.h"

static void meters_add(struct catalogue_rows *rows)
{
    static const char *dimensions[] = {"flavour", "region"};
    *ROW_NEW(&rows->services) = (struct service_row){1, 1, "bench", "Bench", "Other", "Other (Other)"};
    for (int type = 0; type < WORKLOAD_TYPES; type++) {
        char id[32], event_type[32];
        int id_length = snprintf(id, sizeof id, "bench_type%d", type);
        int type_length = snprintf(event_type, sizeof event_type, "bench.type%d", type);
        *ROW_NEW(&rows->meters) = (struct meter_row){.version = 1,
                                                     .number = type + 1,
                                                     .effective_from = INSTANT_MIN,
                                                     .id = rows_text(rows, id, (size_t)id_length),
                                                     .name = "Bench",
                                                     .event_type = rows_text(rows, event_type, (size_t)type_length),
                                                     .unit = "request",
                                                     .aggregation = AGGREGATION_SUM,
                                                     .value_property = "requests",
                                                     .dimensions = dimensions,
                                                     .dimension_count = 2,
                                                     .slot_minutes = 15,
                                                     .accept_days = 35,
                                                     .future_seconds = 300};
    }
}

static void account_add(struct catalogue_rows *rows)
{
    *ROW_NEW(&rows->books) = (struct price_book_row){1, 1, 0, "bench", "Bench", "EUR"};
    *ROW_NEW(&rows->sellers) = (struct seller_row){1, 1, "bench", "Bench", "", "", "B", 0};
    *ROW_NEW(&rows->accounts) = (struct account_row){1, 1, "bench", "Bench", "", "", ""};
    *ROW_NEW(&rows->agreements) = (struct agreement_row){.version = 1,
                                                         .number = 1,
                                                         .effective_from = INSTANT_MIN,
                                                         .seller = 1,
                                                         .account = 1,
                                                         .book = 1,
                                                         .currency = "EUR",
                                                         .zone = "UTC"};
}

struct catalogue *workload_catalogue(int tenants)
{
    struct catalogue_rows rows;
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    catalogue_rows_init(&rows, 1);
    meters_add(&rows);
    account_add(&rows);
    for (int i = 0; i < tenants; i++) {
        char id[WORKLOAD_TENANT_MAX];
        size_t length = workload_tenant(i, id);
        *ROW_NEW(&rows.tenants) = (struct tenant_row){1, i + 1, rows_text(&rows, id, length), "T"};
        *ROW_NEW(&rows.memberships) = (struct membership_row){1, i + 1, 1, INSTANT_MIN};
    }
    if (catalogue_build(&rows, &catalogue, &fault)) {
        fprintf(stderr, "workload_catalogue: %s: %s\n", fault.place, fault.reason);
        abort();
    }
    catalogue_rows_fini(&rows);
    return catalogue;
}
