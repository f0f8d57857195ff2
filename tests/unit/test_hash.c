// SPDX-License-Identifier: Apache-2.0
// Hashes against published vectors and against values of an independent implementation (Python's hmac and hashlib, and
// SipHash and murmur2 written from their papers).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/hash.h"
#include "tests/support/aborts.h"

static void assert_hex(const unsigned char *bytes, size_t length, const char *expected)
{
    char hex[129];
    assert_true(length <= 64);
    hex_print(bytes, length, hex);
    assert_string_equal(hex, expected);
}

static void assert_hash128(struct hash128 hash, const char *expected)
{
    unsigned char bytes[16];
    hash128_bytes(hash, bytes);
    assert_hex(bytes, sizeof bytes, expected);
    assert_true(hash128_equal(hash, hash128_from_bytes(bytes)));
}

// Key 00 01 .. 0f, message 00 01 .. (n - 1): the vectors of the reference implementation.
static void keyed_hash_is_siphash_2_4_128(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *digest;
    } rows[] = {
        {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
        {2, "8177228da4a45dc7fca38bdef60affe4"},  {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},
        {8, "3b62a9ba6258f5610f83e264f31497b4"},  {15, "5493e99933b0a8117e08ec0f97cfc3d9"},
        {16, "6ee2a4ca67b054bbfd3315bf85230577"}, {63, "5150d1772f50834a503e069a973fbd7c"},
    };
    struct hash_key key;
    unsigned char message[64];
    for (unsigned char i = 0; i < 16; i++)
        key.bytes[i] = i;
    for (unsigned char i = 0; i < 64; i++)
        message[i] = i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_hash128(keyed_hash(&key, message, rows[i].length), rows[i].digest);
}

static struct hash128 hash_of_two(const struct hash_key *key, const char *a, const char *b)
{
    return keyed_hash_pieces(key, (struct slice[]){slice_of(a), slice_of(b)}, 2);
}

static void pieces_are_kept_apart(void **state)
{
    (void)state;
    struct hash_key key;
    for (unsigned char i = 0; i < 16; i++)
        key.bytes[i] = i;
    assert_false(hash128_equal(hash_of_two(&key, "ab", "c"), hash_of_two(&key, "a", "bc")));
    assert_false(hash128_equal(hash_of_two(&key, "", "abc"), hash_of_two(&key, "abc", "")));
    assert_true(hash128_equal(hash_of_two(&key, "ab", "c"), hash_of_two(&key, "ab", "c")));
    assert_hash128(keyed_hash_pieces(&key, (struct slice[]){SLICE("acme"), SLICE("collector/1"), SLICE("e1")}, 3),
                   "c3cb1c8d7eab3e0151fed2737c4228cb");
    // around the 512 bytes that need no allocation
    char text[1000];
    memset(text, 'x', sizeof text);
    assert_hash128(keyed_hash_pieces(&key, &(struct slice){text, 1000}, 1), "ae971645010e40c008e54d309ec549e8");
    for (size_t length = 506; length < 511; length++) {
        unsigned char joined[4 + 511] = {(unsigned char)length, (unsigned char)(length >> 8)};
        memset(joined + 4, 'x', length);
        assert_true(hash128_equal(keyed_hash_pieces(&key, &(struct slice){text, length}, 1),
                                  keyed_hash(&key, joined, 4 + length)));
    }
}

static void keys_are_derived_by_purpose(void **state)
{
    (void)state;
    const char *secret = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
    struct hash_key key;
    struct fault fault;
    assert_int_equal(hash_key_derive(secret, "identity", &key, &fault), ERR_OK);
    assert_hex(key.bytes, 16, "2e6f08ff1ee45d994860d3d72f0a031a");
    assert_int_equal(hash_key_derive(secret, "dimension", &key, &fault), ERR_OK);
    assert_hex(key.bytes, 16, "8805ac1cf82b4f5356785d8435211abd");
    static const char *const refused[] = {"", "00", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
                                          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g",
                                          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(hash_key_derive(refused[i], "identity", &key, &fault), ERR_INVALID);
        assert_string_equal(fault.reason, "the identity key must be 64 hexadecimal digits");
    }
}

static void hash128_is_high_then_low(void **state)
{
    (void)state;
    struct hash128 hash = {UINT64_C(0x0102030405060708), UINT64_C(0x090a0b0c0d0e0fff)};
    assert_hash128(hash, "0102030405060708090a0b0c0d0e0fff");
    assert_false(hash128_is_zero(hash));
    assert_false(hash128_is_zero((struct hash128){0, 1}));
    assert_false(hash128_is_zero((struct hash128){1, 0}));
    assert_true(hash128_is_zero((struct hash128){0, 0}));
    assert_false(hash128_equal((struct hash128){1, 2}, (struct hash128){1, 3}));
    assert_false(hash128_equal((struct hash128){1, 2}, (struct hash128){2, 2}));
}

