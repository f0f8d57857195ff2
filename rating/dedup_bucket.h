// SPDX-License-Identifier: Apache-2.0
// A bucket of a dedup table, for dedup_table.c and dedup_part.c alone: a kilobyte with up to 48 slots from its start,
// and in its last cache line the slots' tags, how many slots are used, and how many entries passed it on their way to
// a later bucket because it was full; a filter of 32 bits says of most others that they did not. A slot is the
// content (4 bytes), the low 32 bits of the place's code, and a tail: the high 5 bits of the code below the identity
// without the bits that choose the segment and without the tag. A deeper segment has narrower slots.
#pragma once
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "rating/dedup_table.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "slots are written as little-endian numbers");

__extension__ typedef unsigned __int128 bucket_tail;

enum {
    BUCKET_BYTES = 1024,
    BUCKET_FILTER_AT = 968,
    BUCKET_TAGS_AT = 972,
    BUCKET_TAGS = 48,
    BUCKET_USED_AT = 1020,
    BUCKET_PASSED_AT = 1022,
    BUCKETS_PER_PAGE = DEDUP_PAGE_BYTES / BUCKET_BYTES,
    SLOT_TAIL_AT = 8,
    CODE_HIGH_BITS = DEDUP_PLACE_BITS - 32,
    TAG_BITS = 8,
    SLOT_DEPTH_MOST = 40
};

static inline unsigned bucket_width(unsigned depth) // bytes of a slot
{
    return SLOT_TAIL_AT + (128 - TAG_BITS + CODE_HIGH_BITS - depth + 7) / 8;
}
static inline unsigned bucket_slots(unsigned depth)
{
    unsigned slots = BUCKET_FILTER_AT / bucket_width(depth);
    return slots < BUCKET_TAGS ? slots : BUCKET_TAGS;
}

static inline unsigned bucket_used(const unsigned char *bucket)
{
    return bucket[BUCKET_USED_AT];
}
static inline unsigned bucket_passed(const unsigned char *bucket)
{
    uint16_t passed;
    memcpy(&passed, bucket + BUCKET_PASSED_AT, sizeof passed);
    return passed;
}
static inline uint32_t bucket_filter_bit(uint64_t identity_low)
{
    return 1U << (identity_low >> 51 & 31); // five bits behind the tag's
}
static inline uint32_t bucket_filter(const unsigned char *bucket)
{
    uint32_t filter;
    memcpy(&filter, bucket + BUCKET_FILTER_AT, sizeof filter);
    return filter;
}
// May the identity have passed the bucket?
static inline bool bucket_may_have_passed(const unsigned char *bucket, struct hash128 identity)
{
    return bucket_filter(bucket) & bucket_filter_bit(identity.low);
}
static inline void bucket_pass(unsigned char *bucket, uint32_t filter_bit)
{
    uint16_t passed = (uint16_t)(bucket_passed(bucket) + 1);
    uint32_t filter = bucket_filter(bucket) | filter_bit;
    memcpy(bucket + BUCKET_PASSED_AT, &passed, sizeof passed);
    memcpy(bucket + BUCKET_FILTER_AT, &filter, sizeof filter);
}
static inline void bucket_unpass(unsigned char *bucket)
{
    uint16_t passed = (uint16_t)(bucket_passed(bucket) - 1);
    memcpy(bucket + BUCKET_PASSED_AT, &passed, sizeof passed);
    if (passed == 0) memset(bucket + BUCKET_FILTER_AT, 0, sizeof(uint32_t));
}
static inline void bucket_empty(unsigned char *bucket)
{
    memset(bucket + BUCKET_USED_AT, 0, BUCKET_BYTES - BUCKET_USED_AT);
    memset(bucket + BUCKET_FILTER_AT, 0, sizeof(uint32_t));
}

static inline unsigned char bucket_tag(struct hash128 identity)
{
    return (unsigned char)(identity.low >> 56);
}

// A bit for each used slot with the tag.
static inline uint64_t bucket_match(const unsigned char *bucket, unsigned char tag)
{
    uint64_t equal = 0;
    const unsigned char *tags = bucket + BUCKET_TAGS_AT;
#ifdef __SSE2__
    __m128i wanted = _mm_set1_epi8((char)tag);
    for (unsigned i = 0; i < BUCKET_TAGS; i += 16) {
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)(tags + i));
        equal |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(some, wanted)) << i;
    }
#else
    for (unsigned i = 0; i < BUCKET_TAGS; i++)
        equal |= (uint64_t)(tags[i] == tag) << i;
#endif
    return equal & ((UINT64_C(1) << bucket_used(bucket)) - 1);
}

