// SPDX-License-Identifier: Apache-2.0
// Records of fixed size on local disk (RocksDB underneath): immutable sorted runs, in generations that are dropped
// whole. It is a store for what can be had again from elsewhere: it begins empty, and what it held is removed when it
// is closed. Runs of a generation are merged in the background. A filter per run keeps look-ups of absent keys off
// the disk; the filters stay in memory, see KV_MEMORY_PER_RECORD. One thread at a time, but that kv_find may run
// beside kv_run_add; what the run replaces may be found until that has returned. Every failure is ERR_LIMIT with
// words about the disk: what was asked is not known, and nothing may be guessed.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct kv;

enum {
    KV_KEY_BYTES = 16,
    KV_VALUE_BYTES = 16,
    KV_LOOK_MAX = 64,        // keys of one look-up
    KV_MEMORY_PER_RECORD = 2 // bytes: filter (10 bits) and the index of the run
};

struct kv_record {
    unsigned char key[KV_KEY_BYTES];
    unsigned char value[KV_VALUE_BYTES];
};

// The folder is made; what was in it is removed.
enum err kv_open(const char *folder, struct kv **kv, struct fault *fault) MUST_USE;
void kv_close(struct kv *kv); // removes the folder; NULL is fine

// Begins a generation; runs go into the newest. Returns through *number, which rises.
enum err kv_generation_begin(struct kv *kv, int64_t *number, struct fault *fault) MUST_USE;
enum err kv_generation_drop(struct kv *kv, int64_t number, struct fault *fault) MUST_USE;

// Adds a run to the newest generation: the records that `next` gives until it returns false, at most `most`
// (ENSUREd), with rising keys (ENSUREd), each once; they replace those of the same keys in it. Whole and on disk, or
// not at all. Without a record there is no run. Returns how many there were through *count.
typedef bool kv_next(void *context, struct kv_record *record);
enum err kv_run_add(struct kv *kv, size_t most, kv_next *next, void *context, size_t *count,
                    struct fault *fault) MUST_USE;

// Looks the keys up, at most KV_LOOK_MAX: `take` gets every value that is found, from the newest generation to the
// oldest, until it returns false for that key (then older ones of it are not looked up).
typedef bool kv_take(void *context, size_t key, const unsigned char value[KV_VALUE_BYTES]);
enum err kv_find(struct kv *kv, const unsigned char (*keys)[KV_KEY_BYTES], size_t count, kv_take *take, void *context,
                 struct fault *fault) MUST_USE;
