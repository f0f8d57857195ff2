// SPDX-License-Identifier: Apache-2.0
// Which tax a charge bears (docs/contracts.md). An account's terms have one tax, and rules for SKUs or services that
// bear another. What bears the same tax (name and rate) is one group of a document, whose tax is rounded once
// (rules 7.1). Private to catalogue/, invoicing/ and cli/.
#pragma once
#include "catalogue/catalogue.h"

enum { CONTRACT_TAXES_MAX = 100 };

struct tax {
    const char *name;
    struct price rate; // a fraction from 0 to 1
    const char *note;  // what documents say of it, such as why there is none; NULL: nothing
};
struct contract_tax {
    struct tax tax;
    const struct sku *sku; // one of the two
    const struct service *service;
    int group; // the first that bears the same: 0: the terms' own tax; i + 1: of the i-th rule
};

// The groups of an agreement are numbered from 0 to its contract's tax_count; those of rules that bear the same tax as
// an earlier one stay empty. Pure.
struct tax tax_of_group(const struct agreement *terms, int group);
// The group that charges of the SKU belong to: its own rule, else its service's, else the terms' tax. Pure.
int tax_group_of(const struct agreement *terms, const struct sku *sku);

struct json_value;
// Sets the contract's taxes from the members "taxes" and "tax_note" of the stored form. ERR_INVALID: they cannot be
// read, or name what is not there.
enum err contract_taxes_build(struct catalogue *catalogue, const struct json_value *root, const struct agreement *terms,
                              struct contract *contract, struct fault *fault) MUST_USE;
