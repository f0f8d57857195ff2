// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/bench/packer.h"

#include <stdlib.h>

#include "common/arena.h"
#include "ingest/message.h"

struct packer {
    int partitions, per_message;
    packer_emit *emit;
    void *context;
    struct packing {
        int count;
        struct text message;
    } * packing; // by partition
};

struct packer *packer_new(int partitions, int per_message, packer_emit *emit, void *context)
{
    struct packer *packer = heap_alloc(sizeof *packer);
    ENSURE(partitions > 0 && partitions <= SHARD_COUNT && per_message > 0 && per_message <= MESSAGE_EVENTS_MAX);
    *packer = (struct packer){.partitions = partitions, .per_message = per_message, .emit = emit, .context = context};
    packer->packing = heap_alloc((size_t)partitions * sizeof *packer->packing);
    return packer;
}

void packer_free(struct packer *packer)
{
    if (!packer) return;
    for (int i = 0; i < packer->partitions; i++)
        text_free(&packer->packing[i].message);
    free(packer->packing);
    free(packer);
}

static enum err finish(struct packer *packer, int partition)
{
    struct packing *packing = &packer->packing[partition];
    if (packing->count == 0) return ERR_OK;
    packing->count = 0;
    message_finish(&packing->message);
    return packer->emit(packer->context, partition, (struct slice){packing->message.data, packing->message.length});
}

enum err packer_add(struct packer *packer, struct slice tenant, struct slice event)
{
    int partition = shard_of_tenant(tenant) % packer->partitions;
    struct packing *packing = &packer->packing[partition];
    if (packer->per_message == 1) return packer->emit(packer->context, partition, event);
    if (packing->count++ == 0) message_begin(&packing->message, MESSAGE_EVENTS, 0, 0);
    message_add(&packing->message, event);
    return packing->count == packer->per_message ? finish(packer, partition) : ERR_OK;
}

enum err packer_flush(struct packer *packer)
{
    enum err err = ERR_OK;
    for (int i = 0; i < packer->partitions && !err; i++)
        err = finish(packer, i);
    return err;
}
