// SPDX-License-Identifier: Apache-2.0
// Offsets and times are distances from the record before, or within a source from the number before.
#include "rating/sequence_pack.h"

#include "rating/pack_number.h"

enum { PACK_VERSION = 1, HASH_BYTES = 16, CONTENT_BYTES = 8, SHARD_MAX = 1023 };
// The kinds of records are stored: never renumber.
enum kind { KIND_COVERAGE = 1, KIND_EVENT = 2, KIND_EVENT_AGAIN = 3, KIND_SOURCE = 4 };
enum { NUMBER_BYTES_MOST = 4 + CONTENT_BYTES + 7 + 3, WINDOW_BYTES_MOST = HASH_BYTES + 5 * PACK_NUMBER_MAX };

// --- writing

static void put_number(struct text *out, uint64_t number)
{
    unsigned char bytes[PACK_NUMBER_MAX];
    text_add(out, bytes, (size_t)(pack_number_put(bytes, number) - bytes));
}

static void put_distance(struct text *out, int64_t number, int64_t before)
{
    put_number(out, pack_fold(number - before));
}

static void put_hash(struct text *out, struct hash128 hash)
{
    unsigned char bytes[HASH_BYTES];
    hash128_bytes(hash, bytes);
    text_add(out, bytes, sizeof bytes);
}

static void put_place(struct text *out, const struct sequence_counted *counted, int64_t offset_before)
{
    unsigned char content[CONTENT_BYTES];
    for (unsigned i = 0; i < CONTENT_BYTES; i++)
        content[i] = (unsigned char)(counted->content >> 8 * (CONTENT_BYTES - 1 - i));
    text_add(out, content, sizeof content);
    put_distance(out, counted->offset, offset_before);
    put_number(out, (uint64_t)counted->event_index);
}

void sequence_pack_begin(struct sequence_pack *pack, struct text *out)
{
    pack->out = out;
    pack->start = out->length;
    pack->has_event = false;
    pack->before = (struct sequence_event){0};
    text_add_char(out, PACK_VERSION);
}

bool sequence_pack_full(const struct sequence_pack *pack)
{
    return pack->out->length - pack->start >= SEQUENCE_PIECE_BYTES;
}

void sequence_pack_coverage(struct sequence_pack *pack, instant_us coverage_start)
{
    text_add_char(pack->out, KIND_COVERAGE);
    put_number(pack->out, pack_fold(coverage_start));
    pack->records++;
}

void sequence_pack_event(struct sequence_pack *pack, const struct sequence_event *event)
{
    struct text *out = pack->out;
    const struct sequence_event *before = &pack->before;
    bool again = pack->has_event && hash128_equal(before->source, event->source) &&
                 hash128_equal(before->incarnation, event->incarnation);
    text_add_char(out, again ? KIND_EVENT_AGAIN : KIND_EVENT);
    if (!again) {
        put_hash(out, event->source);
        put_hash(out, event->incarnation);
        put_number(out, (uint64_t)event->shard);
    }
    put_distance(out, event->number, again ? before->number : 0);
    put_distance(out, event->event_time, before->event_time);
    put_place(out, &event->place, before->place.offset);
    pack->before = *event;
    pack->has_event = true;
    pack->records++;
}

static void put_window(struct text *out, const struct sequence_window *window)
{
    struct sequence_cursor cursor = {0};
    struct sequence_counted counted;
    int64_t number = sequence_window_mark(window), offset = 0;
    put_hash(out, window->incarnation);
    put_number(out, pack_fold(window->touched));
    put_number(out, pack_fold(window->earliest));
    put_number(out, pack_fold(window->latest));
    put_number(out, (uint64_t)window->highest);
    put_number(out, window->count);
    while (sequence_window_next(window, &cursor, &counted)) {
        put_number(out, (uint64_t)(cursor.number - number));
        put_place(out, &counted, offset);
        number = cursor.number;
        offset = counted.offset;
    }
}

void sequence_pack_source(struct sequence_pack *pack, const struct sequence_source *source)
{
    struct text *out = pack->out;
    text_add_char(out, KIND_SOURCE);
    put_hash(out, source->source);
    put_number(out, (uint64_t)source->shard);
    put_number(out, pack_fold(source->floor));
    put_number(out, source->count);
    for (uint32_t i = 0; i < source->count; i++)
        put_window(out, &source->windows[i]);
    pack->records++;
}

int64_t sequence_pack_estimate(const struct sequence_source *source)
{
    int64_t bytes = 1 + HASH_BYTES + 3 * PACK_NUMBER_MAX;
    for (uint32_t i = 0; i < source->count; i++)
        bytes += WINDOW_BYTES_MOST + (int64_t)source->windows[i].count * NUMBER_BYTES_MOST;
    return bytes;
}

// --- reading; every function returns false at damage

struct unpack {
    const unsigned char *at, *end;
    struct sequence_event before;
    bool has_event;
    instant_us watermark;
    struct sequence_index *index;
};

static bool take_number(struct unpack *unpack, uint64_t most, uint64_t *number)
{
    unpack->at = pack_number_take(unpack->at, unpack->end, number);
    return unpack->at && *number <= most;
}

static bool take_distance(struct unpack *unpack, int64_t before, int64_t least, int64_t most, int64_t *number)
{
    uint64_t folded;
    if (!take_number(unpack, UINT64_MAX, &folded)) return false;
    return !__builtin_add_overflow(before, pack_unfold(folded), number) && *number >= least && *number <= most;
}

