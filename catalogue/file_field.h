// SPDX-License-Identifier: Apache-2.0
// The members of one item of a catalogue file: which are allowed and required, and their values. What is wrong is added
// to the errors; a reader then returns what the member would be if it were absent. Private to catalogue/.
#pragma once
#include "catalogue/file.h"

enum { FILE_NAME_MAX = 200, FILE_TEXT_MAX = 500, FILE_ID_MAX = 63 };

struct file_field {
    const char *name;
    bool required;
    const struct yaml_node *value; // NULL: absent, or null
    const struct yaml_node *key;
};
// Fills value and key of the fields from a mapping. Tells unknown members, missing required ones and an item that is no
// mapping (false: then no field has a value). `what` names the kind of item.
bool file_fields(struct file_errors *errors, const struct yaml_node *item, const char *what, struct file_field *fields,
                 size_t count);
#define FILE_FIELDS(errors, item, what, fields)                                                                        \
    file_fields((errors), (item), (what), (fields), sizeof(fields) / sizeof *(fields))

// A text of 1 to most bytes without control characters; NULL if absent or wrong.
const char *file_text(struct file_errors *errors, const struct file_field *field, size_t most);
const char *file_id(struct file_errors *errors, const struct file_field *field); // [a-z0-9][a-z0-9._-]{0,62}
struct file_reference file_reference(struct file_errors *errors, const struct file_field *field); // the same, elsewhere
// The code of a currency, also a wrong one once that was told; NULL if absent. `what` NULL: of prices, which may be a
// virtual one; whether that is declared is not looked at. Else of ISO 4217 alone, and what would be in it, for the
// reason: "an account".
const char *file_currency_code(struct file_errors *errors, const struct file_field *field, const char *what);
int file_whole(struct file_errors *errors, const struct file_field *field, int least, int most, int otherwise);
// Index of the word in a list.
int file_choice(struct file_errors *errors, const struct file_field *field, const char *const *words, size_t count,
                int otherwise);
// RFC 3339, or a date (midnight UTC); on a 15-minute bound.
instant_us file_instant(struct file_errors *errors, const struct file_field *field, instant_us otherwise);
struct price file_decimal_price(struct file_errors *errors, const struct file_field *field); // never negative
struct quantity file_decimal_quantity(struct file_errors *errors, const struct file_field *field,
                                      int64_t otherwise); // > 0
// A price of the index-th book, as it stands in the book or is made from a row of a price list; scratch is cleared.
void file_price_read(struct catalogue_files *files, size_t book, const struct yaml_node *item, struct text *scratch);
// The book's prices_from: price lists in CSV files (docs/catalogue.md).
void file_price_lists_read(struct catalogue_files *files, size_t book, const struct file_field *field);

// A list of 1 to most different texts, each of up to FILE_TEXT_MAX bytes; NULL and *count 0 if absent or wrong.
const char **file_names(struct file_errors *errors, const struct file_field *field, size_t most, bool distinct,
                        size_t *count);
