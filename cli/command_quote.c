// SPDX-License-Identifier: Apache-2.0
// turnpike quote
#include <stdio.h>
#include <string.h>

#include "catalogue/apply.h"
#include "catalogue/price_times.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "common/json.h"
#include "invoicing/quote.h"

const char quote_usage[] =
    "--catalog DIR|FILE... --usage FILE [--account ID] [--period YYYY-MM]\n\n"
    "  --catalog DIR|FILE  catalogue files, as for apply; may be repeated\n"
    "  --usage FILE        usage as .yaml, .json or .csv (docs/quote.md)\n"
    "  --account ID        only this billing account or partner; default: every one that is billed for usage\n"
    "  --period YYYY-MM    only this month, in the account's zone; default: every month with usage\n\n"
    "Computes what the usage would cost: charges with every step, tax and total, exact. Needs no server and writes\n"
    "nothing. Usage without a price is listed, and the exit code is then 4";

// --- for people

static const char *tenant_id(const struct catalogue *catalogue, int64_t number)
{
    const struct tenant *tenant = number ? catalogue_tenant_number(catalogue, number) : NULL;
    return tenant ? tenant->id : NULL;
}

static void show_line(struct table *table, const struct catalogue *catalogue, const struct quote *quote,
                      const struct document_line *line)
{
    const struct charge *charge = &line->billable->charge;
    const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
    char amount[DECIMAL_TEXT_MAX];
    struct text how = {0};
    currency_print(quote->period.agreement->currency, line->amount, amount);
    quote_explain(catalogue, quote, charge, &how);
    table_text(table, sku->id);
    table_text(table, tenant_id(catalogue, charge->tenant));
    table_text(table, line->billable->dimensions);
    table_text(table, how.data);
    table_decimal(table, charge->billed_cost.pico, AMOUNT_PLACES);
    table_text(table, amount);
    text_free(&how);
}

static void show_lines(const struct command_context *context, const struct catalogue *catalogue,
                       const struct quote *quote)
{
    static const struct table_column columns[] = {{"sku", false}, {"tenant", false}, {"dimensions", false},
                                                  {"how", false}, {"cost", true},    {"amount", true}};
    struct table *table = table_open(context, columns, 6);
    for (size_t i = 0; i < quote->document.line_count; i++)
        show_line(table, catalogue, quote, &quote->document.lines[i]);
    table_close(table);
}

static void show_unpriced(const struct command_context *context, const struct catalogue *catalogue,
                          const struct quote *quote)
{
    static const struct table_column columns[] = {
        {"unpriced_sku", false}, {"tenant", false}, {"dimensions", false}, {"from", false}, {"quantity", true}};
    if (!quote->rated.unpriced_count) return;
    putchar('\n');
    struct table *table = table_open(context, columns, 5);
    for (size_t i = 0; i < quote->rated.unpriced_count; i++) {
        const struct unpriced *unpriced = &quote->rated.unpriced[i];
        table_text(table, catalogue_sku_number(catalogue, unpriced->sku)->id);
        table_text(table, tenant_id(catalogue, unpriced->tenant));
        table_text(table, usage_dimension_find(&quote->usage, unpriced->dimension_set)->text);
        table_instant(table, unpriced->segment);
        table_decimal(table, unpriced->quantity.nano, QUANTITY_PLACES);
    }
    table_close(table);
}

// A tax: what it is of, and of which net where there are several.
static void show_group(const struct agreement *terms, const struct document_group *group, bool several)
{
    const struct tax bears = tax_of_group(terms, group->tax_group);
    char net[DECIMAL_TEXT_MAX], tax[DECIMAL_TEXT_MAX], rate[DECIMAL_TEXT_MAX], base[DECIMAL_TEXT_MAX];
    if (!*bears.name && !several) return;
    currency_print(terms->currency, group->net, net);
    currency_print(terms->currency, group->tax, tax);
    price_print(bears.rate, rate);
    amount_print(group->base_to_date, base);
    printf("%-11s %s", *bears.name ? bears.name : "no tax", tax);
    if (several) printf(" (rate %s of the exact %s, net %s)", rate, base, net);
    else printf(" (rate %s of the exact cost)", rate);
    printf("%s%s\n", bears.note ? "; " : "", bears.note ? bears.note : "");
}

