// SPDX-License-Identifier: Apache-2.0
// YAML: the tree with its places, what is refused and at which line and column.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/yaml.h"
#include "tests/support/folder.h"

#define BYTES(literal) literal, sizeof(literal) - 1

// The tree in one line: texts quoted if they were, [..] and {key: value}.
static void show(struct text *out, const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        text_print(out, node->plain ? "%s" : "'%s'", node->text);
        break;
    case YAML_SEQUENCE:
    case YAML_MAPPING:
        text_add_char(out, node->kind == YAML_MAPPING ? '{' : '[');
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0) text_add_string(out, ", ");
            if (node->kind == YAML_MAPPING) {
                show(out, node->keys[i]);
                text_add_string(out, ": ");
            }
            show(out, node->items[i]);
        }
        text_add_char(out, node->kind == YAML_MAPPING ? '}' : ']');
        break;
    }
}

// All documents, separated by " --- ", or "!place reason".
static void read_all(const char *data, size_t length, struct text *out)
{
    struct arena *arena = arena_new(0);
    struct yaml_node **documents;
    size_t count;
    struct fault fault = {0};
    text_clear(out);
    char *exact = malloc(length ? length : 1); // so that the sanitizer sees a read beyond the end
    memcpy(exact, data, length);
    if (yaml_read(arena, "t.yaml", exact, length, &documents, &count, &fault) != ERR_OK) {
        assert_null(documents);
        assert_int_equal(count, 0);
        text_print(out, "!%s %s", fault.place, fault.reason);
    }
    free(exact);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add_string(out, " --- ");
        show(out, documents[i]);
    }
    arena_free(arena);
}

static void forms_are_read_or_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t length;
        const char *expected;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("# nothing\n"), ""},
        {BYTES("---\n"), ""},
        {BYTES("a: 1\nb: [x, 'y', \"z\"]\n"), "{a: 1, b: [x, 'y', 'z']}"},
        {BYTES("a: 1\r\nb: 2\r\n"), "{a: 1, b: 2}"},
        {BYTES("\xef\xbb\xbf"
               "a: 1"),
         "{a: 1}"},
        {BYTES("a: 1\n---\nb: 2\n...\n"), "{a: 1} --- {b: 2}"},
        {BYTES("- no\n- 1e3\n- 0.10\n- 0x1f\n- ~\n- 2026-10-01\n- 1_000\n"),
         "[no, 1e3, 0.10, 0x1f, ~, 2026-10-01, 1_000]"}, // as written
        {BYTES("a:\nb: ''\n"), "{a: , b: ''}"},
        {BYTES("a: |\n  x\n  y\nb: >\n  x\n  y\n"), "{a: 'x\ny\n', b: 'x y\n'}"},
        {BYTES("{}"), "{}"},
        {BYTES("[]"), "[]"},
        {BYTES("caf\xc3\xa9: \xf0\x9f\x98\x80\n"), "{caf\xc3\xa9: \xf0\x9f\x98\x80}"},
        {BYTES("%YAML 1.1\n---\na: 1\n"), "{a: 1}"},
        // refused
        {BYTES("a: 1\nb: {c: 2,\n    c: 3}\n"), "!t.yaml:3:5 the key \"c\" is there twice, first on line 2"},
        {BYTES("a: 1\n'a': 2\n"), "!t.yaml:2:1 the key \"a\" is there twice, first on line 1"},
        {BYTES("b: 1\na: 2\nb: 3\na: 4\n"), "!t.yaml:3:1 the key \"b\" is there twice, first on line 1"},
        {BYTES("a: &x 1\n"), "!t.yaml:1:4 anchors are not allowed"},
        {BYTES("a: *x\n"), "!t.yaml:1:4 aliases are not allowed"},
        {BYTES("a: &x [1]\n"), "!t.yaml:1:4 anchors are not allowed"},
        {BYTES("a: &x {b: 1}\n"), "!t.yaml:1:4 anchors are not allowed"},
        {BYTES("a:\n  - !!int 1\n"), "!t.yaml:2:5 tags are not allowed"},
        {BYTES("a: !!python/object:os.system [x]\n"), "!t.yaml:1:4 tags are not allowed"},
        {BYTES("a: ! x\n"), "!t.yaml:1:4 tags are not allowed"},
        {BYTES("? [a]\n: 1\n"), "!t.yaml:1:3 a key must be a text"},
        {BYTES("{a: 1}: 2\n"), "!t.yaml:1:1 a key must be a text"},
        {BYTES("a: \"x\\0y\"\n"), "!t.yaml:1:4 a text must not hold the character NUL"},
        {BYTES("a: x\0y\n"), "!t.yaml:1:5 control characters are not allowed"},
        {BYTES("a: 1\nb: \x1b[2J\n"), "!t.yaml:2:4 control characters are not allowed"},
        {BYTES("a: 1\nb: \xc3\xa9\xff\n"), "!t.yaml:2:5 not valid UTF-8"},
        {BYTES("a: \xed\xa0\x80\n"), "!t.yaml:1:4 not valid UTF-8"},
        {BYTES("\xff\xfe"
               "a\0:\0 \0"
               "1\0"),
         "!t.yaml:1:1 not valid UTF-8"}, // UTF-16
        {BYTES("a: 1\n\tb: 2\n"),
         "!t.yaml:2:1 found a tab character that violates indentation, while scanning a plain scalar"},
        {BYTES("a: [1, 2\nb: 3\n"), "!t.yaml:2:2 did not find expected ',' or ']', while parsing a flow sequence"},
        {BYTES("a: 1\n b: 2\n"), "!t.yaml:2:3 mapping values are not allowed in this context"},
        {BYTES("a: \"x\n"), "!t.yaml:2:1 found unexpected end of stream, while scanning a quoted scalar"},
        {BYTES("a: 'x' y\n"), "!t.yaml:1:8 did not find expected key, while parsing a block mapping"},
        {BYTES("- a\nb: 1\n"), "!t.yaml:2:1 did not find expected '-' indicator, while parsing a block collection"},
        {BYTES("a: @x\n"),
         "!t.yaml:1:4 found character that cannot start any token, while scanning for the next token"},
        {BYTES("a: 1\n...\nb\n---\n{"), "!t.yaml:3:1 did not find expected <document start>"},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_all(rows[i].data, rows[i].length, &out);
        if (strcmp(out.data, rows[i].expected) != 0) fail_msg("row %zu: %s", i, out.data);
    }
    text_free(&out);
}

