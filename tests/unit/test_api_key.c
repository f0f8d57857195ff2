// SPDX-License-Identifier: Apache-2.0
// API keys: their text, who is found, and what each may do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// after the headers that it needs
#include <cmocka.h>

#include "catalogue/api_key.h"
#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ID "0123456789abcdef"
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void well_formed_keys_are_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "tpk_" ID "_" SECRET,
        "Bearer tpk_" ID "_" SECRET,
        "bearer tpk_" ID "_" SECRET,
        "BEARER   tpk_" ID "_" SECRET,
    };
    unsigned char expected[SHA256_BYTES];
    sha256_of(SECRET, 64, expected);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char key_id[API_KEY_ID_SIZE];
        unsigned char hash[SHA256_BYTES];
        if (api_key_parse(slice_of(rows[i]), key_id, hash, NULL)) fail_msg("refused: %s", rows[i]);
        assert_string_equal(key_id, ID);
        assert_memory_equal(hash, expected, sizeof expected);
    }
}

static void other_texts_are_refused_and_never_quoted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "Bearer",
        "Bearer ",
        "tpk_",
        "tpk_" ID,
        "tpk_" ID "_",
        "tpk_" ID SECRET,
        "tpk_" ID "_" SECRET "0",
        "tpk_" ID "_" SECRET " ",
        " tpk_" ID "_" SECRET,
        "Basic tpk_" ID "_" SECRET,
        "TPK_" ID "_" SECRET,
        "tpk_0123456789ABCDEF_" SECRET,
        "tpk_0123456789abcdeg_" SECRET,
        "tpk-" ID "_" SECRET,
        "tpk_" ID "-" SECRET,
        "Bearertpk_" ID "_" SECRET,
        "tpk_" ID "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
        "tpk_" ID "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char key_id[API_KEY_ID_SIZE];
        unsigned char hash[SHA256_BYTES];
        struct fault fault = {0};
        if (api_key_parse(slice_of(rows[i]), key_id, hash, &fault) != ERR_INVALID) fail_msg("taken: '%s'", rows[i]);
        assert_null(strstr(fault.reason, "0123456789"));
        assert_null(strstr(fault.reason, "00112233"));
    }
}

static void a_made_key_can_be_read(void **state)
{
    (void)state;
    char text[API_KEY_TEXT_SIZE], other[API_KEY_TEXT_SIZE], made_id[API_KEY_ID_SIZE], read_id[API_KEY_ID_SIZE];
    unsigned char made[SHA256_BYTES], read[SHA256_BYTES];
    api_key_make(other, made_id, made);
    api_key_make(text, made_id, made);
    assert_string_not_equal(text, other);
    assert_int_equal(api_key_parse(slice_of(text), read_id, read, NULL), ERR_OK);
    assert_string_equal(made_id, read_id);
    assert_memory_equal(made, read, sizeof made);
}

static void scopes_are_words_between_commas(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned scopes;
    } good[] = {{"ingest", 1},   {"read", 2}, {"operate", 4}, {"ingest,read", 3}, {"read,ingest,operate", 7},
                {"read,read", 2}};
    static const char *const bad[] = {"", ",", "ingest,", ",read", "ingest read", "Ingest", "write", "ingest,write"};
    unsigned scopes;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(api_key_scopes_parse(good[i].text, &scopes, NULL), ERR_OK);
        assert_int_equal(scopes, good[i].scopes);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (api_key_scopes_parse(bad[i], &scopes, NULL) != ERR_INVALID) fail_msg("taken: '%s'", bad[i]);
}

static struct api_key a_key(const char *key_id, unsigned char secret)
{
    struct api_key key = {.scopes = API_KEY_INGEST, .expires_time = INSTANT_MAX};
    snprintf(key.key_id, sizeof key.key_id, "%s", key_id);
    memset(key.secret_hash, secret, sizeof key.secret_hash);
    return key;
}

