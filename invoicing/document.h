// SPDX-License-Identifier: Apache-2.0
// A document as values: what a close bills an (account, period), from charges to date and what earlier documents billed. Decides
// rounding, lines, groups, the canonical body and the envelope; does no I/O (rules 7). Texts and HTML are drawn from the body.
#pragma once
#include "catalogue/contract_tax.h"
#include "invoicing/credit.h"
#include "invoicing/period.h"
#include "rating/charge.h"

// One charge key of one period: to date, and what documents (not void) billed of it.
struct billable {
    const struct billing_period *original; // period of the usage
    struct charge charge;                  // to date
    struct quantity billed_quantity;       // in earlier documents
    struct amount billed_cost;             // in earlier documents
    const char *dimensions;                // canonical JSON of the dimension set, "{}" if none
    const struct tenant_share *shares; size_t share_count; // of a shared charge: per tenant, to date; NULL for late usage
    int tax_group;                         // of the original period's terms (contract_tax.h); billables_sort sets it
};

struct document_line { const struct billable *billable; struct quantity quantity; struct amount cost; struct amount amount; };

// A tax group of one original period: rounding is telescoped over the documents (rules 7.1).
struct document_group {
    const struct billing_period *original;
    int tax_group;                           // of the original period's terms (contract_tax.h)
    struct amount base_to_date;              // exact
    struct amount net_before, tax_before;    // in earlier documents
    struct amount net, tax;                  // of this document
};

struct document {
    const struct billing_period *period;
    int ordinal; // 1 for the first document of (agreement, account, period)
    const struct document_line *lines; size_t line_count;
    const struct document_group *groups; size_t group_count;
    struct amount net, tax, total; // rounded to the currency's minor unit
    struct amount cost;            // exact sum of the lines: what leaves "unbilled"
    bool needed;                   // false: no group's rounded totals move, there is no document
};

// Puts billables of one original period into the order of a document's lines: by tax group, service, SKU, tenant, price match, price
// version's begin, tier, dimensions, stage, deduction; no internal number decides but between charges that are alike in all of that.
// ERR_BUG: a charge names a SKU or a price that the catalogue does not have.
enum err billables_sort(const struct catalogue *catalogue, struct billable *billables, size_t count, struct arena *arena, struct fault *fault) MUST_USE;

// The tax groups of one original period: what its billables (sorted) add up to, in `groups`, which has room for the tax_count + 1 of its terms.
// Those that nothing can be in are left out, and the terms' own tax comes always. Returns how many; what earlier documents billed is left 0.
// ERR_LIMIT: a sum leaves the range of exact amounts.
enum err document_groups(const struct billing_period *original, const struct billable *billables, size_t billable_count, struct document_group *groups, size_t *group_count) MUST_USE;

// Builds a document. billables: sorted by (original period, line order), of the period itself and of earlier closed ones; groups: base_to_date,
// net_before and tax_before filled, one per original period and tax group in the same order. Fills lines, amounts, totals.
enum err document_build(const struct billing_period *period, int ordinal, const struct billable *billables, size_t billable_count,
                        struct document_group *groups, size_t group_count, struct arena *arena, struct document *document, struct fault *fault) MUST_USE;
// Leaves groups out that have no line and in which no total moved; of the document's own period at least one stays.
void document_drop_quiet_groups(struct document *document, struct document_group *groups);

// The seller and the buyer as the body names them: id and salted digest of the personal fields.
struct document_party { const char *id, *name, *address, *tax_id, *email; unsigned char salt[16]; };
// salt: derived from the identity key, so that the same parties give the same body in any database.
void document_party_seller(const struct seller *seller, const struct hash_key *key, struct document_party *party);
void document_party_buyer(const struct billing_account *account, const struct hash_key *key, struct document_party *party);

// Canonical JSON: no number, issue time, cut or internal id (rules 7.2). docs/document-form.md.
void document_body(const struct catalogue *catalogue, const struct document *document, const struct document_party *seller, const struct document_party *buyer, struct text *body);

struct document_rate { const char *period; const struct exchange_rate *exchange; };
struct document_envelope {
    const char *number; instant_us issued_time; int64_t cut, catalogue_version; const char *body_sha256_hex;
    const char *const *earlier_sha256_hex; size_t earlier_count; // documents of the same (agreement, account, period), by ordinal
    const struct credit_use *credit_uses; size_t credit_use_count; // none: credits and due are left out
    struct amount due; struct currency currency;                   // total less the credits
    const struct document_rate *rates; size_t rate_count;          // of the groups whose prices were converted, in their order
};
// The rates of a document's groups; returns how many.
size_t document_rates(const struct catalogue *catalogue, const struct document *document, struct arena *arena, const struct document_rate **rates);
void document_envelope_print(const struct document_envelope *envelope, struct text *out); // adds engine and zone data version
