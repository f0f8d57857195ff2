// SPDX-License-Identifier: Apache-2.0
// Compares the counters with one snapshot of PostgreSQL, shard by shard. A shard's mark in Redis may be some batches
// before or behind the snapshot: a counter that differs and that such a batch touched is looked at again in the next
// round; every other counter must be equal.
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "rating/counter_operate.h"
#include "rating/counters_internal.h"

enum { ROUNDS = 6, KEYS_PER_READ = 500, ARENA_BYTES = 1 << 20, SCAN_COUNT = 1000 };

struct item { // a counter that Redis or PostgreSQL has
    struct counter_id id;
    bool in_postgres;
    struct quantity postgres;
};
struct suspect { // differs
    struct counter_difference difference;
    int shard;
    int64_t tenant, from_seq, to_seq; // touched by batches (from_seq, to_seq]: not decided
    int32_t meter;
};
struct items {
    struct item *list;
    size_t count, capacity;
};

struct verify {
    struct counter_writer *writer;
    const struct counter_operation *operation;
    struct arena *arena;
    bool shards[SHARD_COUNT]; // of this round
    bool stale[SHARD_COUNT];
    struct partition_row *rows;         // of the snapshot
    struct items in_redis[SHARD_COUNT]; // every key under the shard
    struct items shard;                 // the shard in hand
    struct suspect *suspects, *undecided;
    size_t suspect_count, suspect_capacity, undecided_count;
    bool first; // round
    struct counter_verification *result;
    void (*tell)(void *context, const struct counter_difference *difference);
};

static struct item *item_add(struct items *items)
{
    if (items->count == items->capacity) {
        items->capacity = items->capacity ? items->capacity * 2 : 64;
        items->list = heap_grow(items->list, sizeof *items->list, items->capacity);
    }
    items->list[items->count] = (struct item){.in_postgres = false};
    return &items->list[items->count++];
}

// --- what Redis has

static void key_take(struct verify *verify, struct slice key)
{
    struct counter_id id;
    int shard = counter_key_read(key, &id.tenant, &id.meter, &id.month);
    if (shard < SHARD_COUNT) item_add(&verify->in_redis[shard])->id = id;
}

static enum err keys_scan(struct verify *verify, struct fault *fault)
{
    struct counter_scan scan = {.cursor = "0"};
    enum err err = ERR_OK;
    do {
        const struct rconn_reply *keys = NULL;
        err = counter_scan_next(verify->writer->redis, &scan, &keys, fault);
        for (size_t i = 0; !err && i < keys->count; i++)
            key_take(verify, keys->items[i].text);
    } while (!err && !scan.end);
    return err;
}

// --- one shard

static int item_order(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->id.tenant != y->id.tenant) return x->id.tenant < y->id.tenant ? -1 : 1;
    if (x->id.meter != y->id.meter) return x->id.meter < y->id.meter ? -1 : 1;
    if (x->id.month != y->id.month) return x->id.month < y->id.month ? -1 : 1;
    return (int)y->in_postgres - (int)x->in_postgres; // the one with a figure first
}

// What PostgreSQL has and what Redis has, each once.
static void items_unite(struct verify *verify, int shard)
{
    struct items *items = &verify->shard;
    size_t kept = 0;
    for (size_t i = 0; i < verify->in_redis[shard].count; i++)
        *item_add(items) = verify->in_redis[shard].list[i];
    if (items->count > 0) qsort(items->list, items->count, sizeof *items->list, item_order);
    for (size_t i = 0; i < items->count; i++) {
        const struct item *last = kept > 0 ? &items->list[kept - 1] : NULL;
        const struct counter_id *id = &items->list[i].id;
        if (!last || last->id.tenant != id->tenant || last->id.meter != id->meter || last->id.month != id->month)
            items->list[kept++] = items->list[i];
    }
    items->count = kept;
}

static bool is_undecided(const struct verify *verify, const char *key)
{
    if (verify->first) return true;
    for (size_t i = 0; i < verify->undecided_count; i++)
        if (strcmp(verify->undecided[i].difference.key, key) == 0) return true;
    return false;
}