static void nested(struct text *text, int depth)
{
    text_clear(text);
    for (int i = 0; i < depth; i++)
        text_add_string(text, i % 2 ? "[" : "{a: ");
    text_add_string(text, "x");
    for (int i = depth; i-- > 0;)
        text_add_string(text, i % 2 ? "]" : "}");
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    struct text text = {0}, out = {0};
    nested(&text, 32);
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, text.data);
    nested(&text, 33);
    read_all(text.data, text.length, &out);
    assert_non_null(strstr(out.data, " nested deeper than 32 levels"));
    nested(&text, 5000);
    read_all(text.data, text.length, &out);
    assert_non_null(strstr(out.data, " nested deeper than 32 levels"));
    text_clear(&text);
    for (int i = 0; i < 100000; i++)
        text_add_char(&text, '[');
    read_all(text.data, text.length, &out);
    assert_int_equal(out.data[0], '!');
    text_free(&text);
    text_free(&out);
}

static void a_mapping_may_be_large(void **state)
{
    (void)state;
    struct text text = {0}, out = {0};
    for (int i = 0; i < 20000; i++)
        text_print(&text, "k%d: %d\n", i, i);
    read_all(text.data, text.length, &out);
    assert_int_equal(out.data[0], '{');
    text_add_string(&text, "k7: again\n");
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "!t.yaml:20001:1 the key \"k7\" is there twice, first on line 8");
    text_free(&text);
    text_free(&out);
}

