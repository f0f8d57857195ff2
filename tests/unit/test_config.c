// SPDX-License-Identifier: Apache-2.0
// Configuration: precedence, all errors of a file with their lines, hostile files, flags, secrets, the table itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/config.h"
#include "common/file.h"
#include "tests/support/aborts.h"
#include "tests/support/folder.h"

#define A(literal) ((char[]){literal}) // main's arguments may be written to

static struct test_folder folder;
static bool write_docs; // asked for by TURNPIKE_WRITE_DOCS, before the environment is cleared

static int open_folder(void **state)
{
    (void)state;
    write_docs = getenv("TURNPIKE_WRITE_DOCS") != NULL;
    clearenv();
    return test_folder_make(&folder) || chdir(folder.path); // no ./var/turnpike.conf of ours is found
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") || test_folder_remove(&folder);
}

static int clear_environment(void **state)
{
    (void)state;
    return clearenv();
}

static const char *write_conf(const char *content)
{
    return test_file(&folder, "t.conf", content, strlen(content), 0644);
}

static struct config *open_ok(const char *path)
{
    struct config *config;
    struct text errors = {0};
    if (config_open(path, &config, &errors) != ERR_OK) fail_msg("%s", errors.data);
    assert_int_equal(errors.length, 0);
    return config;
}

// %s in expected stands for the path.
static void assert_refused(const char *path, const char *expected)
{
    struct config *config;
    struct text errors = {0}, all = {0};
    assert_int_equal(config_open(path, &config, &errors), ERR_INVALID);
    assert_null(config);
    for (const char *at = expected; *at; at++) {
        if (at[0] == '%' && at[1] == 's') {
            text_add_string(&all, path);
            at++;
        } else {
            text_add_char(&all, *at);
        }
    }
    assert_string_equal(errors.data, all.data);
    text_free(&errors);
    text_free(&all);
}

static void without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    struct config *config = open_ok(NULL);
    char host[64];
    int port;
    assert_string_equal(config_path(config), "");
    assert_string_equal(config_text(config, "kafka.topic"), "turnpike.usage");
    assert_string_equal(config_text(config, "rate.instance"), "");
    assert_null(config_text(config, "postgres.secrets_dir")); // required
    assert_int_equal(config_int(config, "kafka.partitions"), 4);
    assert_int_equal(config_int(config, "ingest.max_body"), 4194304);
    assert_int_equal(config_int(config, "rate.flush_interval"), 150);
    config_address(config, "ingest.listen", host, &port);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 18080);
    config_free(config);
    config_free(NULL);
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    const char *path = write_conf("kafka.topic = file\npostgres.host = file\nredis.host = file\n");
    setenv("TURNPIKE_POSTGRES_HOST", "environment", 1);
    setenv("TURNPIKE_REDIS_HOST", "environment", 1);
    setenv("TURNPIKE_RATE_GROUP", "environment", 1);
    setenv("TURNPIKE_KAFKA_TOPIC", "", 1); // empty counts as not set
    struct config *config = open_ok(path);
    char *argv[] = {A("turnpike"), A("rate"), A("--redis.host=flag"), A("--kafka.partitions"), A("8"), NULL};
    int argc = 5;
    assert_int_equal(config_take_flags(config, &argc, argv, NULL), ERR_OK);
    assert_int_equal(argc, 2);
    assert_string_equal(argv[1], "rate");
    assert_null(argv[2]);
    assert_string_equal(config_path(config), path);
    assert_string_equal(config_text(config, "kafka.topic"), "file");
    assert_string_equal(config_text(config, "postgres.host"), "environment");
    assert_string_equal(config_text(config, "redis.host"), "flag");
    assert_string_equal(config_text(config, "rate.group"), "environment");
    assert_string_equal(config_text(config, "postgres.database"), "turnpike");
    assert_int_equal(config_int(config, "kafka.partitions"), 8);
    struct fault fault;
    assert_int_equal(config_set(config, "redis.host", "set", &fault), ERR_OK);
    assert_string_equal(config_text(config, "redis.host"), "set");
    assert_int_equal(config_set(config, "redis.port", "0", &fault), ERR_INVALID);
    assert_int_equal(config_int(config, "redis.port"), 16379); // a refused value changes nothing
    assert_int_equal(config_set(config, "no.such", "0", &fault), ERR_INVALID);
    config_free(config);
}

