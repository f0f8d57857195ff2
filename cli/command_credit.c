// SPDX-License-Identifier: Apache-2.0
// turnpike credit grant, list.
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "invoicing/credit.h"

const char credit_grant_usage[] =
    "--account ID --amount DECIMAL --currency CODE --key TEXT [--prepaid] [--priority N]\n"
    "                             [--expires TIME] [--reason TEXT]\n\n"
    "  --account   billing account that gets it\n"
    "  --amount    how much, in whole minor units of the currency (12.50)\n"
    "  --currency  the account's; documents in another one do not use it\n"
    "  --key       names the grant: the same command again changes nothing, another order under the key is refused\n"
    "  --prepaid   it was bought by a payment; otherwise it is given\n"
    "  --priority  0 to 1000, the least is used first (default 100)\n"
    "  --expires   documents issued from then on do not use it (2027-01-01, or an RFC 3339 time); default: never\n"
    "  --reason    for people\n\n"
    "Closes use grants for what a document has to be paid after tax: by priority, then soonest expiry, then oldest.";

enum { ACCOUNT, AMOUNT, CURRENCY, KEY, PREPAID, PRIORITY, EXPIRES, REASON, GRANT_FLAGS };

// 0 or an exit code.
static int read_order(const struct command_context *context, const struct flag *flags, struct credit_order *order)
{
    static const int needed[] = {ACCOUNT, AMOUNT, CURRENCY, KEY};
    struct fault fault;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!flags[needed[i]].given) return command_wrong_use(context, "%s is missing", flags[needed[i]].name);
    *order = (struct credit_order){.key = flags[KEY].text,
                                   .account = flags[ACCOUNT].text,
                                   .currency = flags[CURRENCY].text,
                                   .amount = flags[AMOUNT].text,
                                   .reason = flags[REASON].given ? flags[REASON].text : "",
                                   .kind = flags[PREPAID].given ? CREDIT_PREPAID : CREDIT_PROMOTION,
                                   .priority = CREDIT_PRIORITY_USUAL,
                                   .expires = INSTANT_NONE};
    if (flags[PRIORITY].given) {
        char end;
        if (strlen(flags[PRIORITY].text) > 4 || sscanf(flags[PRIORITY].text, "%4d%c", &order->priority, &end) != 1)
            return command_wrong_use(context, "--priority: a whole number from 0 to %d", CREDIT_PRIORITY_MOST);
    }
    if (flags[EXPIRES].given &&
        instant_parse_loose(flags[EXPIRES].text, strlen(flags[EXPIRES].text), &order->expires, &fault))
        return command_wrong_use(context, "--expires: %s", fault.reason);
    return 0;
}

static void print_grant(const struct command_context *context, const struct credit_order *order, bool again)
{
    static const struct table_column columns[] = {
        {"grant", false}, {"account", false}, {"currency", false}, {"amount", true}, {"result", false}};
    struct table *table = table_open(context, columns, 5);
    table_text(table, order->key);
    table_text(table, order->account);
    table_text(table, order->currency);
    table_text(table, order->amount);
    table_text(table, again ? "given before" : "given");
    table_close(table);
}

int credit_grant_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[GRANT_FLAGS] = {
        [ACCOUNT] = {.name = "--account", .kind = FLAG_TEXT},   [AMOUNT] = {.name = "--amount", .kind = FLAG_TEXT},
        [CURRENCY] = {.name = "--currency", .kind = FLAG_TEXT}, [KEY] = {.name = "--key", .kind = FLAG_TEXT},
        [PREPAID] = {.name = "--prepaid", .kind = FLAG_SWITCH}, [PRIORITY] = {.name = "--priority", .kind = FLAG_TEXT},
        [EXPIRES] = {.name = "--expires", .kind = FLAG_TEXT},   [REASON] = {.name = "--reason", .kind = FLAG_TEXT},
    };
    struct catalogue *catalogue = NULL;
    struct credit_order order;
    struct fault fault = {0};
    struct db *db;
    bool again;
    if (!command_flags(context, flags, GRANT_FLAGS, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = read_order(context, flags, &order);
    if (!code) code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = catalogue_load(db, 0, &catalogue, &fault);
    if (!err) err = credit_give(db, catalogue, &order, clock_now(clock_system()), context->arena, &again, &fault);
    if (err)
        code = command_fail(context, &fault);
    else
        print_grant(context, &order, again);
    catalogue_release(catalogue);
    db_close(db);
    return code;
}

// --- list

const char credit_list_usage[] = "[--account ID]\n\n"
                                 "  --account  of this billing account only\n\n"
                                 "What is left is the amount less what documents used; an expired grant keeps what is left, but pays nothing.";

static const char list_sql[] =
    "select a.id, g.grant_key, g.kind, g.currency, g.amount, invoicing.credit_left(g.credit_grant), g.priority,\n"
    "       g.granted_time, g.expires_time,\n"
    "       case when invoicing.credit_left(g.credit_grant) = 0 then 'used' when g.expires_time <= clock_timestamp()\n"
    "            then 'expired' else 'valid' end, g.reason\n"
    "  from invoicing.credit_grant g\n"
    " cross join lateral (select b.id from catalog.billing_account b where b.account = g.account\n"
    "                      order by b.version desc limit 1) a\n"
    " where $1::text is null or a.id = $1\n"
    " order by a.id, g.priority, g.expires_time nulls last, g.granted_time, g.credit_grant";

static void print_row(struct table *table, const struct db_result *result, int row)
{
    for (int column = 0; column <= 3; column++) table_text(table, db_text(result, row, column));
    for (int column = 4; column <= 5; column++)
        table_decimal(table, db_get_decimal(result, row, column, AMOUNT_PLACES), AMOUNT_PLACES);
    table_int(table, db_get_int(result, row, 6));
    table_instant(table, db_get_instant(result, row, 7));
    table_instant(table, db_is_null(result, row, 8) ? INSTANT_NONE : db_get_instant(result, row, 8));
    table_text(table, db_text(result, row, 9));
    table_text(table, db_text(result, row, 10));
}

int credit_list_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"account", false}, {"grant", false},        {"kind", false},         {"currency", false},
        {"amount", true},   {"left", true},          {"priority", true},      {"granted_time", false},
        {"expires", false}, {"state", false},        {"reason", false}};
    struct flag flags[] = {{.name = "--account", .kind = FLAG_TEXT}};
    struct db_result *result = NULL;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, flags, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    const char *const values[] = {flags[0].given ? flags[0].text : NULL};
    enum err err = db_query(db, list_sql, 1, values, &result, &fault);
    if (err) {
        code = command_fail(context, &fault);
    } else {
        struct table *table = table_open(context, columns, sizeof columns / sizeof *columns);
        for (int row = 0; row < db_rows(result); row++) print_row(table, result, row);
        table_close(table);
        db_result_free(result);
    }
    db_close(db);
    return code;
}
