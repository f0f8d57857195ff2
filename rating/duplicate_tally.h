// SPDX-License-Identifier: Apache-2.0
// Duplicates of each tenant since the process began, for /metrics: the tenants with the most by name, the others
// together. Exact: a counter per tenant that had any, 16 bytes each at 50 % full at least. rating.batch has the same
// for ever. One thread; one tally a process.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { DUPLICATE_TOP = 20 }; // tenants with a metric of their own

struct duplicate_tally;
struct duplicate_tally *duplicate_tally_new(void);
void duplicate_tally_free(struct duplicate_tally *tally); // NULL is fine; its metrics are not shown any more
// id: of the tenant; copied if it is needed.
void duplicate_tally_add(struct duplicate_tally *tally, int64_t tenant, const char *id, int64_t events);
int64_t duplicate_tally_of(const struct duplicate_tally *tally, int64_t tenant);
