// SPDX-License-Identifier: Apache-2.0
// Billing accounts and their agreements: who buys from whom under which terms. The first terms reach back without
// limit; later ones begin with a billing period, which is why they must fit the account's zone.
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

enum { LEVEL_MAX = 7 };

// The accounts while they are planned; arrays parallel to plan->accounts.things.
struct accounts {
    struct plan *plan;
    const struct plan_thing **sellers;   // NULL: not known (an error was told)
    const struct plan_thing **by_number; // sellers
    const struct plan_thing *operator;   // NULL: there is none
    int64_t agreements;                  // highest number of an agreement
};

// --- terms in force, sorted by (account, effective_from)

struct terms_in_force {
    const struct agreement_row *row;
    size_t count;
};

static struct terms_in_force terms_of(const struct plan *plan, int64_t account)
{
    const struct agreement_row *rows = plan->existing->agreements.row;
    size_t low = 0, high = plan->existing->agreements.count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].account < account)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + count < plan->existing->agreements.count && rows[low + count].account == account)
        count++;
    return (struct terms_in_force){count > 0 ? &rows[low] : NULL, count};
}

// --- sellers

static void number_sellers(struct accounts *accounts)
{
    const struct plan_index *sellers = &accounts->plan->sellers;
    accounts->by_number = ARENA_ARRAY(accounts->plan->arena, const struct plan_thing *, (size_t)sellers->highest + 1);
    for (size_t i = 0; i < sellers->count; i++)
        accounts->by_number[sellers->things[i].number] = &sellers->things[i];
}

static const struct plan_thing *operator_of(const struct accounts *accounts)
{
    const struct catalogue_rows *lists[] = {accounts->plan->existing, &accounts->plan->added};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->sellers.count; i++)
            if (lists[l]->sellers.row[i].account == 0) return accounts->by_number[lists[l]->sellers.row[i].number];
    return NULL;
}

static void resolve_seller(struct accounts *accounts, const struct plan_thing *thing)
{
    struct plan *plan = accounts->plan;
    const struct file_account *first = &plan->files->accounts.row[thing->first];
    struct terms_in_force old = terms_of(plan, thing->number);
    const struct plan_thing *seller = accounts->operator;
    if (first->seller.node) seller = plan_resolve(plan, &plan->sellers, &first->seller, "seller or partner");
    accounts->sellers[thing - plan->accounts.things] = seller;
    if (seller && old.count > 0 && old.row->seller != seller->number)
        file_conflict(plan->errors, first->seller.node ? first->seller.node : first->node,
                      "account '%s' buys from another seller than '%s', and that never changes: make a new account",
                      thing->id, seller->id);
}

static void resolve_sellers(struct accounts *accounts)
{
    struct plan *plan = accounts->plan;
    accounts->operator= operator_of(accounts);
    for (size_t i = 0; i < plan->accounts.count; i++) {
        const struct plan_thing *thing = &plan->accounts.things[i];
        if (thing->node) {
            resolve_seller(accounts, thing);
            continue;
        }
        struct terms_in_force old = terms_of(plan, thing->number);
        accounts->sellers[i] = old.count > 0 ? accounts->by_number[old.row->seller] : NULL;
    }
}

// How many partners are between the account and the operator; -1: a circle, or too many.
static int level_of(const struct accounts *accounts, const struct plan_thing *thing)
{
    const struct plan *plan = accounts->plan;
    for (int level = 0; level <= LEVEL_MAX; level++) {
        const struct plan_thing *seller = accounts->sellers[thing - plan->accounts.things];
        const struct plan_thing *above = NULL;
        if (seller && seller != accounts->operator) above = plan_index_find(&plan->accounts, seller->id);
        if (!above) return level;
        thing = above;
    }
    return -1;
}

// --- the account itself

static void add_account(struct plan *plan, const struct account_row *new, int64_t number)
{
    struct account_row *row = ROW_NEW(&plan->added.accounts);
    *row = *new;
    row->number = number;
    row->version = plan->version;
}