static void the_file_is_searched_in_order(void **state)
{
    (void)state;
    char first[128], second[128];
    strcpy(first, test_file(&folder, "first.conf", "kafka.topic = first\n", 20, 0644));
    strcpy(second, test_file(&folder, "turnpike.conf", "kafka.topic = state\n", 20, 0644));
    setenv("TURNPIKE_STATE", folder.path, 1);
    struct config *config = open_ok(NULL);
    assert_string_equal(config_path(config), second);
    config_free(config);
    setenv("TURNPIKE_CONF", first, 1);
    config = open_ok(NULL);
    assert_string_equal(config_text(config, "kafka.topic"), "first");
    config_free(config);
    config = open_ok(second); // what is given comes before the environment
    assert_string_equal(config_text(config, "kafka.topic"), "state");
    config_free(config);
    setenv("TURNPIKE_CONF", "/nonexistent/x.conf", 1); // what is named must be there
    struct text errors = {0};
    assert_int_equal(config_open(NULL, &config, &errors), ERR_INVALID);
    assert_string_equal(errors.data, "/nonexistent/x.conf: cannot open: No such file or directory\n");
    text_free(&errors);
}

static void lines_are_read_with_their_spaces_comments_and_ends(void **state)
{
    (void)state;
    struct config *config = open_ok(write_conf("\xef\xbb\xbf# a comment\r\n"
                                               "\r\n"
                                               "   # another = one\n"
                                               "kafka.topic=a=b # no comment\r\n"
                                               "\t redis.host \t=\t  h h  \n"
                                               "redis.password_file =\n"
                                               "redis.port = 1")); // no end of line
    assert_string_equal(config_text(config, "kafka.topic"), "a=b # no comment");
    assert_string_equal(config_text(config, "redis.host"), "h h");
    assert_string_equal(config_text(config, "redis.password_file"), "");
    assert_int_equal(config_int(config, "redis.port"), 1);
    config_free(config);
    config_free(open_ok(write_conf("")));
    config_free(open_ok(write_conf("\n")));
}

static void every_error_is_named_with_its_line(void **state)
{
    (void)state;
    setenv("TURNPIKE_KAFKA_PARTITIONS", "3", 1);
    setenv("TURNPIKE_KAFKA_NO_SUCH", "3", 1); // other programs may have variables of this prefix
    assert_refused(
        write_conf("kafka.topics = x\n"
                   "kafka.topic = x\n"
                   "# fine\n"
                   "kafka.topic = y\n"
                   "redis.port = many\n"
                   "ingest.request_timeout = 10 sec\n"
                   "ingest.delivery_timeout = -5s\n"
                   "ingest.listen = 127.0.0.1:0\n"
                   "api.listen = 127.0.0.1:65536\n"
                   "no equals sign\n"
                   "= x\n"
                   "postgres.sslmode = tls\n"
                   "log.level =\n"
                   "kafka.topic\x1b[2J\xff = x\n"
                   "kafka.brokers = \xff\n"
                   "postgres.host = a\x1b[2J\n"
                   "Kafka.topic = x\n"
                   "ingest.max_body = 4MB\n"
                   "0123456789012345678901234567890123456789012345678901234567890123456789 = x"),
        "%s:1: unknown key \"kafka.topics\"\n"
        "%s:4: kafka.topic is set again, first on line 2\n"
        "%s:5: redis.port must be a whole number\n"
        "%s:6: ingest.request_timeout must be a duration: a whole number and ms, s, m, h or d without a "
        "space, as in 250ms\n"
        "%s:7: ingest.delivery_timeout must be a duration: a whole number and ms, s, m, h or d without a "
        "space, as in 250ms\n"
        "%s:8: ingest.listen must be HOST:PORT or [IPv6]:PORT with a port from 1 to 65535, as in "
        "127.0.0.1:18080\n"
        "%s:9: api.listen must be HOST:PORT or [IPv6]:PORT with a port from 1 to 65535, as in "
        "127.0.0.1:18080\n"
        "%s:10: expected \"key = value\"\n"
        "%s:11: unknown key \"\"\n"
        "%s:12: postgres.sslmode must be one of disable|allow|prefer|require|verify-ca|verify-full\n"
        "%s:13: log.level must not be empty\n"
        "%s:14: unknown key \"kafka.topic?[2J?\"\n"
        "%s:15: kafka.brokers is not valid UTF-8\n"
        "%s:16: postgres.host has a control character\n"
        "%s:17: unknown key \"Kafka.topic\"\n"
        "%s:18: ingest.max_body must be a size: a whole number of bytes, or with KiB, MiB, GiB or TiB, as in "
        "64KiB\n"
        "%s:19: unknown key \"0123456789012345678901234567890123456789012345678901234567890123\"\n"
        "TURNPIKE_KAFKA_PARTITIONS: kafka.partitions must be a power of two\n");
}

