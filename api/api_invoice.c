// SPDX-License-Identifier: Apache-2.0
// GET /v1/invoices and GET /v1/invoices/{number}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/call.h"
#include "api/cursor.h"
#include "api/invoice_read.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MOST = 1000, ETAG_SIZE = 2 * SHA256_BYTES + 3 };

// --- the list

static enum err read_limit(struct api_call *call, int *limit)
{
    const char *text = http_parameter(call->request, "limit");
    *limit = LIMIT_DEFAULT;
    if (!text) return ERR_OK;
    size_t digits = strspn(text, "0123456789");
    bool good = digits > 0 && digits <= 4 && !text[digits];
    *limit = good ? atoi(text) : 0;
    if (*limit >= 1 && *limit <= LIMIT_MOST) return ERR_OK;
    return call_problem(call, 400, "invalid_parameter", "limit must be a whole number from 1 to %d", LIMIT_MOST);
}

static enum err read_filters(struct api_call *call, struct invoice_query *query)
{
    const char *account = http_parameter(call->request, "account"), *period = http_parameter(call->request, "period");
    int year, month;
    if (period) {
        enum err err = period_label_read(period, &year, &month, &call->fault);
        if (err) return call_bad_parameter(call, "period", err);
        query->period = period;
    }
    if (!account) return ERR_OK;
    const struct billing_account *found = catalogue_account(call->catalogue, slice_of(account));
    if (!found || !(call->every_tenant || found->number == call->account)) return call_not_found(call);
    query->account = found->number;
    return ERR_OK;
}

static const char *filter_text(struct api_call *call, const struct invoice_query *query)
{
    return arena_print(call->arena, "invoices account=%lld period=%s", (long long)query->account,
                       query->period ? query->period : "");
}

static enum err read_list_query(struct api_call *call, struct invoice_query *query)
{
    const char *text = http_parameter(call->request, "cursor");
    *query = (struct invoice_query){0};
    enum err err = read_limit(call, &query->limit);
    if (!err && !call->status) err = read_filters(call, query);
    if (err || call->status || !text) return err;
    struct cursor cursor;
    err = cursor_read(text, call->secret_hash, slice_of(filter_text(call, query)), call->now, &cursor, &call->fault);
    if (err) return call_bad_parameter(call, "cursor", err);
    query->continues = true;
    query->after_issued = cursor.issued_time;
    query->after_document = cursor.document;
    return ERR_OK;
}

static void put_rounded(struct json_writer *json, const char *name, const char *code, struct amount amount)
{
    struct currency currency;
    char text[DECIMAL_TEXT_MAX];
    if (currency_find(code, &currency, NULL))
        amount_print(amount, text); // withdrawn since: without trailing zeros
    else
        currency_print(currency, amount, text);
    json_put_text(json, name, text);
}

static void write_row(struct api_call *call, struct json_writer *json, const struct invoice_row *row)
{
    const struct billing_account *account = catalogue_account_number(call->catalogue, row->account);
    json_object_open(json);
    json_put_text(json, "number", row->number);
    json_put_text(json, "kind", row->kind);
    json_put_text(json, "state", row->state);
    json_put_text(json, "account", account ? account->id : NULL);
    json_put_text(json, "period", row->period);
    json_put_instant(json, "issued_time", row->issued_time);
    json_put_text(json, "currency", row->currency);
    put_rounded(json, "net", row->currency, row->net);
    put_rounded(json, "tax", row->currency, row->tax);
    put_rounded(json, "total", row->currency, row->total);
    json_object_close(json);
}

enum err api_invoices(struct api_call *call, struct slice id)
{
    struct invoice_query query;
    struct invoice_row *rows;
    size_t count;
    (void)id;
    enum err err = read_list_query(call, &query);
    if (err || call->status) return err;
    int limit = query.limit++; // one more tells whether there is a next page
    err = invoice_list(call->db, &query, call->arena, &rows, &count, &call->fault);
    if (err) return err;
    bool more = count > (size_t)limit;
    struct json_writer json;
    call_json(call, &json);
    json_name(&json, "invoices");
    json_array_open(&json);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        write_row(call, &json, &rows[i]);
    json_array_close(&json);
    char text[CURSOR_TEXT_SIZE];
    const struct cursor next =
        more ? (struct cursor){rows[limit - 1].issued_time, rows[limit - 1].document} : (struct cursor){0};
    if (more) cursor_print(&next, call->secret_hash, slice_of(filter_text(call, &query)), call->now, text);
    json_put_text(&json, "next_cursor", more ? text : NULL);
    json_object_close(&json);
    return ERR_OK;
}

