// SPDX-License-Identifier: Apache-2.0
// Paths find their route exactly: no prefix, no trailing slash, no other case.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/route.h"

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name, *id; // name NULL: no route
    } rows[] = {
        {"/v1/tenants/acme/usage", "usage", "acme"},
        {"/v1/tenants/acme/spend", "spend", "acme"},
        {"/v1/tenants/ /usage", "usage", " "},
        {"/v1/tenants/*/usage", "usage", "*"},
        {"/v1/tenants/usage/usage", "usage", "usage"},
        {"/v1/invoices", "invoices", ""},
        {"/v1/invoices/TC-000001", "invoice", "TC-000001"},
        {"/v1/invoices/", NULL, ""},
        {"/v1/invoices/a/b", NULL, ""},
        {"/v1/invoice", NULL, ""},
        {"/v1/invoicess", NULL, ""},
        {"/v1/tenants//usage", NULL, ""},
        {"/v1/tenants/acme/usage/", NULL, ""},
        {"/v1/tenants/acme/Usage", NULL, ""},
        {"/v1/tenants/acme/usag", NULL, ""},
        {"/v1/tenants/acme/usagex", NULL, ""},
        {"/v1/tenants/acme", NULL, ""},
        {"/v1/tenants/a/b/usage", NULL, ""},
        {"v1/invoices", NULL, ""},
        {"/V1/invoices", NULL, ""},
        {"/", NULL, ""},
        {"", NULL, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice id;
        const struct route *route = route_find(rows[i].path, &id);
        if (!rows[i].name) {
            if (route) fail_msg("%s found %s", rows[i].path, route->name);
            continue;
        }
        assert_non_null(route);
        assert_string_equal(route->name, rows[i].name);
        assert_true(slice_is(id, rows[i].id));
    }
}

static void test_parameters(void **state)
{
    (void)state;
    struct slice id;
    const struct route *usage = route_find("/v1/tenants/a/usage", &id), *invoice = route_find("/v1/invoices/a", &id);
    assert_true(route_takes(usage, "from") && route_takes(usage, "group"));
    assert_false(route_takes(usage, "period"));
    assert_false(route_takes(usage, "From"));
    assert_false(route_takes(usage, ""));
    assert_false(route_takes(invoice, "from"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_parameters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
