// SPDX-License-Identifier: Apache-2.0
// Reads services, with their FOCUS categories, and SKUs.
#include "catalogue/file_field.h"
#include "catalogue/focus.h"

static void check_category(struct file_errors *errors, const struct file_field *category,
                           const struct file_field *subcategory, const struct service_row *row)
{
    struct text known = {0};
    if (!row->category || !row->subcategory) return;
    if (!focus_category_known(row->category)) {
        focus_category_list(&known);
        file_error(errors, category->value, "'%.64s' is no FOCUS service category; there are: %s", row->category,
                   known.data);
    } else if (!focus_subcategory_known(row->category, row->subcategory)) {
        focus_subcategory_list(row->category, &known);
        file_error(errors, subcategory->value, "'%.64s' is no FOCUS subcategory of %s; there are: %s", row->subcategory,
                   row->category, known.data);
    }
    text_free(&known);
}

void file_service_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, NAME, CATEGORY, SUBCATEGORY };
    struct file_field fields[] = {
        [ID] = {.name = "id", .required = true},
        [NAME] = {.name = "name", .required = true},
        [CATEGORY] = {.name = "category", .required = true},
        [SUBCATEGORY] = {.name = "subcategory", .required = true},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "service", fields)) return;
    struct service_row row = {
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .category = file_text(errors, &fields[CATEGORY], FILE_NAME_MAX),
        .subcategory = file_text(errors, &fields[SUBCATEGORY], FILE_NAME_MAX),
    };
    check_category(errors, &fields[CATEGORY], &fields[SUBCATEGORY], &row);
    *ROW_NEW(&files->services) = (struct file_service){item, errors->count == before, row};
}

void file_sku_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, NAME, SERVICE, METER };
    struct file_field fields[] = {
        [ID] = {.name = "id", .required = true},
        [NAME] = {.name = "name", .required = true},
        [SERVICE] = {.name = "service", .required = true},
        [METER] = {.name = "meter", .required = true},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "sku", fields)) return;
    struct file_sku sku = {
        .node = item,
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .service = file_reference(errors, &fields[SERVICE]),
        .meter = file_reference(errors, &fields[METER]),
    };
    sku.valid = errors->count == before;
    *ROW_NEW(&files->skus) = sku;
}
