// SPDX-License-Identifier: Apache-2.0
// Whole files: limits, what is no file, modes, and that a failed replacement leaves the old content.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

#include "common/file.h"
#include "common/hash.h"
#include "tests/support/folder.h"

static struct test_folder folder;

static int open_folder(void **state)
{
    (void)state;
    return test_folder_make(&folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return test_folder_remove(&folder);
}

static void reading_stops_at_the_limit(void **state)
{
    (void)state;
    char data[100001];
    memset(data, 'x', sizeof data);
    static const struct {
        size_t length, limit;
        enum err err;
    } rows[] = {
        {0, 0, ERR_OK},          {0, 10, ERR_OK},          {1, 0, ERR_LIMIT},
        {9, 10, ERR_OK},         {10, 10, ERR_OK},         {11, 10, ERR_LIMIT},
        {99999, 100000, ERR_OK}, {100000, 100000, ERR_OK}, {100001, 100000, ERR_LIMIT},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault = {0};
        const char *path = test_file(&folder, "data", data, rows[i].length, 0600);
        assert_int_equal(file_read(path, rows[i].limit, &out, &fault), rows[i].err);
        assert_int_equal(out.length, rows[i].err == ERR_OK ? rows[i].length : 0);
        if (rows[i].err != ERR_OK) assert_string_equal(fault.place, path);
    }
    text_free(&out);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    (void)state;
    struct text out = {0};
    struct fault fault;
    assert_int_equal(file_read(test_path(&folder, "none"), 10, &out, &fault), ERR_NOT_FOUND);
    assert_string_equal(fault.reason, "cannot open: No such file or directory");
    assert_int_equal(file_read("", 10, &out, &fault), ERR_NOT_FOUND);
    assert_int_equal(file_read(folder.path, 10, &out, &fault), ERR_INVALID);
    assert_string_equal(fault.reason, "is not a regular file");
    assert_int_equal(file_read("/dev/zero", 10, &out, &fault), ERR_INVALID);
    const char *fifo = test_path(&folder, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_read(fifo, 10, &out, &fault), ERR_INVALID); // nobody writes: a plain open would hang
    assert_int_equal(file_read("/proc/self/status", 65536, &out, &fault), ERR_OK); // a size of 0, yet content
    assert_true(out.length > 100);
    assert_int_equal(file_read("/proc/self/status", 100, &out, &fault), ERR_LIMIT);
    assert_string_equal(out.data, "");
    text_free(&out);
}

static void a_private_file_has_a_narrow_mode(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        enum err err;
    } rows[] = {{0600, ERR_OK},      {0640, ERR_OK},      {0400, ERR_OK},      {0440, ERR_OK},      {0644, ERR_INVALID},
                {0660, ERR_INVALID}, {0604, ERR_INVALID}, {0602, ERR_INVALID}, {0601, ERR_INVALID}, {0700, ERR_INVALID},
                {0650, ERR_INVALID}, {0666, ERR_INVALID}, {0777, ERR_INVALID}};
    struct text out = {0};
    struct fault fault;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = test_file(&folder, "secret", "s", 1, rows[i].mode);
        assert_int_equal(file_read_private(path, 10, 0640, &out, &fault), rows[i].err);
        assert_int_equal(unlink(path), 0);
    }
    const char *path = test_file(&folder, "secret", "s", 1, 0644);
    assert_int_equal(file_read_private(path, 10, 0640, &out, &fault), ERR_INVALID);
    assert_string_equal(fault.reason, "has mode 0644, but at most 0640 is allowed: chmod 640 it");
    text_free(&out);
}

static void assert_content(const char *path, const char *expected, mode_t mode)
{
    struct text out = {0};
    struct stat status;
    assert_int_equal(file_read(path, 1000, &out, NULL), ERR_OK);
    assert_string_equal(out.data, expected);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    text_free(&out);
}

static void a_replacement_has_the_mode_whatever_the_umask(void **state)
{
    (void)state;
    char path[128];
    strcpy(path, test_path(&folder, "cursor"));
    int before = test_folder_count(&folder);
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t old = umask(masks[i]);
        enum err err = file_replace(path, "one", 3, 0640, NULL);
        umask(old);
        assert_int_equal(err, ERR_OK);
        assert_content(path, "one", 0640);
    }
    assert_int_equal(file_replace(path, "", 0, 0600, NULL), ERR_OK);
    assert_content(path, "", 0600);
    assert_int_equal(test_folder_count(&folder), before + 1);
}

static void a_symbolic_link_is_replaced_not_followed(void **state)
{
    (void)state;
    char target[128], link[128];
    strcpy(target, test_file(&folder, "target", "old", 3, 0600));
    strcpy(link, test_path(&folder, "link"));
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(file_replace(link, "new", 3, 0600, NULL), ERR_OK);
    assert_content(target, "old", 0600);
    assert_content(link, "new", 0600);
}

static void a_failed_replacement_leaves_the_old_content(void **state)
{
    (void)state;
    char path[128], big[4096] = {0};
    strcpy(path, test_file(&folder, "kept", "old", 3, 0600));
    int before = test_folder_count(&folder);
    struct fault fault;
    // the disk is full: writes beyond 1000 bytes fail
    struct rlimit old, small = {1000, 1000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err err = file_replace(path, big, sizeof big, 0600, &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err, ERR_RETRY);
    assert_string_equal(fault.reason, "cannot write: File too large");
    assert_content(path, "old", 0600);
    assert_int_equal(test_folder_count(&folder), before);
    // a folder has the name
    assert_int_equal(file_replace(folder.path, "x", 1, 0600, &fault), ERR_INVALID);
    assert_int_equal(file_replace(test_path(&folder, "none/file"), "x", 1, 0600, &fault), ERR_NOT_FOUND);
    assert_int_equal(test_folder_count(&folder), before);
}

static void a_bare_name_is_in_the_working_folder(void **state)
{
    (void)state;
    char *old = getcwd(NULL, 0);
    assert_int_equal(chdir(folder.path), 0);
    assert_int_equal(file_replace("bare", "x", 1, 0600, NULL), ERR_OK);
    assert_int_equal(chdir(old), 0);
    assert_content(test_path(&folder, "bare"), "x", 0600);
    free(old);
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_stops_at_the_limit),
        cmocka_unit_test(what_is_no_file_is_refused_without_waiting),
        cmocka_unit_test(a_private_file_has_a_narrow_mode),
        cmocka_unit_test(a_replacement_has_the_mode_whatever_the_umask),
        cmocka_unit_test(a_symbolic_link_is_replaced_not_followed),
        cmocka_unit_test(a_failed_replacement_leaves_the_old_content),
        cmocka_unit_test(a_bare_name_is_in_the_working_folder),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
