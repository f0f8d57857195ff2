// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "cli/command_collect_poll.h"

#include <stdio.h>

#include "common/http.h"
#include "common/json.h"
#include "common/setting_value.h"
#include "ingest/collect_progress.h"

enum { INTERVAL_DEFAULT_MS = 10000, INTERVAL_MOST_MS = 86400000 };

static bool read_interval(const struct command_context *context, const struct flag *flag, int64_t *interval_ms)
{
    *interval_ms = INTERVAL_DEFAULT_MS;
    if (!flag->given || (duration_parse(slice_of(flag->text), interval_ms) == ERR_OK &&
                         *interval_ms >= POLL_INTERVAL_LEAST_MS && *interval_ms <= INTERVAL_MOST_MS))
        return true;
    command_wrong_use(context, "--interval is a duration from %dms to 1d", POLL_INTERVAL_LEAST_MS);
    return false;
}

static void say_result(const struct command_context *context, const struct collect_poll *poll,
                       const struct collect_poll_result *result)
{
    struct text line = {0};
    struct json_writer writer;
    if (context->json) {
        json_begin(&writer, &line);
        json_object_open(&writer);
        json_put_int(&writer, "intervals", result->intervals);
        json_put_int(&writer, "events", result->events);
        json_put_int(&writer, "acknowledged", result->acknowledged);
        json_put_int(&writer, "samples_waiting", result->waiting);
        json_object_close(&writer);
        puts(line.data);
    } else if (!poll->quiet) {
        collect_say("%lld intervals measured, %lld events sent, %lld samples wait for the next start",
                    (long long)result->intervals, (long long)result->acknowledged, (long long)result->waiting);
    }
    text_free(&line);
}

int collect_poll_run_and_say(struct command_context *context, const struct flag *flags, const char *name,
                             struct collect_poll *poll)
{
    struct collect_run run = {0};
    struct collect_poll_result result;
    struct fault fault = {0};
    if (!read_interval(context, &flags[POLL_INTERVAL], &poll->interval_ms) ||
        !collect_flag_number(context, &flags[POLL_COUNT], 1, INT64_MAX, &poll->intervals))
        return EXIT_WRONG_USE;
    int code = collect_prepare(context, flags, true, &run);
    if (code != 0) return code;
    poll->target = run.send.target;
    poll->give_up_ms = run.send.give_up_ms;
    poll->quiet = run.send.quiet;
    poll->stop = &process_stop;
    poll->folder = arena_print(context->arena, "%s/%s", run.folder, name);
    enum err err = collect_poll_run(poll, &result, &fault);
    say_result(context, poll, &result);
    return err == ERR_OK ? 0 : command_fail(context, &fault);
}
