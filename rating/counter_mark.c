// SPDX-License-Identifier: Apache-2.0
// Keys are printed for every counter of every flush: digit by digit, not by a format.
#include "rating/counter_mark.h"

#include <stdio.h>
#include <string.h>

void counter_mark_print(const struct partition_row *row, char mark[COUNTER_MARK_MAX])
{
    char head[SHA256_HEX];
    hex_print(row->head, SHA256_BYTES, head);
    snprintf(mark, COUNTER_MARK_MAX, "%d:%lld:%s:%d", row->incarnation, (long long)row->batch_seq, head,
             row->partition);
}

// Takes a number of at most 18 digits, and the colon behind it unless it is the last.
static bool take_number(struct slice *text, bool last, int64_t *number)
{
    size_t digits = 0;
    *number = 0;
    for (; digits < text->length && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        if (digits == 18) return false;
        *number = *number * 10 + (text->data[digits] - '0');
    }
    if (digits == 0 || last) return digits > 0 && digits == text->length;
    if (digits == text->length || text->data[digits] != ':') return false;
    *text = (struct slice){text->data + digits + 1, text->length - digits - 1};
    return true;
}

enum err counter_mark_read(struct slice mark, struct counter_position *position)
{
    if (!take_number(&mark, false, &position->incarnation) || !take_number(&mark, false, &position->batch_seq))
        return ERR_INVALID;
    if (mark.length < SHA256_HEX || mark.data[SHA256_HEX - 1] != ':') return ERR_INVALID;
    memcpy(position->head, mark.data, SHA256_HEX - 1);
    position->head[SHA256_HEX - 1] = 0;
    if (strspn(position->head, "0123456789abcdef") != SHA256_HEX - 1) return ERR_INVALID;
    mark = (struct slice){mark.data + SHA256_HEX, mark.length - SHA256_HEX};
    return take_number(&mark, true, &position->partition) ? ERR_OK : ERR_INVALID;
}

bool counter_is_stale(const struct counter_position *mark, const struct counter_position *database)
{
    if (mark->incarnation != database->incarnation || mark->partition != database->partition) return true;
    if (mark->batch_seq != database->batch_seq)
        return mark->batch_seq < database->batch_seq; // newer than our snapshot: fine
    return strcmp(mark->head, database->head) != 0;
}

static char *add_number(char *at, int64_t value)
{
    char digits[24];
    size_t count = 0;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0) *at++ = '-';
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *add_shard(char *at, int shard)
{
    memcpy(at, "tp:{", 4);
    at = add_number(at + 4, shard);
    memcpy(at, "}:", 2);
    return at + 2;
}

size_t counter_mark_key(int shard, char key[COUNTER_KEY_MAX])
{
    char *at = add_shard(key, shard);
    memcpy(at, "mark", sizeof "mark");
    return (size_t)(at - key) + 4;
}

size_t counter_key(int shard, int64_t tenant, int32_t meter, int32_t month, char key[COUNTER_KEY_MAX])
{
    char *at = add_shard(key, shard);
    memcpy(at, "u:", 2);
    at = add_number(at + 2, tenant);
    *at++ = ':';
    at = add_number(at, meter);
    *at++ = ':';
    if (month < 100000) *at++ = '0'; // years before 1000 do not come up; the form is %06d all the same
    at = add_number(at, month);
    *at = 0;
    return (size_t)(at - key);
}

int counter_key_shard(struct slice key)
{
    static const char begin[] = "tp:{";
    int shard = 0;
    size_t at = sizeof begin - 1;
    if (key.length <= at || memcmp(key.data, begin, at) != 0) return SHARD_COUNT;
    for (; at < key.length && key.data[at] >= '0' && key.data[at] <= '9' && shard < SHARD_COUNT; at++)
        shard = shard * 10 + (key.data[at] - '0');
    return at < key.length && at >= sizeof begin && key.data[at] == '}' && shard < SHARD_COUNT ? shard : SHARD_COUNT;
}

int counter_key_read(struct slice key, int64_t *tenant, int32_t *meter, int32_t *month)
{
    char again[COUNTER_KEY_MAX];
    int64_t numbers[3] = {0};
    int shard = counter_key_shard(key);
    if (shard == SHARD_COUNT) return shard;
    size_t at = counter_mark_key(shard, again) - (sizeof "mark" - 1); // "tp:{shard}:"
    if (key.length < at + 2 || memcmp(key.data + at, "u:", 2) != 0) return SHARD_COUNT;
    struct slice rest = {key.data + at + 2, key.length - at - 2};
    for (int i = 0; i < 3; i++)
        if (!take_number(&rest, i == 2, &numbers[i])) return SHARD_COUNT;
    if (numbers[1] > INT32_MAX || numbers[2] > INT32_MAX) return SHARD_COUNT;
    *tenant = numbers[0];
    *meter = (int32_t)numbers[1];
    *month = (int32_t)numbers[2];
    size_t length = counter_key(shard, *tenant, *meter, *month, again);
    return length == key.length && memcmp(again, key.data, length) == 0 ? shard : SHARD_COUNT;
}
