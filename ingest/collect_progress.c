// SPDX-License-Identifier: Apache-2.0
// The progress line: whole numbers only, time left from the bytes of the input.
#include "ingest/collect_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "common/decimal.h"

static const int64_t TERMINAL_US = 200000, LOG_US = 5 * SECOND_US;

void collect_say(const char *format, ...)
{
    struct text line = {0};
    char words[1024];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words, sizeof words, format, arguments) < 0) words[0] = 0;
    va_end(arguments);
    // a progress line that stands there is drawn anew below
    text_print(&line, "%sturnpike collect: %s\n", isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "", words);
    if (write(STDERR_FILENO, line.data, line.length) < 0) { // nobody can be told
    }
    text_free(&line);
}

void progress_open(struct collect_progress *progress, bool quiet, int64_t start_offset, int64_t total, bool bytes)
{
    int64_t now = clock_monotonic_us();
    *progress = (struct collect_progress){.quiet = quiet,
                                          .terminal = isatty(STDERR_FILENO) == 1,
                                          .start_us = now,
                                          .last_us = now,
                                          .start_offset = start_offset,
                                          .total = total,
                                          .bytes = bytes};
}

static void print_grouped(struct text *out, int64_t number)
{
    if (number >= 1000) {
        print_grouped(out, number / 1000);
        text_print(out, ",%03d", (int)(number % 1000));
    } else {
        text_print(out, "%d", (int)number);
    }
}

static void print_bytes(struct text *out, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) {
        text_print(out, "%d bytes", (int)bytes);
        return;
    }
    size_t unit = 0;
    int64_t tenths = bytes / 100;
    for (; tenths >= 10000 && unit < 4; unit++)
        tenths /= 1000;
    text_print(out, "%d.%d %s", (int)(tenths / 10), (int)(tenths % 10), units[unit]);
}

void progress_print(const struct collect_progress *progress, const struct progress_state *state, int64_t elapsed_us,
                    struct text *out)
{
    print_grouped(out, state->events);
    text_add_string(out, state->events == 1 ? " event" : " events");
    if (elapsed_us > 0) {
        text_add_string(out, ", ");
        print_grouped(out, (int64_t)((int128)state->events * SECOND_US / elapsed_us));
        text_add_string(out, "/s");
    }
    if (progress->total <= 0) return;
    text_print(out, ", %d %%", (int)((int128)state->offset * 100 / progress->total));
    if (progress->bytes) text_add_string(out, " of ");
    if (progress->bytes) print_bytes(out, progress->total);
    int64_t done = state->offset - progress->start_offset;
    if (done <= 0 || elapsed_us <= 0) return;
    int64_t left_s = (int64_t)((int128)(progress->total - state->offset) * elapsed_us / done / SECOND_US);
    text_print(out, ", %lld:%02d left", (long long)(left_s / 60), (int)(left_s % 60));
}

void progress_show(struct collect_progress *progress, const struct progress_state *state)
{
    int64_t now = clock_monotonic_us();
    if (progress->quiet || now - progress->last_us < (progress->terminal ? TERMINAL_US : LOG_US)) return;
    progress->last_us = now;
    struct text line = {0};
    progress_print(progress, state, now - progress->start_us, &line);
    if (progress->terminal) {
        fprintf(stderr, "\r\x1b[K%s", line.data);
        fflush(stderr);
        progress->drawn = true;
    } else {
        collect_say("%s", line.data);
    }
    text_free(&line);
}

void progress_clear(struct collect_progress *progress)
{
    if (!progress->drawn) return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}