static void a_key_is_found_only_with_its_secret_and_in_its_time(void **state)
{
    (void)state;
    struct api_key keys[] = {a_key("000000000000000a", 1), a_key("000000000000000b", 2), a_key("000000000000000c", 3)};
    keys[1].expires_time = 1000;
    keys[2].revoked = true;
    struct api_key_table *table = api_key_table_of(keys, COUNT(keys));
    unsigned char zero[SHA256_BYTES] = {0};
    assert_int_equal(api_key_table_count(table), 3);
    assert_string_equal(api_key_find(table, "000000000000000a", keys[0].secret_hash, 0)->key_id, "000000000000000a");
    assert_null(api_key_find(table, "000000000000000a", keys[1].secret_hash, 0));
    assert_non_null(api_key_find(table, "000000000000000b", keys[1].secret_hash, 999));
    assert_null(api_key_find(table, "000000000000000b", keys[1].secret_hash, 1000));
    assert_null(api_key_find(table, "000000000000000c", keys[2].secret_hash, 0));
    assert_null(api_key_find(table, "000000000000000d", keys[0].secret_hash, 0));
    assert_null(api_key_find(table, "000000000000000d", zero, 0)); // what an unknown id is compared with
    api_key_table_retain(table);
    api_key_table_release(table);
    api_key_table_release(table);
    table = api_key_table_of(NULL, 0);
    assert_null(api_key_find(table, "000000000000000a", zero, 0));
    api_key_table_release(table);
}

// Tenants 1 and 2 belong to account 1; tenant 2 moves to account 3 at 2026-09-01; tenant 3 belongs to account 3.
static void reach_follows_names_and_payers(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    catalogue_fixture(&rows);
    instant_us moved = catalogue_fixture_instant("2026-09-01");
    *ROW_NEW(&rows.memberships) = (struct membership_row){2, 2, 3, moved};
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    static const int64_t first[] = {1}, both[] = {1, 3};
    static const struct {
        struct api_key key;
        int before[4], after[4]; // of tenants 1, 2, 3: 1 may send, 2 may read
    } cases[] = {
        {{.scopes = API_KEY_INGEST}, {0, 0, 0}, {0, 0, 0}},
        {{.scopes = API_KEY_INGEST, .every_tenant = true}, {1, 1, 1}, {1, 1, 1}},
        {{.scopes = API_KEY_READ, .every_tenant = true}, {2, 2, 2}, {2, 2, 2}},
        {{.scopes = API_KEY_OPERATE}, {3, 3, 3}, {3, 3, 3}},
        {{.scopes = API_KEY_INGEST | API_KEY_READ, .tenants = first, .tenant_count = 1}, {3, 0, 0}, {3, 0, 0}},
        {{.scopes = API_KEY_INGEST, .tenants = both, .tenant_count = 2}, {1, 0, 1}, {1, 0, 1}},
        {{.scopes = API_KEY_READ, .account = 1}, {2, 2, 0}, {2, 0, 0}},
        {{.scopes = API_KEY_INGEST, .account = 3}, {0, 0, 1}, {0, 1, 1}},
        {{.scopes = API_KEY_INGEST, .account = 3, .tenants = first, .tenant_count = 1}, {1, 0, 1}, {1, 1, 1}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int64_t t = 1; t <= 3; t++)
            for (int later = 0; later <= 1; later++) {
                const struct tenant *tenant = catalogue_tenant_number(catalogue, t);
                instant_us when = moved - 1 + later;
                int may = api_key_may_send(&cases[i].key, catalogue, tenant, when) |
                          api_key_may_read(&cases[i].key, catalogue, tenant, when) << 1;
                int expected = (later ? cases[i].after : cases[i].before)[t - 1];
                if (may != expected) fail_msg("case %zu tenant %d later %d: %d", i, (int)t, later, may);
            }
    catalogue_release(catalogue);
}

static int begin(void **state)
{
    (void)state;
    hash_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_keys_are_read),
        cmocka_unit_test(other_texts_are_refused_and_never_quoted),
        cmocka_unit_test(a_made_key_can_be_read),
        cmocka_unit_test(scopes_are_words_between_commas),
        cmocka_unit_test(a_key_is_found_only_with_its_secret_and_in_its_time),
        cmocka_unit_test(reach_follows_names_and_payers),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