static void murmur2_is_what_kafka_computes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t hash;
    } rows[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
        {"", 275646681},
        {"\xff\xfe\xfd", 998637092}, // bytes are unsigned
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal((int32_t)murmur2(rows[i].text, strlen(rows[i].text)), rows[i].hash);
}

static void a_tenant_has_a_shard(void **state)
{
    (void)state;
    assert_int_equal(shard_of_tenant(SLICE("acme")), 260);
    assert_int_equal(shard_of_tenant(SLICE("tenant-000001")), 1016);
    assert_int_equal(shard_of_tenant(SLICE("")), 217);
    // the sign bit is masked, not negated: -973932308 & 0x7fffffff = 1173551340
    assert_int_equal(shard_of_tenant(SLICE("21")), 1173551340 % 1024);
}

static void sha256_of_published_messages(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    unsigned char digest[SHA256_BYTES];
    struct sha256 *hash = sha256_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sha256_of(rows[i].message, strlen(rows[i].message), digest);
        assert_hex(digest, sizeof digest, rows[i].digest);
        // byte by byte, and the same object again after it was finished
        for (const char *at = rows[i].message; *at; at++)
            sha256_add(hash, at, 1);
        sha256_finish(hash, digest);
        assert_hex(digest, sizeof digest, rows[i].digest);
    }
    char thousand[1000];
    memset(thousand, 'a', sizeof thousand);
    for (int i = 0; i < 1000; i++)
        sha256_add(hash, thousand, sizeof thousand);
    sha256_finish(hash, digest);
    assert_hex(digest, sizeof digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_free(hash);
    sha256_free(NULL);
}

static void sha1_of_published_messages(void **state)
{
    (void)state;
    char text[SHA1_HEX];
    sha1_hex("abc", 3, text); // FIPS 180-4
    assert_string_equal(text, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sha1_hex("", 0, text);
    assert_string_equal(text, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void hex_is_read_strictly(void **state)
{
    (void)state;
    unsigned char bytes[8];
    assert_int_equal(hex_parse("", 0, bytes), ERR_OK);
    assert_int_equal(hex_parse("00fFa9", 6, bytes), ERR_OK);
    assert_memory_equal(bytes, "\x00\xff\xa9", 3);
    static const char *const refused[] = {"0", "0g", "g0", " 0", "0x", "00 ", "/0", ":0", "@0", "`0", "G0", "\xff\xff"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(hex_parse(refused[i], strlen(refused[i]), bytes), ERR_INVALID);
}

// RFC 4648 section 10, then what a lenient decoder would take.
static void base64_is_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded;
    } rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"+/+/", "\xfb\xff\xbf"},
        {"Zg=", NULL},
        {"Zg", NULL},
        {"Zg===", NULL},
        {"Z", NULL},
        {"=", NULL},
        {"Zh==", NULL},
        {"Zm 9v", NULL},
        {"Zm9v\n", NULL},
        {"-_-_", NULL},
        {"Zg==Zg==", NULL},
        {"Zm9\x80", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text out = {0};
        struct fault fault;
        text_add_string(&out, ">");
        enum err err = base64_decode(rows[i].text, strlen(rows[i].text), &out, &fault);
        if ((err == ERR_OK) != (rows[i].decoded != NULL)) fail_msg("row %zu", i);
        assert_string_equal(out.data + 1, rows[i].decoded ? rows[i].decoded : "");
        text_free(&out);
    }
}

static void fast_hash_is_stable_and_random_is_not(void **state)
{
    (void)state;
    assert_true(fast_hash64("", 0) == UINT64_C(0x2d06800538d394c2)); // XXH3's published value of nothing
    assert_true(fast_hash64("a", 1) != fast_hash64("b", 1));
    assert_true(random_u64() != random_u64());
    unsigned char a[32] = {0}, b[32] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_false(secret_equal(a, b, sizeof a));
    assert_true(secret_equal(a, a, sizeof a));
    assert_true(secret_equal(a, b, 0));
}

static void no_piece(void)
{
    struct hash_key key = {{0}};
    keyed_hash_pieces(&key, NULL, 0);
}

static void a_hash_of_no_piece_is_our_mistake(void **state)
{
    (void)state;
    assert_true(aborts(no_piece));
}

int main(void)
{
    hash_init();
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyed_hash_is_siphash_2_4_128),     cmocka_unit_test(pieces_are_kept_apart),
        cmocka_unit_test(keys_are_derived_by_purpose),       cmocka_unit_test(hash128_is_high_then_low),
        cmocka_unit_test(murmur2_is_what_kafka_computes),    cmocka_unit_test(a_tenant_has_a_shard),
        cmocka_unit_test(sha256_of_published_messages),      cmocka_unit_test(sha1_of_published_messages),
        cmocka_unit_test(hex_is_read_strictly),
        cmocka_unit_test(base64_is_read_strictly),           cmocka_unit_test(fast_hash_is_stable_and_random_is_not),
        cmocka_unit_test(a_hash_of_no_piece_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
