// SPDX-License-Identifier: Apache-2.0
// What the collectors' commands share.
#include "cli/command_collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http.h"
#include "common/json.h"
#include "common/setting_value.h"
#include "ingest/collect_progress.h"

// --- flags

bool collect_flag_instant(const struct command_context *context, const struct flag *flag, instant_us *instant)
{
    struct fault fault = {0};
    *instant = INSTANT_NONE;
    if (!flag->given || instant_parse_loose(flag->text, strlen(flag->text), instant, &fault) == ERR_OK) return true;
    command_wrong_use(context, "%s is no instant such as 2026-10-01T00:00:00Z: %s", flag->name, fault.reason);
    return false;
}

bool collect_flag_number(const struct command_context *context, const struct flag *flag, int64_t least, int64_t most,
                         int64_t *number)
{
    if (!flag->given) return true;
    int64_t value = 0;
    bool good = flag->text[0] != 0;
    for (const char *at = flag->text; good && *at; at++) {
        good = *at >= '0' && *at <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, *at - '0', &value);
    }
    if (good && value >= least && value <= most) {
        *number = value;
        return true;
    }
    command_wrong_use(context, "%s is a whole number from %lld to %lld", flag->name, (long long)least, (long long)most);
    return false;
}

static const char *default_gateway(struct command_context *context)
{
    char host[64];
    int port;
    config_address(context->config, "ingest.listen", host, &port);
    return arena_print(context->arena, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d", host, port);
}

static const char *default_folder(struct command_context *context)
{
    const char *state = getenv("TURNPIKE_STATE");
    return state && *state ? arena_print(context->arena, "%s/collect", state) : "./var/collect";
}

static int find_key(struct command_context *context, const struct flag *flag, const char **key)
{
    struct fault fault = {0};
    struct text secret = {0};
    const char *environment = getenv("TURNPIKE_KEY");
    *key = environment;
    if (flag->given) {
        enum err err = secret_read(flag->text, &secret, &fault);
        if (err == ERR_OK) *key = arena_text(context->arena, secret.data, secret.length);
        text_free(&secret);
        return err == ERR_OK ? 0 : command_fail(context, &fault);
    }
    if (environment && *environment) return 0;
    (void)fault_set(&fault, ERR_INVALID, "",
                    "no API key: --key-file FILE, or the key in TURNPIKE_KEY "
                    "(turnpike key create makes one)");
    return command_fail(context, &fault);
}

// Past the gateway: no key, Kafka's own access control is what guards the topic.
static int target_kafka(struct command_context *context, const struct flag *flags, struct collect_target *target)
{
    struct fault fault = {0};
    const char *brokers = flags[COLLECT_BROKERS].text;
    if (flags[COLLECT_GATEWAY].given || flags[COLLECT_KEY_FILE].given)
        return command_wrong_use(context, "either --brokers, or --gateway and --key-file");
    if (config_set(context->config, "kafka.brokers", brokers, &fault) != ERR_OK)
        return command_wrong_use(context, "--brokers %s: %s", brokers, fault.reason);
    *target = (struct collect_target){.name = brokers, .config = context->config};
    target->topic = flags[COLLECT_TOPIC].given
                        ? flags[COLLECT_TOPIC].text
                        : arena_print(context->arena, "%s.1", config_text(context->config, "kafka.topic"));
    return 0;
}

static int target_gateway(struct command_context *context, const struct flag *flags, struct collect_target *target)
{
    if (flags[COLLECT_TOPIC].given) return command_wrong_use(context, "--topic is for --brokers");
    target->gateway = flags[COLLECT_GATEWAY].given ? flags[COLLECT_GATEWAY].text : default_gateway(context);
    target->name = target->gateway;
    return find_key(context, &flags[COLLECT_KEY_FILE], &target->key);
}

int collect_prepare(struct command_context *context, const struct flag *flags, bool sends, struct collect_run *run)
{
    const struct flag *give_up = &flags[COLLECT_GIVE_UP];
    run->folder = flags[COLLECT_STATE].given ? flags[COLLECT_STATE].text : default_folder(context);
    run->send.quiet = flags[COLLECT_QUIET].given;
    run->send.stop = &process_stop;
    if (give_up->given &&
        (duration_parse(slice_of(give_up->text), &run->send.give_up_ms) != ERR_OK || run->send.give_up_ms <= 0))
        return command_wrong_use(context, "--give-up is a duration such as 30s or 10m");
    if (!sends) return 0;
    process_signals();
    return flags[COLLECT_BROKERS].given ? target_kafka(context, flags, &run->send.target)
                                        : target_gateway(context, flags, &run->send.target);
}

// --- running

int collect_open_file(const struct command_context *context, const char *path, int *fd, struct cursor_input *input)
{
    struct fault fault = {0};
    // without waiting, so that a FIFO is refused instead of hanging
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) {
        (void)fault_set(&fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, path, "cannot open: %s",
                        strerrordesc_np(errno));
        return command_fail(context, &fault);
    }
    if (cursor_identify(*fd, path, input, &fault) == ERR_OK) return 0;
    close(*fd);
    *fd = -1;
    return command_fail(context, &fault);
}

static void say_json(const struct cursor_input *input, const struct collect_result *result, enum err err)
{
    struct text line = {0};
    struct json_writer writer;
    json_begin(&writer, &line);
    json_object_open(&writer);
    json_put_text(&writer, "input", input->path);
    json_put_text(&writer, "outcome", err_name(err));
    json_put_int(&writer, "events", result->counts.events);
    json_put_int(&writer, "acknowledged", result->counts.acknowledged);
    json_put_int(&writer, "refused", result->counts.refused);
    json_put_int(&writer, "requests", result->counts.requests);
    json_put_int(&writer, "from_record", result->from.record);
    json_put_int(&writer, "record", result->mark.record);
    json_put_bool(&writer, "finished", result->finished);
    json_put_bool(&writer, "sent_before", result->nothing_to_do);
    json_put_int(&writer, "elapsed_ms", result->counts.elapsed_us / 1000);
    json_object_close(&writer);
    puts(line.data);
    text_free(&line);
}

static void say_words(const struct cursor_input *input, const struct collect_result *result, enum err err)
{
    struct text line = {0};
    struct collect_progress none = {0};
    struct progress_state state = {result->counts.acknowledged, 0};
    if (result->nothing_to_do) {
        collect_say("%s: sent before, nothing to do (--again sends it again)", input->path);
        return;
    }
    progress_print(&none, &state, result->counts.elapsed_us, &line);
    if (result->counts.refused > 0)
        text_print(&line, "; %lld refused, kept in %s.refused.ndjson", (long long)result->counts.refused, input->path);
    if (result->from.record > 0) text_print(&line, "; from record %lld on", (long long)result->from.record + 1);
    if (input->map && !result->finished) text_print(&line, "; up to record %lld", (long long)result->mark.record);
    collect_say("%s: %s%s", input->path, err == ERR_OK ? "sent " : "", line.data);
    text_free(&line);
}

int collect_run_and_say(const struct command_context *context, const struct collect_run *run,
                        const struct collect_feed *feed, const struct cursor_input *input)
{
    struct fault fault = {0};
    struct collect_result result;
    enum err err = collect_run_feed(run, feed, input, &result, &fault);
    if (!run->out) {
        if (context->json)
            say_json(input, &result, err);
        else if (!run->send.quiet && (err == ERR_OK || result.counts.requests > 0))
            say_words(input, &result, err);
    }
    return err == ERR_OK ? 0 : command_fail(context, &fault);
}