static void plan_details(struct plan *plan, const struct plan_thing *thing, const struct file_account *latest)
{
    const struct account_row *new = &latest->row;
    struct text differences = {0};
    if (thing->existing == PLAN_NONE) {
        add_account(plan, new, thing->number);
        plan_change(plan, true, latest->partner ? "partner" : "billing_account", "%s %s", new->id, new->name);
        return;
    }
    const struct account_row *old = &plan->existing->accounts.row[thing->existing];
    plan_differs(&differences, "name", old->name, new->name);
    plan_differs(&differences, "address", old->address, new->address);
    plan_differs(&differences, "tax_id", old->tax_id, new->tax_id);
    plan_differs(&differences, "email", old->email, new->email);
    if (differences.length > 0) {
        add_account(plan, new, thing->number);
        plan_change(plan, false, "billing_account", "%s%s", new->id, differences.data);
    }
    text_free(&differences);
}

// --- terms

static const char *book_currency(const struct plan *plan, const struct plan_thing *book)
{
    if (book->existing != PLAN_NONE) return plan->existing->books.row[book->existing].currency;
    for (size_t i = 0; i < plan->added.books.count; i++)
        if (plan->added.books.row[i].number == book->number) return plan->added.books.row[i].currency;
    return NULL; // its declaration has an error
}

static bool is_period_start(const struct zone *zone, instant_us instant)
{
    int year, month;
    instant_us start, end;
    zone_month_of(zone, instant, &year, &month);
    zone_month(zone, year, month, &start, &end);
    return start == instant;
}

// Both zones must agree that a period begins there, else days would be in two periods or in none.
static void check_start(struct plan *plan, const struct file_account *account, const char *zone_before)
{
    const struct zone *before;
    struct fault fault = {0};
    bool fits =
        account->terms.effective_from > INSTANT_MIN && is_period_start(account->zone, account->terms.effective_from);
    if (fits && zone_before && strcmp(zone_before, account->terms.zone) != 0) {
        if (zone_open(zone_before, &before, &fault))
            file_error(plan->errors, account->node, "zone %s of the terms before: %s", zone_before, fault.reason);
        else if (!is_period_start(before, account->terms.effective_from))
            file_conflict(
                plan->errors, account->from_node,
                "a change of zone needs an instant at which a period begins in %s and in %s; else make a new account "
                "and move its tenants",
                zone_before, account->terms.zone);
    }
    if (!fits)
        file_error(plan->errors, account->from_node,
                   "terms change where a billing period begins: midnight of the first of a month in %s",
                   account->terms.zone);
}

static bool same_terms(const struct agreement_row *a, const struct agreement_row *b)
{
    return a->book == b->book && strcmp(a->currency, b->currency) == 0 && strcmp(a->zone, b->zone) == 0 &&
           strcmp(a->tax_name, b->tax_name) == 0 && a->tax_rate.pico == b->tax_rate.pico &&
           a->rounding == b->rounding && strcmp(text_or_empty(a->stages), text_or_empty(b->stages)) == 0 &&
           strcmp(text_or_empty(a->deductions), text_or_empty(b->deductions)) == 0;
}

static void add_terms(struct accounts *accounts, const struct plan_thing *thing, const struct file_account *account,
                      const struct agreement_row *row)
{
    struct plan *plan = accounts->plan;
    char rate[DECIMAL_TEXT_MAX];
    price_print(row->tax_rate, rate);
    const char *tax = *row->tax_name ? arena_print(plan->arena, "%s %s", row->tax_name, rate) : "no tax";
    *ROW_NEW(&plan->added.agreements) = *row;
    const char *contract = plan_contract_words(plan, row);
    plan_change(plan, true, "agreement", "%s buys from %s by %s in %s, zone %s, %s, %s%s, from %s", thing->id,
                accounts->sellers[thing - plan->accounts.things]->id, account->book.id, row->currency, row->zone, tax,
                rounding_names[row->rounding], contract, plan_instant(plan, row->effective_from));
}

