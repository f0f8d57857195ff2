// SPDX-License-Identifier: Apache-2.0
// Posting: accounts are made when first used, operations are inserted by key, transfers only for operations that are new. All
// set-based, inside the caller's transaction. Deletes and updates nothing.
#include "ledger/ledger.h"

#include "common/array.h"

static const char *const kind_names[] = {
    [LEDGER_UNBILLED] = "unbilled", [LEDGER_RECEIVABLE] = "receivable", [LEDGER_CASH] = "cash", [LEDGER_CREDITS] = "credits",
    [LEDGER_REVENUE] = "revenue", [LEDGER_TAX_PAYABLE] = "tax_payable", [LEDGER_ROUNDING] = "rounding",
};
static const char *const operation_kind_names[] = {
    [LEDGER_SETTLEMENT] = "settlement", [LEDGER_INVOICE] = "invoice", [LEDGER_CORRECTION] = "correction",
    [LEDGER_PAYMENT] = "payment", [LEDGER_CREDIT] = "credit", [LEDGER_ROUND] = "rounding",
};

// Arrays of the statements: one element per operation, one per leg that is not zero.
struct operation_columns { struct array keys, kinds, digests, sellers, agreements, accounts, periods, currencies, corrects; };
struct leg_columns { struct array keys, legs, debit_kinds, debit_agreements, debit_services, credit_kinds, credit_agreements, credit_services, amounts; };

// Positive amount, sides in order.
static struct ledger_leg leg_turned(struct ledger_leg leg)
{
    if (leg.amount.pico >= 0) return leg;
    return (struct ledger_leg){leg.credit, leg.debit, {-leg.amount.pico}};
}

static void account_print(const struct ledger_account *account, struct text *out)
{
    text_print(out, "%s/%lld/%d", kind_names[account->kind], (long long)account->agreement, account->service);
}

void ledger_operation_print(const struct ledger_operation *operation, struct text *out)
{
    char number[DECIMAL_TEXT_MAX];
    text_print(out, "ledger 1\n%s\n%s %s\n", operation->key, operation_kind_names[operation->kind], operation->currency.code);
    for (size_t i = 0; i < operation->leg_count; i++) {
        struct ledger_leg leg = leg_turned(operation->legs[i]);
        if (leg.amount.pico == 0) continue;
        account_print(&leg.debit, out);
        text_add_char(out, ' ');
        account_print(&leg.credit, out);
        amount_print(leg.amount, number);
        text_print(out, " %s\n", number);
    }
}

static void add_operation(struct operation_columns *columns, const struct ledger_operation *operation)
{
    struct text canonical = {0};
    unsigned char digest[SHA256_BYTES];
    ledger_operation_print(operation, &canonical);
    sha256_of(canonical.data, canonical.length, digest);
    text_free(&canonical);
    array_add_text(&columns->keys, operation->key);
    array_add_text(&columns->kinds, operation_kind_names[operation->kind]);
    array_add_bytes(&columns->digests, digest, sizeof digest);
    array_add_int(&columns->sellers, operation->seller);
    array_add_int(&columns->agreements, operation->agreement);
    array_add_int(&columns->accounts, operation->account);
    array_add_instant(&columns->periods, operation->period_start);
    array_add_text(&columns->currencies, operation->currency.code);
    array_add_int(&columns->corrects, operation->corrects_operation);
}

static void add_legs(struct leg_columns *columns, const struct ledger_operation *operation)
{
    for (size_t i = 0; i < operation->leg_count; i++) {
        struct ledger_leg leg = leg_turned(operation->legs[i]);
        if (leg.amount.pico == 0) continue;
        array_add_text(&columns->keys, operation->key);
        array_add_int(&columns->legs, (int64_t)i + 1);
        array_add_text(&columns->debit_kinds, kind_names[leg.debit.kind]);
        array_add_int(&columns->debit_agreements, leg.debit.agreement);
        array_add_int(&columns->debit_services, leg.debit.service);
        array_add_text(&columns->credit_kinds, kind_names[leg.credit.kind]);
        array_add_int(&columns->credit_agreements, leg.credit.agreement);
        array_add_int(&columns->credit_services, leg.credit.service);
        array_add_decimal(&columns->amounts, leg.amount.pico, AMOUNT_PLACES);
    }
}

