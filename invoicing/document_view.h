// SPDX-License-Identifier: Apache-2.0
// A document's JSON taken apart for drawing (document_draw_*.c). All texts are made harmless: no control characters but
// the line feeds of addresses, none that change the direction of writing.
#pragma once
#include "invoicing/document_draw.h"

struct view_share {
    const char *tenant, *quantity, *cost;
};
struct view_member {
    const char *name, *value;
};
struct view_line {
    const char *period, *service, *sku, *description, *tenant; // tenant NULL: shared
    const char *note;                                          // what the amount is, if not quantity x unit price; or NULL
    const char *holding;                                       // what was bought; NULL: the line is of no such thing
    const char *exchange;                                      // the price's currency and its rate; NULL: the document's
    const char *discount;                                      // "10" per cent less; NULL: none
    const char *flat;                                          // charged beside the units; NULL: nothing
    const char *tier;                                          // "1" for the first; NULL: no tiers
    const struct view_member *members;
    size_t member_count;         // dimension values
    const char *quantity, *unit; // in pricing units, rounded to 9 places; in the meter's unit if that would show 0
    const char *unit_price, *price_unit; // "0.05", per "hour"
    const char *amount;                  // "37.20"
    const struct view_share *shares;
    size_t share_count;
};
struct view_group {
    const char *period, *tax_name, *tax_percent, *net, *tax;
    const char *tax_note; // NULL: none
};
struct view_credit {
    const char *grant, *amount; // key; what it paid
};
struct view_party {
    const char *id, *name, *address, *tax_id;
}; // name NULL: erased
struct document_view {
    const char *title; // "Invoice", "Credit note"
    const char *number, *issued, *period, *period_start, *period_end, *zone, *currency, *net, *tax, *total;
    int64_t ordinal, cut, catalogue_version;
    const char *engine, *body_sha256;
    struct view_party seller, buyer;
    const struct view_line *lines;
    size_t line_count;
    const struct view_group *groups;
    size_t group_count;
    const struct view_credit *credits;
    size_t credit_count;
    const char *due; // NULL: no credits were used
    bool rounded; // some quantity is shown rounded
    bool is_void;
};

// Instants are shown in the document's zone ("2026-10-01 00:00", with seconds if not whole minutes). Everything lives
// in the arena.
enum err document_view_read(const struct document_drawing *drawing, struct arena *arena, struct document_view *view,
                            struct fault *fault) MUST_USE;
