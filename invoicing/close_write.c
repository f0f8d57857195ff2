// SPDX-License-Identifier: Apache-2.0
// What a closing chunk writes, last and in one go: numbers (rules 7.3), documents with lines, groups, parties and used credits, the ledger operations, and
// the periods' state. The series row is locked from taking the numbers to the commit: keep it short.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "invoicing/close_credit.h"

static bool drafted(const struct close_account *account)
{
    return !account->already && !account->refused && account->source_count && account->document.needed;
}

static int series_order(const void *left, const void *right)
{
    const struct close_account *a = *(struct close_account *const *)left, *b = *(struct close_account *const *)right;
    if (a->period->agreement->seller->number != b->period->agreement->seller->number)
        return a->period->agreement->seller->number < b->period->agreement->seller->number ? -1 : 1;
    return strcmp(a->period->agreement->account->id, b->period->agreement->account->id);
}

// Takes `count` numbers of one seller's series for documents order[0..count).
static enum err take_numbers(struct close_work *work, struct close_account **order, size_t count, instant_us now)
{
    const struct seller *seller = order[0]->period->agreement->seller;
    char year[8];
    int written = snprintf(year, sizeof year, "%.4s", order[0]->period->label);
    ENSURE(written == 4);
    const char *series = arena_print(work->arena, "%s-%s", seller->series, year);
    const char *const values[] = {db_int(work->arena, seller->number), series, db_int(work->arena, (int64_t)count), db_instant(work->arena, now)};
    struct db_result *result;
    enum err err = db_exec(work->db, "insert into invoicing.series (seller, series) values ($1, $2) on conflict do nothing", 2, values, NULL, work->fault);
    if (!err)
        err = db_query(work->db,
            "with taken as (update invoicing.series set next_number = next_number + $3::bigint, last_issued_time = greatest(last_issued_time, $4::timestamptz)"
            "  where seller = $1::int and series = $2 returning next_number - $3::bigint as first_number, last_issued_time),"
            " chunk as (insert into invoicing.number_chunk (seller, series, first_number, count) select $1::int, $2, first_number, $3::int from taken returning chunk)"
            " select chunk.chunk, taken.first_number, taken.last_issued_time from taken, chunk", 4, values, &result, work->fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++) {
        order[i]->chunk = db_get_int(result, 0, 0);
        order[i]->place = (int)i;
        order[i]->series = series;
        order[i]->number = arena_print(work->arena, "%s-%06lld", series, (long long)(db_get_int(result, 0, 1) + (int64_t)i));
        order[i]->issued_time = db_get_instant(result, 0, 2);
    }
    db_result_free(result);
    return ERR_OK;
}

static enum err number_documents(struct close_work *work, struct close_account **order, size_t count)
{
    enum err err = ERR_OK;
    instant_us now = clock_now(work->options->clock);
    if (count) qsort(order, count, sizeof *order, series_order);
    for (size_t from = 0, to; from < count && !err; from = to) {
        for (to = from + 1; to < count && order[to]->period->agreement->seller == order[from]->period->agreement->seller;) to++;
        err = take_numbers(work, order + from, to - from, now);
    }
    return err;
}

static void add_envelope(struct close_work *work, const struct close_account *account, struct array *envelopes)
{
    struct text envelope = {0};
    const struct document_rate *rates;
    const size_t rate_count = document_rates(work->catalogue, &account->document, work->arena, &rates);
    const struct document_envelope values = {account->number, account->issued_time, account->cut, catalogue_version(work->catalogue), account->body_hex,
                                             account->earlier, account->earlier_count, account->credit_uses, account->credit_use_count,
                                             {account->document.total.pico - account->credited.pico}, account->period->agreement->currency,
                                             rates, rate_count};
    document_envelope_print(&values, &envelope);
    array_add_text(envelopes, envelope.data);
    text_free(&envelope);
}