static void show_totals(const struct quote *quote)
{
    const struct agreement *terms = quote->period.agreement;
    const struct document *document = &quote->document;
    char cost[DECIMAL_TEXT_MAX], net[DECIMAL_TEXT_MAX], tax[DECIMAL_TEXT_MAX], total[DECIMAL_TEXT_MAX];
    amount_print(quote->rated.total, cost);
    currency_print(terms->currency, document->net, net);
    currency_print(terms->currency, document->tax, tax);
    currency_print(terms->currency, document->total, total);
    printf("\nexact cost  %s %s\nnet         %s (rounded %s)\n", cost, terms->currency.code, net,
           rounding_names[terms->rounding]);
    for (size_t i = 0; i < document->group_count; i++)
        show_group(terms, &document->groups[i], document->group_count > 1);
    if (document->group_count > 1) printf("%-11s %s\n", "tax", tax);
    printf("total       %s %s\n", total, terms->currency.code);
}

static void show_exchange(const struct quote *quote)
{
    const struct agreement *terms = quote->period.agreement;
    const char *from = terms->book->currency.code, *to = terms->currency.code;
    char rate[DECIMAL_TEXT_MAX], since[INSTANT_TEXT_MAX];
    if (!quote->exchange) {
        printf("prices in %s, and no exchange rate to %s is in effect at the period's start: nothing has a price\n", from, to);
        return;
    }
    price_print(quote->exchange->rate, rate);
    instant_print(quote->exchange->effective_from, since);
    bool always = quote->exchange->effective_from == INSTANT_MIN;
    printf("prices in %s: 1 %s = %s %s%s%s\n", from, from, rate, to, always ? "" : ", in effect from ", always ? "" : since);
}

static void show(const struct command_context *context, const struct catalogue *catalogue, const struct quote *quote)
{
    const struct agreement *terms = quote->period.agreement;
    char start[INSTANT_TEXT_MAX], end[INSTANT_TEXT_MAX];
    instant_print(quote->period.start, start);
    instant_print(quote->period.end, end);
    printf("%s, %s (%s to %s, %s), price book %s\n", terms->account->id, quote->period.label, start, end,
           zone_name(terms->zone), terms->book->id);
    if (agreement_converts(terms)) show_exchange(quote);
    putchar('\n');
    show_lines(context, catalogue, quote);
    show_unpriced(context, catalogue, quote);
    show_totals(quote);
}

// --- for scripts

static void put_dimensions(struct json_writer *json, const char *text)
{
    json_name(json, "dimensions");
    json_write_raw(json, text);
}

