// SPDX-License-Identifier: Apache-2.0
// Log lines: their form, and that no value can forge one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "common/text.h"

static struct clock *now;
static int captured, real_stderr;

static int open_log(void **state)
{
    (void)state;
    unsetenv("TURNPIKE_LOG");
    now = clock_simulated(INT64_C(1790812800000000)); // 2026-10-01T00:00:00Z
    captured = memfd_create("log", MFD_CLOEXEC);
    real_stderr = dup(STDERR_FILENO);
    log_open("rate", LOG_LEVEL_INFO, now);
    return captured < 0 || real_stderr < 0;
}

static int close_log(void **state)
{
    (void)state;
    log_open("turnpike", LOG_LEVEL_INFO, NULL);
    clock_free(now);
    return close(captured) || close(real_stderr);
}

static void capture(void)
{
    assert_int_equal(ftruncate(captured, 0), 0);
    assert_int_equal(lseek(captured, 0, SEEK_SET), 0);
    assert_true(dup2(captured, STDERR_FILENO) >= 0);
}

static void captured_text(struct text *out)
{
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    char piece[4096];
    ssize_t count;
    text_clear(out);
    for (off_t at = 0; (count = pread(captured, piece, sizeof piece, at)) > 0; at += count)
        text_add(out, piece, (size_t)count);
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    struct text out = {0};
    struct fault fault = {ERR_INVALID, "f.yaml:1:2", "no such unit"};
    capture();
    log_info("batch_committed", LOG_TEXT("tenant", "acme"), LOG_INT("events", INT64_MIN), LOG_TEXT("none", NULL));
    log_debug("hidden", LOG_NONE);
    log_warn("idle", LOG_NONE);
    log_error("refused", LOG_FAULT(&fault));
    captured_text(&out);
    assert_string_equal(
        out.data, "{\"time\":\"2026-10-01T00:00:00Z\",\"level\":\"info\",\"role\":\"rate\",\"event\":"
                  "\"batch_committed\",\"tenant\":\"acme\",\"events\":-9223372036854775808,\"none\":null}\n"
                  "{\"time\":\"2026-10-01T00:00:00Z\",\"level\":\"warn\",\"role\":\"rate\",\"event\":\"idle\"}\n"
                  "{\"time\":\"2026-10-01T00:00:00Z\",\"level\":\"error\",\"role\":\"rate\",\"event\":\"refused\","
                  "\"reason\":\"no such unit\",\"place\":\"f.yaml:1:2\"}\n");
    text_free(&out);
}

static void no_value_forges_a_line(void **state)
{
    (void)state;
    struct text out = {0};
    struct json_document *document;
    capture();
    log_info("event", LOG_TEXT("id", "x\"}\n{\"time\":\"\x1b[2J\xff\xc0\xaf\xed\xa0\x80"));
    captured_text(&out);
    assert_ptr_equal(strchr(out.data, '\n'), out.data + out.length - 1);
    assert_int_equal(json_read(out.data, out.length, &document, NULL), ERR_OK);
    const char *id = json_text(json_member(json_root(document), "id"), "");
    assert_string_equal(
        id, "x\"}\n{\"time\":\"\x1b[2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    json_free(document);
    text_free(&out);
}

static size_t logged_length(const char *value)
{
    struct text out = {0};
    struct json_document *document;
    capture();
    log_info("event", LOG_TEXT("id", value));
    captured_text(&out);
    assert_int_equal(json_read(out.data, out.length, &document, NULL), ERR_OK);
    size_t length = strlen(json_text(json_member(json_root(document), "id"), ""));
    json_free(document);
    text_free(&out);
    return length;
}

static void long_values_are_cut_between_characters(void **state)
{
    (void)state;
    char *value = malloc(1024 * 1024);
    memset(value, 'x', 1024 * 1024);
    value[1024 * 1024 - 1] = 0;
    assert_int_equal(logged_length(value), 1024);
    memcpy(value + 1022, "\xf0\x9f\x98\x80", 5); // four bytes from 1022 on: the cut would split them
    assert_int_equal(logged_length(value), 1022);
    memcpy(value + 1020, "\xf0\x9f\x98\x80", 5);
    assert_int_equal(logged_length(value), 1024);
    value[1023] = 0;
    memset(value, 'x', 1023);
    assert_int_equal(logged_length(value), 1023);
    free(value);
}

static void levels_have_names(void **state)
{
    (void)state;
    enum log_level level;
    assert_int_equal(log_level_parse("debug", &level), ERR_OK);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("error", &level), ERR_OK);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("Error", &level), ERR_INVALID);
    assert_int_equal(log_level_parse("", &level), ERR_INVALID);
}

