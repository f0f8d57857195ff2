// SPDX-License-Identifier: Apache-2.0
// The names of a batch: dimension sets and resources that were not seen before. Which of them the database has is asked
// once, then the others are copied: a tenant has one owner, so nobody else writes them meanwhile. Part of the try in
// batch_commit.c.
#include <stdlib.h>

#include "common/array.h"
#include "rating/batch_internal.h"

enum { NAMES_PER_QUESTION = 20000, ARENA_BYTES = 65536 };

struct name_table {
    const char *known; // which of ($1 tenants, $2 hashes) it has
    const char *table; // and the columns that are copied
};

static const struct name_table set_table = {
    // offset 0 keeps this an index scan per name, whatever the statistics say
    "select n.hash\n"
    "  from unnest($1::bigint[], $2::uuid[]) as n (tenant, hash)\n"
    " cross join lateral (select from rating.dimension_set d\n"
    "                      where d.tenant = n.tenant and d.dimension_set = n.hash offset 0) d",
    "rating.dimension_set (incarnation, partition, batch_seq, tenant, dimension_set, members)"};
static const struct name_table resource_table = {
    "select n.hash\n"
    "  from unnest($1::bigint[], $2::uuid[]) as n (tenant, hash)\n"
    " cross join lateral (select from rating.resource r\n"
    "                      where r.tenant = n.tenant and r.resource = n.hash offset 0) r",
    "rating.resource (incarnation, partition, batch_seq, tenant, resource, id)"};

static int hash_order(const void *a, const void *b)
{
    return hash128_compare(((const struct named_row *)a)->hash, ((const struct named_row *)b)->hash);
}

// That of the table's key: neighbours go to the same pages.
static int key_order(const void *a, const void *b)
{
    int64_t x = ((const struct named_row *)a)->tenant->number, y = ((const struct named_row *)b)->tenant->number;
    return x != y ? (x < y ? -1 : 1) : hash_order(a, b);
}

static int find_order(const void *wanted, const void *place)
{
    return hash128_compare(*(const struct hash128 *)wanted, (*(struct named_row *const *)place)->hash);
}

static int place_order(const void *a, const void *b)
{
    return hash_order(*(const struct named_row *const *)a, *(const struct named_row *const *)b);
}

// Marks those of the rows that the database has as not written.
static enum err known_mark(struct attempt *attempt, const struct name_table *table, struct named_row *rows,
                           size_t count, struct fault *fault)
{
    struct array tenants = {0}, hashes = {0};
    struct arena *arena = arena_new(ARENA_BYTES);
    struct named_row **places = ARENA_ARRAY(arena, struct named_row *, count);
    for (size_t i = 0; i < count; i++) {
        array_add_int(&tenants, rows[i].tenant->number);
        array_add_hash(&hashes, rows[i].hash);
        places[i] = &rows[i];
    }
    qsort(places, count, sizeof(struct named_row *), place_order);
    const char *const values[] = {array_end(&tenants, arena), array_end(&hashes, arena)};
    struct db_result *result = NULL;
    enum err err = db_query(attempt->db, table->known, 2, values, &result, fault);
    for (int i = 0; !err && i < db_rows(result); i++) {
        struct hash128 hash = db_get_uuid(result, i, 0);
        struct named_row **place = bsearch(&hash, places, count, sizeof(struct named_row *), find_order);
        ENSURE(place);
        (*place)->written = false;
    }
    db_result_free(result);
    arena_free(arena);
    return err;
}

static enum err rows_copy(struct attempt *attempt, const struct name_table *table, const struct named_row *rows,
                          size_t count, struct fault *fault)
{
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db, table->table, 6, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].written) continue;
        copy_batch(&copy, &attempt->record);
        db_copy_int8(&copy, rows[i].tenant->number);
        db_copy_uuid(&copy, rows[i].hash);
        db_copy_text(&copy, rows[i].text.data, rows[i].text.length);
    }
    err = db_copy_close(&copy, fault);
    return err == ERR_DUPLICATE ? ERR_RETRY : err;
}

static enum err names_copy(struct attempt *attempt, const struct name_table *table, struct row_list *list,
                           struct fault *fault)
{
    struct named_row *rows = list->rows;
    size_t written = 0;
    enum err err = ERR_OK;
    if (list->count == 0) return ERR_OK;
    qsort(rows, list->count, sizeof *rows, key_order);
    for (size_t i = 0; i < list->count; i++)
        rows[i].written = true;
    for (size_t at = 0; at < list->count && !err; at += NAMES_PER_QUESTION) {
        size_t left = list->count - at;
        err = known_mark(attempt, table, rows + at, left < NAMES_PER_QUESTION ? left : NAMES_PER_QUESTION, fault);
    }
    for (size_t i = 0; i < list->count; i++)
        written += rows[i].written;
    if (!err && written > 0) err = rows_copy(attempt, table, rows, list->count, fault);
    qsort(rows, list->count, sizeof *rows, hash_order); // the chain's
    return err;
}

enum err batch_names_copy(struct attempt *attempt, struct fault *fault)
{
    enum err err = names_copy(attempt, &set_table, &attempt->batch->sets, fault);
    return err ? err : names_copy(attempt, &resource_table, &attempt->batch->resources, fault);
}