static void what_is_no_file_of_settings_is_refused(void **state)
{
    (void)state;
    assert_refused(test_path(&folder, "none.conf"), "%s: cannot open: No such file or directory\n");
    assert_refused(folder.path, "%s: is not a regular file\n");
    assert_refused("/dev/zero", "%s: is not a regular file\n");
    const char *fifo = test_path(&folder, "fifo.conf");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, "%s: is not a regular file\n");
    assert_refused("", "%s: cannot open: No such file or directory\n");
    const char *big = test_file(&folder, "big.conf", "", 0, 0600);
    assert_int_equal(truncate(big, 1024 * 1024), 0); // a line of NUL
    assert_refused(big, "%s:1: expected \"key = value\"\n");
    assert_int_equal(truncate(big, 1024 * 1024 + 1), 0);
    assert_refused(big, "%s: is larger than 1048576 bytes\n");
    assert_int_equal(truncate(big, 1024 * 1024 * 1024), 0);
    assert_refused(big, "%s: is larger than 1048576 bytes\n");
    assert_refused(test_file(&folder, "nul.conf", "kafka.topic = a\0b\n", 18, 0600),
                   "%s:1: kafka.topic has a control character\n");
    if (geteuid() != 0) // root may read everything
        assert_refused(test_file(&folder, "closed.conf", "", 0, 0000), "%s: cannot open: Permission denied\n");
}

static void flags_are_taken_and_others_stay(void **state)
{
    (void)state;
    struct config *config = open_ok(NULL);
    struct text errors = {0};
    char *argv[] = {
        A("turnpike"), A("--json"),         A("--kafka.topic"),    A("a"),  A("collect"),        A("--no.such=1"),
        A("-x"),       A("--redis.port=7"), A("--redis.host=--h"), A("--"), A("--redis.port=8"), NULL};
    int argc = 11;
    assert_int_equal(config_take_flags(config, &argc, argv, &errors), ERR_OK);
    static const char *const left[] = {"turnpike", "--json", "collect", "--no.such=1", "-x", "--", "--redis.port=8"};
    assert_int_equal(argc, 7);
    for (int i = 0; i < argc; i++)
        assert_string_equal(argv[i], left[i]);
    assert_null(argv[argc]);
    assert_string_equal(config_text(config, "kafka.topic"), "a");
    assert_string_equal(config_text(config, "redis.host"), "--h");
    assert_int_equal(config_int(config, "redis.port"), 7);
    config_free(config);
    text_free(&errors);
}

static void wrong_flags_are_all_named(void **state)
{
    (void)state;
    struct config *config = open_ok(NULL);
    struct text errors = {0};
    char *argv[] = {A("turnpike"),
                    A("--redis.port=0"),
                    A("--kafka.topic=a"),
                    A("--kafka.topic=a"),
                    A("--redis.host"),
                    A("--json"),
                    A("--postgres.host=\xff"),
                    A("--kafka.brokers"),
                    NULL};
    int argc = 8;
    assert_int_equal(config_take_flags(config, &argc, argv, &errors), ERR_INVALID);
    assert_string_equal(errors.data, "--redis.port: must be between 1 and 65535\n"
                                     "--kafka.topic: is given twice\n"
                                     "--redis.host: needs a value\n"
                                     "--postgres.host: is not valid UTF-8\n"
                                     "--kafka.brokers: needs a value\n");
    assert_int_equal(argc, 2);
    assert_string_equal(argv[1], "--json");
    config_free(config);
    text_clear(&errors);
    config = open_ok(NULL);
    // an argument of a megabyte
    char *big = malloc(1024 * 1024);
    memset(big, 'x', 1024 * 1024);
    memcpy(big, "--kafka.topic=", 14);
    big[1024 * 1024 - 1] = 0;
    char *big_argv[] = {A("turnpike"), big, NULL};
    argc = 2;
    assert_int_equal(config_take_flags(config, &argc, big_argv, &errors), ERR_INVALID);
    assert_string_equal(errors.data, "--kafka.topic: is longer than 4096 bytes\n");
    char *none[] = {NULL};
    argc = 0;
    assert_int_equal(config_take_flags(config, &argc, none, &errors), ERR_OK);
    free(big);
    config_free(config);
    text_free(&errors);
}