static void suspect_add(struct verify *verify, int shard, const struct item *item, const struct rconn_reply *reply,
                        const char *key, int64_t mark_seq)
{
    struct suspect suspect = {.shard = shard, .tenant = item->id.tenant, .meter = item->id.meter};
    struct counter_difference *difference = &suspect.difference;
    int64_t row_seq = verify->rows[shard % verify->writer->partitions].batch_seq;
    difference->in_postgres = item->in_postgres;
    difference->postgres = item->postgres;
    difference->in_redis = reply->kind == REPLY_TEXT &&
                           quantity_parse(reply->text.data, reply->text.length, &difference->redis, NULL) == ERR_OK;
    bool equal = difference->in_redis == difference->in_postgres &&
                 quantity_compare(difference->redis, difference->postgres) == 0;
    if (verify->first) verify->result->keys++;
    if (equal || !is_undecided(verify, key)) return;
    memcpy(difference->key, key, strlen(key) + 1);
    suspect.from_seq = mark_seq < row_seq ? mark_seq : row_seq;
    suspect.to_seq = mark_seq < row_seq ? row_seq : mark_seq;
    if (verify->suspect_count == verify->suspect_capacity) {
        verify->suspect_capacity = verify->suspect_capacity ? verify->suspect_capacity * 2 : 64;
        verify->suspects = heap_grow(verify->suspects, sizeof suspect, verify->suspect_capacity);
    }
    verify->suspects[verify->suspect_count++] = suspect;
}

// Up to KEYS_PER_READ items with the mark, in one command: as of that mark.
static enum err items_compare(struct verify *verify, int shard, const struct item *items, size_t count,
                              struct fault *fault)
{
    static char keys[KEYS_PER_READ + 1][COUNTER_KEY_MAX];
    struct slice words[KEYS_PER_READ + 2] = {SLICE("MGET"), {keys[0], counter_mark_key(shard, keys[0])}};
    struct counter_position mark;
    const struct rconn_reply *reply = NULL;
    for (size_t i = 0; i < count; i++)
        words[i + 2] = (struct slice){
            keys[i + 1], counter_key(shard, items[i].id.tenant, items[i].id.meter, items[i].id.month, keys[i + 1])};
    enum err err = rconn_command(verify->writer->redis, words, count + 2, &reply, fault);
    if (err) return err;
    if (reply->kind != REPLY_ARRAY || reply->count != count + 1)
        return fault_set(fault, ERR_CONFLICT, "redis", "MGET gave no list");
    const struct partition_row *row = &verify->rows[shard % verify->writer->partitions];
    verify->stale[shard] = verify->stale[shard] || reply->items[0].kind != REPLY_TEXT ||
                           counter_mark_read(reply->items[0].text, &mark) || mark.incarnation != row->incarnation ||
                           mark.partition != row->partition;
    if (!verify->stale[shard] && mark.batch_seq == row->batch_seq) {
        char head[SHA256_HEX];
        hex_print(row->head, SHA256_BYTES, head);
        verify->stale[shard] = strcmp(head, mark.head) != 0; // another history
    }
    for (size_t i = 0; i < count && !verify->stale[shard]; i++)
        suspect_add(verify, shard, &items[i], &reply->items[i + 1], keys[i + 1], mark.batch_seq);
    return ERR_OK;
}

static enum err shard_compare(struct verify *verify, int shard, struct fault *fault)
{
    enum err err = ERR_OK;
    items_unite(verify, shard);
    const struct items *items = &verify->shard;
    for (size_t at = 0; !err && !verify->stale[shard] && (at == 0 || at < items->count); at += KEYS_PER_READ) {
        size_t count = items->count - at < KEYS_PER_READ ? items->count - at : KEYS_PER_READ;
        err = items_compare(verify, shard, items->list + at, count, fault);
    }
    verify->shard.count = 0;
    if (verify->operation->progress)
        verify->operation->progress(verify->operation->context, verify->result->keys, shard + 1);
    return err;
}

// --- one round

static void row_take(struct verify *verify, const struct db_result *rows, int i)
{
    *item_add(&verify->shard) =
        (struct item){.id = {db_get_int(rows, i, 1), (int32_t)db_get_int(rows, i, 2), (int32_t)db_get_int(rows, i, 3)},
                      .in_postgres = true,
                      .postgres = {db_get_decimal(rows, i, 4, QUANTITY_PLACES)}};
}

// Rows come in order of shards; shards without rows are compared as well.
static enum err snapshot_compare(struct verify *verify, struct db *db, struct fault *fault)
{
    int next = 0; // shard that is compared next
    enum err err = counter_cursor_open(db, verify->writer->catalogue, verify->shards, verify->arena, fault);
    for (bool more = true; !err && more;) {
        struct db_result *rows = NULL;
        err = counter_cursor_fetch(db, &rows, fault);
        more = !err && db_rows(rows) == COUNTER_ROWS_PER_FETCH;
        for (int i = 0; !err && i < db_rows(rows); i++) {
            int shard = (int)db_get_int(rows, i, 0);
            for (; !err && next < shard; next++)
                if (verify->shards[next]) err = shard_compare(verify, next, fault);
            row_take(verify, rows, i);
        }
        db_result_free(rows);
    }
    for (; !err && next < SHARD_COUNT; next++)
        if (verify->shards[next]) err = shard_compare(verify, next, fault);
    return err;
}