static enum err insert_documents(struct close_work *work, struct close_account **order, size_t count)
{
    struct array numbers[8] = {{{0}}}, texts[6] = {{{0}}}, starts = {0}, issued = {0}, amounts[3] = {{{0}}}, hashes = {0};
    for (size_t i = 0; i < count; i++) {
        const struct close_account *account = order[i];
        const struct agreement *terms = account->period->agreement;
        const int64_t integers[8] = {terms->number, account->period->account, account->document.ordinal, terms->seller->number, account->chunk, account->place,
                                     account->cut, catalogue_version(work->catalogue)};
        for (int n = 0; n < 8; n++) array_add_int(&numbers[n], integers[n]);
        array_add_text(&texts[0], account->document.total.pico < 0 ? "credit_note" : "invoice");
        array_add_text(&texts[1], account->series);
        array_add_text(&texts[2], account->number);
        array_add_text(&texts[3], terms->currency.code);
        array_add_text(&texts[4], account->body.data);
        add_envelope(work, account, &texts[5]);
        array_add_instant(&starts, account->period->start);
        array_add_instant(&issued, account->issued_time);
        array_add_decimal(&amounts[0], account->document.net.pico, AMOUNT_PLACES);
        array_add_decimal(&amounts[1], account->document.tax.pico, AMOUNT_PLACES);
        array_add_decimal(&amounts[2], account->document.total.pico, AMOUNT_PLACES);
        array_add_bytes(&hashes, account->body_sha256, SHA256_BYTES);
    }
    const char *values[20];
    int next = 0;
    for (int n = 0; n < 8; n++) values[next++] = array_end(&numbers[n], work->arena);
    for (int n = 0; n < 6; n++) values[next++] = array_end(&texts[n], work->arena);
    values[next++] = array_end(&starts, work->arena);
    values[next++] = array_end(&issued, work->arena);
    for (int n = 0; n < 3; n++) values[next++] = array_end(&amounts[n], work->arena);
    values[next++] = array_end(&hashes, work->arena);
    struct db_result *result;
    enum err err = db_query(work->db,
        "insert into invoicing.document (agreement, account, ordinal, seller, chunk, place, cut, catalogue_version, kind, series, number, currency, body,"
        "  envelope, period_start, issued_time, net, tax, total, body_sha256)"
        " select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[], $9::text[], $10::text[],"
        "  $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::numeric[], $18::numeric[], $19::numeric[], $20::bytea[])"
        " returning document, number", 20, values, &result, work->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(order[i]->number, db_text(result, row, 1)) == 0) order[i]->row = db_get_int(result, row, 0);
    db_result_free(result);
    return ERR_OK;
}

static void copy_line(struct db_copy *copy, const struct close_account *account, size_t index)
{
    const struct document_line *line = &account->document.lines[index];
    const struct charge *charge = &line->billable->charge;
    db_copy_row(copy);
    db_copy_int8(copy, account->row);
    db_copy_int4(copy, (int32_t)index + 1);
    db_copy_instant(copy, line->billable->original->start);
    db_copy_int8(copy, charge->tenant);
    db_copy_int4(copy, charge->sku);
    db_copy_int8(copy, charge->price);
    db_copy_int2(copy, (int16_t)charge->tier);
    db_copy_uuid(copy, charge->dimension_set);
    db_copy_int2(copy, (int16_t)charge->stage);
    db_copy_int8(copy, charge->deduction);
    db_copy_numeric(copy, line->quantity.nano, QUANTITY_PLACES);
    db_copy_numeric(copy, line->cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, line->amount.pico, AMOUNT_PLACES);
}

static enum err copy_lines(struct close_work *work, struct close_account **order, size_t count)
{
    struct db_copy copy;
    enum err err = db_copy_open(work->db,
        "invoicing.document_line (document, line, original_period_start, tenant, sku, price, tier, dimension_set, stage, deduction, quantity, cost, amount)", 13, &copy, work->fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < order[i]->document.line_count; l++) copy_line(&copy, order[i], l);
    return db_copy_close(&copy, work->fault);
}

static enum err copy_groups(struct close_work *work, struct close_account **order, size_t count)
{
    struct db_copy copy;
    enum err err = db_copy_open(work->db, "invoicing.document_group (document, original_period_start, tax_name, tax_rate, base_to_date, net, tax)", 7, &copy, work->fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; g < order[i]->document.group_count; g++) {
            const struct document_group *group = &order[i]->document.groups[g];
            const struct tax tax = tax_of_group(group->original->agreement, group->tax_group);
            db_copy_row(&copy);
            db_copy_int8(&copy, order[i]->row);
            db_copy_instant(&copy, group->original->start);
            db_copy_text(&copy, tax.name, strlen(tax.name));
            db_copy_numeric(&copy, tax.rate.pico, PRICE_PLACES);
            db_copy_numeric(&copy, group->base_to_date.pico, AMOUNT_PLACES);
            db_copy_numeric(&copy, group->net.pico, AMOUNT_PLACES);
            db_copy_numeric(&copy, group->tax.pico, AMOUNT_PLACES);
        }
    return db_copy_close(&copy, work->fault);
}

static void copy_party(struct db_copy *copy, int64_t document, const char *role, const struct document_party *party)
{
    const char *const texts[] = {party->name, party->address, party->tax_id, party->email};
    db_copy_row(copy);
    db_copy_int8(copy, document);
    db_copy_text(copy, role, strlen(role));
    db_copy_bytes(copy, party->salt, sizeof party->salt);
    for (int i = 0; i < 4; i++) db_copy_text(copy, texts[i], strlen(texts[i]));
}