static void errno_survives_and_a_closed_stderr_is_no_crash(void **state)
{
    (void)state;
    assert_int_equal(close(STDERR_FILENO), 0);
    errno = ENOSPC;
    log_error("lost", LOG_NONE);
    int kept = errno;
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    assert_int_equal(kept, ENOSPC);
}

static void *log_many(void *context)
{
    for (int i = 0; i < 500; i++)
        log_info("thread", LOG_TEXT("name", context), LOG_INT("i", i));
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    struct text out = {0};
    pthread_t threads[4];
    char names[4][200];
    capture();
    for (int i = 0; i < 4; i++) {
        memset(names[i], 'a' + i, sizeof names[i]);
        names[i][199] = 0;
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    captured_text(&out);
    int lines = 0;
    for (char *line = out.data, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        struct json_document *document;
        assert_int_equal(json_read(line, (size_t)(end - line), &document, NULL), ERR_OK);
        assert_int_equal(strlen(json_text(json_member(json_root(document), "name"), "")), 199);
        json_free(document);
    }
    assert_int_equal(lines, 2000);
    text_free(&out);
}

// A pseudo terminal in the place of standard error.
static void a_terminal_gets_readable_lines_that_cannot_move_its_cursor(void **state)
{
    (void)state;
    int leader = posix_openpt(O_RDWR | O_NOCTTY), terminal = -1;
    char name[64], line[2048];
    if (leader < 0 || grantpt(leader) || unlockpt(leader) || ptsname_r(leader, name, sizeof name)) skip();
    terminal = open(name, O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    log_open("rate", LOG_LEVEL_INFO, now);
    log_info("seen", LOG_TEXT("id", "plain-1"), LOG_TEXT("other", "a b\x1b[2J\xc2\x9b\x7f\xc3\xa9"),
             LOG_TEXT("none", NULL), LOG_TEXT("empty", ""), LOG_INT("n", 5));
    setenv("TURNPIKE_LOG", "json", 1);
    log_open("rate", LOG_LEVEL_INFO, now);
    log_info("json", LOG_NONE);
    unsetenv("TURNPIKE_LOG");
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    log_open("rate", LOG_LEVEL_INFO, now);
    size_t length = 0;
    while (length < sizeof line - 1 && !(length > 2 && strstr(line, "}"))) { // the terminal keeps the order
        ssize_t count = read(leader, line + length, sizeof line - 1 - length);
        assert_true(count > 0);
        length += (size_t)count;
        line[length] = 0;
    }
    assert_string_equal(
        line, "2026-10-01T00:00:00Z info  rate seen id=plain-1 other=\"a b\\u001b[2J???\xc3\xa9\" none=- "
              "empty=\"\" n=5\r\n"
              "{\"time\":\"2026-10-01T00:00:00Z\",\"level\":\"info\",\"role\":\"rate\",\"event\":\"json\"}\r\n");
    close(terminal);
    close(leader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object),
        cmocka_unit_test(no_value_forges_a_line),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(errno_survives_and_a_closed_stderr_is_no_crash),
        cmocka_unit_test(threads_do_not_mix_their_lines),
        cmocka_unit_test(a_terminal_gets_readable_lines_that_cannot_move_its_cursor),
    };
    return cmocka_run_group_tests(tests, open_log, close_log);
}
