// SPDX-License-Identifier: Apache-2.0
// A generation is a column family. Runs are written as files and taken in whole, so nothing passes a log or a memtable;
// blocks are read through the page cache of the system.
#include "common/kv.h"

#include <errno.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/crash_point.h"

enum {
    STORE_BYTES = 512 * 1024, // of an empty one
    GENERATION_BYTES = 256 * 1024,
    RUN_LEAST_BYTES = 256 * 1024,
    RUN_RECORD_BYTES = 2 * (KV_KEY_BYTES + KV_VALUE_BYTES), // with what a merge needs beside it
    PATH_SIZE = 4096,
    GENERATIONS_MAX = 64,
    FILTER_BITS = 10,
    BLOCK_BYTES = 4096,
    LOG_BYTES = 1 << 20,
    MANIFEST_BYTES = 64 * 1024, // 4 MiB otherwise, of each index
    MERGE_RUNS = 16,            // unmerged ones of a generation, each a sixteenth of the keys
    MERGE_SPARE_BYTES = 4 << 20 // beside what merging writes
};

struct generation {
    int64_t number;
    rocksdb_column_family_handle_t *family;
};

struct kv {
    char folder[PATH_SIZE - 64];
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *reading;
    rocksdb_envoptions_t *env_options;
    rocksdb_ingestexternalfileoptions_t *ingesting;
    struct generation generations[GENERATIONS_MAX]; // oldest first
    size_t generation_count;
    int64_t last_generation, last_run;
    bool merging; // are runs of the newest generation merged?
};

// Words of RocksDB as a fault; takes them.
static enum err refused(const struct kv *kv, const char *what, char *words, struct fault *fault)
{
    fault_set(fault, ERR_LIMIT, kv->folder, "%s: %s", what, words);
    rocksdb_free(words);
    return ERR_LIMIT;
}

static rocksdb_options_t *options_new(void)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_universal_compaction_options_t *merging = rocksdb_universal_compaction_options_create();
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(FILTER_BITS));
    rocksdb_block_based_options_set_whole_key_filtering(table, 1);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_block_based_options_set_no_block_cache(table, 1); // filters and indexes then stay with their open files
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_max_open_files(options, -1);
    rocksdb_options_set_compression(options, rocksdb_no_compression); // keyed hashes do not compress
    rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
    rocksdb_options_set_universal_compaction_options(options, merging);
    rocksdb_universal_compaction_options_destroy(merging);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, MERGE_RUNS);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 1000);
    rocksdb_options_set_level0_stop_writes_trigger(options, 2000);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_write_buffer_size(options, 65536); // never used
    rocksdb_options_set_max_log_file_size(options, LOG_BYTES);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_manifest_preallocation_size(options, MANIFEST_BYTES);
    rocksdb_options_set_paranoid_checks(options, 1);
    return options;
}

static void handles_free(struct kv *kv)
{
    for (size_t i = 0; i < kv->generation_count; i++)
        rocksdb_column_family_handle_destroy(kv->generations[i].family);
    if (kv->db) rocksdb_close(kv->db);
    kv->generation_count = 0;
    kv->db = NULL;
}

// Removes what RocksDB has in the folder, and the folder.
static enum err folder_remove(struct kv *kv, struct fault *fault)
{
    char *words = NULL;
    rocksdb_destroy_db(kv->options, kv->folder, &words);
    if (words) return refused(kv, "cannot be emptied", words, fault);
    (void)rmdir(kv->folder); // gone already, or a file of somebody else is in it: that is left alone
    return ERR_OK;
}

// Is there room for so many bytes more? Asked before anything is written, because RocksDB may end the process (an
// assertion of its own) when it meets a full disk.
static enum err room_check(const struct kv *kv, const char *what, size_t bytes, struct fault *fault)
{
    char path[PATH_SIZE];
    ENSURE(snprintf(path, sizeof path, "%s/room", kv->folder) < (int)sizeof path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, 0600);
    int error = file < 0 ? errno : posix_fallocate(file, 0, (off_t)bytes);
    if (file >= 0) {
        close(file);
        (void)unlink(path);
    }
    if (!error) return ERR_OK;
    return fault_set(fault, ERR_LIMIT, kv->folder, "%s of %zu bytes cannot be written: %s", what, bytes,
                     strerrordesc_np(error));
}

