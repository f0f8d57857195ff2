// SPDX-License-Identifier: Apache-2.0
// Hashes, keys, random bytes and their text forms; the only file that knows OpenSSL, libsodium and xxhash.
// keyed_hash, murmur2 and fast_hash64 run once or more per event: no allocation for pieces of ordinary size.
#include "common/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/arena.h"

enum {
    KEY_SECRET_BYTES = 32,
    PIECES_ON_STACK = 512, // tenant, source and id of an ordinary event fit; cleared by hardening, so not larger
    MURMUR2_SEED = (int)0x9747b28c, // Kafka's
    MURMUR2_M = 0x5bd1e995,
    MURMUR2_R = 24
};
_Static_assert(crypto_shorthash_siphashx24_BYTES == 16, "the 128-bit variant of SipHash");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(struct hash_key), "a SipHash key");
_Static_assert(crypto_auth_hmacsha256_KEYBYTES == KEY_SECRET_BYTES, "the secret is used whole");

static pthread_once_t hash_started = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_method; // fetched once: a fetch per hash costs more than the hash

static void hash_start(void)
{
    ENSURE(sodium_init() >= 0);
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
    ENSURE(sha256_method);
}

void hash_init(void)
{
    ENSURE(pthread_once(&hash_started, hash_start) == 0);
}

enum err hash_key_derive(const char *secret_hex, const char *purpose, struct hash_key *key, struct fault *fault)
{
    unsigned char secret[KEY_SECRET_BYTES], mac[crypto_auth_hmacsha256_BYTES];
    size_t length = strlen(secret_hex);
    if (length != sizeof secret * 2 || hex_parse(secret_hex, length, secret) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "", "the identity key must be %zu hexadecimal digits", sizeof secret * 2);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret, sizeof secret);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)"turnpike/key/", 13);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)purpose, strlen(purpose));
    crypto_auth_hmacsha256_final(&state, mac);
    memcpy(key->bytes, mac, sizeof key->bytes);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(mac, sizeof mac);
    return ERR_OK;
}

struct hash128 keyed_hash(const struct hash_key *key, const void *data, size_t length)
{
    unsigned char digest[crypto_shorthash_siphashx24_BYTES];
    crypto_shorthash_siphashx24(digest, data, length, key->bytes);
    return hash128_from_bytes(digest);
}

static unsigned char *little_endian_put(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        *at++ = (unsigned char)(number >> (8 * i));
    return at;
}

struct hash128 keyed_hash_pieces(const struct hash_key *key, const struct slice *pieces, size_t count)
{
    unsigned char on_stack[PIECES_ON_STACK];
    size_t length = 0;
    ENSURE(count > 0);
    for (size_t i = 0; i < count; i++) {
        ENSURE(pieces[i].length <= UINT32_MAX);
        length += 4 + pieces[i].length;
    }
    unsigned char *joined = length <= sizeof on_stack ? on_stack : heap_alloc(length), *at = joined;
    for (size_t i = 0; i < count; i++) {
        at = little_endian_put(at, (uint32_t)pieces[i].length);
        if (pieces[i].length > 0) memcpy(at, pieces[i].data, pieces[i].length);
        at += pieces[i].length;
    }
    struct hash128 hash = keyed_hash(key, joined, length);
    if (joined != on_stack) free(joined);
    return hash;
}

bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

bool hash128_is_zero(struct hash128 a)
{
    return (a.high | a.low) == 0;
}

static uint64_t big_endian_get(const unsigned char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void big_endian_put(uint64_t number, unsigned char *out)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> (56 - 8 * i));
}

void hash128_bytes(struct hash128 hash, unsigned char out[16])
{
    big_endian_put(hash.high, out);
    big_endian_put(hash.low, out + 8);
}

struct hash128 hash128_from_bytes(const unsigned char bytes[16])
{
    return (struct hash128){big_endian_get(bytes), big_endian_get(bytes + 8)};
}

struct sha256 {
    EVP_MD_CTX *context;
};

