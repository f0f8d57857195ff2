// SPDX-License-Identifier: Apache-2.0
// A cursor is 40 bytes as hex digits: position (16), when it was made (8), seal (16).
#include "api/cursor.h"

#include <string.h>

enum { PLAIN_BYTES = 24, SEAL_BYTES = 16, CURSOR_BYTES = PLAIN_BYTES + SEAL_BYTES };
_Static_assert(CURSOR_TEXT_SIZE == 2 * CURSOR_BYTES + 1, "hex digits and NUL");

static void put_int(unsigned char *out, int64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
}

static int64_t get_int(const unsigned char *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return (int64_t)value;
}

static void seal(const unsigned char plain[PLAIN_BYTES], const unsigned char secret_hash[SHA256_BYTES],
                 struct slice filters, unsigned char out[SEAL_BYTES])
{
    struct hash_key key;
    memcpy(key.bytes, secret_hash, sizeof key.bytes);
    const struct slice pieces[] = {SLICE("cursor"), {(const char *)plain, PLAIN_BYTES}, filters};
    hash128_bytes(keyed_hash_pieces(&key, pieces, 3), out);
}

void cursor_print(const struct cursor *cursor, const unsigned char secret_hash[SHA256_BYTES], struct slice filters,
                  instant_us now, char text[CURSOR_TEXT_SIZE])
{
    unsigned char bytes[CURSOR_BYTES];
    put_int(bytes, cursor->issued_time);
    put_int(bytes + 8, cursor->document);
    put_int(bytes + 16, now);
    seal(bytes, secret_hash, filters, bytes + PLAIN_BYTES);
    hex_print(bytes, sizeof bytes, text);
}

enum err cursor_read(const char *text, const unsigned char secret_hash[SHA256_BYTES], struct slice filters,
                     instant_us now, struct cursor *cursor, struct fault *fault)
{
    unsigned char bytes[CURSOR_BYTES], wanted[SEAL_BYTES];
    size_t length = strlen(text);
    if (length != CURSOR_TEXT_SIZE - 1 || hex_parse(text, length, bytes))
        return fault_set(fault, ERR_INVALID, "cursor", "is none of ours");
    seal(bytes, secret_hash, filters, wanted);
    if (!secret_equal(wanted, bytes + PLAIN_BYTES, SEAL_BYTES))
        return fault_set(fault, ERR_INVALID, "cursor", "belongs to another key or other parameters");
    int64_t age = now - get_int(bytes + 16);
    if (age > CURSOR_LIFE_US || age < -CURSOR_LIFE_US)
        return fault_set(fault, ERR_INVALID, "cursor", "is older than a day: begin anew");
    *cursor = (struct cursor){get_int(bytes), get_int(bytes + 8)};
    return ERR_OK;
}
