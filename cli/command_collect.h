// SPDX-License-Identifier: Apache-2.0
// What the collectors' commands share: flags, key, gateway, and the summary.
#pragma once
#include "cli/commands.h"
#include "ingest/collect_feed.h"

// The first rows of each collector's list of flags.
enum collect_flag {
    COLLECT_GATEWAY,
    COLLECT_KEY_FILE,
    COLLECT_BROKERS,
    COLLECT_TOPIC,
    COLLECT_STATE,
    COLLECT_GIVE_UP,
    COLLECT_QUIET,
    COLLECT_FLAG_COUNT
};
#define COLLECT_FLAGS                                                                                                  \
    [COLLECT_GATEWAY] = {.name = "--gateway", .kind = FLAG_TEXT},                                                      \
    [COLLECT_KEY_FILE] = {.name = "--key-file", .kind = FLAG_TEXT},                                                    \
    [COLLECT_BROKERS] = {.name = "--brokers", .kind = FLAG_TEXT},                                                      \
    [COLLECT_TOPIC] = {.name = "--topic", .kind = FLAG_TEXT},                                                          \
    [COLLECT_STATE] = {.name = "--state", .kind = FLAG_TEXT},                                                          \
    [COLLECT_GIVE_UP] = {.name = "--give-up", .kind = FLAG_TEXT},                                                      \
    [COLLECT_QUIET] = {.name = "--quiet", .kind = FLAG_SWITCH}
#define COLLECT_FLAGS_USAGE                                                                                            \
    "  --gateway URL        where to send (default: http:// and ingest.listen)\n"                                      \
    "  --key-file FILE      file with the API key, mode 0640 at most (default: the key in $TURNPIKE_KEY)\n"            \
    "  --brokers HOST:PORT  send straight to Kafka instead, without a gateway and a key\n"                              \
    "  --topic TOPIC        with --brokers: where to (default: kafka.topic and .1)\n"                                  \
    "  --state DIR          folder of what is remembered (default: $TURNPIKE_STATE/collect, else ./var/collect)\n"     \
    "  --give-up DURATION   end when nothing was taken for so long (default: try for ever)\n"                   \
    "  --quiet              no progress and no summary\n"

// Reads the flags' values into *run (its send options and folder); `sends`: a key is needed. 0, or the exit code after
// saying what is wrong. Texts live in the context's arena.
int collect_prepare(struct command_context *context, const struct flag *flags, bool sends, struct collect_run *run);
// Opens a file to be sent. 0, or the exit code after saying what is wrong.
int collect_open_file(const struct command_context *context, const char *path, int *fd, struct cursor_input *input);
// Runs the feed and says what was done: a line, or with --json an object on standard output; a dry run says nothing.
int collect_run_and_say(const struct command_context *context, const struct collect_run *run,
                        const struct collect_feed *feed, const struct cursor_input *input);
// An instant from a flag; INSTANT_NONE if it was not given. false: wrong, and that was said.
bool collect_flag_instant(const struct command_context *context, const struct flag *flag, instant_us *instant);
// A whole number of least to most from a flag; *number stays if it was not given. false: wrong, and that was said.
bool collect_flag_number(const struct command_context *context, const struct flag *flag, int64_t least, int64_t most,
                         int64_t *number);