// OpenSSL fails here only when memory is out or hash_init was forgotten.
struct sha256 *sha256_new(void)
{
    ENSURE(sha256_method);
    struct sha256 *hash = heap_alloc(sizeof *hash);
    hash->context = EVP_MD_CTX_new();
    ENSURE(hash->context && EVP_DigestInit_ex2(hash->context, sha256_method, NULL) == 1);
    return hash;
}

void sha256_add(struct sha256 *hash, const void *data, size_t length)
{
    ENSURE(EVP_DigestUpdate(hash->context, data, length) == 1);
}

void sha256_finish(struct sha256 *hash, unsigned char out[SHA256_BYTES])
{
    ENSURE(EVP_DigestFinal_ex(hash->context, out, NULL) == 1);
    ENSURE(EVP_DigestInit_ex2(hash->context, sha256_method, NULL) == 1);
}

void sha256_free(struct sha256 *hash)
{
    if (!hash) return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void sha256_of(const void *data, size_t length, unsigned char out[SHA256_BYTES])
{
    ENSURE(sha256_method);
    ENSURE(EVP_Digest(data, length, out, NULL, sha256_method, NULL) == 1);
}

void sha1_hex(const void *data, size_t length, char out[SHA1_HEX])
{
    unsigned char digest[(SHA1_HEX - 1) / 2];
    ENSURE(EVP_Digest(data, length, digest, NULL, EVP_sha1(), NULL) == 1);
    hex_print(digest, sizeof digest, out);
}

void hex_print(const void *data, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum err hex_parse(const char *hex, size_t hex_length, unsigned char *out)
{
    if (hex_length % 2 != 0) return ERR_INVALID;
    for (size_t i = 0; i < hex_length; i += 2) {
        int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
        if (high < 0 || low < 0) return ERR_INVALID;
        out[i / 2] = (unsigned char)(high << 4 | low);
    }
    return ERR_OK;
}

static uint32_t little_endian_get(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint32_t murmur2(const void *data, size_t length)
{
    const unsigned char *at = data;
    uint32_t hash = (uint32_t)MURMUR2_SEED ^ (uint32_t)length;
    for (; length >= 4; at += 4, length -= 4) {
        uint32_t k = little_endian_get(at) * MURMUR2_M;
        k ^= k >> MURMUR2_R;
        hash = hash * MURMUR2_M ^ k * MURMUR2_M;
    }
    if (length > 2) hash ^= (uint32_t)at[2] << 16;
    if (length > 1) hash ^= (uint32_t)at[1] << 8;
    if (length > 0) hash = (hash ^ at[0]) * MURMUR2_M;
    hash ^= hash >> 13;
    hash *= MURMUR2_M;
    return hash ^ hash >> 15;
}

int shard_of_tenant(struct slice tenant)
{
    return (int)((murmur2(tenant.data, tenant.length) & 0x7fffffff) % SHARD_COUNT);
}

uint64_t fast_hash64(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

void random_bytes(void *out, size_t length)
{
    randombytes_buf(out, length);
}

uint64_t random_u64(void)
{
    uint64_t number;
    random_bytes(&number, sizeof number);
    return number;
}

bool secret_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}

// libsodium 1.0.18 takes bytes from 0x80 on for characters of the alphabet, so these are refused here.
static bool is_ascii(const char *text, size_t length)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= (unsigned char)text[i];
    return seen < 0x80;
}

enum err base64_decode(const char *text, size_t length, struct text *out, struct fault *fault)
{
    size_t most = length / 4 * 3 + 3, decoded_length = 0;
    unsigned char *decoded = heap_alloc(most);
    bool valid = is_ascii(text, length) && sodium_base642bin(decoded, most, text, length, NULL, &decoded_length, NULL,
                                                             sodium_base64_VARIANT_ORIGINAL) == 0;
    if (valid) text_add(out, decoded, decoded_length);
    free(decoded);
    return valid ? ERR_OK : fault_set(fault, ERR_INVALID, "", "not base64 (RFC 4648, with padding)");
}

int hash128_compare(struct hash128 a, struct hash128 b)
{
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}
