// SPDX-License-Identifier: Apache-2.0
// From paths to items: which files there are, and which of their top-level lists holds what.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalogue/file_field.h"

enum { FILES_MAX = 10000 };

void catalogue_files_init(struct catalogue_files *files)
{
    *files = (struct catalogue_files){.arena = arena_new(1 << 20)};
    files->errors.arena = files->arena;
}

void catalogue_files_fini(struct catalogue_files *files)
{
    free(files->services.row);
    free(files->meters.row);
    free(files->skus.row);
    free(files->currencies.row);
    free(files->books.row);
    free(files->exchanges.row);
    free(files->prices.row);
    free(files->sellers.row);
    free(files->accounts.row);
    free(files->offers.row);
    free(files->holdings.row);
    free(files->tenants.row);
    arena_free(files->arena);
    *files = (struct catalogue_files){0};
}

// --- one file

static const struct section {
    const char *name;
    void (*read)(struct catalogue_files *files, const struct yaml_node *item);
} sections[] = {
    {"services", file_service_read},         {"meters", file_meter_read},   {"skus", file_sku_read},
    {"price_books", file_book_read},         {"sellers", file_seller_read}, {"partners", file_partner_read},
    {"billing_accounts", file_account_read}, {"offers", file_offer_read},   {"holdings", file_holding_read},
    {"tenants", file_tenant_read},           {"exchange_rates", file_exchange_read},
    {"virtual_currencies", file_currency_read},
};
enum { SECTION_COUNT = sizeof sections / sizeof *sections };

static void read_section(struct catalogue_files *files, const struct section *section, const struct yaml_node *list)
{
    if (yaml_is_null(list)) return;
    if (list->kind != YAML_SEQUENCE) {
        file_error(&files->errors, list, "%s is a list", section->name);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        section->read(files, list->items[i]);
}

static const struct section *find_section(const char *name)
{
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (strcmp(sections[i].name, name) == 0) return &sections[i];
    return NULL;
}

static void read_document(struct catalogue_files *files, const struct yaml_node *document)
{
    if (yaml_is_null(document)) return;
    if (document->kind != YAML_MAPPING) {
        file_error(&files->errors, document, "a catalogue file is a mapping of lists: services, meters, ...");
        return;
    }
    for (size_t i = 0; i < document->count; i++) {
        const struct section *section = find_section(document->keys[i]->text);
        if (section)
            read_section(files, section, document->items[i]);
        else
            file_error(&files->errors, document->keys[i],
                       "unknown list '%.64s'; there are: services, meters, skus, price_books, sellers, partners, "
                       "billing_accounts, offers, holdings, tenants, exchange_rates, virtual_currencies",
                       document->keys[i]->text);
    }
}

static void read_file(struct catalogue_files *files, const char *path)
{
    struct yaml_node **documents;
    struct fault fault = {0};
    size_t count;
    const char *name = arena_text(files->arena, path, strlen(path));
    file_errors_file(&files->errors, name);
    if (yaml_read_file(files->arena, path, &documents, &count, &fault)) {
        file_error_fault(&files->errors, name, &fault);
        return;
    }
    for (size_t i = 0; i < count; i++)
        read_document(files, documents[i]);
}

// --- folders

static int is_catalogue_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); // by bytes: the same order everywhere
}

static void read_folder(struct catalogue_files *files, const char *path)
{
    struct dirent **entries;
    struct fault fault = {.err = ERR_INVALID};
    int count = scandir(path, &entries, is_catalogue_file, compare_names);
    if (count < 0) {
        fault_set(&fault, ERR_INVALID, path, "the folder cannot be read: %s", strerror(errno));
        file_error_fault(&files->errors, path, &fault);
        return;
    }
    if (count == 0 || count > FILES_MAX) {
        fault_set(&fault, ERR_INVALID, path, "the folder has %d files named *.yaml or *.yml: 1 to %d", count,
                  FILES_MAX);
        file_error_fault(&files->errors, path, &fault);
    }
    struct text file = {0};
    for (int i = 0; i < count; i++) {
        text_clear(&file);
        text_print(&file, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", entries[i]->d_name);
        if (count <= FILES_MAX) read_file(files, file.data);
        free(entries[i]);
    }
    text_free(&file);
    free(entries);
}

enum err catalogue_files_read(struct catalogue_files *files, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stat status;
        if (*paths[i] && stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
            read_folder(files, paths[i]);
        else
            read_file(files, paths[i]);
    }
    return file_errors_result(&files->errors);
}