static void put_shares(struct json_writer *json, const struct catalogue *catalogue, const struct billable *billable)
{
    if (!billable->share_count) return;
    json_name(json, "shares");
    json_array_open(json);
    for (size_t i = 0; i < billable->share_count; i++) {
        json_object_open(json);
        json_put_text(json, "tenant", tenant_id(catalogue, billable->shares[i].tenant));
        json_put_decimal(json, "quantity", billable->shares[i].quantity.nano, QUANTITY_PLACES);
        json_put_decimal(json, "billed_cost", billable->shares[i].billed_cost.pico, AMOUNT_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
}

// What is at a price in another currency: which, and its effective cost there.
static void put_pricing(struct json_writer *json, const struct quote *quote, const struct charge *charge)
{
    struct amount priced;
    if (!charge->price || !quote_priced(quote, charge->effective_cost, &priced)) return;
    json_put_text(json, "pricing_currency", quote->exchange->from);
    json_put_decimal(json, "pricing_effective_cost", priced.pico, AMOUNT_PLACES);
}

static void put_line(struct json_writer *json, const struct catalogue *catalogue, const struct quote *quote,
                     const struct document_line *line)
{
    const struct charge *charge = &line->billable->charge;
    const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
    const struct price_version *price = catalogue_price_number(catalogue, charge->price);
    const struct holding *holding = charge_of_holding(charge->stage) ? catalogue_holding_number(catalogue, charge->deduction) : NULL;
    struct text how = {0};
    quote_explain(catalogue, quote, charge, &how);
    json_object_open(json);
    json_put_text(json, "service", sku->service->id);
    json_put_text(json, "sku", sku->id);
    json_put_text(json, "tenant", tenant_id(catalogue, charge->tenant));
    put_dimensions(json, line->billable->dimensions);
    json_name(json, "match");
    json_write_raw(json, price->match_text);
    if (price->window) json_put_text(json, "hours", price->hours);
    if (price->times) json_put_text(json, "times", price->times->dimension);
    json_put_text(json, "stage", charge_stage_name(charge->stage));
    json_put_int(json, "tier", charge->tier);
    json_put_int(json, "deduction", holding ? 0 : charge->deduction);
    json_put_text(json, "holding", holding ? holding->id : NULL);
    json_put_decimal(json, "quantity", charge->quantity.nano, QUANTITY_PLACES);
    json_put_text(json, "unit", charge_unit(charge, catalogue_meter_newest(catalogue, sku->meter), quote->period.agreement));
    json_put_decimal(json, "list_cost", charge->list_cost.pico, AMOUNT_PLACES);
    json_put_decimal(json, "contracted_cost", charge->contracted_cost.pico, AMOUNT_PLACES);
    json_put_decimal(json, "effective_cost", charge->effective_cost.pico, AMOUNT_PLACES);
    json_put_decimal(json, "billed_cost", charge->billed_cost.pico, AMOUNT_PLACES);
    put_pricing(json, quote, charge);
    json_put_money(json, "amount", quote->period.agreement->currency, line->amount);
    json_put_text(json, "how", how.data);
    put_shares(json, catalogue, line->billable);
    json_object_close(json);
    text_free(&how);
}

static void put_unpriced(struct json_writer *json, const struct catalogue *catalogue, const struct quote *quote)
{
    json_name(json, "unpriced");
    json_array_open(json);
    for (size_t i = 0; i < quote->rated.unpriced_count; i++) {
        const struct unpriced *unpriced = &quote->rated.unpriced[i];
        json_object_open(json);
        json_put_text(json, "sku", catalogue_sku_number(catalogue, unpriced->sku)->id);
        json_put_text(json, "tenant", tenant_id(catalogue, unpriced->tenant));
        put_dimensions(json, usage_dimension_find(&quote->usage, unpriced->dimension_set)->text);
        json_put_instant(json, "from", unpriced->segment);
        json_put_decimal(json, "quantity", unpriced->quantity.nano, QUANTITY_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
}

// One tax as name and rate; several as a list.
static void put_taxes(struct json_writer *json, const struct agreement *terms, const struct document *document)
{
    if (!terms->contract->tax_count) {
        json_put_text(json, "tax_name", terms->tax_name);
        json_put_decimal(json, "tax_rate", terms->tax_rate.pico, PRICE_PLACES);
        if (terms->contract->tax_note) json_put_text(json, "tax_note", terms->contract->tax_note);
        return;
    }
    json_name(json, "taxes");
    json_array_open(json);
    for (size_t i = 0; i < document->group_count; i++) {
        const struct document_group *group = &document->groups[i];
        const struct tax tax = tax_of_group(terms, group->tax_group);
        json_object_open(json);
        json_put_text(json, "tax_name", tax.name);
        json_put_decimal(json, "tax_rate", tax.rate.pico, PRICE_PLACES);
        if (tax.note) json_put_text(json, "tax_note", tax.note);
        json_put_decimal(json, "cost", group->base_to_date.pico, AMOUNT_PLACES);
        json_put_money(json, "net", terms->currency, group->net);
        json_put_money(json, "tax", terms->currency, group->tax);
        json_object_close(json);
    }
    json_array_close(json);
}

static void print_json(const struct catalogue *catalogue, const struct quote *quote)
{
    const struct agreement *terms = quote->period.agreement;
    const struct document *document = &quote->document;
    struct text out = {0};
    struct json_writer json;
    json_begin(&json, &out);
    json_object_open(&json);
    json_put_text(&json, "account", terms->account->id);
    json_put_text(&json, "seller", terms->seller->id);
    json_put_text(&json, "period", quote->period.label);
    json_put_instant(&json, "period_start", quote->period.start);
    json_put_instant(&json, "period_end", quote->period.end);
    json_put_text(&json, "zone", zone_name(terms->zone));
    json_put_text(&json, "price_book", terms->book->id);
    json_put_text(&json, "currency", terms->currency.code);
    json_put_text(&json, "pricing_currency", terms->book->currency.code);
    if (quote->exchange) json_put_decimal(&json, "exchange_rate", quote->exchange->rate.pico, PRICE_PLACES);
    json_name(&json, "lines");
    json_array_open(&json);
    for (size_t i = 0; i < document->line_count; i++)
        put_line(&json, catalogue, quote, &document->lines[i]);
    json_array_close(&json);
    put_unpriced(&json, catalogue, quote);
    json_put_decimal(&json, "cost", quote->rated.total.pico, AMOUNT_PLACES);
    json_put_money(&json, "net", terms->currency, document->net);
    put_taxes(&json, terms, document);
    json_put_money(&json, "tax", terms->currency, document->tax);
    json_put_money(&json, "total", terms->currency, document->total);
    json_put_text(&json, "rounding", rounding_names[terms->rounding]);
    json_object_close(&json);
    puts(out.data);
    text_free(&out);
}

// --- doing it

static int refuse(const struct command_context *context, const struct text *errors)
{
    struct fault fault;
    if (!context->json) {
        fputs(errors->data, stderr);
        return err_exit_code(ERR_INVALID);
    }
    for (const char *line = errors->data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        fault_set(&fault, ERR_INVALID, "", "%.*s", (int)(end - line), line);
        command_fail(context, &fault);
    }
    return err_exit_code(ERR_INVALID);
}

// What the flags ask for, once the catalogue is there.
static enum err read_wish(const struct catalogue *catalogue, const struct flag *account, const struct flag *period,
                          struct quote_wish *wish, struct fault *fault)
{
    *wish = (struct quote_wish){0};
    if (account->given && !(wish->account = catalogue_account(catalogue, slice_of(account->text))))
        return fault_set(fault, ERR_NOT_FOUND, account->text, "there is no such billing account in the catalogue");
    return period->given ? period_label_read(period->text, &wish->year, &wish->month, fault) : ERR_OK;
}

static int print_quotes(const struct command_context *context, const struct catalogue *catalogue,
                        const struct quote_list *list)
{
    size_t unpriced = 0;
    for (size_t i = 0; i < list->count; i++) {
        unpriced += list->quotes[i].rated.unpriced_count;
        if (context->json) {
            print_json(catalogue, &list->quotes[i]);
            continue;
        }
        if (i > 0) putchar('\n');
        show(context, catalogue, &list->quotes[i]);
    }
    fflush(stdout);
    if (list->outside)
        fprintf(stderr, "turnpike quote: %zu record%s outside of what was asked for\n", list->outside,
                list->outside == 1 ? " lies" : "s lie");
    if (unpriced)
        fprintf(stderr, "turnpike quote: %zu amount%s of usage without a price\n", unpriced, unpriced == 1 ? "" : "s");
    return unpriced ? err_exit_code(ERR_NOT_FOUND) : 0;
}

static int quote_file(const struct command_context *context, const struct catalogue *catalogue,
                      const struct flag *flags, struct text *errors)
{
    struct quote_wish wish;
    struct quote_usage usage;
    struct quote_list list;
    struct fault fault = {0};
    enum err err = read_wish(catalogue, &flags[2], &flags[3], &wish, &fault);
    if (err) return command_fail(context, &fault);
    if (quote_usage_read(catalogue, flags[1].text, context->arena, &usage, errors) != ERR_OK)
        return refuse(context, errors);
    err = quote_make(catalogue, &usage, &wish, context->arena, &list, &fault);
    return err ? command_fail(context, &fault) : print_quotes(context, catalogue, &list);
}

int quote_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--catalog", .kind = FLAG_LIST},
                           {.name = "--usage", .kind = FLAG_TEXT},
                           {.name = "--account", .kind = FLAG_TEXT},
                           {.name = "--period", .kind = FLAG_TEXT}};
    struct catalogue *catalogue = NULL;
    struct text errors = {0};
    if (!command_flags(context, flags, 4, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!flags[0].given) return command_wrong_use(context, "--catalog DIR|FILE is missing");
    if (!flags[1].given) return command_wrong_use(context, "--usage FILE is missing");
    int code = catalogue_from_files(flags[0].list, flags[0].count, &catalogue, &errors) == ERR_OK
                   ? quote_file(context, catalogue, flags, &errors)
                   : refuse(context, &errors);
    catalogue_release(catalogue);
    text_free(&errors);
    return code;
}
