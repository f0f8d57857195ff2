// SPDX-License-Identifier: Apache-2.0
// Price books of a catalogue: their currency and the chain of parents that ends at the list.
#include "catalogue/catalogue_internal.h"

#include <string.h>

static int compare_books(const void *a, const void *b)
{
    const struct price_book_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_book(const void *a, const void *b)
{
    return ((const struct price_book_row *)a)->number == ((const struct price_book_row *)b)->number;
}

static enum err build_book(struct catalogue *catalogue, const struct price_book_row *row, size_t index,
                           struct fault *fault)
{
    struct fault inner = {0};
    struct price_book *book = &catalogue->books[index];
    enum err err = row_check_id("price_book", row->id, row->number, fault);
    if (err) return err;
    *book = (struct price_book){.number = row->number, .id = row->id, .name = text_or_empty(row->name)};
    if (catalogue_currency(catalogue, text_or_empty(row->currency), &book->currency, &inner))
        return row_fault(fault, "price_book", row->id, "currency %.16s: %s", text_or_empty(row->currency),
                         inner.reason);
    lookup_add(&catalogue->book_numbers, lookup_hash_number(row->number), index);
    return ERR_OK;
}

static enum err link_parent(struct catalogue *catalogue, const struct price_book_row *row, struct price_book *book,
                            struct fault *fault)
{
    if (row->parent == 0) return ERR_OK;
    uint32_t index = catalogue_book_index(catalogue, row->parent);
    if (index == NO_INDEX)
        return row_fault(fault, "price_book", row->id, "parent number %d does not exist", row->parent);
    book->parent = &catalogue->books[index];
    if (strcmp(book->parent->currency.code, book->currency.code) != 0)
        return row_fault(fault, "price_book", row->id, "its currency is %s, its parent's %s", book->currency.code,
                         book->parent->currency.code);
    return ERR_OK;
}

static enum err check_chain(const struct catalogue *catalogue, const struct price_book *book, struct fault *fault)
{
    size_t steps = 0;
    for (const struct price_book *each = book->parent; each; each = each->parent)
        if (++steps > catalogue->book_count)
            return row_fault(fault, "price_book", book->id, "its parents lead in a circle");
    return ERR_OK;
}

enum err catalogue_build_books(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct price_book_row *row = rows->books.row;
    struct lookup ids;
    rows_sort(row, rows->books.count, sizeof *row, compare_books);
    rows->books.count = rows_keep_newest(row, rows->books.count, sizeof *row, same_book);
    catalogue->book_count = rows->books.count;
    catalogue->books = ARENA_ARRAY(catalogue->arena, struct price_book, rows->books.count);
    lookup_init(&catalogue->book_numbers, catalogue->arena, rows->books.count);
    lookup_init(&ids, catalogue->arena, rows->books.count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, rows->books.count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < rows->books.count && !err; i++) {
        err = build_book(catalogue, &row[i], i, fault);
        if (!err && !ids_add(&ids, id_list, i, row[i].id))
            err = row_fault(fault, "price_book", row[i].id, "two numbers have this id");
    }
    for (size_t i = 0; i < rows->books.count && !err; i++)
        err = link_parent(catalogue, &row[i], &catalogue->books[i], fault);
    for (size_t i = 0; i < rows->books.count && !err; i++)
        err = check_chain(catalogue, &catalogue->books[i], fault);
    return err;
}