static bool take_instant(struct unpack *unpack, int64_t before, instant_us *instant)
{
    return take_distance(unpack, before, INSTANT_MIN, INSTANT_MAX, instant);
}

static bool take_hash(struct unpack *unpack, struct hash128 *hash)
{
    if (unpack->end - unpack->at < HASH_BYTES) return false;
    *hash = hash128_from_bytes(unpack->at);
    unpack->at += HASH_BYTES;
    return true;
}

static bool take_place(struct unpack *unpack, int64_t offset_before, struct sequence_counted *counted)
{
    uint64_t index;
    if (unpack->end - unpack->at < CONTENT_BYTES) return false;
    counted->content = 0;
    for (unsigned i = 0; i < CONTENT_BYTES; i++)
        counted->content = counted->content << 8 | *unpack->at++;
    if (!take_distance(unpack, offset_before, 0, DEDUP_OFFSET_MAX, &counted->offset)) return false;
    if (!take_number(unpack, DEDUP_EVENT_INDEX_MAX, &index)) return false;
    counted->event_index = (int32_t)index;
    return true;
}

static bool take_coverage(struct unpack *unpack)
{
    instant_us coverage_start;
    if (!take_instant(unpack, 0, &coverage_start)) return false;
    if (coverage_start > unpack->index->coverage_start) unpack->index->coverage_start = coverage_start;
    return true;
}

static bool take_event(struct unpack *unpack, bool again)
{
    struct sequence_event event = unpack->before;
    uint64_t shard;
    if (again && !unpack->has_event) return false;
    if (!again) {
        if (!take_hash(unpack, &event.source) || !take_hash(unpack, &event.incarnation)) return false;
        if (!take_number(unpack, SHARD_MAX, &shard)) return false;
        event.shard = (int32_t)shard;
        event.number = 0;
    }
    if (!take_distance(unpack, event.number, 1, SEQUENCE_NUMBER_MAX, &event.number)) return false;
    if (!take_instant(unpack, event.event_time, &event.event_time)) return false;
    if (!take_place(unpack, event.place.offset, &event.place)) return false;
    sequence_index_count(unpack->index, NULL, &event, unpack->watermark);
    unpack->before = event;
    unpack->has_event = true;
    return true;
}

static bool take_window(struct unpack *unpack, struct sequence_source *source)
{
    struct hash128 incarnation;
    instant_us touched, earliest, latest;
    uint64_t highest, count, distance;
    struct sequence_counted counted = {0};
    if (!take_hash(unpack, &incarnation)) return false;
    if (!take_instant(unpack, 0, &touched) || !take_instant(unpack, 0, &earliest) || !take_instant(unpack, 0, &latest))
        return false;
    if (!take_number(unpack, SEQUENCE_NUMBER_MAX, &highest) || highest == 0) return false;
    if (!take_number(unpack, SEQUENCE_WINDOW, &count) || count == 0 || count > highest) return false;
    struct sequence_window *window = sequence_source_add(source, incarnation);
    int64_t number = highest > SEQUENCE_WINDOW ? (int64_t)highest - SEQUENCE_WINDOW : 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!take_number(unpack, highest - (uint64_t)number, &distance) || distance == 0) return false;
        if (!take_place(unpack, counted.offset, &counted)) return false;
        number += (int64_t)distance;
        sequence_window_count(window, number, &counted, earliest);
    }
    window->touched = touched;
    window->latest = latest;
    return number == (int64_t)highest && earliest <= latest;
}

static bool take_source(struct unpack *unpack)
{
    struct hash128 hash;
    instant_us floor;
    uint64_t shard, count;
    if (!take_hash(unpack, &hash) || !take_number(unpack, SHARD_MAX, &shard)) return false;
    if (!take_instant(unpack, 0, &floor)) return false;
    if (!take_number(unpack, SEQUENCE_INCARNATIONS, &count) || count == 0) return false;
    struct sequence_source *source = sequence_index_renew(unpack->index, hash, (int32_t)shard);
    size_t before = sequence_source_bytes(source);
    bool good = true;
    source->floor = floor;
    while (good && count-- > 0)
        good = take_window(unpack, source);
    sequence_index_weigh(unpack->index, source, before);
    return good;
}

static bool take_record(struct unpack *unpack)
{
    switch (*unpack->at++) {
    case KIND_COVERAGE:
        return take_coverage(unpack);
    case KIND_EVENT:
        return take_event(unpack, false);
    case KIND_EVENT_AGAIN:
        return take_event(unpack, true);
    case KIND_SOURCE:
        return take_source(unpack);
    default:
        return false;
    }
}

enum err sequence_unpack(const void *data, size_t length, instant_us watermark, struct sequence_index *index,
                         int64_t *records, struct fault *fault)
{
    const unsigned char *bytes = data;
    if (length == 0 || bytes[0] != PACK_VERSION)
        return fault_set(fault, ERR_INVALID, "rating.batch_sequence", "packed sequences of an unknown version");
    struct unpack unpack = {.at = bytes + 1, .end = bytes + length, .watermark = watermark, .index = index};
    for (; unpack.at < unpack.end; ++*records)
        if (!take_record(&unpack))
            return fault_set(fault, ERR_INVALID, "rating.batch_sequence", "packed sequences are damaged");
    return ERR_OK;
}
