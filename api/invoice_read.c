// SPDX-License-Identifier: Apache-2.0
// The statements that read documents.
#include "api/invoice_read.h"

#include <string.h>

static const char *column(struct arena *arena, const struct db_result *result, int row, int number)
{
    return arena_text(arena, db_text(result, row, number), db_length(result, row, number));
}

static enum err load_parties(struct db *db, const char *document, struct arena *arena, struct invoice *invoice,
                             struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db,
                            "select role, name, address, tax_id, email\n"
                            "  from invoicing.document_party\n"
                            " where document = $1",
                            1, &document, &result, fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) {
        bool seller = strcmp(db_text(result, row, 0), "seller") == 0;
        struct document_party *party = seller ? &invoice->seller : &invoice->buyer;
        *party = (struct document_party){.id = "",
                                         .name = column(arena, result, row, 1),
                                         .address = column(arena, result, row, 2),
                                         .tax_id = column(arena, result, row, 3),
                                         .email = column(arena, result, row, 4)};
        if (seller)
            invoice->has_seller = true;
        else
            invoice->has_buyer = true;
    }
    db_result_free(result);
    return ERR_OK;
}

enum err invoice_load(struct db *db, const char *number, struct arena *arena, struct invoice *invoice,
                      struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db,
                            "select d.document, d.number, d.kind, d.state, p.label, d.currency, d.body, d.envelope,\n"
                            "       encode(d.body_sha256, 'hex'), d.account\n"
                            "  from invoicing.document d\n"
                            "  join invoicing.period p on p.agreement = d.agreement and p.account = d.account\n"
                            "       and p.period_start = d.period_start\n"
                            " where d.number = $1",
                            1, &number, &result, fault);
    if (err) return err;
    if (db_rows(result) == 0) {
        db_result_free(result);
        return fault_set(fault, ERR_NOT_FOUND, "", "there is no document with this number");
    }
    const char *document = column(arena, result, 0, 0);
    *invoice = (struct invoice){.number = column(arena, result, 0, 1),
                                .kind = column(arena, result, 0, 2),
                                .state = column(arena, result, 0, 3),
                                .period = column(arena, result, 0, 4),
                                .currency = column(arena, result, 0, 5),
                                .body = column(arena, result, 0, 6),
                                .envelope = column(arena, result, 0, 7),
                                .body_sha256 = column(arena, result, 0, 8),
                                .account = db_get_int(result, 0, 9)};
    db_result_free(result);
    return load_parties(db, document, arena, invoice, fault);
}

struct document_drawing invoice_drawing(const struct invoice *invoice)
{
    return (struct document_drawing){.body = slice_of(invoice->body),
                                     .envelope = slice_of(invoice->envelope),
                                     .seller = invoice->has_seller ? &invoice->seller : NULL,
                                     .buyer = invoice->has_buyer ? &invoice->buyer : NULL,
                                     .is_void = strcmp(invoice->state, "void") == 0};
}

enum err invoice_list(struct db *db, const struct invoice_query *query, struct arena *arena, struct invoice_row **rows,
                      size_t *count, struct fault *fault)
{
    struct db_result *result;
    const char *const values[] = {query->account ? db_int(arena, query->account) : NULL, query->period,
                                  db_int(arena, query->limit),
                                  query->continues ? db_instant(arena, query->after_issued) : NULL,
                                  query->continues ? db_int(arena, query->after_document) : NULL};
    enum err err =
        db_query(db,
                 "select d.number, d.kind, d.state, p.label, d.currency, d.account, d.document,\n"
                 "       d.issued_time, d.net, d.tax, d.total\n"
                 "  from invoicing.document d\n"
                 "  join invoicing.period p on p.agreement = d.agreement and p.account = d.account\n"
                 "       and p.period_start = d.period_start\n"
                 " where ($1::bigint is null or d.account = $1::bigint)\n"
                 "   and ($2::text is null or p.label = $2::text)\n"
                 "   and ($4::timestamptz is null or (d.issued_time, d.document) < ($4::timestamptz, $5::bigint))\n"
                 " order by d.issued_time desc, d.document desc\n"
                 " limit $3::bigint",
                 5, values, &result, fault);
    if (err) return err;
    *count = (size_t)db_rows(result);
    *rows = ARENA_ARRAY(arena, struct invoice_row, *count + 1);
    for (int row = 0; row < (int)*count; row++)
        (*rows)[row] = (struct invoice_row){.number = column(arena, result, row, 0),
                                            .kind = column(arena, result, row, 1),
                                            .state = column(arena, result, row, 2),
                                            .period = column(arena, result, row, 3),
                                            .currency = column(arena, result, row, 4),
                                            .account = db_get_int(result, row, 5),
                                            .document = db_get_int(result, row, 6),
                                            .issued_time = db_get_instant(result, row, 7),
                                            .net = {db_get_decimal(result, row, 8, AMOUNT_PLACES)},
                                            .tax = {db_get_decimal(result, row, 9, AMOUNT_PLACES)},
                                            .total = {db_get_decimal(result, row, 10, AMOUNT_PLACES)}};
    db_result_free(result);
    return ERR_OK;
}
