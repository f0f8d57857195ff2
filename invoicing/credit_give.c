// SPDX-License-Identifier: Apache-2.0
// Giving credit: the order is checked, the grant's row and its transfer are written in one transaction, once per key.
#include <string.h>

#include "common/crash_point.h"
#include "invoicing/credit.h"
#include "invoicing/period.h"
#include "ledger/ledger.h"

static const char *const kind_names[] = {[CREDIT_PROMOTION] = "promotion", [CREDIT_PREPAID] = "prepaid"};

struct giving {
    struct db *db;
    const struct credit_order *order;
    struct billing_period period; // in which it is given
    struct currency currency;
    struct amount amount;
    struct arena *arena;
    struct fault *fault;
};

static bool plain_text(const char *text, size_t most)
{
    const size_t length = strlen(text);
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) return false;
    return length <= most && utf8_valid(text, length);
}

static enum err check(const struct catalogue *catalogue, instant_us now, struct giving *giving)
{
    const struct credit_order *order = giving->order;
    struct fault *fault = giving->fault;
    if (!*order->key || !plain_text(order->key, ID_MAX))
        return fault_set(fault, ERR_INVALID, "key", "1 to %d bytes of UTF-8 without control characters", ID_MAX);
    if (!plain_text(order->reason, CREDIT_REASON_MAX))
        return fault_set(fault, ERR_INVALID, "reason", "at most %d bytes of UTF-8 without control characters",
                         CREDIT_REASON_MAX);
    if (order->priority < 0 || order->priority > CREDIT_PRIORITY_MOST)
        return fault_set(fault, ERR_INVALID, "priority", "a whole number from 0 to %d", CREDIT_PRIORITY_MOST);
    enum err err = currency_find(order->currency, &giving->currency, fault);
    if (!err) err = amount_parse(order->amount, strlen(order->amount), &giving->amount, fault);
    if (err) return err;
    if (giving->amount.pico <= 0) return fault_set(fault, ERR_INVALID, "amount", "must be above 0");
    if (giving->amount.pico % currency_increment(giving->currency))
        return fault_set(fault, ERR_INVALID, "amount", "%s has %d decimal places", giving->currency.code,
                         giving->currency.minor_places);
    const struct billing_account *account = catalogue_account(catalogue, slice_of(order->account));
    if (!account) return fault_set(fault, ERR_NOT_FOUND, order->account, "there is no such billing account");
    err = period_of(catalogue, account->number, now, &giving->period, fault);
    if (err) return err;
    const char *own = giving->period.agreement->currency.code;
    if (strcmp(own, giving->currency.code) != 0)
        return fault_set(fault, ERR_INVALID, "currency", "account %s pays in %s", order->account, own);
    return ERR_OK;
}

// *again: the key is there already.
static enum err insert(struct giving *giving, instant_us now, bool *again)
{
    const struct credit_order *order = giving->order;
    const char *const values[] = {order->key,
                                  db_int(giving->arena, giving->period.agreement->number),
                                  db_int(giving->arena, giving->period.account),
                                  kind_names[order->kind],
                                  giving->currency.code,
                                  db_decimal(giving->arena, giving->amount.pico, AMOUNT_PLACES),
                                  db_int(giving->arena, order->priority),
                                  db_instant(giving->arena, order->expires),
                                  order->reason,
                                  db_instant(giving->arena, now)};
    int64_t rows;
    enum err err = db_exec(giving->db,
                           "insert into invoicing.credit_grant (grant_key, agreement, account, kind, currency, amount, "
                           "priority, expires_time, reason, granted_time)\n"
                           "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (grant_key) do nothing",
                           10, values, &rows, giving->fault);
    if (err) return err;
    *again = rows == 0;
    if (rows && order->expires != INSTANT_NONE && order->expires <= now)
        return fault_set(giving->fault, ERR_INVALID, "expires", "is in the past");
    if (rows) return ERR_OK;
    struct db_result *result;
    err = db_query(giving->db,
                   "select from invoicing.credit_grant where grant_key = $1 and agreement = $2 and account = $3 and kind "
                   "= $4 and currency = $5\n"
                   "   and amount = $6 and priority = $7 and expires_time is not distinct from $8 and reason = $9",
                   9, values, &result, giving->fault);
    if (err) return err;
    if (db_rows(result) == 0)
        err = fault_set(giving->fault, ERR_CONFLICT, order->key, "was given before, for another account, amount or terms");
    db_result_free(result);
    return err;
}

static enum err post(struct giving *giving)
{
    const struct agreement *terms = giving->period.agreement;
    const struct ledger_account credits = {LEDGER_CREDITS, terms->number, 0};
    const struct ledger_account paid = {LEDGER_CASH, terms->number, 0}, given = {LEDGER_REVENUE, 0, 0};
    const struct ledger_leg leg = {giving->order->kind == CREDIT_PREPAID ? paid : given, credits, giving->amount};
    const struct ledger_operation operation = {
        .key = arena_print(giving->arena, "credit/grant/%s", giving->order->key),
        .kind = LEDGER_CREDIT,
        .seller = terms->seller->number,
        .agreement = terms->number,
        .account = giving->period.account,
        .period_start = giving->period.start,
        .currency = giving->currency,
        .legs = &leg,
        .leg_count = 1};
    return ledger_post(giving->db, &operation, 1, giving->arena, giving->fault);
}

enum err credit_give(struct db *db, const struct catalogue *catalogue, const struct credit_order *order, instant_us now,
                     struct arena *arena, bool *again, struct fault *fault)
{
    struct giving giving = {.db = db, .order = order, .arena = arena, .fault = fault};
    *again = false;
    enum err err = check(catalogue, now, &giving);
    if (!err) err = db_begin(db, fault);
    if (err) return err;
    err = insert(&giving, now, again);
    if (!err && !*again) err = post(&giving);
    CRASH_POINT("credit.before_commit");
    if (err) {
        db_rollback(db);
        return err;
    }
    err = db_commit(db, fault);
    CRASH_POINT("credit.after_commit");
    return err;
}
