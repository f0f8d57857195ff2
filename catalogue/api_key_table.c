// SPDX-License-Identifier: Apache-2.0
// The snapshot of all API keys. A counter that the database moves with every change of a key tells whether it is
// current, so that looking costs one row however many keys there are.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/api_key.h"
#include "catalogue/lookup.h"

struct api_key_table {
    atomic_int references;
    int64_t change;            // of the database's counter
    _Atomic int64_t looked_us; // when it was last found current; only the refreshing thread writes
    struct arena *arena;
    struct api_key *keys;
    size_t count;
    struct lookup ids;
};

void api_key_table_retain(struct api_key_table *table)
{
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
}

void api_key_table_release(struct api_key_table *table)
{
    if (!table) return;
    int before = atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel);
    ENSURE(before > 0);
    if (before > 1) return;
    arena_free(table->arena);
    free(table);
}

size_t api_key_table_count(const struct api_key_table *table)
{
    return table->count;
}

static uint64_t hash_id(const char *key_id)
{
    return fast_hash64(key_id, API_KEY_ID_LENGTH);
}

static struct api_key_table *table_new(size_t count)
{
    struct api_key_table *table = heap_alloc(sizeof *table);
    table->references = 1;
    table->arena = arena_new(65536);
    table->keys = ARENA_ARRAY(table->arena, struct api_key, count);
    lookup_init(&table->ids, table->arena, count);
    return table;
}

// Takes the key over whose fields stand at keys[count].
static void table_add(struct api_key_table *table)
{
    lookup_add(&table->ids, hash_id(table->keys[table->count].key_id), table->count);
    table->count++;
}

struct api_key_table *api_key_table_of(const struct api_key *keys, size_t count)
{
    struct api_key_table *table = table_new(count);
    for (size_t i = 0; i < count; i++) {
        int64_t *tenants = ARENA_ARRAY(table->arena, int64_t, keys[i].tenant_count);
        if (keys[i].tenant_count > 0) memcpy(tenants, keys[i].tenants, keys[i].tenant_count * sizeof *tenants);
        table->keys[i] = keys[i];
        table->keys[i].tenants = tenants;
        table_add(table);
    }
    return table;
}

// --- finding

const struct api_key *api_key_find(const struct api_key_table *table, const char *key_id,
                                   const unsigned char secret_hash[SHA256_BYTES], instant_us now)
{
    static const struct api_key unknown; // compared with, so that an unknown id takes as long as a wrong secret
    const struct api_key *found = &unknown;
    for (struct lookup_walk walk = lookup_start(&table->ids, hash_id(key_id)); lookup_step(&table->ids, &walk);)
        if (memcmp(table->keys[walk.index].key_id, key_id, API_KEY_ID_LENGTH) == 0) found = &table->keys[walk.index];
    bool same = secret_equal(found->secret_hash, secret_hash, SHA256_BYTES);
    if (!same || found == &unknown || found->revoked || now >= found->expires_time) return NULL;
    return found;
}

// --- loading

static const char keys_sql[] =
    "select key_id, secret_hash, array_to_string(scopes, ','), every_tenant, account, expires_time,\n"
    "       revoked_time is not null,\n"
    "       array_to_string(array(select distinct t from unnest(tenants) t order by t), ','), cardinality(tenants)\n"
    "  from catalog.api_key";
static const char change_sql[] = "select change from catalog.api_key_change";

static void read_tenants(struct api_key_table *table, struct api_key *key, const char *list, size_t most)
{
    int64_t *tenants = ARENA_ARRAY(table->arena, int64_t, most);
    char *end;
    for (const char *at = list; *at; at = *end ? end + 1 : end)
        tenants[key->tenant_count++] = strtoll(at, &end, 10); // bigint, as the server prints it
    key->tenants = tenants;
}

static enum err read_key(struct api_key_table *table, const struct db_result *result, int row, struct fault *fault)
{
    struct api_key *key = &table->keys[table->count];
    unsigned char *hash;
    const char *id = db_text(result, row, 0);
    if (db_length(result, row, 0) != API_KEY_ID_LENGTH ||
        db_get_bytes(result, table->arena, row, 1, &hash) != sizeof key->secret_hash)
        return fault_set(fault, ERR_BUG, "catalog.api_key", "key %s has an id or a hash of the wrong length", id);
    memcpy(key->key_id, id, API_KEY_ID_SIZE);
    memcpy(key->secret_hash, hash, sizeof key->secret_hash);
    enum err err = api_key_scopes_parse(db_text(result, row, 2), &key->scopes, fault);
    if (err) return err;
    key->every_tenant = db_get_bool(result, row, 3);
    key->account = db_get_int(result, row, 4);
    key->expires_time = db_is_null(result, row, 5) ? INSTANT_MAX : db_get_instant(result, row, 5);
    key->revoked = db_get_bool(result, row, 6);
    read_tenants(table, key, db_text(result, row, 7), (size_t)db_get_int(result, row, 8));
    table_add(table);
    return ERR_OK;
}

static enum err read_change(struct db *db, int64_t *change, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, change_sql, 0, NULL, &result, fault);
    if (err) return err;
    if (db_rows(result) == 1)
        *change = db_get_int(result, 0, 0);
    else
        err = fault_set(fault, ERR_BUG, "catalog.api_key_change", "it has %d rows instead of one", db_rows(result));
    db_result_free(result);
    return err;
}

enum err api_key_table_load(struct db *db, struct api_key_table **table, struct fault *fault)
{
    int64_t change;
    struct db_result *result = NULL;
    // the counter first: a key that comes in between is read now and once more at the next look
    enum err err = read_change(db, &change, fault);
    if (!err) err = db_query(db, keys_sql, 0, NULL, &result, fault);
    if (err) return err;
    struct api_key_table *loaded = table_new((size_t)db_rows(result));
    loaded->change = change;
    for (int row = 0; row < db_rows(result) && !err; row++)
        err = read_key(loaded, result, row, fault);
    db_result_free(result);
    if (err)
        api_key_table_release(loaded);
    else
        *table = loaded;
    return err;
}

enum err api_key_table_refresh(struct db *db, struct api_key_table **table, int64_t monotonic_us, struct fault *fault)
{
    int64_t change;
    if (*table && monotonic_us - (*table)->looked_us < API_KEY_REFRESH_US) return ERR_OK;
    if (*table) {
        enum err err = read_change(db, &change, fault);
        if (err) return err;
        if (change == (*table)->change) {
            (*table)->looked_us = monotonic_us;
            return ERR_OK;
        }
    }
    struct api_key_table *loaded;
    enum err err = api_key_table_load(db, &loaded, fault);
    if (err) return err;
    loaded->looked_us = monotonic_us;
    api_key_table_release(*table);
    *table = loaded;
    return ERR_OK;
}
