// SPDX-License-Identifier: Apache-2.0
// An offset's distance is signed (replays go back), so its sign is the lowest bit but one, above the held bit.
#include "rating/dedup_pack.h"

#include "rating/pack_number.h"

enum { PACK_VERSION = 2, PACK_WITHOUT_SHARDS = 1, IDENTITY_BYTES = 16, CONTENT_BYTES = 8, SHARD_BYTES = 2 };

static unsigned char *content_put(unsigned char *out, uint64_t content)
{
    for (unsigned i = 0; i < CONTENT_BYTES; i++)
        *out++ = (unsigned char)(content >> 8 * (CONTENT_BYTES - 1 - i));
    return out;
}

static uint64_t content_take(const unsigned char *at)
{
    uint64_t content = 0;
    for (unsigned i = 0; i < CONTENT_BYTES; i++)
        content = content << 8 | at[i];
    return content;
}

size_t dedup_pack(struct text *out, const struct dedup_entry *entries, size_t count)
{
    size_t start = out->length, packed = 0;
    int64_t before = 0;
    text_add_char(out, PACK_VERSION);
    for (; packed < count && out->length - start < DEDUP_PACK_BYTES; packed++) {
        const struct dedup_entry *entry = &entries[packed];
        unsigned char bytes[DEDUP_PACK_ENTRY_MAX];
        ENSURE(entry->offset >= 0 && entry->offset <= DEDUP_OFFSET_MAX && entry->event_index >= 0);
        ENSURE(entry->shard >= 0 && entry->shard < SHARD_COUNT);
        uint64_t folded = pack_fold(entry->offset - before);
        before = entry->offset;
        hash128_bytes(entry->identity, bytes);
        unsigned char *end = content_put(bytes + IDENTITY_BYTES, entry->content);
        *end++ = (unsigned char)(entry->shard >> 8);
        *end++ = (unsigned char)entry->shard;
        end = pack_number_put(end, folded << 1 | entry->held);
        end = pack_number_put(end, (uint64_t)entry->event_index);
        text_add(out, bytes, (size_t)(end - bytes));
    }
    return packed;
}

enum err dedup_unpack_open(struct dedup_unpack *unpack, const void *data, size_t length, struct fault *fault)
{
    const unsigned char *bytes = data;
    if (length == 0 || (bytes[0] != PACK_VERSION && bytes[0] != PACK_WITHOUT_SHARDS))
        return fault_set(fault, ERR_INVALID, "rating.batch_identity", "packed identities of an unknown version");
    *unpack = (struct dedup_unpack){
        .at = bytes + 1, .end = bytes + length, .has_shards = bytes[0] != PACK_WITHOUT_SHARDS};
    return ERR_OK;
}

static bool entry_take(struct dedup_unpack *unpack, struct dedup_entry *entry)
{
    const unsigned char *at = unpack->at;
    uint64_t place, index;
    if (unpack->end - at < IDENTITY_BYTES + CONTENT_BYTES + (unpack->has_shards ? SHARD_BYTES : 0)) return false;
    entry->identity = hash128_from_bytes(at);
    entry->content = content_take(at + IDENTITY_BYTES);
    at += IDENTITY_BYTES + CONTENT_BYTES;
    entry->shard = DEDUP_SHARD_UNKNOWN;
    if (unpack->has_shards) {
        entry->shard = (int16_t)(at[0] << 8 | at[1]);
        if (entry->shard < 0 || entry->shard >= SHARD_COUNT) return false;
        at += SHARD_BYTES;
    }
    at = pack_number_take(at, unpack->end, &place);
    if (at) at = pack_number_take(at, unpack->end, &index);
    if (!at || index > DEDUP_EVENT_INDEX_MAX) return false;
    entry->held = place & 1;
    entry->event_index = (int32_t)index;
    int64_t distance = pack_unfold(place >> 1);
    if (distance < -DEDUP_OFFSET_MAX || distance > DEDUP_OFFSET_MAX) return false;
    entry->offset = unpack->offset + distance;
    if (entry->offset < 0 || entry->offset > DEDUP_OFFSET_MAX) return false;
    unpack->offset = entry->offset;
    unpack->at = at;
    return true;
}

enum err dedup_unpack_some(struct dedup_unpack *unpack, struct dedup_entry *entries, size_t room, size_t *count,
                           struct fault *fault)
{
    for (*count = 0; *count < room && unpack->at < unpack->end; ++*count)
        if (!entry_take(unpack, &entries[*count]))
            return fault_set(fault, ERR_INVALID, "rating.batch_identity", "packed identities are damaged");
    return ERR_OK;
}
