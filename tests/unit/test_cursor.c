// SPDX-License-Identifier: Apache-2.0
// A cursor comes back as it was made, and in no other way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/cursor.h"

static const unsigned char secret[SHA256_BYTES] = {1, 2, 3}, other_secret[SHA256_BYTES] = {1, 2, 4};
static const instant_us now = 1700000000 * SECOND_US;
static const struct cursor position = {1690000000123456, 42};

static void make(char text[CURSOR_TEXT_SIZE])
{
    cursor_print(&position, secret, SLICE("account=1"), now, text);
    assert_int_equal(strlen(text), CURSOR_TEXT_SIZE - 1);
}

static void test_comes_back(void **state)
{
    (void)state;
    char text[CURSOR_TEXT_SIZE];
    struct cursor found = {0};
    make(text);
    assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now, &found, NULL), ERR_OK);
    assert_true(found.issued_time == position.issued_time && found.document == position.document);
}

// A day: up to its end, not beyond; a clock that went back is no excuse for years.
static void test_expires(void **state)
{
    (void)state;
    char text[CURSOR_TEXT_SIZE];
    struct cursor found;
    make(text);
    assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now + CURSOR_LIFE_US, &found, NULL), ERR_OK);
    assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now + CURSOR_LIFE_US + 1, &found, NULL),
                     ERR_INVALID);
    assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now - CURSOR_LIFE_US - 1, &found, NULL),
                     ERR_INVALID);
}

static void test_belongs_to_key_and_list(void **state)
{
    (void)state;
    char text[CURSOR_TEXT_SIZE];
    struct cursor found;
    make(text);
    assert_int_equal(cursor_read(text, other_secret, SLICE("account=1"), now, &found, NULL), ERR_INVALID);
    assert_int_equal(cursor_read(text, secret, SLICE("account=2"), now, &found, NULL), ERR_INVALID);
    assert_int_equal(cursor_read(text, secret, SLICE(""), now, &found, NULL), ERR_INVALID);
}

// Every digit changed, every length cut: refused.
static void test_forged(void **state)
{
    (void)state;
    char text[CURSOR_TEXT_SIZE];
    struct cursor found;
    make(text);
    for (size_t i = 0; i + 1 < CURSOR_TEXT_SIZE; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now, &found, NULL), ERR_INVALID);
        text[i] = was;
    }
    for (size_t length = 0; length + 1 < CURSOR_TEXT_SIZE; length++) {
        char cut[CURSOR_TEXT_SIZE];
        memcpy(cut, text, length);
        cut[length] = 0;
        assert_int_equal(cursor_read(cut, secret, SLICE("account=1"), now, &found, NULL), ERR_INVALID);
    }
    memset(text, 'z', CURSOR_TEXT_SIZE - 1);
    assert_int_equal(cursor_read(text, secret, SLICE("account=1"), now, &found, NULL), ERR_INVALID);
}

static int start(void **state)
{
    (void)state;
    hash_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comes_back), cmocka_unit_test(test_expires),
                                       cmocka_unit_test(test_belongs_to_key_and_list), cmocka_unit_test(test_forged)};
    return cmocka_run_group_tests(tests, start, NULL);
}
