// SPDX-License-Identifier: Apache-2.0
// What catalogue files declare: every item with the place where it stands, each value checked for itself. Ids of other
// items are still texts here; plan.h resolves them. All errors are collected. Private to catalogue/.
#pragma once
#include "catalogue/catalogue_build.h"
#include "catalogue/file_error.h"

// An id of another item as it stands in a file; id is NULL if none is given.
struct file_reference {
    const struct yaml_node *node;
    const char *id;
};

// `valid` is false when an error was told of the item: its id may be referred to, but its values mean nothing.
struct file_service {
    const struct yaml_node *node;
    bool valid;
    struct service_row row;
};
struct file_meter {
    const struct yaml_node *node;
    bool valid;
    struct meter_row row;
};
struct file_sku {
    const struct yaml_node *node;
    bool valid;
    const char *id, *name;
    struct file_reference service, meter;
};
// A book may stand in several places: `name` and `currency` are NULL where they are not given.
struct file_book {
    const struct yaml_node *node;
    bool valid, parent_given; // parent_given with parent.id NULL: it has none
    const char *id, *name, *currency;
    struct file_reference parent;
};
struct file_currency {
    const struct yaml_node *node;
    bool valid;
    struct virtual_currency_row row;
};
struct file_exchange {
    const struct yaml_node *node;
    bool valid;
    struct exchange_row row;
};
struct file_price {
    const struct yaml_node *node;
    bool valid;
    size_t book; // index of catalogue_files.books
    struct file_reference sku;
    const struct yaml_node *match;   // mapping; NULL: takes everything
    const struct yaml_node *times;   // NULL: nothing is multiplied
    const struct yaml_node *minimum; // where minimum_seconds stands; NULL: not given
    const struct yaml_node *increment; // increment_seconds likewise
    const struct yaml_node *per_event; // likewise
    struct price_row row;            // numbers are not set; effective_to is INSTANT_NONE when open
    const struct price_tier_row *tiers;
    size_t tier_count;
};
struct file_seller {
    const struct yaml_node *node;
    bool valid;
    struct seller_row row;
};
// A negotiated discount of an account's terms.
struct file_discount {
    struct price rate;
    struct file_reference sku, service; // neither: all
};
// What reservations and savings plans name; each kind is what a person calls it.
struct file_needed {
    struct file_need {
        const char *kind; // "sku", "service", "tenant" or "price book"
        struct file_reference reference;
    } *list;
    size_t count, capacity;
};
// The deductions of an account's terms.
struct file_contract {
    enum contract_stage stages[CONTRACT_STAGE_COUNT];
    size_t stage_count; // 0: not given, the default order
    const struct file_discount *discounts;
    size_t discount_count;
    const char *reservations, *plans, *limits, *taxes; // canonical JSON of their lists; NULL: none
    const char *tax_note;                              // of the terms' own tax; NULL: none
    struct file_needed needed;
};
// A billing account, or a partner, which is an account and a seller.
struct file_account {
    const struct yaml_node *node, *from_node; // from_node: effective_from, or the item
    bool valid, partner;
    struct account_row row;
    const char *series;                 // partner
    struct file_reference seller, book; // seller.id NULL: the operator
    struct agreement_row terms;         // numbers and deductions are not set
    struct file_contract contract;
    const struct zone *zone;            // NULL: not valid
};
// What the terms of an offer name.
struct file_offer_reference {
    int kind; // enum offer_refers
    struct file_reference reference;
};
struct file_offer {
    const struct yaml_node *node, *kind_node;
    bool valid;
    struct offer_row row; // number is not set
    struct file_offer_reference *references;
    size_t reference_count, reference_capacity;
};
struct file_holding {
    const struct yaml_node *node, *from_node, *to_node;
    const struct yaml_node *anchor_node; // NULL: it has none
    bool valid;
    struct file_reference account, offer;
    struct holding_row row; // numbers are not set
};
struct file_tenant {
    const struct yaml_node *node, *from_node;
    bool valid;
    struct tenant_row row;
    struct file_reference account;
    instant_us member_from; // INSTANT_MIN: not given
};

struct catalogue_files {
    struct arena *arena; // all texts and nodes
    struct file_errors errors;
    ROWS(file_service) services;
    ROWS(file_meter) meters;
    ROWS(file_sku) skus;
    ROWS(file_currency) currencies;
    ROWS(file_book) books;
    ROWS(file_exchange) exchanges;
    ROWS(file_price) prices;
    ROWS(file_seller) sellers;
    ROWS(file_account) accounts; // and partners
    ROWS(file_offer) offers;
    ROWS(file_holding) holdings;
    ROWS(file_tenant) tenants;
};
void catalogue_files_init(struct catalogue_files *files);
void catalogue_files_fini(struct catalogue_files *files);

// Adds what the paths declare: a file, or a folder's *.yaml and *.yml files by name (not those of its folders). What is
// wrong is added to files->errors; ERR_INVALID if there is any. May be called once.
enum err catalogue_files_read(struct catalogue_files *files, const char *const *paths, size_t count) MUST_USE;

// --- the parts: each reads one item of one top-level list
void file_service_read(struct catalogue_files *files, const struct yaml_node *item);
void file_meter_read(struct catalogue_files *files, const struct yaml_node *item);
void file_sku_read(struct catalogue_files *files, const struct yaml_node *item);
void file_currency_read(struct catalogue_files *files, const struct yaml_node *item);
void file_book_read(struct catalogue_files *files, const struct yaml_node *item);
void file_exchange_read(struct catalogue_files *files, const struct yaml_node *item);
void file_seller_read(struct catalogue_files *files, const struct yaml_node *item);
void file_partner_read(struct catalogue_files *files, const struct yaml_node *item);
void file_account_read(struct catalogue_files *files, const struct yaml_node *item);
void file_offer_read(struct catalogue_files *files, const struct yaml_node *item);
void file_holding_read(struct catalogue_files *files, const struct yaml_node *item);
void file_tenant_read(struct catalogue_files *files, const struct yaml_node *item);