// A savings plan's own prices are compared with those of the account, so they are in one currency.
static void check_plan_books(struct plan *plan, const struct file_account *account, const struct plan_thing *book,
                             const char *currency)
{
    for (size_t i = 0; i < account->contract.needed.count; i++) {
        const struct file_need *need = &account->contract.needed.list[i];
        if (strcmp(need->kind, "price book") != 0 || !need->reference.id) continue;
        const struct plan_thing *other = plan_index_find(&plan->books, need->reference.id);
        const char *others = other ? book_currency(plan, other) : NULL;
        if (others && strcmp(others, currency) != 0)
            file_error(plan->errors, need->reference.node, "price book '%s' is in %s, price book '%s' of these terms in %s",
                       other->id, others, book->id, currency);
    }
}

// Puts the numbers into the declared terms; false: something is unknown, which was told.
static bool complete_terms(struct accounts *accounts, const struct plan_thing *thing,
                           const struct file_account *account, int64_t agreement, struct agreement_row *row)
{
    struct plan *plan = accounts->plan;
    const struct plan_thing *book = plan_resolve(plan, &plan->books, &account->book, "price book");
    const struct plan_thing *seller = accounts->sellers[thing - plan->accounts.things];
    const char *currency = book ? book_currency(plan, book) : NULL;
    int level = level_of(accounts, thing);
    if (level < 0)
        file_error(plan->errors, account->seller.node ? account->seller.node : account->node,
                   "the sellers of '%s' lead in a circle, or there are more than %d above it", thing->id, LEVEL_MAX);
    if (!account->valid) return false;
    if (currency && strcmp(currency, account->terms.currency) != 0 &&
        !plan_exchange_known(plan, currency, account->terms.currency))
        file_error(plan->errors, account->book.node,
                   "account '%s' is in %s, price book '%s' in %s, and exchange_rates has none from %s to %s", thing->id,
                   account->terms.currency, book->id, currency, currency, account->terms.currency);
    bool known = plan_contract(plan, &account->contract);
    if (currency) check_plan_books(plan, account, book, currency);
    if (!book || !currency || !seller || level < 0 || !known) return false;
    *row = account->terms;
    row->stages = plan_contract_stages(plan, &account->contract);
    row->deductions = plan_contract_deductions(plan, &account->contract);
    row->version = plan->version;
    row->number = agreement;
    row->account = thing->number;
    row->book = (int32_t)book->number;
    row->seller = (int32_t)seller->number;
    row->level = level;
    return true;
}

// Terms in force at or before an instant, and the first after it.
static const struct agreement_row *row_at(struct terms_in_force old, instant_us from, instant_us *next)
{
    const struct agreement_row *found = NULL;
    *next = INSTANT_MAX;
    for (size_t i = 0; i < old.count; i++) {
        if (old.row[i].effective_from <= from) {
            found = &old.row[i];
        } else {
            *next = old.row[i].effective_from;
            break;
        }
    }
    return found;
}

// The declaration of the same account that begins last before this one; NULL if there is none.
static const struct file_account *declared_before(const struct plan *plan, const struct plan_thing *thing,
                                                  const struct file_account *account)
{
    const struct file_account *found = NULL;
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_account[i]) {
        const struct file_account *other = &plan->files->accounts.row[i];
        if (!other->valid || other->terms.effective_from >= account->terms.effective_from) continue;
        if (!found || other->terms.effective_from > found->terms.effective_from) found = other;
    }
    return found;
}

static void plan_new_terms(struct accounts *accounts, const struct plan_thing *thing,
                           const struct file_account *account, const struct agreement_row *row,
                           struct terms_in_force old)
{
    struct plan *plan = accounts->plan;
    instant_us next;
    const struct agreement_row *in_force = row_at(old, row->effective_from, &next);
    const struct file_account *before = declared_before(plan, thing, account);
    bool by_file = before && (!in_force || before->terms.effective_from > in_force->effective_from);
    const char *zone_before = by_file ? before->terms.zone : in_force ? in_force->zone : NULL;
    const char *currency = by_file ? before->terms.currency : in_force ? in_force->currency : row->currency;
    if (old.count == 0 && !before) {
        if (row->effective_from != INSTANT_MIN) {
            file_error(plan->errors, account->from_node,
                       "the first terms of account '%s' reach back without limit: leave effective_from out", thing->id);
            return;
        }
    } else {
        check_start(plan, account, zone_before);
        if (strcmp(currency, row->currency) != 0)
            file_conflict(plan->errors, account->node,
                          "the currency of account '%s' is %s and never changes: make a new account", thing->id,
                          currency);
    }
    add_terms(accounts, thing, account, row);
    if (old.count == 0) return;
    struct plan_effect *effect = plan_effect(plan, EFFECT_TERMS, account->from_node);
    effect->account = thing->number;
    effect->from = row->effective_from;
    effect->to = next;
}

