// SPDX-License-Identifier: Apache-2.0
// The table of routes and how a path finds its row: exact segments, no trailing slash, case counts.
#include "api/route.h"

#include <string.h>

const struct route route_table[] = {
    {"/v1/tenants/*/usage", api_usage, {"from", "to", "meter", "group"}, "usage"},
    {"/v1/tenants/*/spend", api_spend, {"period"}, "spend"},
    {"/v1/invoices", api_invoices, {"account", "period", "limit", "cursor"}, "invoices"},
    {"/v1/invoices/*", api_invoice, {0}, "invoice"},
};
const size_t route_count = sizeof route_table / sizeof *route_table;

static bool matches(const char *pattern, const char *path, struct slice *id)
{
    *id = (struct slice){"", 0};
    while (*pattern && *pattern != '*') {
        if (*pattern++ != *path++) return false;
    }
    if (!*pattern) return !*path;
    *id = (struct slice){path, strcspn(path, "/")};
    return id->length > 0 && strcmp(pattern + 1, path + id->length) == 0;
}

const struct route *route_find(const char *path, struct slice *id)
{
    for (size_t i = 0; i < route_count; i++)
        if (matches(route_table[i].path, path, id)) return &route_table[i];
    return NULL;
}

bool route_takes(const struct route *route, const char *parameter)
{
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i]; i++)
        if (strcmp(route->parameters[i], parameter) == 0) return true;
    return false;
}
