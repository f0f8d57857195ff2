// SPDX-License-Identifier: Apache-2.0
// Reads compiled zone files. Source: RFC 8536 (TZif). Of such a file only offsets are used: no abbreviations, no flags.
// A file that counts leap seconds is refused, since an instant has none. Nothing in a file is trusted: each count is
// checked against the size, each index and offset against its range.
#include "common/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 65536, // the largest zone has 4 kB
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
    TYPES_MAX = 256,
};

struct header { uint32_t utc_flags, standard_flags, leaps, changes, types, name_bytes; char version; };

struct bytes { const uint8_t *at, *end; };

static enum err broken(const char *path, const char *reason, struct fault *fault)
{
    return fault_set(fault, ERR_BUG, path, "the zone file is broken: %s; reinstall the time zone data", reason);
}

static bool has(const struct bytes *bytes, uint64_t length)
{
    return (uint64_t)(bytes->end - bytes->at) >= length;
}

static uint32_t big_endian_32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big_endian_64(const uint8_t *at)
{
    return (int64_t)((uint64_t)big_endian_32(at) << 32 | big_endian_32(at + 4));
}

static bool take_header(struct bytes *bytes, struct header *header)
{
    if (!has(bytes, HEADER_BYTES) || memcmp(bytes->at, "TZif", 4) != 0) return false;
    header->version = (char)bytes->at[4];
    const uint8_t *counts = bytes->at + 20;
    header->utc_flags = big_endian_32(counts);
    header->standard_flags = big_endian_32(counts + 4);
    header->leaps = big_endian_32(counts + 8);
    header->changes = big_endian_32(counts + 12);
    header->types = big_endian_32(counts + 16);
    header->name_bytes = big_endian_32(counts + 20);
    bytes->at += HEADER_BYTES;
    return true;
}

static uint64_t body_bytes(const struct header *header, unsigned time_bytes)
{
    return (uint64_t)header->changes * (time_bytes + 1) + (uint64_t)header->types * TYPE_BYTES + header->name_bytes +
           (uint64_t)header->leaps * (time_bytes + 4) + header->standard_flags + header->utc_flags;
}

static bool read_types(const uint8_t *at, uint32_t count, int offsets[TYPES_MAX])
{
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = (int)(int32_t)big_endian_32(at + (size_t)i * TYPE_BYTES);
        if (offsets[i] < ZONE_OFFSET_MIN || offsets[i] > ZONE_OFFSET_MAX) return false;
    }
    return true;
}

// A change far outside the years of an instant ("the Big Bang") is moved to their edge: its microseconds must fit 64
// bits.
static int64_t within_reach(int64_t second)
{
    const int64_t reach = INT64_C(1000000000000);
    return second > reach ? reach : second < -reach ? -reach : second;
}

static enum err read_changes(const char *path, const uint8_t *at, const struct header *header, struct zone_table *table,
                             struct fault *fault)
{
    int offsets[TYPES_MAX];
    const uint8_t *indexes = at + (size_t)header->changes * 8, *types = indexes + header->changes;
    if (!read_types(types, header->types, offsets)) return broken(path, "an offset of more than a day", fault);
    table->first_offset = offsets[0];
    table->count = header->changes;
    table->changes = calloc(table->count + 1, sizeof *table->changes);
    table->offsets = calloc(table->count + 1, sizeof *table->offsets);
    ENSURE(table->changes && table->offsets); // out of memory aborts, as everywhere
    for (size_t i = 0; i < table->count; i++) {
        int64_t second = big_endian_64(at + i * 8);
        if (i > 0 && second <= big_endian_64(at + (i - 1) * 8))
            return broken(path, "its changes are not in order", fault);
        if (indexes[i] >= header->types) return broken(path, "a change to an unknown offset", fault);
        table->changes[i] = within_reach(second);
        table->offsets[i] = offsets[indexes[i]];
    }
    return ERR_OK;
}

static enum err read_footer(const char *path, struct bytes bytes, struct zone_rule *rule, struct fault *fault)
{
    if (!has(&bytes, 2) || *bytes.at != '\n') return broken(path, "no footer", fault);
    const char *text = (const char *)bytes.at + 1;
    const char *end = memchr(text, '\n', (size_t)(bytes.end - bytes.at - 1));
    if (!end) return broken(path, "the footer has no end", fault);
    *rule = (struct zone_rule){.known = false};
    if (end == text) return ERR_OK; // nothing is known after the last change: its offset stays
    return zone_rule_parse(text, (size_t)(end - text), rule) ? ERR_OK : broken(path, "a footer that is no rule", fault);
}

static enum err decode(const char *path, struct bytes bytes, struct zone_table *table, struct fault *fault)
{
    struct header header;
    if (!take_header(&bytes, &header)) return fault_set(fault, ERR_INVALID, path, "not a zone file");
    // The first block is for readers from before 2005: 32-bit times. The same in 64 bits follows.
    if (header.version < '2') return broken(path, "version 1 has no rule for the future", fault);
    uint64_t skipped = body_bytes(&header, 4);
    if (!has(&bytes, skipped)) return broken(path, "cut off", fault);
    bytes.at += skipped;
    if (!take_header(&bytes, &header)) return broken(path, "no second block", fault);
    if (header.types < 1 || header.types > TYPES_MAX) return broken(path, "no offsets, or too many", fault);
    if (header.leaps > 0) return fault_set(fault, ERR_INVALID, path, "this zone file counts leap seconds");
    uint64_t length = body_bytes(&header, 8);
    if (!has(&bytes, length)) return broken(path, "cut off", fault);
    struct bytes footer = {bytes.at + length, bytes.end};
    enum err err = read_footer(path, footer, &table->rule, fault);
    return err ? err : read_changes(path, bytes.at, &header, table, fault);
}

static enum err cannot_read(const char *path, struct fault *fault)
{
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
        return fault_set(fault, ERR_INVALID, path, "no such time zone (is the time zone data installed?)");
    return fault_set(fault, ERR_RETRY, path, "cannot read the zone file: %s", strerror(errno));
}

// Reads up to limit bytes; -1 with errno.
static ssize_t read_all(int fd, uint8_t *data, size_t limit)
{
    size_t length = 0;
    while (length < limit) {
        ssize_t got = read(fd, data + length, limit - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static enum err read_open_file(int fd, const char *path, struct zone_table *table, struct fault *fault)
{
    struct stat status;
    if (fstat(fd, &status) != 0) return cannot_read(path, fault);
    if (!S_ISREG(status.st_mode))
        return fault_set(fault, ERR_INVALID, path, "no such time zone, it is a group of them");
    if (status.st_size > FILE_MAX_BYTES) return fault_set(fault, ERR_INVALID, path, "not a zone file: too large");
    uint8_t *data = malloc(FILE_MAX_BYTES);
    ENSURE(data);
    ssize_t length = read_all(fd, data, FILE_MAX_BYTES);
    enum err err =
        length < 0 ? cannot_read(path, fault) : decode(path, (struct bytes){data, data + length}, table, fault);
    free(data);
    return err;
}

enum err zone_file_read(const char *path, struct zone_table *table, struct fault *fault)
{
    *table = (struct zone_table){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return cannot_read(path, fault);
    enum err err = read_open_file(fd, path, table, fault);
    close(fd);
    if (!err) return ERR_OK;
    free(table->changes);
    free(table->offsets);
    *table = (struct zone_table){0};
    return err;
}