static void plan_terms(struct accounts *accounts, const struct plan_thing *thing, const struct file_account *account)
{
    struct plan *plan = accounts->plan;
    struct terms_in_force old = terms_of(plan, thing->number);
    int64_t agreement = old.count > 0 ? old.row->number : accounts->agreements;
    struct agreement_row row;
    instant_us next;
    if (!complete_terms(accounts, thing, account, agreement, &row)) return;
    const struct agreement_row *in_force = row_at(old, row.effective_from, &next);
    if (!in_force || in_force->effective_from != row.effective_from) {
        plan_new_terms(accounts, thing, account, &row, old);
    } else if (!same_terms(in_force, &row)) {
        file_conflict(
            plan->errors, account->node,
            "the terms of account '%s' from %s are in force since catalogue version %lld and never change: give new "
            "ones with effective_from where a billing period begins",
            thing->id, plan_instant(plan, row.effective_from), (long long)in_force->version);
    }
}

// --- all declarations of one account

static void check_declarations(struct plan *plan, const struct plan_thing *thing)
{
    const struct file_account *accounts = plan->files->accounts.row, *first = &accounts[thing->first];
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_account[i]) {
        for (size_t j = thing->first; j != i; j = plan->next_account[j])
            if (accounts[j].terms.effective_from == accounts[i].terms.effective_from)
                file_error(plan->errors, accounts[i].node, "account '%s' is declared twice from %s, first at %s",
                           thing->id, plan_instant(plan, accounts[i].terms.effective_from),
                           plan_place(plan, accounts[j].node));
        if (accounts[i].partner != first->partner)
            file_error(plan->errors, accounts[i].node, "'%s' is a partner and a billing account: also at %s", thing->id,
                       plan_place(plan, first->node));
        if (strcmp(text_or_empty(accounts[i].seller.id), text_or_empty(first->seller.id)) != 0)
            file_error(plan->errors, accounts[i].node, "account '%s' has another seller than at %s", thing->id,
                       plan_place(plan, first->node));
    }
}

static bool is_partner_in_force(const struct plan *plan, const struct plan_thing *thing)
{
    const struct plan_thing *seller = plan_index_find(&plan->sellers, thing->id);
    return seller && seller->existing != PLAN_NONE &&
           plan->existing->sellers.row[seller->existing].account == thing->number;
}

static void plan_account(struct accounts *accounts, const struct plan_thing *thing)
{
    struct plan *plan = accounts->plan;
    const struct file_account *latest = &plan->files->accounts.row[thing->first];
    bool valid = true;
    check_declarations(plan, thing);
    if (!latest->partner && is_partner_in_force(plan, thing))
        file_error(plan->errors, latest->node, "'%s' is a partner: declare it under partners", thing->id);
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_account[i]) {
        const struct file_account *account = &plan->files->accounts.row[i];
        valid = valid && account->valid;
        if (account->terms.effective_from > latest->terms.effective_from) latest = account;
    }
    if (valid) plan_details(plan, thing, latest);
    if (terms_of(plan, thing->number).count == 0) accounts->agreements++;
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_account[i])
        plan_terms(accounts, thing, &plan->files->accounts.row[i]);
}

void plan_accounts(struct plan *plan)
{
    struct accounts accounts = {
        .plan = plan, .sellers = ARENA_ARRAY(plan->arena, const struct plan_thing *, plan->accounts.count + 1)};
    for (size_t i = 0; i < plan->existing->agreements.count; i++)
        if (plan->existing->agreements.row[i].number > accounts.agreements)
            accounts.agreements = plan->existing->agreements.row[i].number;
    number_sellers(&accounts);
    resolve_sellers(&accounts);
    for (size_t i = 0; i < plan->accounts.count; i++)
        if (plan->accounts.things[i].node) plan_account(&accounts, &plan->accounts.things[i]);
}
