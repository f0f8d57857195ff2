// SPDX-License-Identifier: Apache-2.0
// turnpike invoice list, turnpike invoice show
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/invoice_read.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"

enum { LIMIT_DEFAULT = 1000 };

const char invoice_list_usage[] = "[--account ID] [--period YYYY-MM] [--limit N]\n\n"
                                  "  --account ID  only documents of this billing account\n"
                                  "  --period      only documents that close this billing period\n"
                                  "  --limit N     at most N, the newest (default 1000)";
const char invoice_show_usage[] = "NUMBER [--text|--html]\n\n"
                                  "  --text  for people (default)\n"
                                  "  --html  a printable page\n"
                                  "  --json  the stored envelope and body, byte for byte";

// --- list

static enum err read_list_query(const struct reading *reading, const struct flag *flags, struct invoice_query *query,
                                struct fault *fault)
{
    int year, month;
    if (flags[0].given) {
        const struct billing_account *account = catalogue_account(reading->catalogue, slice_of(flags[0].text));
        if (!account) return fault_set(fault, ERR_NOT_FOUND, flags[0].text, "there is no such billing account");
        query->account = account->number;
    }
    query->period = flags[1].text;
    return flags[1].given ? period_label_read(flags[1].text, &year, &month, fault) : ERR_OK;
}

static void print_amount(struct table *table, const char *code, struct amount amount)
{
    struct currency currency;
    char text[DECIMAL_TEXT_MAX];
    if (currency_find(code, &currency, NULL))
        amount_print(amount, text); // withdrawn since: without trailing zeros
    else
        currency_print(currency, amount, text);
    table_text(table, text);
}

static void print_list(struct command_context *context, const struct reading *reading, const struct invoice_row *rows,
                       size_t count)
{
    static const struct table_column columns[] = {
        {"number", false},      {"kind", false},     {"state", false}, {"account", false}, {"period", false},
        {"issued_time", false}, {"currency", false}, {"net", true},    {"tax", true},      {"total", true}};
    struct table *table = table_open(context, columns, 10);
    for (size_t i = 0; i < count; i++) {
        const struct billing_account *account = catalogue_account_number(reading->catalogue, rows[i].account);
        table_text(table, rows[i].number);
        table_text(table, rows[i].kind);
        table_text(table, rows[i].state);
        table_text(table, account ? account->id : NULL);
        table_text(table, rows[i].period);
        table_instant(table, rows[i].issued_time);
        table_text(table, rows[i].currency);
        print_amount(table, rows[i].currency, rows[i].net);
        print_amount(table, rows[i].currency, rows[i].tax);
        print_amount(table, rows[i].currency, rows[i].total);
    }
    table_close(table);
}

int invoice_list_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--account", .kind = FLAG_TEXT},
                           {.name = "--period", .kind = FLAG_TEXT},
                           {.name = "--limit", .kind = FLAG_TEXT}};
    struct invoice_query query = {.limit = LIMIT_DEFAULT};
    struct invoice_row *rows;
    size_t count;
    struct reading reading;
    struct fault fault = {0};
    if (!command_flags(context, flags, 3, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[2].given && !reading_limit(flags[2].text, &query.limit))
        return command_wrong_use(context, "--limit: a whole number from 1 to %d", READING_LIMIT_MOST);
    int code = reading_open(context, &reading);
    if (code) return code;
    enum err err = read_list_query(&reading, flags, &query, &fault);
    if (!err) err = invoice_list(reading.db, &query, context->arena, &rows, &count, &fault);
    if (err)
        code = command_fail(context, &fault);
    else
        print_list(context, &reading, rows, count);
    reading_close(&reading);
    return code;
}

// --- show

static enum err draw(const struct command_context *context, const struct invoice *invoice, bool html, struct text *out,
                     struct fault *fault)
{
    const struct document_drawing drawing = invoice_drawing(invoice);
    if (context->json) {
        text_print(out, "{\"envelope\":%s,\"body\":%s}\n", invoice->envelope, invoice->body);
        return ERR_OK;
    }
    return html ? document_draw_html(&drawing, out, fault) : document_draw_text(&drawing, out, fault);
}

int invoice_show_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--text", .kind = FLAG_SWITCH}, {.name = "--html", .kind = FLAG_SWITCH}};
    struct invoice invoice;
    struct text out = {0};
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, flags, 2, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    if (flags[0].given + flags[1].given + context->json > 1)
        return command_wrong_use(context, "one of --text, --html and --json");
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = invoice_load(db, argv[1], context->arena, &invoice, &fault);
    if (!err) err = draw(context, &invoice, flags[1].given, &out, &fault);
    if (err)
        code = command_fail(context, &fault);
    else
        fwrite(out.data, 1, out.length, stdout);
    text_free(&out);
    db_close(db);
    return code;
}