// Moves what batches between mark and snapshot touched to the undecided; tells of the others.
static enum err suspects_judge(struct verify *verify, struct db *db, struct fault *fault)
{
    struct array tenants = {0}, meters = {0}, partitions = {0}, from = {0}, to = {0};
    for (size_t i = 0; i < verify->suspect_count; i++) {
        const struct suspect *suspect = &verify->suspects[i];
        array_add_int(&tenants, suspect->tenant);
        array_add_int(&meters, suspect->meter);
        array_add_int(&partitions, suspect->shard % verify->writer->partitions);
        array_add_int(&from, suspect->from_seq);
        array_add_int(&to, suspect->to_seq);
    }
    const char *const values[] = {
        array_end(&tenants, verify->arena),    array_end(&meters, verify->arena),
        array_end(&partitions, verify->arena), array_end(&from, verify->arena),
        array_end(&to, verify->arena),         db_int(verify->arena, verify->operation->incarnation.number)};
    struct db_result *touched = NULL;
    enum err err = db_query(db,
                            "select w.from_seq < w.to_seq and exists (\n"
                            "       select from rating.usage_delta d\n"
                            "        where d.tenant = w.tenant and d.meter = w.meter and d.incarnation = $6::int\n"
                            "          and d.partition = w.partition and d.batch_seq > w.from_seq\n"
                            "          and d.batch_seq <= w.to_seq)\n"
                            "  from unnest($1::bigint[], $2::int[], $3::int[], $4::bigint[], $5::bigint[])\n"
                            "       with ordinality as w (tenant, meter, partition, from_seq, to_seq, ordinal)\n"
                            " order by w.ordinal",
                            6, values, &touched, fault);
    if (err) return err;
    verify->undecided_count = 0;
    for (size_t i = 0; i < verify->suspect_count; i++) {
        if (db_get_bool(touched, (int)i, 0)) {
            verify->suspects[verify->undecided_count++] = verify->suspects[i];
        } else {
            verify->result->differ++;
            verify->tell(verify->operation->context, &verify->suspects[i].difference);
        }
    }
    db_result_free(touched);
    return ERR_OK;
}

static enum err round_run(struct verify *verify, struct fault *fault)
{
    struct counter_writer *writer = verify->writer;
    struct db *db = counter_db(writer, fault);
    enum err err = db ? db_begin_snapshot(db, fault) : ERR_RETRY;
    if (err) return err;
    for (int i = 0; !err && i < writer->partitions; i++)
        err = partition_row_read(db, verify->operation->incarnation.number, i, &verify->rows[i], fault);
    if (!err) err = snapshot_compare(verify, db, fault);
    db_rollback(db); // it only read; Redis may be ahead of it
    if (!err && verify->suspect_count > 0) err = suspects_judge(verify, db, fault);
    free(verify->undecided);
    verify->undecided = verify->suspects;
    verify->suspects = NULL;
    verify->suspect_count = verify->suspect_capacity = 0;
    memset(verify->shards, 0, sizeof verify->shards);
    for (size_t i = 0; i < verify->undecided_count; i++)
        verify->shards[verify->undecided[i].shard] = true;
    return err;
}

static enum err verify_run(struct verify *verify, struct fault *fault)
{
    struct counter_writer *writer = verify->writer;
    struct db *db = counter_db(writer, fault);
    enum err err = db ? catalogue_load(db, 0, &writer->catalogue, fault) : ERR_RETRY;
    if (!err) err = rconn_ready(writer->redis, fault);
    if (!err) err = keys_scan(verify, fault);
    verify->rows = ARENA_ARRAY(verify->arena, struct partition_row, (size_t)writer->partitions);
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        verify->shards[shard] = true;
    for (int round = 0; !err && round < ROUNDS && (round == 0 || verify->undecided_count > 0); round++) {
        verify->first = round == 0;
        err = round_run(verify, fault);
    }
    verify->result->moving = (int64_t)verify->undecided_count;
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        verify->result->stale_shards += verify->stale[shard];
    return err;
}

enum err counters_verify(const struct counter_operation *operation,
                         void (*tell)(void *context, const struct counter_difference *difference),
                         struct counter_verification *result, struct fault *fault)
{
    struct verify *verify = heap_alloc(sizeof *verify);
    struct counter_writer *writer = heap_alloc(sizeof *writer);
    *result = (struct counter_verification){.keys = 0};
    counter_writer_init(writer, operation->config, operation->incarnation.partitions);
    *verify = (struct verify){.writer = writer, .operation = operation, .result = result, .tell = tell};
    verify->arena = arena_new(ARENA_BYTES);
    enum err err = verify_run(verify, fault);
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        free(verify->in_redis[shard].list);
    free(verify->shard.list);
    free(verify->suspects);
    free(verify->undecided);
    arena_free(verify->arena);
    counter_writer_free(writer);
    free(writer);
    free(verify);
    return err;
}