static enum err copy_parties(struct close_work *work, struct close_account **order, size_t count)
{
    struct db_copy copy;
    enum err err = db_copy_open(work->db, "invoicing.document_party (document, role, salt, name, address, tax_id, email)", 7, &copy, work->fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++) {
        copy_party(&copy, order[i]->row, "seller", &order[i]->seller);
        copy_party(&copy, order[i]->row, "buyer", &order[i]->buyer);
    }
    return db_copy_close(&copy, work->fault);
}

// Receivable takes net and tax; unbilled gives up the exact cost; what rounding moved goes to the seller's rounding account.
static enum err build_operation(struct close_work *work, const struct close_account *account, struct ledger_operation *operation)
{
    const struct document *document = &account->document;
    const struct agreement *terms = account->period->agreement;
    const struct ledger_account unbilled = {LEDGER_UNBILLED, terms->number, 0}, receivable = {LEDGER_RECEIVABLE, terms->number, 0};
    struct ledger_leg *legs = ARENA_ARRAY(work->arena, struct ledger_leg, 3);
    struct amount rounding;
    if (amount_sub(document->cost, document->net, &rounding)) return fault_set(work->fault, ERR_LIMIT, "", "account %s: a posting leaves the range of exact amounts", terms->account->id);
    legs[0] = (struct ledger_leg){receivable, unbilled, document->net};
    legs[1] = (struct ledger_leg){receivable, {LEDGER_TAX_PAYABLE, 0, 0}, document->tax};
    legs[2] = (struct ledger_leg){{LEDGER_ROUNDING, 0, 0}, unbilled, rounding};
    *operation = (struct ledger_operation){
        .key = arena_print(work->arena, "invoice/%s/%s/%s/%d", terms->seller->id, terms->account->id, account->period->label, document->ordinal),
        .kind = LEDGER_INVOICE, .seller = terms->seller->number, .agreement = terms->number, .account = account->period->account,
        .period_start = account->period->start, .currency = terms->currency, .legs = legs, .leg_count = 3};
    return ERR_OK;
}

static enum err post(struct close_work *work, struct close_account **order, size_t count)
{
    struct ledger_operation *operations = ARENA_ARRAY(work->arena, struct ledger_operation, count * 2 + 1);
    enum err err = ERR_OK;
    size_t all = count;
    for (size_t i = 0; i < count && !err; i++) {
        err = build_operation(work, order[i], &operations[i]);
        if (!err && close_credit_operation(work, order[i], operations[i].key, &operations[all])) all++;
    }
    return err ? err : ledger_post(work->db, operations, all, work->arena, work->fault);
}

static enum err fill_outbox(struct close_work *work, struct close_account **order, size_t count)
{
    struct array rows = {0};
    for (size_t i = 0; i < count; i++) array_add_int(&rows, order[i]->row);
    const char *const values[] = {array_end(&rows, work->arena)};
    return db_exec(work->db, "insert into invoicing.outbox (document, event) select d, 'document.final' from unnest($1::bigint[]) as d", 1, values, NULL, work->fault);
}

static enum err close_periods(struct close_work *work)
{
    struct array agreements = {0}, accounts = {0}, starts = {0}, cuts = {0};
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct close_account *account = &work->accounts[i];
        if (account->already || account->refused || !account->source_count) continue;
        array_add_int(&agreements, account->period->agreement->number);
        array_add_int(&accounts, account->period->account);
        array_add_instant(&starts, account->period->start);
        array_add_int(&cuts, account->cut);
        count++;
    }
    const char *const values[] = {array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena), array_end(&cuts, work->arena)};
    work->result->accounts += count;
    return db_exec(work->db,
        "update invoicing.period p set state = 'closed', closed_cut = k.cut, closed_time = clock_timestamp()"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[]) as k (agreement, account, period_start, cut)"
        " where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start", 4, values, NULL, work->fault);
}

enum err close_write(struct close_work *work)
{
    struct close_account **order = ARENA_ARRAY(work->arena, struct close_account *, work->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++)
        if (drafted(&work->accounts[i])) order[count++] = &work->accounts[i];
    enum err err = close_periods(work);
    if (!err && count) err = number_documents(work, order, count);
    CRASH_POINT("close.numbers_taken");
    if (!err && count) err = close_credit_take(work, order, count);
    if (!err && count) err = insert_documents(work, order, count);
    if (!err && count) err = close_credit_write(work, order, count);
    CRASH_POINT("close.credits_used");
    if (!err && count) err = copy_lines(work, order, count);
    if (!err && count) err = copy_groups(work, order, count);
    if (!err && count) err = copy_parties(work, order, count);
    if (!err && count) err = post(work, order, count);
    if (!err && count) err = fill_outbox(work, order, count);
    work->result->documents += count;
    return err;
}
