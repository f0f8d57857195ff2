// SPDX-License-Identifier: Apache-2.0
// The kernel's text files, line by line and word by word. Numbers beyond int64 are refused rather than wrapped.
#include "ingest/host_read.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR_BYTES = 512 }; // of /proc/diskstats, whatever the device's own size is

// The next line without its end; false at the end of the text.
static bool next_line(struct slice *text, struct slice *line)
{
    if (text->length == 0) return false;
    const char *end = memchr(text->data, '\n', text->length);
    line->data = text->data;
    line->length = end ? (size_t)(end - text->data) : text->length;
    size_t taken = line->length + (end ? 1 : 0);
    text->data += taken;
    text->length -= taken;
    return true;
}

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == ':' || c == '=';
}

// The next word of a line; words are separated by blanks, ':' and '='.
static bool next_word(struct slice *line, struct slice *word)
{
    while (line->length > 0 && is_gap(line->data[0])) {
        line->data++;
        line->length--;
    }
    word->data = line->data;
    word->length = 0;
    while (word->length < line->length && !is_gap(line->data[word->length]))
        word->length++;
    line->data += word->length;
    line->length -= word->length;
    return word->length > 0;
}

static bool to_number(struct slice word, int64_t *number)
{
    int64_t value = 0;
    if (word.length == 0) return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, word.data[i] - '0', &value))
            return false;
    }
    *number = value;
    return true;
}

static bool next_number(struct slice *line, int64_t *number)
{
    struct slice word;
    return next_word(line, &word) && to_number(word, number);
}

static bool add(int64_t *sum, int64_t number)
{
    return !__builtin_add_overflow(*sum, number, sum);
}

static enum err bad(struct fault *fault, const char *what)
{
    return fault_set(fault, ERR_INVALID, what, "is not of the form that is known");
}

enum err host_read_cpu(struct slice text, int64_t ticks_per_second, int64_t *cpu_ns, struct fault *fault)
{
    // user nice system idle iowait irq softirq; user holds guest already, steal is somebody else's work
    static const bool works[] = {true, true, true, false, false, true, true};
    struct slice line, word;
    int64_t ticks = 0, number;
    ENSURE(ticks_per_second > 0 && ticks_per_second <= 1000000000);
    if (!next_line(&text, &line) || !next_word(&line, &word) || !slice_is(word, "cpu")) return bad(fault, "/proc/stat");
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (!next_number(&line, &number)) return bad(fault, "/proc/stat");
        if (works[i] && !add(&ticks, number)) return bad(fault, "/proc/stat");
    }
    if (__builtin_mul_overflow(ticks, 1000000000 / ticks_per_second, cpu_ns)) return bad(fault, "/proc/stat");
    return ERR_OK;
}

enum err host_read_memory(struct slice text, int64_t *bytes, struct fault *fault)
{
    struct slice line, word;
    int64_t total = -1, available = -1, number;
    while (next_line(&text, &line)) {
        if (!next_word(&line, &word)) continue;
        bool is_total = slice_is(word, "MemTotal"), is_available = slice_is(word, "MemAvailable");
        if (!is_total && !is_available) continue;
        if (!next_number(&line, &number) || number > INT64_MAX / 1024) return bad(fault, "/proc/meminfo");
        *(is_total ? &total : &available) = number;
    }
    if (total < 0 || available < 0 || available > total) return bad(fault, "/proc/meminfo");
    *bytes = (total - available) * 1024;
    return ERR_OK;
}

static bool read_device(struct slice line, struct host_device *device)
{
    struct slice word;
    int64_t numbers[9], major, minor;
    if (!next_number(&line, &major) || !next_number(&line, &minor) || !next_word(&line, &word)) return false;
    if (word.length >= sizeof device->name || major > INT32_MAX || minor > INT32_MAX) return false;
    // reads, merged, sectors, ms, writes, merged, sectors, ...
    for (size_t i = 0; i < 7; i++)
        if (!next_number(&line, &numbers[i])) return false;
    if (numbers[2] > INT64_MAX / SECTOR_BYTES || numbers[6] > INT64_MAX / SECTOR_BYTES) return false;
    *device = (struct host_device){.major = (int)major,
                                   .minor = (int)minor,
                                   .read_bytes = numbers[2] * SECTOR_BYTES,
                                   .write_bytes = numbers[6] * SECTOR_BYTES};
    memcpy(device->name, word.data, word.length);
    return true;
}

enum err host_read_disks(struct slice text, struct host_device devices[HOST_DEVICES_MAX], size_t *count,
                         struct fault *fault)
{
    struct slice line;
    *count = 0;
    while (next_line(&text, &line)) {
        if (line.length == 0) continue;
        if (*count == HOST_DEVICES_MAX)
            return fault_set(fault, ERR_LIMIT, "/proc/diskstats", "has more than %d devices", HOST_DEVICES_MAX);
        if (!read_device(line, &devices[*count])) return bad(fault, "/proc/diskstats");
        ++*count;
    }
    return ERR_OK;
}

bool host_device_is_real(const char *name)
{
    static const char *const others[] = {"loop", "ram", "zram", "dm-", "md", "fd", "sr"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t length = strlen(others[i]);
        if (strncmp(name, others[i], length) == 0 && name[length] >= '0' && name[length] <= '9') return false;
    }
    return true;
}

