// SPDX-License-Identifier: Apache-2.0
// Hashes and random bytes (libsodium, OpenSSL and xxhash underneath). Which is for what:
//   keyed_hash  128 bits with a secret key: identities and names that tenants choose (SipHash-2-4-128)
//   sha256      chains, documents, API keys
//   murmur2     shard of a tenant: what Java's default partitioner computes
//   fast_hash64 in-memory tables and message checksums, never for anything that a tenant could attack or that is stored for proof
#pragma once
#include "common/text.h"

struct hash128 {
    uint64_t high, low;
};
struct hash_key {
    unsigned char bytes[16];
};
enum { SHA256_BYTES = 32, SHA256_HEX = 65 };

// Must be called before the others (aborts if the libraries cannot start); calling again is harmless. After it every
// function may be used from any thread; a struct sha256 belongs to one.
void hash_init(void);
// 64 hex digits of the identity key's file -> the SipHash key of one purpose ("identity", "dimension"): the first 16 bytes
// of HMAC-SHA256(secret, "turnpike/key/" + purpose). ERR_INVALID: not 64 hex digits.
enum err hash_key_derive(const char *secret_hex, const char *purpose, struct hash_key *key, struct fault *fault) MUST_USE;
struct hash128 keyed_hash(const struct hash_key *key, const void *data, size_t length);
// The same over one or more pieces (each < 4 GiB), each preceded by its length as 4 bytes little-endian, so that ("ab","c") != ("a","bc").
struct hash128 keyed_hash_pieces(const struct hash_key *key, const struct slice *pieces, size_t count);
bool hash128_equal(struct hash128 a, struct hash128 b);
int hash128_compare(struct hash128 a, struct hash128 b); // high, then low; <0, 0, >0
bool hash128_is_zero(struct hash128 a);
void hash128_bytes(struct hash128 hash, unsigned char out[16]); // high, then low, big-endian: SipHash's digest as published
struct hash128 hash128_from_bytes(const unsigned char bytes[16]);

struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *hash, const void *data, size_t length);
void sha256_finish(struct sha256 *hash, unsigned char out[SHA256_BYTES]); // and starts anew
void sha256_free(struct sha256 *hash);
void sha256_of(const void *data, size_t length, unsigned char out[SHA256_BYTES]);
// SHA-1 as 40 hex digits: the name by which Redis knows a script, fit for nothing else.
enum { SHA1_HEX = 41 };
void sha1_hex(const void *data, size_t length, char out[SHA1_HEX]);
void hex_print(const void *data, size_t length, char *out); // 2 * length + 1 bytes, lower case
enum err hex_parse(const char *hex, size_t hex_length, unsigned char *out) MUST_USE; // hex_length / 2 bytes; either case

uint32_t murmur2(const void *data, size_t length); // seed 0x9747b28c, as Apache Kafka's Utils.murmur2
enum { SHARD_COUNT = 1024 };
int shard_of_tenant(struct slice tenant); // (murmur2 & 0x7fffffff) mod 1024 (rules.md 2.3)

uint64_t fast_hash64(const void *data, size_t length); // XXH3, 64 bits, no seed: the same on every machine
void random_bytes(void *out, size_t length);
uint64_t random_u64(void);
bool secret_equal(const void *a, const void *b, size_t length); // constant time
// RFC 4648, padding and zero trailing bits required, no white space. Adds to out; on ERR_INVALID out is as it was.
enum err base64_decode(const char *text, size_t length, struct text *out, struct fault *fault) MUST_USE;