// The identity's bits in a tail; those of the code are 0.
static inline bucket_tail bucket_tail_of(struct hash128 identity, unsigned depth)
{
    uint64_t high = identity.high << depth >> depth, low = identity.low << TAG_BITS >> TAG_BITS;
    return ((bucket_tail)high << (64 - TAG_BITS) | low) << CODE_HIGH_BITS;
}
static inline bucket_tail bucket_tail_mask(unsigned depth)
{
    return (((bucket_tail)1 << (128 - TAG_BITS - depth)) - 1) << CODE_HIGH_BITS;
}

static inline uint64_t slot_number(const unsigned char *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return number;
}
// Reads up to 7 bytes behind the slot: another slot, or tags.
static inline bucket_tail slot_tail(const unsigned char *slot)
{
    return (bucket_tail)slot_number(slot + SLOT_TAIL_AT + 8) << 64 | slot_number(slot + SLOT_TAIL_AT);
}
static inline uint64_t slot_code(const unsigned char *slot)
{
    return (slot_number(slot) >> 32) | (slot_number(slot + SLOT_TAIL_AT) & ((1 << CODE_HIGH_BITS) - 1)) << 32;
}
static inline uint32_t slot_content(const unsigned char *slot)
{
    return (uint32_t)slot_number(slot);
}
static inline void slot_write(unsigned char *slot, unsigned width, bucket_tail tail, uint64_t code, uint32_t content)
{
    uint64_t first = code << 32 | content, low, end;
    tail |= (bucket_tail)(code >> 32);
    low = (uint64_t)tail;
    end = (uint64_t)(tail >> (width - SLOT_TAIL_AT - 8) * 8); // its last 8 bytes: overlaps with `low`
    memcpy(slot, &first, 8);
    memcpy(slot + SLOT_TAIL_AT, &low, 8);
    memcpy(slot + width - 8, &end, 8);
}

static inline void slot_copy(unsigned char *slot, const unsigned char *from, unsigned width)
{
    uint64_t first = slot_number(from), next = slot_number(from + 8), end = slot_number(from + width - 8);
    memcpy(slot, &first, 8);
    memcpy(slot + 8, &next, 8);
    memcpy(slot + width - 8, &end, 8); // overlaps with `next`
}

// The first 32 of the identity's bits that are in a tail.
static inline uint32_t slot_first_bits(const unsigned char *slot, unsigned depth)
{
    unsigned bits = 128 - TAG_BITS - depth + CODE_HIGH_BITS; // of code and tail
    return (uint32_t)((slot_tail(slot) & bucket_tail_mask(depth)) >> (bits - 32));
}

static inline uint32_t slot_filter_bit(const unsigned char *slot)
{
    return bucket_filter_bit((uint64_t)(slot_tail(slot) >> CODE_HIGH_BITS));
}

static inline struct hash128 slot_identity(const unsigned char *bucket, unsigned at, unsigned width, unsigned depth,
                                           uint64_t prefix)
{
    bucket_tail tail = (slot_tail(bucket + at * width) & bucket_tail_mask(depth)) >> CODE_HIGH_BITS;
    uint64_t low = (uint64_t)tail << TAG_BITS >> TAG_BITS, high = (uint64_t)(tail >> (64 - TAG_BITS));
    if (depth > 0) high |= prefix << (64 - depth);
    return (struct hash128){high, (uint64_t)bucket[BUCKET_TAGS_AT + at] << 56 | low};
}

// --- buckets of a segment

static inline unsigned char *segment_bucket(const struct dedup_pool *pool, const struct dedup_segment *segment,
                                            uint32_t number)
{
    return dedup_pool_page(pool, segment->page[number / BUCKETS_PER_PAGE]) +
           (size_t)(number % BUCKETS_PER_PAGE) * BUCKET_BYTES;
}
static inline uint32_t segment_buckets(const struct dedup_segment *segment)
{
    return (uint32_t)segment->pages * BUCKETS_PER_PAGE;
}
// The bucket where an identity is looked for first, by the 32 bits behind those that choose the segment; rises with it.
static inline uint32_t segment_home_of_bits(const struct dedup_segment *segment, uint32_t bits)
{
    return (uint32_t)((uint64_t)bits * segment_buckets(segment) >> 32);
}
static inline uint32_t segment_home(const struct dedup_segment *segment, uint64_t identity_high)
{
    return segment_home_of_bits(segment, (uint32_t)(identity_high << segment->depth >> 32));
}
static inline struct dedup_segment *view_segment(const struct dedup_view *view, struct hash128 identity)
{
    return &view->segments[view->directory[(identity.high >> (64 - view->depth)) - view->first]];
}
