// SPDX-License-Identifier: Apache-2.0
// Cursors: what is remembered of an input, and when it is not to be trusted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hash.h"
#include "ingest/collect_cursor.h"

static char root[64], folder[128], input_path[128];

static void run_shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void run_shell(const char *format, ...)
{
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static int make_folder(void **state)
{
    (void)state;
    hash_init();
    strcpy(root, "/tmp/turnpike-test-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(folder, sizeof folder, "%s/a/b/collect", root); // made by the cursor
    snprintf(input_path, sizeof input_path, "%s/input.csv", root);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    run_shell("rm -rf '%s'", root);
    return 0;
}

// Opens the input, whose content is made of `lines` numbered lines, and its cursor.
static enum err open_cursor(const char *map, instant_us begin, bool again, struct cursor *cursor, struct fault *fault)
{
    struct cursor_input input = {.map = map, .begin = begin};
    int fd = open(input_path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(cursor_identify(fd, input_path, &input, fault), ERR_OK);
    return cursor_open(folder, &input, again, cursor, fault);
}

static void close_cursor(struct cursor *cursor)
{
    close(cursor->input.fd);
    cursor_close(cursor);
}

static void write_input(const char *text)
{
    FILE *file = fopen(input_path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void save(const struct collect_mark *mark, bool finished)
{
    struct cursor cursor;
    struct fault fault;
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &cursor, &fault), ERR_OK);
    assert_int_equal(cursor_save(&cursor, mark, finished, &fault), ERR_OK);
    close_cursor(&cursor);
}

static void a_cursor_is_read_where_it_was_saved(void **state)
{
    (void)state;
    struct cursor cursor;
    struct fault fault = {0};
    write_input("a,b\n1,2\n3,4\n");
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &cursor, &fault), ERR_OK);
    assert_int_equal(cursor.mark.record, 0);
    close_cursor(&cursor);
    save(&(struct collect_mark){1, 3, 8}, false);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &cursor, &fault), ERR_OK);
    assert_memory_equal(&cursor.mark, (&(struct collect_mark){1, 3, 8}), sizeof cursor.mark);
    assert_false(cursor.finished);
    close_cursor(&cursor);
    assert_int_equal(open_cursor("m2", INSTANT_NONE, false, &cursor, &fault), ERR_OK); // another map, another cursor
    assert_int_equal(cursor.mark.record, 0);
    close_cursor(&cursor);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, true, &cursor, &fault), ERR_OK); // --again
    assert_int_equal(cursor.mark.record, 0);
    close_cursor(&cursor);
    save(&(struct collect_mark){2, 4, 12}, true);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &cursor, &fault), ERR_OK);
    assert_true(cursor.finished);
    close_cursor(&cursor);
}

// One at a time: two collectors of one input would move one cursor.
static void a_cursor_has_one_owner(void **state)
{
    (void)state;
    struct cursor first, second;
    struct fault fault = {0};
    write_input("owner\n");
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &first, &fault), ERR_OK);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &second, &fault), ERR_CONFLICT);
    close_cursor(&second);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, true, &second, &fault), ERR_CONFLICT);
    close_cursor(&second);
    close_cursor(&first);
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &second, &fault), ERR_OK);
    close_cursor(&second);
}

static void expect_conflict(instant_us begin, const char *word)
{
    struct cursor cursor;
    struct fault fault = {0};
    assert_int_equal(open_cursor("m1", begin, false, &cursor, &fault), ERR_CONFLICT);
    close_cursor(&cursor);
    if (!strstr(fault.reason, word)) fail_msg("'%s' is not in: %s", word, fault.reason);
    assert_int_equal(open_cursor("m1", begin, true, &cursor, &fault), ERR_OK); // what the reason tells to say
    close_cursor(&cursor);
}

static void a_changed_input_is_noticed(void **state)
{
    (void)state;
    struct text big = {0};
    while (big.length < 3 * CURSOR_DIGEST_BYTES) // well beyond what the digest is made of
        text_add_string(&big, "some line\n");
    write_input(big.data);
    save(&(struct collect_mark){250001, 250002, 2500010}, false);
    expect_conflict(INSTANT_MIN, "times counted from no begin");
    big.data[2500001] = 'S'; // before the mark
    write_input(big.data);
    expect_conflict(INSTANT_NONE, "it changed");
    big.data[2500001] = 'o';
    text_add_string(&big, "more\n");
    write_input(big.data);
    expect_conflict(INSTANT_NONE, "its size changed");
    big.data[0] = 'S';
    write_input(big.data);
    expect_conflict(INSTANT_NONE, "first MiB changed");
    big.data[0] = 's';
    big.data[3000000] = 'S'; // behind the mark: it has not been sent
    big.length -= 5;
    big.data[big.length] = 0;
    write_input(big.data);
    struct cursor cursor;
    struct fault fault = {0};
    assert_int_equal(open_cursor("m1", INSTANT_NONE, false, &cursor, &fault), ERR_OK);
    assert_int_equal(cursor.mark.record, 250001);
    close_cursor(&cursor);
    text_free(&big);
}

static void a_damaged_cursor_is_no_zero(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"version\":2}",
        "{\"version\":1,\"begin\":\"\",\"size\":8,\"offset\":9,\"line\":1,\"record\":1}"};
    struct cursor cursor;
    struct fault fault = {0};
    write_input("damaged\n");
    save(&(struct collect_mark){1, 2, 8}, false);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        assert_int_equal(open_cursor("m1", INSTANT_NONE, true, &cursor, &fault), ERR_OK);
        assert_int_equal(file_replace(cursor.file, damages[i], strlen(damages[i]), 0600, &fault), ERR_OK);
        close_cursor(&cursor);
        enum err err = open_cursor("m1", INSTANT_NONE, false, &cursor, &fault);
        close_cursor(&cursor);
        if (err != ERR_CONFLICT) fail_msg("damage %zu: %s", i, err_name(err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cursor_is_read_where_it_was_saved, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_cursor_has_one_owner, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_changed_input_is_noticed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_cursor_is_no_zero, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("collect_cursor", tests, NULL, NULL);
}
