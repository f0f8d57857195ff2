// SPDX-License-Identifier: Apache-2.0
// Catalogue files of a test: written to a folder, read without a database, and what was told compared with the marks in
// their text (tests/support/marked_text.h). To be included behind cmocka.
#pragma once
#include "catalogue/apply.h"
#include "tests/support/folder.h"
#include "tests/support/marked_text.h"

struct bad_file {
    const char *name, *text, *reasons;
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

// Copies what was told without the folder's name.
static inline void without_folder(const char *told, const char *folder, struct text *out)
{
    for (const char *at = told; at && *at;) {
        const char *hit = strstr(at, folder), *end = hit ? hit : at + strlen(at);
        text_add(out, at, (size_t)(end - at));
        at = hit ? hit + strlen(folder) + 1 : end;
    }
}

// Reads the texts as f.yaml and g.yaml (NULL: none) of a folder.
static inline struct catalogue *read_files(const struct text *first, const struct text *second, struct text *told)
{
    struct test_folder folder;
    struct catalogue *catalogue = NULL;
    struct text raw = {0};
    assert_int_equal(test_folder_make(&folder), 0);
    assert_true(test_file(&folder, "f.yaml", first->data, first->length, 0644)[0]);
    if (second) assert_true(test_file(&folder, "g.yaml", second->data, second->length, 0644)[0]);
    const char *paths[] = {folder.path};
    enum err err = catalogue_from_files(paths, 1, &catalogue, &raw);
    assert_int_equal(err == ERR_OK, raw.length == 0);
    assert_int_equal(err == ERR_OK, catalogue != NULL);
    without_folder(raw.data, folder.path, told);
    text_free(&raw);
    test_folder_remove(&folder);
    return catalogue;
}

// `around` comes before the text of the first file.
static inline void expect(const char *name, const char *around, const char *first, const char *second,
                          const char *reasons)
{
    struct marks marks = {0};
    struct text f = {0}, g = {0}, told = {0}, expected = {0}, whole = {0};
    text_print(&whole, "%s%s", around, first);
    marked_text_read("f.yaml", whole.data, &f, &marks);
    if (second) marked_text_read("g.yaml", second, &g, &marks);
    text_add_string(&told, "");
    text_add_string(&expected, "");
    marked_text_expect(&marks, reasons, &expected);
    catalogue_release(read_files(&f, second ? &g : NULL, &told));
    if (strcmp(told.data, expected.data) != 0) {
        print_error("%s: expected\n%sbut was told\n%s\n", name, expected.data, told.data);
        fail();
    }
    text_free(&f);
    text_free(&g);
    text_free(&told);
    text_free(&expected);
    text_free(&whole);
}

static inline void expect_each(const char *around, const struct bad_file *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(cases[i].name, around, cases[i].text, NULL, cases[i].reasons);
}

// What most cases need around them: 9 lines with two meters, a SKU for each, and the operator.
#define FRAME                                                                                                          \
    "services: [{id: ecs, name: Servers, category: Compute, subcategory: Virtual Machines}]\n"                         \
    "meters:\n"                                                                                                        \
    "  - {id: running, name: Time, event_type: s, aggregation: interval, resource: r, state: s, running: [a],\n"       \
    "     stopped: [b], dimensions: [flavour, os], unit: second}\n"                                                    \
    "  - {id: calls, name: Calls, event_type: c, aggregation: count, unit: call}\n"                                    \
    "skus:\n"                                                                                                          \
    "  - {id: server, service: ecs, meter: running, name: Server}\n"                                                   \
    "  - {id: call, service: ecs, meter: calls, name: Call}\n"                                                         \
    "sellers: [{id: cloud, name: Cloud Ltd, series: C}]\n"
