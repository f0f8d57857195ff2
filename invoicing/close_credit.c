// SPDX-License-Identifier: Apache-2.0
// Credits in a closing chunk: I/O around credit_consume.
#include "invoicing/close_credit.h"

#include <stdio.h>
#include <string.h>

#include "common/array.h"

// In a statement of its own: what another close has committed meanwhile is seen by the next. By hash, so that two closes
// never wait for each other in a circle.
static enum err hold_accounts(struct close_work *work, const char *accounts)
{
    return db_exec(work->db,
                   "select pg_advisory_xact_lock(5003, h.hash)\n"
                   "  from (select distinct hashint8(g.account) as hash from invoicing.credit_grant g\n"
                   "         where g.account = any ($1::bigint[]) order by 1) h",
                   1, &accounts, NULL, work->fault);
}

static struct credit_grant read_grant(struct arena *arena, const struct db_result *result, int row)
{
    struct credit_grant grant = {.number = db_get_int(result, row, 1),
                                 .key = arena_text(arena, db_text(result, row, 2), db_length(result, row, 2)),
                                 .priority = (int)db_get_int(result, row, 4),
                                 .granted = db_get_instant(result, row, 5),
                                 .expires = db_is_null(result, row, 6) ? INSTANT_NONE : db_get_instant(result, row, 6),
                                 .left = {db_get_decimal(result, row, 7, AMOUNT_PLACES)}};
    ENSURE(snprintf(grant.currency, sizeof grant.currency, "%s", db_text(result, row, 3)) == CURRENCY_CODE_LENGTH);
    return grant;
}

static void take(struct close_work *work, struct close_account *account, struct credit_grant *grants, size_t count)
{
    struct credit_use *uses = ARENA_ARRAY(work->arena, struct credit_use, count);
    account->credit_uses = uses;
    account->credit_use_count = credit_consume(grants, count, account->period->agreement->currency.code,
                                               account->document.total, account->issued_time, uses);
    for (size_t i = 0; i < account->credit_use_count; i++) account->credited.pico += uses[i].amount.pico; // <= total
}

enum err close_credit_take(struct close_work *work, struct close_account **order, size_t count)
{
    struct array accounts = {0}, agreements = {0};
    for (size_t i = 0; i < count; i++) {
        array_add_int(&accounts, order[i]->period->account);
        array_add_int(&agreements, order[i]->period->agreement->number);
    }
    const char *const values[] = {array_end(&accounts, work->arena), array_end(&agreements, work->arena)};
    struct db_result *result;
    enum err err = hold_accounts(work, values[0]);
    if (!err)
        err = db_query(work->db,
                       "select k.place - 1, g.credit_grant, g.grant_key, g.currency, g.priority, g.granted_time, "
                       "g.expires_time, invoicing.credit_left(g.credit_grant)\n"
                       "  from unnest($1::bigint[], $2::bigint[]) with ordinality as k (account, agreement, place)\n"
                       "  join invoicing.credit_grant g on g.account = k.account and g.agreement = k.agreement\n"
                       " order by 1, 2",
                       2, values, &result, work->fault);
    if (err) return err;
    const int rows = db_rows(result);
    struct credit_grant *grants = ARENA_ARRAY(work->arena, struct credit_grant, (size_t)rows + 1);
    for (int from = 0, to; from < rows; from = to) {
        for (to = from; to < rows && db_get_int(result, to, 0) == db_get_int(result, from, 0); to++)
            grants[to] = read_grant(work->arena, result, to);
        take(work, order[db_get_int(result, from, 0)], grants + from, (size_t)(to - from));
    }
    db_result_free(result);
    return ERR_OK;
}

enum err close_credit_write(struct close_work *work, struct close_account **order, size_t count)
{
    struct array documents = {0}, grants = {0}, amounts = {0};
    size_t uses = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t u = 0; u < order[i]->credit_use_count; u++, uses++) {
            array_add_int(&documents, order[i]->row);
            array_add_int(&grants, order[i]->credit_uses[u].grant);
            array_add_decimal(&amounts, order[i]->credit_uses[u].amount.pico, AMOUNT_PLACES);
        }
    const char *const values[] = {array_end(&documents, work->arena), array_end(&grants, work->arena),
                                  array_end(&amounts, work->arena)};
    if (!uses) return ERR_OK;
    return db_exec(work->db,
                   "insert into invoicing.credit_use (document, credit_grant, amount)"
                   " select * from unnest($1::bigint[], $2::bigint[], $3::numeric[])",
                   3, values, NULL, work->fault);
}

bool close_credit_operation(struct close_work *work, const struct close_account *account, const char *invoice_key,
                            struct ledger_operation *operation)
{
    const struct agreement *terms = account->period->agreement;
    struct ledger_leg *leg = ARENA_NEW(work->arena, struct ledger_leg);
    if (!account->credit_use_count) return false;
    *leg = (struct ledger_leg){{LEDGER_CREDITS, terms->number, 0}, {LEDGER_RECEIVABLE, terms->number, 0}, account->credited};
    *operation = (struct ledger_operation){.key = arena_print(work->arena, "credit/use/%s", invoice_key),
                                           .kind = LEDGER_CREDIT,
                                           .seller = terms->seller->number,
                                           .agreement = terms->number,
                                           .account = account->period->account,
                                           .period_start = account->period->start,
                                           .currency = terms->currency,
                                           .legs = leg,
                                           .leg_count = 1};
    return true;
}