enum err kv_open(const char *folder, struct kv **opened, struct fault *fault)
{
    char *words = NULL;
    struct kv *kv = heap_alloc(sizeof *kv);
    *opened = kv;
    ENSURE((size_t)snprintf(kv->folder, sizeof kv->folder, "%s", folder) < sizeof kv->folder);
    kv->options = options_new();
    kv->reading = rocksdb_readoptions_create();
    kv->env_options = rocksdb_envoptions_create();
    kv->ingesting = rocksdb_ingestexternalfileoptions_create();
    rocksdb_readoptions_set_verify_checksums(kv->reading, 1);
    rocksdb_ingestexternalfileoptions_set_move_files(kv->ingesting, 1);
    enum err err = folder_remove(kv, fault);
    (void)mkdir(kv->folder, 0700); // what is wrong is said by the next
    if (!err) err = room_check(kv, "a store", STORE_BYTES, fault);
    if (!err) {
        kv->db = rocksdb_open(kv->options, kv->folder, &words);
        if (words) err = refused(kv, "cannot be opened", words, fault);
    }
    if (err) {
        kv_close(kv);
        *opened = NULL;
    }
    return err;
}

void kv_close(struct kv *kv)
{
    if (!kv) return;
    handles_free(kv);
    (void)folder_remove(kv, NULL); // what stays is removed by the next that opens it
    rocksdb_ingestexternalfileoptions_destroy(kv->ingesting);
    rocksdb_envoptions_destroy(kv->env_options);
    rocksdb_readoptions_destroy(kv->reading);
    rocksdb_options_destroy(kv->options);
    free(kv);
}

// --- generations

enum err kv_generation_begin(struct kv *kv, int64_t *number, struct fault *fault)
{
    char name[32], *words = NULL;
    if (kv->generation_count == GENERATIONS_MAX)
        return fault_set(fault, ERR_LIMIT, kv->folder, "has its most generations, %d", GENERATIONS_MAX);
    snprintf(name, sizeof name, "g%lld", (long long)kv->last_generation + 1);
    enum err err = room_check(kv, "a generation", GENERATION_BYTES, fault);
    if (err) return err;
    rocksdb_column_family_handle_t *family = rocksdb_create_column_family(kv->db, kv->options, name, &words);
    if (words) return refused(kv, "takes no generation", words, fault);
    *number = ++kv->last_generation;
    kv->generations[kv->generation_count++] = (struct generation){*number, family};
    kv->merging = true;
    return ERR_OK;
}

enum err kv_generation_drop(struct kv *kv, int64_t number, struct fault *fault)
{
    char *words = NULL;
    size_t at = 0;
    while (at < kv->generation_count && kv->generations[at].number != number)
        at++;
    ENSURE(at < kv->generation_count);
    rocksdb_drop_column_family(kv->db, kv->generations[at].family, &words);
    if (words) return refused(kv, "does not drop a generation", words, fault);
    rocksdb_column_family_handle_destroy(kv->generations[at].family);
    kv->generation_count--;
    memmove(kv->generations + at, kv->generations + at + 1, (kv->generation_count - at) * sizeof *kv->generations);
    return ERR_OK;
}

// --- runs

static enum err run_write(struct kv *kv, rocksdb_sstfilewriter_t *writer, const char *path, size_t most, kv_next *next,
                          void *context, size_t *count, struct fault *fault)
{
    char *words = NULL;
    struct kv_record records[2]; // this one and the one before
    rocksdb_sstfilewriter_open(writer, path, &words);
    while (!words && next(context, &records[*count % 2])) {
        const struct kv_record *record = &records[*count % 2];
        ENSURE(*count < most);
        ENSURE(*count == 0 || memcmp(records[(*count + 1) % 2].key, record->key, KV_KEY_BYTES) < 0);
        ++*count;
        rocksdb_sstfilewriter_put(writer, (const char *)record->key, KV_KEY_BYTES, (const char *)record->value,
                                  KV_VALUE_BYTES, &words);
    }
    if (!words && *count > 0) rocksdb_sstfilewriter_finish(writer, &words);
    return words ? refused(kv, "a run cannot be written", words, fault) : ERR_OK;
}

// Merging needs as much room again as the generation has, others of the process may merge, too, and RocksDB may end
// the process when the disk runs full in the middle of it (an assertion of its own). Without that room runs are left as
// they are, which only costs time.
static void merging_set(struct kv *kv)
{
    static const char *const name = "disable_auto_compactions";
    static const char *const values[] = {"true", "false"};
    struct statvfs disk;
    uint64_t bytes = 0;
    char *words = NULL;
    rocksdb_column_family_handle_t *family = kv->generations[kv->generation_count - 1].family;
    bool known = statvfs(kv->folder, &disk) == 0 &&
                 rocksdb_property_int_cf(kv->db, family, "rocksdb.total-sst-files-size", &bytes) == 0;
    bool merging = known && disk.f_bavail * disk.f_frsize > bytes * 2 + MERGE_SPARE_BYTES;
    if (merging == kv->merging) return;
    rocksdb_set_options_cf(kv->db, family, 1, &name, &values[merging], &words);
    if (!words) kv->merging = merging;
    rocksdb_free(words); // what failed is tried again with the next run
}