static void a_secret_is_one_line_in_a_private_file(void **state)
{
    (void)state;
    static char longest[4097];
    memset(longest, 'x', sizeof longest);
    static const struct {
        const char *content;
        size_t length;
        mode_t mode;
        const char *secret, *reason;
    } rows[] = {
        {"s3cret\n", 7, 0600, "s3cret", NULL},
        {"  s3cret \r\n", 11, 0640, "s3cret", NULL},
        {"s 3", 3, 0400, "s 3", NULL},
        {"", 0, 0600, NULL, "must be one line that is not empty"},
        {"\n\n", 2, 0600, NULL, "must be one line that is not empty"},
        {"a\nb\n", 4, 0600, NULL, "must be one line that is not empty"},
        {"a\0b\n", 4, 0600, NULL, "must be one line that is not empty"},
        {"s3cret\n", 7, 0644, NULL, "has mode 0644, but at most 0640 is allowed: chmod 640 it"},
        {"s3cret\n", 7, 0660, NULL, "has mode 0660, but at most 0640 is allowed: chmod 640 it"},
        {longest, 4097, 0600, NULL, "is larger than 4096 bytes"},
    };
    struct text secret = {0};
    struct fault fault;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = test_file(&folder, "secret", rows[i].content, rows[i].length, rows[i].mode);
        enum err err = secret_read(path, &secret, &fault);
        assert_int_equal(err, rows[i].secret ? ERR_OK : ERR_INVALID);
        assert_string_equal(secret.data, rows[i].secret ? rows[i].secret : "");
        if (rows[i].reason) assert_string_equal(fault.reason, rows[i].reason);
        unlink(path);
    }
    assert_int_equal(secret_read(test_file(&folder, "secret", longest, 4096, 0600), &secret, NULL), ERR_OK);
    assert_int_equal(secret.length, 4096);
    assert_int_equal(secret_read(test_path(&folder, "none"), &secret, &fault), ERR_INVALID);
    assert_int_equal(fault.err, ERR_INVALID);
    assert_int_equal(secret_read(folder.path, &secret, NULL), ERR_INVALID);
    text_free(&secret);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        assert_non_null(strchr(setting->name, '.'));
        assert_int_equal(strspn(setting->name, "abcdefghijklmnopqrstuvwxyz_."), strlen(setting->name));
        assert_true(setting->meaning[strlen(setting->meaning) - 1] == '.');
        bool counted =
            setting->kind == SETTING_INT || setting->kind == SETTING_DURATION_MS || setting->kind == SETTING_BYTES;
        assert_int_equal(counted, setting->least < setting->most);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(setting->name, setting_table[k].name);
    }
}

static void the_reference_has_a_row_per_setting(void **state)
{
    (void)state;
    struct text out = {0};
    config_print_reference(&out);
    size_t lines = 0, bars = 0;
    for (size_t i = 0; i < out.length; i++) {
        bars += out.data[i] == '|';
        if (out.data[i] != '\n') continue;
        lines++;
        assert_int_equal(bars, 6); // five cells
        bars = 0;
    }
    assert_int_equal(lines, setting_count + 2);
    assert_non_null(strstr(out.data, "| `rate.flush_interval` | duration | `150ms` | 10ms to 1m | "));
    assert_non_null(strstr(out.data, "| `postgres.secrets_dir` | text | required |  | "));
    assert_non_null(strstr(out.data, "| `log.level` | text | `info` | debug, info, warn, error | "));
    text_free(&out);
}

static void docs_configuration_md_is_current(void **state)
{
    (void)state;
    static const char path[] = TURNPIKE_SOURCE_DIR "/docs/configuration.md";
    struct text document = {0}, table = {0};
    assert_int_equal(file_read(path, 1024 * 1024, &document, NULL), ERR_OK);
    config_print_reference(&table);
    const char *begin = strstr(document.data, "| setting |");
    size_t before = begin ? (size_t)(begin - document.data) : document.length;
    if (write_docs) {
        document.length = before;
        text_add_slice(&document, (struct slice){table.data, table.length});
        assert_int_equal(file_replace(path, document.data, document.length, 0644, NULL), ERR_OK);
    } else if (strcmp(document.data + before, table.data) != 0) {
        fail_msg("%s is stale: run TURNPIKE_WRITE_DOCS=1 build/debug/tests/test_config", path);
    }
    text_free(&document);
    text_free(&table);
}

static void read_unknown(void)
{
    config_text(open_ok(NULL), "no.such");
}

static void read_as_other_kind(void)
{
    config_int(open_ok(NULL), "kafka.topic");
}

static void wrong_reads_are_our_mistake(void **state)
{
    (void)state;
    assert_true(aborts(read_unknown));
    assert_true(aborts(read_as_other_kind));
}

#define TEST(function) cmocka_unit_test_setup(function, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_file_the_defaults_hold),
        TEST(flag_beats_environment_beats_file_beats_default),
        TEST(the_file_is_searched_in_order),
        TEST(lines_are_read_with_their_spaces_comments_and_ends),
        TEST(every_error_is_named_with_its_line),
        TEST(what_is_no_file_of_settings_is_refused),
        TEST(flags_are_taken_and_others_stay),
        TEST(wrong_flags_are_all_named),
        TEST(a_secret_is_one_line_in_a_private_file),
        TEST(the_table_is_sound),
        TEST(the_reference_has_a_row_per_setting),
        TEST(docs_configuration_md_is_current),
        TEST(wrong_reads_are_our_mistake),
    };
    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