// New operations are inserted and returned; transfers follow only for those. A key that is there with another digest comes back.
static const char post_sql[] =
    "with operation_in as (select * from unnest($1::text[], $2::text[], $3::bytea[], $4::int[], $5::bigint[], $6::bigint[],"
    " $7::timestamptz[], $8::text[], $9::bigint[]) as o (key, kind, digest, seller, agreement, account, period_start, currency, corrects)),"
    " leg_in as (select * from unnest($10::text[], $11::int[], $12::text[], $13::bigint[], $14::int[], $15::text[], $16::bigint[],"
    " $17::int[], $18::numeric[]) as l (key, leg, debit_kind, debit_agreement, debit_service, credit_kind, credit_agreement,"
    " credit_service, amount)),"
    " posted as (insert into ledger.operation (operation_key, kind, digest) select key, kind, digest from operation_in"
    " on conflict (operation_key) do nothing returning operation, operation_key),"
    " moved as (insert into ledger.transfer (operation, leg, debit, credit, amount, currency, agreement, account, period_start, corrects_operation)"
    " select p.operation, l.leg, d.ledger_account, c.ledger_account, l.amount, o.currency, o.agreement, o.account, o.period_start, nullif(o.corrects, 0)"
    "   from posted p join operation_in o on o.key = p.operation_key join leg_in l on l.key = p.operation_key"
    "   join ledger.account d on d.kind = l.debit_kind and d.seller = o.seller and d.agreement = l.debit_agreement"
    "    and d.service = l.debit_service and d.currency = o.currency"
    "   join ledger.account c on c.kind = l.credit_kind and c.seller = o.seller and c.agreement = l.credit_agreement"
    "    and c.service = l.credit_service and c.currency = o.currency"
    " returning 1)"
    " select (select count(*) from moved), (select count(*) from leg_in l join posted p on p.operation_key = l.key),"
    " (select min(o.key) from operation_in o join ledger.operation e on e.operation_key = o.key where e.digest <> o.digest)";

// Accounts that do not exist yet, in a fixed order so that two posters never wait for each other in a circle.
static const char account_sql[] =
    "insert into ledger.account (kind, seller, agreement, service, currency)"
    " select distinct side.kind, o.seller, side.agreement, side.service, o.currency"
    "   from unnest($1::text[], $2::int[], $3::text[]) as o (key, seller, currency)"
    "   join unnest($4::text[], $5::text[], $6::bigint[], $7::int[], $8::text[], $9::bigint[], $10::int[])"
    "     as l (key, debit_kind, debit_agreement, debit_service, credit_kind, credit_agreement, credit_service) on l.key = o.key"
    "  cross join lateral (values (l.debit_kind, l.debit_agreement, l.debit_service), (l.credit_kind, l.credit_agreement, l.credit_service))"
    "     as side (kind, agreement, service)"
    "  order by 1, 2, 3, 4, 5"
    " on conflict (kind, seller, agreement, service, currency) do nothing";

static enum err post(struct db *db, const char *const *values, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db, post_sql, 18, values, &result, fault);
    if (err) return err;
    if (!db_is_null(result, 0, 2))
        err = fault_set(fault, ERR_CONFLICT, "", "operation %s was posted before with other transfers", db_text(result, 0, 2));
    else if (db_get_int(result, 0, 0) != db_get_int(result, 0, 1))
        err = fault_set(fault, ERR_BUG, "", "%s of %s transfers were posted: an account is missing", db_text(result, 0, 0), db_text(result, 0, 1));
    db_result_free(result);
    return err;
}

enum err ledger_post(struct db *db, const struct ledger_operation *operations, size_t count, struct arena *arena, struct fault *fault)
{
    struct operation_columns o = {0};
    struct leg_columns l = {0};
    if (!count) return ERR_OK;
    for (size_t i = 0; i < count; i++) {
        add_operation(&o, &operations[i]);
        add_legs(&l, &operations[i]);
    }
    const char *const values[] = {
        array_end(&o.keys, arena), array_end(&o.kinds, arena), array_end(&o.digests, arena), array_end(&o.sellers, arena),
        array_end(&o.agreements, arena), array_end(&o.accounts, arena), array_end(&o.periods, arena), array_end(&o.currencies, arena),
        array_end(&o.corrects, arena), array_end(&l.keys, arena), array_end(&l.legs, arena), array_end(&l.debit_kinds, arena),
        array_end(&l.debit_agreements, arena), array_end(&l.debit_services, arena), array_end(&l.credit_kinds, arena),
        array_end(&l.credit_agreements, arena), array_end(&l.credit_services, arena), array_end(&l.amounts, arena)};
    const char *const accounts[] = {values[0], values[3], values[7], values[9], values[11], values[12], values[13], values[14], values[15], values[16]};
    enum err err = db_exec(db, account_sql, 10, accounts, NULL, fault);
    return err ? err : post(db, values, fault);
}

enum err ledger_check(struct db *db, int64_t *broken, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db,
        "select count(*) from (select currency, sum(amount) as total from (select t.currency, t.amount from ledger.transfer t"
        " join ledger.account a on a.ledger_account = t.debit and a.currency = t.currency"
        " union all select t.currency, -t.amount from ledger.transfer t join ledger.account a on a.ledger_account = t.credit and a.currency = t.currency)"
        " as side group by currency) as sums where total <> 0", 0, NULL, &result, fault);
    if (err) return err;
    *broken = db_get_int(result, 0, 0);
    db_result_free(result);
    return ERR_OK;
}
