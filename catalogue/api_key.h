// SPDX-License-Identifier: Apache-2.0
// API keys: tpk_<16 hex: key id>_<64 hex: secret>. The database holds the SHA-256 of the secret, which has 256 random
// bits. The gateway keeps all keys in memory: an immutable snapshot, taken anew when a key was made or revoked.
#pragma once
#include "catalogue/catalogue.h"

enum { API_KEY_ID_LENGTH = 16, API_KEY_ID_SIZE = 17, API_KEY_SECRET_HEX = 64, API_KEY_TEXT_SIZE = 4 + 16 + 1 + 64 + 1 };
enum { API_KEY_REFRESH_US = 3000000 }; // how often one looks, so that a revoked key is dead within 5 s everywhere

enum api_key_scope { API_KEY_INGEST = 1, API_KEY_READ = 2, API_KEY_OPERATE = 4 };
struct api_key {
    char key_id[API_KEY_ID_SIZE];
    unsigned char secret_hash[SHA256_BYTES];
    unsigned scopes; // of enum api_key_scope
    bool every_tenant, revoked;
    const int64_t *tenants; // numbers, rising
    size_t tenant_count;
    int64_t account;         // also for the tenants for whom this account pays; 0: none
    instant_us expires_time; // INSTANT_MAX: never
};

// --- texts; pure

// Takes the value of an Authorization header ("Bearer tpk_...", scheme in any case) or a bare key apart. ERR_INVALID:
// it is no key; the fault never quotes it.
enum err api_key_parse(struct slice header_value, char key_id[API_KEY_ID_SIZE], unsigned char secret_hash[SHA256_BYTES],
                       struct fault *fault) MUST_USE;
// Makes a new random key: its text, which is shown once and kept nowhere, its id and the hash of its secret.
void api_key_make(char text[API_KEY_TEXT_SIZE], char key_id[API_KEY_ID_SIZE], unsigned char secret_hash[SHA256_BYTES]);
// "ingest" | "read" | "operate", separated by commas. ERR_INVALID: another word, or none.
enum err api_key_scopes_parse(const char *text, unsigned *scopes, struct fault *fault) MUST_USE;

// --- the snapshot; reading it is lock-free from any thread

struct api_key_table;
enum err api_key_table_load(struct db *db, struct api_key_table **table, struct fault *fault) MUST_USE;
// Replaces *table (NULL at first) if a key was made or revoked, and releases the old one. Looks at one row, and not
// even that within API_KEY_REFRESH_US of the last look: call it as often as is handy. monotonic_us:
// clock_monotonic_us(). On an error *table stays. When a key has changed all are read.
enum err api_key_table_refresh(struct db *db, struct api_key_table **table, int64_t monotonic_us,
                               struct fault *fault) MUST_USE;
void api_key_table_retain(struct api_key_table *table);
void api_key_table_release(struct api_key_table *table); // NULL is fine
size_t api_key_table_count(const struct api_key_table *table);

// The key if it is there, has this secret, is not revoked and has not expired at `now` (wall clock); else NULL. Takes
// the same steps for an unknown id as for a wrong secret. The key lives as long as the snapshot.
const struct api_key *api_key_find(const struct api_key_table *table, const char *key_id,
                                   const unsigned char secret_hash[SHA256_BYTES], instant_us now);
// For tests: a snapshot of given keys (copied).
struct api_key_table *api_key_table_of(const struct api_key *keys, size_t count);

// May it send events of the tenant (scope ingest or operate), may it read them (read or operate)? It speaks for every
// tenant, names this one, or its account pays for it at `when` (event time, or now). Operators' keys reach every
// tenant.
bool api_key_may_send(const struct api_key *key, const struct catalogue *catalogue, const struct tenant *tenant,
                      instant_us when);
bool api_key_may_read(const struct api_key *key, const struct catalogue *catalogue, const struct tenant *tenant,
                      instant_us when);
