// SPDX-License-Identifier: Apache-2.0
// A small catalogue for unit tests: a cloud with two services, a meter of each kind, a book with a parent, one partner
// and three accounts. Tests add rows of their own before they build it.
//   numbers: services 1 compute, 2 storage; meters 1 requests (sum), 2 servers (interval); SKUs 1 of meter 1, 2 of
//   meter 2; books 1 list, 2 partner (parent 1); sellers 1 operator, 2 partner (buys through account 2); accounts 1
//   acme (from the operator), 2 the partner's own, 3 bolt (from the partner); tenants 1 t-1 and 2 t-2 of acme, 3 t-3 of
//   bolt.
#pragma once
#include "catalogue/catalogue_build.h"

void catalogue_fixture(struct catalogue_rows *rows);
// Appends a per_unit price of a SKU: match is canonical JSON, from and to are RFC 3339 or NULL (open).
struct price_row *catalogue_fixture_price(struct catalogue_rows *rows, int64_t number, int32_t book, int32_t sku,
                                          const char *match, const char *from, const char *to, const char *price);
// Builds and frees the rows; aborts with the fault if it fails.
struct catalogue *catalogue_fixture_build(struct catalogue_rows *rows);
instant_us catalogue_fixture_instant(const char *text); // RFC 3339 or a date
