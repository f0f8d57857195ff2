// SPDX-License-Identifier: Apache-2.0
// Rows of the catalogue into the database, and their digest. Both read a row through one description of its columns, so
// that nothing is written that the digest does not cover, but for what persons may have erased (rules 9.2): names,
// addresses, tax numbers and e-mail addresses of sellers, accounts and tenants. Private to catalogue/.
#pragma once
#include "catalogue/catalogue_build.h"

// Sorts the rows of each table by its primary key. Before the others: the digest goes over them in this order.
void catalogue_rows_order(struct catalogue_rows *rows);

// Appends all rows by COPY, inside the caller's transaction. Errors as db_copy_close.
enum err catalogue_rows_write(struct db *db, const struct catalogue_rows *rows, struct fault *fault) MUST_USE;

// SHA-256 over the canonical form: a JSON array per row and line, ["TABLE",column,...] in the order of the columns of
// the COPY; integers as numbers, instants, decimals and texts as strings, no value as null, lists as arrays.
void catalogue_rows_digest(const struct catalogue_rows *rows, unsigned char digest[SHA256_BYTES]);
