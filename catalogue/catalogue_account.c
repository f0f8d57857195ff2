// SPDX-License-Identifier: Apache-2.0
// Who sells and who pays: sellers, billing accounts, and the agreements between them, which form the partner chain.
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/contract.h"
#include "catalogue/contract_commitment.h"

enum { LEVEL_MAX = 7 };

// --- sellers

static int compare_sellers(const void *a, const void *b)
{
    const struct seller_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_seller(const void *a, const void *b)
{
    return ((const struct seller_row *)a)->number == ((const struct seller_row *)b)->number;
}

static enum err build_seller(struct catalogue *catalogue, const struct seller_row *row, size_t index,
                             struct fault *fault)
{
    enum err err = row_check_id("seller", row->id, row->number, fault);
    if (err) return err;
    if (!row->series || !*row->series)
        return row_fault(fault, "seller", row->id, "it has no series of invoice numbers");
    if (row->account != 0 && catalogue_account_index(catalogue, row->account) == NO_INDEX)
        return row_fault(fault, "seller", row->id, "billing account number %lld does not exist",
                         (long long)row->account);
    catalogue->sellers[index] = (struct seller){
        .number = row->number,
        .id = row->id,
        .name = text_or_empty(row->name),
        .address = text_or_empty(row->address),
        .tax_id = text_or_empty(row->tax_id),
        .series = row->series,
        .account = row->account,
    };
    lookup_add(&catalogue->seller_numbers, lookup_hash_number(row->number), index);
    return ERR_OK;
}

static enum err build_sellers(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct seller_row *row = rows->sellers.row;
    struct lookup ids, series;
    rows_sort(row, rows->sellers.count, sizeof *row, compare_sellers);
    size_t count = rows->sellers.count = rows_keep_newest(row, rows->sellers.count, sizeof *row, same_seller);
    catalogue->sellers = ARENA_ARRAY(catalogue->arena, struct seller, count);
    lookup_init(&catalogue->seller_numbers, catalogue->arena, count);
    lookup_init(&ids, catalogue->arena, count);
    lookup_init(&series, catalogue->arena, count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, count);
    const char **series_list = ARENA_ARRAY(catalogue->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = build_seller(catalogue, &row[i], i, fault);
        if (err) return err;
        if (!ids_add(&ids, id_list, i, row[i].id))
            return row_fault(fault, "seller", row[i].id, "two numbers have this id");
        if (!ids_add(&series, series_list, i, row[i].series))
            return row_fault(fault, "seller", row[i].id, "another seller has the series %s", row[i].series);
    }
    catalogue->seller_count = count;
    return ERR_OK;
}

// --- accounts

static int compare_accounts(const void *a, const void *b)
{
    const struct account_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_account(const void *a, const void *b)
{
    return ((const struct account_row *)a)->number == ((const struct account_row *)b)->number;
}

static enum err build_accounts(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct account_row *row = rows->accounts.row;
    rows_sort(row, rows->accounts.count, sizeof *row, compare_accounts);
    size_t count = rows->accounts.count = rows_keep_newest(row, rows->accounts.count, sizeof *row, same_account);
    catalogue->accounts = ARENA_ARRAY(catalogue->arena, struct billing_account, count);
    catalogue->account_list = ARENA_ARRAY(catalogue->arena, int64_t, count);
    lookup_init(&catalogue->account_numbers, catalogue->arena, count);
    lookup_init(&catalogue->account_ids, catalogue->arena, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = row_check_id("billing_account", row[i].id, row[i].number, fault);
        if (err) return err;
        if (catalogue_account(catalogue, slice_of(row[i].id)))
            return row_fault(fault, "billing_account", row[i].id, "two numbers have this id");
        catalogue->accounts[i] = (struct billing_account){
            .number = row[i].number,
            .id = row[i].id,
            .name = text_or_empty(row[i].name),
            .address = text_or_empty(row[i].address),
            .tax_id = text_or_empty(row[i].tax_id),
            .email = text_or_empty(row[i].email),
        };
        catalogue->account_list[i] = row[i].number;
        lookup_add(&catalogue->account_numbers, lookup_hash_number(row[i].number), i);
        lookup_add(&catalogue->account_ids, lookup_hash_text(slice_of(row[i].id)), i);
    }
    catalogue->account_count = count;
    return ERR_OK;
}

// --- agreements

static int compare_agreements(const void *a, const void *b)
{
    const struct agreement_row *x = a, *y = b;
    if (x->account != y->account) return COMPARE(x->account, y->account);
    if (x->effective_from != y->effective_from) return COMPARE(x->effective_from, y->effective_from);
    if (x->number != y->number) return COMPARE(x->number, y->number);
    return COMPARE(x->version, y->version);
}

static bool same_agreement(const void *a, const void *b)
{
    const struct agreement_row *x = a, *y = b;
    return x->number == y->number && x->account == y->account && x->effective_from == y->effective_from;
}

static const char *account_id(const struct catalogue *catalogue, int64_t number)
{
    const struct billing_account *account = catalogue_account_number(catalogue, number);
    return account ? account->id : "?";
}

static enum err check_terms(const struct catalogue *catalogue, const struct agreement_row *row,
                            const struct agreement *terms, struct fault *fault)
{
    const char *id = terms->account->id;
    if (row->number <= 0) return row_fault(fault, "agreement of", id, "numbers begin at 1");
    if (agreement_converts(terms) &&
        !catalogue_exchange_known(catalogue, terms->book->currency.code, terms->currency.code))
        return row_fault(fault, "agreement of", id,
                         "its currency is %s, that of its price book %s is %s, and there is no exchange rate",
                         terms->currency.code, terms->book->id, terms->book->currency.code);
    if (row->tax_rate.pico < 0 || row->tax_rate.pico > INT64_C(1000000000000))
        return row_fault(fault, "agreement of", id, "the tax rate is a fraction from 0 to 1");
    if (row->level < 0 || row->level > LEVEL_MAX)
        return row_fault(fault, "agreement of", id, "level %d: 0 to %d", row->level, LEVEL_MAX);
    return ERR_OK;
}

static enum err build_terms(struct catalogue *catalogue, const struct agreement_row *row, struct agreement *terms,
                            struct fault *fault)
{
    uint32_t account = catalogue_account_index(catalogue, row->account);
    uint32_t book = catalogue_book_index(catalogue, row->book);
    const struct seller *seller = catalogue_seller_number(catalogue, row->seller);
    const char *id = account_id(catalogue, row->account);
    if (account == NO_INDEX)
        return row_fault(fault, "agreement of", id, "billing account number %lld does not exist",
                         (long long)row->account);
    if (!seller) return row_fault(fault, "agreement of", id, "seller number %d does not exist", row->seller);
    if (book == NO_INDEX) return row_fault(fault, "agreement of", id, "price book number %d does not exist", row->book);
    *terms = (struct agreement){
        .number = row->number,
        .effective_from = row->effective_from,
        .effective_to = INSTANT_MAX,
        .seller = seller,
        .account = &catalogue->accounts[account],
        .level = row->level,
        .book = &catalogue->books[book],
        .tax_name = text_or_empty(row->tax_name),
        .tax_rate = row->tax_rate,
        .rounding = row->rounding,
    };
    struct fault inner = {0};
    if (currency_find(text_or_empty(row->currency), &terms->currency, &inner))
        return row_fault(fault, "agreement of", id, "currency %.16s: %s", text_or_empty(row->currency), inner.reason);
    enum err err = check_terms(catalogue, row, terms, fault);
    if (!err) err = contract_build(catalogue, row, terms, fault);
    if (err) return err;
    err = zone_open(text_or_empty(row->zone), &terms->zone, &inner);
    if (err == ERR_INVALID)
        return row_fault(fault, "agreement of", id, "zone %.64s: %s", text_or_empty(row->zone), inner.reason);
    return err ? fault_set(fault, err, id, "%s", inner.reason) : ERR_OK;
}

static enum err build_agreements(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct agreement_row *row = rows->agreements.row;
    rows_sort(row, rows->agreements.count, sizeof *row, compare_agreements);
    size_t count = rows->agreements.count = rows_keep_newest(row, rows->agreements.count, sizeof *row, same_agreement);
    catalogue->agreements = ARENA_ARRAY(catalogue->arena, struct agreement, count);
    catalogue->account_agreements = ARENA_ARRAY(catalogue->arena, struct span, catalogue->account_count);
    for (size_t i = 0; i < count; i++) {
        struct agreement *terms = &catalogue->agreements[i];
        enum err err = build_terms(catalogue, &row[i], terms, fault);
        if (err) return err;
        struct span *span = &catalogue->account_agreements[terms->account - catalogue->accounts];
        if (span->count++ == 0) {
            span->first = (uint32_t)i;
            continue;
        }
        terms[-1].effective_to = terms->effective_from;
        if (terms[-1].number != terms->number || terms[-1].seller != terms->seller)
            return row_fault(fault, "agreement of", terms->account->id,
                             "it has two sellers, %s and %s; an account has one", terms[-1].seller->id,
                             terms->seller->id);
        if (strcmp(terms[-1].currency.code, terms->currency.code) != 0)
            return row_fault(fault, "agreement of", terms->account->id, "its currency never changes");
    }
    catalogue->agreement_count = count;
    return ERR_OK;
}

// The terms that an account got first; its seller never changes, so they tell its place in the chain.
static const struct agreement *first_terms(const struct catalogue *catalogue, int64_t account)
{
    struct span span = catalogue->account_agreements[catalogue_account_index(catalogue, account)];
    return span.count == 0 ? NULL : &catalogue->agreements[span.first];
}

// Every partner of the chain above an account buys, too, and the level counts them.
static enum err check_levels(const struct catalogue *catalogue, struct fault *fault)
{
    for (size_t i = 0; i < catalogue->agreement_count; i++) {
        const struct agreement *terms = &catalogue->agreements[i];
        int level = 0;
        for (const struct agreement *above = terms; above && above->seller->account != 0; level++) {
            if (level > LEVEL_MAX)
                return row_fault(fault, "agreement of", terms->account->id,
                                 "its sellers lead in a circle, or there are too many");
            const struct seller *seller = above->seller;
            above = first_terms(catalogue, seller->account);
            if (!above)
                return row_fault(fault, "seller", seller->id, "its billing account has no agreement with a seller");
        }
        if (terms->level != level)
            return row_fault(fault, "agreement of", terms->account->id, "level is %d, there are %d partners above it",
                             terms->level, level);
    }
    return ERR_OK;
}

// --- customers

static void index_customers(struct catalogue *catalogue)
{
    struct span *spans = ARENA_ARRAY(catalogue->arena, struct span, catalogue->account_count);
    catalogue->customers = ARENA_ARRAY(catalogue->arena, int64_t, catalogue->account_count);
    for (int pass = 0; pass < 2; pass++) { // first count, then fill
        for (size_t i = 0; i < catalogue->account_count; i++) {
            struct span own = catalogue->account_agreements[i];
            const struct seller *seller = own.count == 0 ? NULL : catalogue->agreements[own.first].seller;
            if (!seller || seller->account == 0) continue;
            struct span *span = &spans[catalogue_account_index(catalogue, seller->account)];
            if (pass == 1) catalogue->customers[span->first + span->count] = catalogue->accounts[i].number;
            span->count++;
        }
        if (pass == 1) break;
        uint32_t first = 0;
        for (size_t i = 0; i < catalogue->account_count; i++) {
            uint32_t count = spans[i].count;
            spans[i] = (struct span){first, 0};
            first += count;
        }
    }
    catalogue->account_customers = spans;
}

static void index_committed(struct catalogue *catalogue)
{
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) catalogue->committed = ARENA_ARRAY(catalogue->arena, const struct agreement *, count + 1);
        for (size_t i = 0; i < catalogue->agreement_count; i++) {
            const struct contract *contract = catalogue->agreements[i].contract;
            instant_us from, to;
            contract_committed_time(contract, &from, &to);
            if (from > to) continue;
            if (pass == 0) count++;
            else catalogue->committed[catalogue->committed_count++] = &catalogue->agreements[i];
        }
    }
}

const struct agreement *const *catalogue_committed(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->committed_count;
    return catalogue->committed;
}

enum err catalogue_build_accounts(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    enum err err = build_accounts(catalogue, rows, fault);
    if (!err) err = build_sellers(catalogue, rows, fault);
    if (!err) err = build_agreements(catalogue, rows, fault);
    if (!err) err = check_levels(catalogue, fault);
    if (!err) index_customers(catalogue);
    if (!err) index_committed(catalogue);
    return err;
}