// A newer value must win over an older one. The distribution's RocksDB (7.8) may give a file that is taken in the
// number of an older level, so that a later merge keeps the older value (facebook/rocksdb #12257, mended in 8.11).
// With a snapshot open every file gets a new number and goes on top.
static enum err run_take_in(struct kv *kv, const char *path, struct fault *fault)
{
    char *words = NULL;
    const char *const files[] = {path};
    const rocksdb_snapshot_t *snapshot = rocksdb_create_snapshot(kv->db);
    rocksdb_ingest_external_file_cf(kv->db, kv->generations[kv->generation_count - 1].family, files, 1, kv->ingesting,
                                    &words);
    rocksdb_release_snapshot(kv->db, snapshot);
    return words ? refused(kv, "a run cannot be taken in", words, fault) : ERR_OK;
}

enum err kv_run_add(struct kv *kv, size_t most, kv_next *next, void *context, size_t *count, struct fault *fault)
{
    char path[PATH_SIZE];
    *count = 0;
    ENSURE(kv->generation_count > 0);
    ENSURE(snprintf(path, sizeof path, "%s/run%lld.sst", kv->folder, (long long)++kv->last_run) < (int)sizeof path);
    enum err err = room_check(kv, "a run", RUN_LEAST_BYTES + most * RUN_RECORD_BYTES, fault);
    if (err) return err;
    rocksdb_sstfilewriter_t *writer = rocksdb_sstfilewriter_create(kv->env_options, kv->options);
    err = run_write(kv, writer, path, most, next, context, count, fault);
    rocksdb_sstfilewriter_destroy(writer);
    CRASH_POINT("kv.run_written");
    if (!err && *count > 0) {
        merging_set(kv);
        err = run_take_in(kv, path, fault);
    }
    if (err || *count == 0) (void)unlink(path);
    return err;
}

// --- looking up

// Looks those keys up in one generation whose bit in *open is set; clears the bits of keys that are settled.
static enum err generation_find(struct kv *kv, const struct generation *generation,
                                const unsigned char (*keys)[KV_KEY_BYTES], uint64_t *open, kv_take *take, void *context,
                                struct fault *fault)
{
    const char *list[KV_LOOK_MAX] = {0};
    size_t sizes[KV_LOOK_MAX] = {0}, places[KV_LOOK_MAX], count = 0;
    rocksdb_pinnableslice_t *values[KV_LOOK_MAX];
    char *words[KV_LOOK_MAX];
    enum err err = ERR_OK;
    for (uint64_t left = *open; left; left &= left - 1) {
        places[count] = (size_t)__builtin_ctzll(left);
        list[count] = (const char *)keys[places[count]];
        sizes[count++] = KV_KEY_BYTES;
    }
    rocksdb_batched_multi_get_cf(kv->db, kv->reading, generation->family, count, list, sizes, values, words, false);
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        const char *value = values[i] ? rocksdb_pinnableslice_value(values[i], &length) : NULL;
        if (words[i]) {
            err = refused(kv, "cannot be read", words[i], err ? NULL : fault);
        } else if (value && length != KV_VALUE_BYTES) {
            err = fault_set(fault, ERR_LIMIT, kv->folder, "a record has %zu bytes", length);
        } else if (value && !take(context, places[i], (const unsigned char *)value)) {
            *open &= ~(UINT64_C(1) << places[i]);
        }
        if (values[i]) rocksdb_pinnableslice_destroy(values[i]);
    }
    return err;
}

enum err kv_find(struct kv *kv, const unsigned char (*keys)[KV_KEY_BYTES], size_t count, kv_take *take, void *context,
                 struct fault *fault)
{
    ENSURE(count > 0 && count <= KV_LOOK_MAX);
    uint64_t open = count == KV_LOOK_MAX ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    for (size_t i = kv->generation_count; i > 0 && open; i--) {
        enum err err = generation_find(kv, &kv->generations[i - 1], keys, &open, take, context, fault);
        if (err) return err;
    }
    return ERR_OK;
}
