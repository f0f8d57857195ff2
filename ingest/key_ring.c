// SPDX-License-Identifier: Apache-2.0
// Loads and checks API keys. A key's id is public, its secret has 256 random bits: one SHA-256 is enough, no slow hash.
#include "ingest/key_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/arena.h"

enum { KEY_ID_DIGITS = 16, KEY_SECRET_DIGITS = 64 };

struct key {
    char id[KEY_ID_DIGITS + 1];
    unsigned char secret_hash[SHA256_BYTES];
    bool ingests, every_tenant;
    instant_us expires; // INSTANT_MAX: never
    const int64_t *tenants;
    size_t tenant_count;
    int64_t account;
};
struct key_ring {
    struct arena *arena;
    struct key *keys; // by id
    size_t count;
};

static const char keys_sql[] =
    "select key_id, secret_hash, 'ingest' = any (scopes), every_tenant, account, expires_time,"
    "       array_to_string(array(select distinct unnest(tenants) order by 1), ' '), cardinality(tenants)"
    "  from catalog.api_key"
    " where (revoked_time is null or revoked_time > clock_timestamp())"
    "   and (expires_time is null or expires_time > clock_timestamp())"
    " order by key_id collate \"C\"";

// "3 17 42", rising.
static size_t read_numbers(const char *text, int64_t *numbers, size_t most)
{
    size_t count = 0;
    while (*text && count < most) {
        char *end;
        numbers[count++] = strtoll(text, &end, 10);
        if (end == text) return count - 1;
        text = *end == ' ' ? end + 1 : end;
    }
    return count;
}

static enum err read_key(const struct db_result *result, int row, struct arena *arena, struct key *key,
                         struct fault *fault)
{
    unsigned char *hash;
    size_t hash_length = db_get_bytes(result, arena, row, 1, &hash);
    if (db_length(result, row, 0) != KEY_ID_DIGITS || hash_length != SHA256_BYTES)
        return fault_set(fault, ERR_INVALID, db_text(result, row, 0), "the key's row is damaged");
    memcpy(key->id, db_text(result, row, 0), KEY_ID_DIGITS);
    memcpy(key->secret_hash, hash, SHA256_BYTES);
    key->ingests = db_get_bool(result, row, 2);
    key->every_tenant = db_get_bool(result, row, 3);
    key->account = db_get_int(result, row, 4);
    key->expires = db_is_null(result, row, 5) ? INSTANT_MAX : db_get_instant(result, row, 5);
    size_t most = (size_t)db_get_int(result, row, 7);
    int64_t *tenants = ARENA_ARRAY(arena, int64_t, most);
    key->tenant_count = read_numbers(db_text(result, row, 6), tenants, most);
    key->tenants = tenants;
    return ERR_OK;
}

enum err key_ring_load(struct db *db, struct key_ring **out, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db, keys_sql, 0, NULL, &result, fault);
    if (err != ERR_OK) return err;
    struct key_ring *ring = heap_alloc(sizeof *ring);
    ring->arena = arena_new(4096);
    ring->keys = ARENA_ARRAY(ring->arena, struct key, (size_t)db_rows(result));
    for (int row = 0; row < db_rows(result) && err == ERR_OK; row++)
        err = read_key(result, row, ring->arena, &ring->keys[ring->count++], fault);
    db_result_free(result);
    if (err != ERR_OK) {
        key_ring_free(ring);
        return err;
    }
    *out = ring;
    return ERR_OK;
}

void key_ring_free(struct key_ring *ring)
{
    if (!ring) return;
    arena_free(ring->arena);
    free(ring);
}

size_t key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

// xmin is the transaction that wrote a row: count and sum move with every change.
enum err key_ring_stamp(struct db *db, struct text *stamp, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db, "select count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) from catalog.api_key",
                            0, NULL, &result, fault);
    if (err != ERR_OK) return err;
    text_clear(stamp);
    text_add_string(stamp, db_text(result, 0, 0));
    db_result_free(result);
    return ERR_OK;
}

static const struct key *key_find(const struct key_ring *ring, const char *id)
{
    size_t low = 0, high = ring->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(ring->keys[middle].id, id, KEY_ID_DIGITS);
        if (order == 0) return &ring->keys[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_lower_hex(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
    return true;
}

// The id and the secret in "Bearer tpk_<id>_<secret>"; false if the form is another.
static bool split_authorization(const char *authorization, const char **id, const char **secret)
{
    static const char scheme[] = "Bearer ", prefix[] = "tpk_";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) return false;
    const char *token = authorization + sizeof scheme - 1;
    if (strlen(token) != sizeof prefix - 1 + KEY_ID_DIGITS + 1 + KEY_SECRET_DIGITS) return false;
    *id = token + sizeof prefix - 1;
    *secret = *id + KEY_ID_DIGITS + 1;
    return memcmp(token, prefix, sizeof prefix - 1) == 0 && (*id)[KEY_ID_DIGITS] == '_' &&
           is_lower_hex(*id, KEY_ID_DIGITS) && is_lower_hex(*secret, KEY_SECRET_DIGITS);
}

enum err key_ring_check(const struct key_ring *ring, const char *authorization, instant_us now, struct sender *sender,
                        struct fault *fault)
{
    static const struct key nobody;
    const char *id, *secret;
    unsigned char hash[SHA256_BYTES];
    if (!split_authorization(authorization, &id, &secret))
        return fault_set(fault, ERR_NOT_FOUND, "authorization",
                         "send Authorization: Bearer tpk_..., a key of this installation");
    const struct key *found = key_find(ring, id), *key = found ? found : &nobody;
    sha256_of(secret, KEY_SECRET_DIGITS, hash);
    bool right = secret_equal(hash, key->secret_hash, sizeof hash);
    if (!found || !right || now >= key->expires)
        return fault_set(fault, ERR_NOT_FOUND, "authorization", "the key is unknown, expired or revoked");
    memset(sender, 0, sizeof *sender);
    memcpy(sender->key_id, key->id, KEY_ID_DIGITS);
    if (!key->ingests) return fault_set(fault, ERR_CONFLICT, key->id, "the key may not send events (scope ingest)");
    sender->every_tenant = key->every_tenant;
    sender->tenants = key->tenants;
    sender->tenant_count = key->tenant_count;
    sender->account = key->account;
    return ERR_OK;
}