// --- one document

static void put_party(struct json_writer *json, const char *role, const struct document_party *party, bool known)
{
    json_name(json, role);
    if (!known) {
        json_write_null(json);
        return;
    }
    json_object_open(json);
    json_put_text(json, "name", party->name);
    json_put_text(json, "address", party->address);
    json_put_text(json, "tax_id", party->tax_id);
    json_object_close(json);
}

static void write_json(struct api_call *call, const struct invoice *invoice)
{
    struct json_writer json;
    json_begin(&json, &call->body);
    json_object_open(&json);
    json_put_text(&json, "state", invoice->state);
    put_party(&json, "seller", &invoice->seller, invoice->has_seller);
    put_party(&json, "buyer", &invoice->buyer, invoice->has_buyer);
    json_name(&json, "envelope");
    json_write_raw(&json, invoice->envelope);
    json_name(&json, "body");
    json_write_raw(&json, invoice->body);
    json_object_close(&json);
}

enum form { FORM_JSON, FORM_HTML, FORM_TEXT };
static const char *const form_types[] = {"application/json", "text/html", "text/plain"};
static const char *const form_content_types[] = {"application/json", "text/html; charset=utf-8",
                                                 "text/plain; charset=utf-8"};

static enum err draw(struct api_call *call, const struct invoice *invoice, enum form form)
{
    const struct document_drawing drawing = invoice_drawing(invoice);
    enum err err = ERR_OK;
    text_clear(&call->body);
    switch (form) {
    case FORM_JSON:
        write_json(call, invoice);
        break;
    case FORM_HTML:
        err = document_draw_html(&drawing, &call->body, &call->fault);
        break;
    case FORM_TEXT:
        err = document_draw_text(&drawing, &call->body, &call->fault);
        break;
    }
    return err == ERR_INVALID ? ERR_BUG : err; // what we stored is not the caller's fault
}

// The tag is the hash of what is sent, so it changes when a state or an erased address changes.
static enum err conditional(struct api_call *call)
{
    const char *none = http_header(call->request, "If-None-Match"), *match = http_header(call->request, "If-Match");
    unsigned char hash[SHA256_BYTES];
    char *tag = arena_alloc(call->arena, ETAG_SIZE);
    sha256_of(call->body.data, call->body.length, hash);
    tag[0] = '"';
    hex_print(hash, sizeof hash, tag + 1);
    const char *plain = arena_text(call->arena, tag + 1, strlen(tag + 1));
    tag[ETAG_SIZE - 2] = '"';
    tag[ETAG_SIZE - 1] = 0;
    call->extra[0] = "ETag";
    call->extra[1] = tag;
    call->extra[2] = "Cache-Control";
    call->extra[3] = "private, no-cache";
    call->extra[4] = "Vary";
    call->extra[5] = "Accept, Authorization";
    call->extra[6] = "Content-Security-Policy"; // the page has a style of its own and nothing else
    call->extra[7] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    if (match && !entity_tag_listed(match, plain, false))
        return call_problem(call, 412, "precondition_failed", "the document is not the one that If-Match names");
    call->status = none && entity_tag_listed(none, plain, true) ? 304 : 200;
    return ERR_OK;
}

enum err api_invoice(struct api_call *call, struct slice id)
{
    struct invoice invoice;
    int form = accept_choose(http_header(call->request, "Accept"), form_types, 3);
    enum err err =
        invoice_load(call->db, arena_text(call->arena, id.data, id.length), call->arena, &invoice, &call->fault);
    if (err == ERR_NOT_FOUND) return call_not_found(call);
    if (err) return err;
    if (form < 0)
        return call_problem(call, 406, "not_acceptable", "offered are application/json, text/html and text/plain");
    err = draw(call, &invoice, (enum form)form);
    if (err) return err;
    call->content_type = form_content_types[form];
    return conditional(call);
}