static void nodes_know_their_places(void **state)
{
    (void)state;
    static const char data[] = "# prices\nname: x\nlist:\n  - {a: 1}\n  -   caf\xc3\xa9: ~\n";
    struct arena *arena = arena_new(0);
    struct yaml_node **documents;
    size_t count;
    char name[] = "prices.yaml";
    assert_int_equal(yaml_read(arena, name, data, sizeof data - 1, &documents, &count, NULL), ERR_OK);
    name[0] = '?'; // the name was copied
    assert_int_equal(count, 1);
    const struct yaml_node *root = documents[0], *list = yaml_member(root, "list");
    char place[FAULT_PLACE_MAX];
    yaml_place(root, place);
    assert_string_equal(place, "prices.yaml:2:1");
    yaml_place(list->items[0]->items[0], place);
    assert_string_equal(place, "prices.yaml:4:9");
    yaml_place(list->items[1]->items[0], place);
    assert_string_equal(place, "prices.yaml:5:13"); // columns are characters
    struct fault fault;
    assert_int_equal(yaml_fault(yaml_member(root, "name"), &fault, "unknown %s", "unit"), ERR_INVALID);
    assert_string_equal(fault.place, "prices.yaml:2:7");
    assert_string_equal(fault.reason, "unknown unit");
    assert_null(yaml_member(root, "none"));
    assert_null(yaml_member(list, "a"));
    assert_null(yaml_member(NULL, "a"));
    assert_true(yaml_is_null(list->items[1]->items[0]));
    arena_free(arena);
}

static void null_is_plain(void **state)
{
    (void)state;
    static const char data[] = "[~, null, '', \"~\", 'null', Null, [], {}, {a: }]";
    static const bool expected[] = {true, true, false, false, false, false, false, false, false};
    struct arena *arena = arena_new(0);
    struct yaml_node **documents;
    size_t count;
    assert_int_equal(yaml_read(arena, "n", data, sizeof data - 1, &documents, &count, NULL), ERR_OK);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(yaml_is_null(documents[0]->items[i]), expected[i]);
    assert_true(yaml_is_null(yaml_member(documents[0]->items[8], "a")));
    assert_true(yaml_is_null(NULL));
    arena_free(arena);
}

static void a_long_path_keeps_its_end_and_place(void **state)
{
    (void)state;
    char path[301], place[FAULT_PLACE_MAX];
    memset(path, 'd', 300);
    memcpy(path + 290, "/last.yaml", 11);
    yaml_place(&(struct yaml_node){.file = path, .line = 2147483647, .column = 2147483647}, place);
    assert_int_equal(strlen(place), FAULT_PLACE_MAX - 1);
    assert_string_equal(place + strlen(place) - 32, "/last.yaml:2147483647:2147483647");
}

static void files_are_read(void **state)
{
    (void)state;
    struct test_folder folder;
    struct arena *arena = arena_new(0);
    struct yaml_node **documents;
    size_t count;
    struct fault fault;
    assert_int_equal(test_folder_make(&folder), 0);
    const char *path = test_file(&folder, "a.yaml", "a: [\n", 5, 0600);
    assert_int_equal(yaml_read_file(arena, path, &documents, &count, &fault), ERR_INVALID);
    char expected[160];
    assert_true(snprintf(expected, sizeof expected, "%s:2:1", path) > 0);
    assert_string_equal(fault.place, expected);
    path = test_file(&folder, "a.yaml", "a: 1\n", 5, 0600);
    assert_int_equal(yaml_read_file(arena, path, &documents, &count, &fault), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(yaml_read_file(arena, test_path(&folder, "none"), &documents, &count, &fault), ERR_NOT_FOUND);
    assert_int_equal(yaml_read_file(arena, folder.path, &documents, &count, &fault), ERR_INVALID);
    path = test_file(&folder, "big.yaml", "", 0, 0600);
    assert_int_equal(truncate(path, 256 * 1024 * 1024 + 1), 0);
    assert_int_equal(yaml_read_file(arena, path, &documents, &count, &fault), ERR_LIMIT);
    assert_int_equal(count, 0);
    assert_int_equal(test_folder_remove(&folder), 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_read_or_refused_with_their_place),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(a_mapping_may_be_large),
        cmocka_unit_test(nodes_know_their_places),
        cmocka_unit_test(null_is_plain),
        cmocka_unit_test(a_long_path_keeps_its_end_and_place),
        cmocka_unit_test(files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