enum err host_read_network(struct slice text, struct host_interface interfaces[HOST_DEVICES_MAX], size_t *count,
                           struct fault *fault)
{
    struct slice line, word;
    *count = 0;
    if (!next_line(&text, &line) || !next_line(&text, &line))
        return bad(fault, "/proc/net/dev"); // two lines of headings
    while (next_line(&text, &line)) {
        int64_t numbers[9];
        if (!next_word(&line, &word)) continue;
        if (slice_is(word, "lo")) continue;
        if (*count == HOST_DEVICES_MAX)
            return fault_set(fault, ERR_LIMIT, "/proc/net/dev", "has more than %d interfaces", HOST_DEVICES_MAX);
        struct host_interface *interface = &interfaces[*count];
        if (word.length >= sizeof interface->name) return bad(fault, "/proc/net/dev");
        for (size_t i = 0; i < 9; i++) // received bytes, 7 others, sent bytes
            if (!next_number(&line, &numbers[i])) return bad(fault, "/proc/net/dev");
        *interface = (struct host_interface){.rx_bytes = numbers[0], .tx_bytes = numbers[8]};
        memcpy(interface->name, word.data, word.length);
        ++*count;
    }
    return ERR_OK;
}

enum err host_read_number(struct slice text, int64_t *number, struct fault *fault)
{
    struct slice line, word;
    if (next_line(&text, &line) && next_word(&line, &word) && to_number(word, number)) return ERR_OK;
    return bad(fault, "a counter of a cgroup");
}

enum err host_read_cpu_stat(struct slice text, int64_t *cpu_ns, struct fault *fault)
{
    struct slice line, word;
    int64_t usec;
    while (next_line(&text, &line)) {
        if (!next_word(&line, &word) || !slice_is(word, "usage_usec")) continue;
        if (!next_number(&line, &usec) || usec > INT64_MAX / 1000) break;
        *cpu_ns = usec * 1000;
        return ERR_OK;
    }
    return bad(fault, "cpu.stat");
}

enum err host_read_memory_total(struct slice text, int64_t *bytes, struct fault *fault)
{
    struct slice line, word;
    int64_t number;
    while (next_line(&text, &line)) {
        if (!next_word(&line, &word) || !slice_is(word, "MemTotal")) continue;
        if (!next_number(&line, &number) || number > INT64_MAX / 1024) break;
        *bytes = number * 1024;
        return ERR_OK;
    }
    return bad(fault, "/proc/meminfo");
}

enum err host_read_processors(struct slice text, int64_t *count, struct fault *fault)
{
    struct slice line, word;
    *count = 0;
    while (next_line(&text, &line))
        *count += next_word(&line, &word) && word.length > 3 && memcmp(word.data, "cpu", 3) == 0;
    return *count ? ERR_OK : bad(fault, "/proc/stat");
}

enum err host_read_cpu_max(struct slice text, int64_t *quota_us, int64_t *period_us, struct fault *fault)
{
    struct slice line, word;
    *quota_us = -1;
    if (!next_line(&text, &line) || !next_word(&line, &word)) return bad(fault, "cpu.max");
    if (!slice_is(word, "max") && !to_number(word, quota_us)) return bad(fault, "cpu.max");
    return next_number(&line, period_us) && *period_us > 0 ? ERR_OK : bad(fault, "cpu.max");
}

static bool is_counted(const struct host_device *devices, size_t count, int64_t major, int64_t minor)
{
    for (size_t i = 0; i < count; i++)
        if (devices[i].major == major && devices[i].minor == minor) return true;
    return count == 0;
}

// "8:0 rbytes=1 wbytes=2 rios=3 ..." (v2), or "8:0 Read 1" (v1).
static bool read_io_line(struct slice line, const struct host_device *devices, size_t device_count, int64_t *read_bytes,
                         int64_t *write_bytes)
{
    struct slice word;
    int64_t major, minor, number;
    if (!next_word(&line, &word)) return true;
    if (!to_number(word, &major)) return slice_is(word, "Total"); // the last line of v1
    if (!next_number(&line, &minor)) return false;
    bool counted = is_counted(devices, device_count, major, minor);
    while (next_word(&line, &word)) {
        int64_t *sum = slice_is(word, "rbytes") || slice_is(word, "Read")    ? read_bytes
                       : slice_is(word, "wbytes") || slice_is(word, "Write") ? write_bytes
                                                                             : NULL;
        struct slice value;
        if (!next_word(&line, &value)) return false;
        if (!sum || !counted) continue;
        if (!to_number(value, &number) || !add(sum, number)) return false;
    }
    return true;
}

enum err host_read_io(struct slice text, const struct host_device *devices, size_t device_count, int64_t *read_bytes,
                      int64_t *write_bytes, struct fault *fault)
{
    struct slice line;
    *read_bytes = *write_bytes = 0;
    while (next_line(&text, &line))
        if (!read_io_line(line, devices, device_count, read_bytes, write_bytes))
            return bad(fault, "the disk counters of a cgroup");
    return ERR_OK;
}

bool host_group_name_fits(const char *name)
{
    size_t length = strlen(name);
    if (name[0] == '.' || length >= HOST_GROUP_NAME_MAX || !utf8_valid(name, length)) return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || (unsigned char)name[i] == 0x7f) return false;
    return true;
}
