// SPDX-License-Identifier: Apache-2.0
// Events into messages by the partition of their tenant: one each, plain, or so many together, packed as the gateway
// does.
#pragma once
#include "common/text.h"

// Takes a finished message; its bytes are there until it returns.
typedef enum err packer_emit(void *context, int partition, struct slice message);
struct packer;
struct packer *packer_new(int partitions, int per_message, packer_emit *emit, void *context);
void packer_free(struct packer *packer); // NULL is fine; what was not emitted is dropped
// Errors are those of emit.
enum err packer_add(struct packer *packer, struct slice tenant, struct slice event) MUST_USE;
enum err packer_flush(struct packer *packer) MUST_USE; // emits what is begun
