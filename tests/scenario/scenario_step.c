// SPDX-License-Identifier: Apache-2.0
// What a scenario can do: set the clock, send, produce, rate, kill and start the rater, settle, close.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogue/catalogue_watch.h"
#include "common/file.h"
#include "ingest/packing.h"
#include "invoicing/close.h"
#include "rating/compact.h"
#include "scenario.h"

static bool is(const struct words *words, size_t index, const char *word)
{
    return index < words->count && strcmp(words->list[index], word) == 0;
}

static enum err unknown(struct fault *fault, const char *what)
{
    return fault_set(fault, ERR_INVALID, "", "unknown step: %s", what);
}

static const char *apply_result(int status)
{
    if (!WIFEXITED(status)) return "killed";
    switch (WEXITSTATUS(status)) { // docs/catalogue.md
    case 0: return "applied";
    case 2: return "invalid";
    case 5: return "refused";
    }
    return "failed";
}

enum err scenario_apply(struct scenario *scenario, const char *yaml, size_t length, const char *wanted, struct fault *fault)
{
    char path[] = "/tmp/scenario-XXXXXX.yaml", database[96];
    int descriptor = mkstemps(path, 5), status = 0;
    ENSURE(descriptor >= 0 && write(descriptor, yaml, length) == (ssize_t)length && close(descriptor) == 0);
    ENSURE(snprintf(database, sizeof database, "--postgres.database=%s", scenario->database) > 0);
    pid_t child = fork();
    if (child == 0) {
        bool refusal = strcmp(wanted, "applied") != 0; // its words are then no news
        if (!freopen("/dev/null", "w", stdout) || (refusal && !freopen("/dev/null", "w", stderr))) _exit(126);
        execl(scenario->binary, scenario->binary, "apply", path, database, "--config", config_path(scenario->config), (char *)NULL);
        _exit(127);
    }
    ENSURE(child > 0 && waitpid(child, &status, 0) == child && unlink(path) == 0);
    const char *got = apply_result(status);
    if (strcmp(wanted, got) != 0) return fault_set(fault, ERR_CONFLICT, "", "expected %s, turnpike apply says %s (status %d)", wanted, got, status);
    return catalogue_refresh(scenario->admin, &scenario->catalogue, fault);
}

// Attributes "@name=value" of the words from index `from` on; a missing source is /scenario.
static enum err add_attributes(const struct words *words, size_t from, struct text *json, struct fault *fault)
{
    bool source = false;
    for (size_t i = from; i < words->count && !is(words, i, "->"); i++) {
        const char *word = words->list[i], *equals = strchr(word, '=');
        if (*word != '@') continue;
        if (!equals) return unknown(fault, word);
        source = source || strncmp(word, "@source=", 8) == 0;
        text_print(json, ",\"%.*s\":", (int)(equals - word) - 1, word + 1);
        text_add_json_string(json, equals + 1, strlen(equals + 1));
    }
    if (!source) text_add_string(json, ",\"source\":\"/scenario\"");
    return ERR_OK;
}

// Data: "name=text" becomes a JSON string, "name:=1.0" goes in as it is written.
static enum err add_data(const struct words *words, size_t from, struct text *json, struct fault *fault)
{
    bool first = true;
    for (size_t i = from; i < words->count && !is(words, i, "->"); i++) {
        const char *word = words->list[i], *equals = strchr(word, '=');
        if (*word == '@') continue;
        if (!equals || equals == word) return unknown(fault, word);
        bool raw = equals[-1] == ':';
        text_print(json, "%s\"%.*s\":", first ? "" : ",", (int)(equals - word) - raw, word);
        if (raw) text_add_string(json, equals + 1);
        else text_add_json_string(json, equals + 1, strlen(equals + 1));
        first = false;
    }
    return ERR_OK;
}

// Writes the event "ID TENANT TYPE at TIME ..." (words from index 1 on) as CloudEvents JSON; the order of data is the words'.
static enum err event_json(const struct words *words, struct text *json, struct fault *fault)
{
    if (words->count < 6 || !is(words, 4, "at")) return unknown(fault, "send ID TENANT TYPE at TIME [name=value]...");
    text_print(json, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"subject\":\"%s\",\"type\":\"%s\",\"time\":\"%s\"", words->list[1], words->list[2],
               words->list[3], words->list[5]);
    enum err err = add_attributes(words, 6, json, fault);
    text_add_string(json, ",\"data\":{");
    if (!err) err = add_data(words, 6, json, fault);
    text_add_string(json, "}}");
    return err;
}

static enum err append_packed(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    (void)events, (void)fault;
    scenario_log_append(context, partition, message.data, message.length);
    return ERR_OK;
}

// Through the gateway's own judgement and packing.
static enum err send(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const struct api_key sender = {.scopes = API_KEY_INGEST, .every_tenant = true, .expires_time = INSTANT_MAX};
    const struct admission_rules rules = {scenario->catalogue, &scenario->content_key, &sender, clock_now(scenario->clock),
                                          EVENT_BYTES_MAX, NULL};
    struct text json = {0}, buffer = {0};
    struct admission admission;
    enum err err = event_json(words, &json, fault);
    if (err) {
        text_free(&json);
        return err;
    }
    struct slice raw = {arena_text(scenario->arena, json.data, json.length), json.length};
    admission_judge(&rules, &raw, 1, scenario->arena, &admission);
    const char *wanted = words->count > 2 && is(words, words->count - 2, "->") ? words->list[words->count - 1] : "accepted";
    const char *got = admission.refused_count ? admission.refused[0].reason : "accepted";
    if (strcmp(wanted, got) != 0) err = fault_set(fault, ERR_CONFLICT, "", "expected %s, the gateway says %s", wanted, got);
    if (!err && admission.admitted_count)
        err = packing_run(admission.admitted, admission.admitted_count, SCENARIO_PARTITIONS, (uint64_t)catalogue_version(scenario->catalogue), scenario->arena, &buffer,
                          append_packed, scenario->log, fault);
    text_free(&json);
    text_free(&buffer);
    return err;
}

// Straight into the log, as a producer does that bypasses the gateway: one plain event, keyed by tenant; `away` partitions
// beside the tenant's own, as one with another partitioner or another number of partitions does.
static enum err produce(struct scenario *scenario, const struct words *words, int away, struct fault *fault)
{
    struct text json = {0};
    enum err err = event_json(words, &json, fault);
    if (!err) scenario_log_append(scenario->log, (shard_of_tenant(slice_of(words->list[2])) + away) % SCENARIO_PARTITIONS, json.data, json.length);
    text_free(&json);
    return err;
}

static enum err mark(struct scenario *scenario)
{
    for (int p = 0; p < SCENARIO_PARTITIONS; p++) {
        struct text message = {0};
        message_begin(&message, MESSAGE_MARKER, 0, 1);
        message_finish(&message);
        scenario_log_append(scenario->log, p, message.data, message.length);
        text_free(&message);
    }
    return ERR_OK;
}

enum err scenario_start_rater(struct scenario *scenario, struct fault *fault)
{
    const struct rater_options options = {.config = scenario->config, .clock = scenario->clock, .source = scenario_log_source(scenario->log),
                                          .incarnation = 1, .partitions = SCENARIO_PARTITIONS, .instance = "scenario"};
    enum err err = rater_new(&options, &scenario->rater, fault);
    for (int p = 0; p < SCENARIO_PARTITIONS && !err; p++) rater_assign(scenario->rater, p, SCENARIO_PARTITIONS);
    return err;
}

static enum err rate(struct scenario *scenario, struct fault *fault)
{
    if (!scenario->rater) return fault_set(fault, ERR_INVALID, "", "the rater was killed: 'start rater' first");
    return scenario_log_drain(scenario->log, scenario->rater, fault);
}

// What a kill leaves: nothing of what was not committed.
static enum err kill_rater(struct scenario *scenario)
{
    rater_free(scenario->rater);
    scenario->rater = NULL;
    scenario_log_detach(scenario->log);
    return ERR_OK;
}

// settle [read=N anew=N]: pairs that were settled, and those of them whose usage was read from the period's beginning
static enum err settle(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    struct settle_result result;
    const char *read = scenario_value(words, 1, "read"), *anew = scenario_value(words, 1, "anew");
    enum err err = catalogue_refresh(scenario->bill, &scenario->catalogue, fault);
    if (!err) err = settle_round(scenario->bill, scenario->catalogue, 2, NULL, NULL, &result, fault); // small chunks on purpose
    if (err) return err;
    if ((read && (size_t)atoi(read) != result.periods) || (anew && (size_t)atoi(anew) != result.anew))
        return fault_set(fault, ERR_CONFLICT, "", "%zu pairs were settled, %zu of them anew", result.periods, result.anew);
    return scenario_compare_settled(scenario, fault);
}

// close YYYY-MM [-> refused|invalid|incomplete]
static enum err close_month(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const struct close_options options = {.label = words->list[1], .grace_ms = 0, .timeout_ms = 200, .chunk = 2, .party_key = &scenario->party_key, .clock = scenario->clock};
    const char *wanted = words->count == 4 && is(words, 2, "->") ? words->list[3] : "closed";
    struct close_result result;
    enum err err = close_run(scenario->bill, &scenario->catalogue, &options, scenario->arena, &result, fault);
    const char *got = err == ERR_OK ? "closed" : err == ERR_CONFLICT ? "refused" : err == ERR_INVALID ? "invalid" : err == ERR_RETRY ? "incomplete" : err_name(err);
    if (strcmp(wanted, got) == 0) return ERR_OK;
    const char *why = err ? arena_print(scenario->arena, ": %s", fault->reason) : ""; // a copy: the fault is written next
    return fault_set(fault, ERR_CONFLICT, "", "expected %s, the close says %s%s", wanted, got, why);
}

// All that a compaction may do now: fold up to the last settled cut, and remove the deltas.
static enum err compact(struct scenario *scenario, struct fault *fault)
{
    const struct compact_options options = {.through_all = true, .chunk_rows = 2, .keep_ms = 0}; // small chunks on purpose
    struct compact_result result = {0};
    bool more = true;
    enum err err = ERR_OK;
    while (!err && more) err = compact_step(scenario->bill, &options, &result, &more, fault);
    return err;
}

static enum err order_replay(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const char *const values[] = {words->list[1]};
    return db_exec(scenario->admin, "insert into rating.replay_order (quarantine) select quarantine from rating.quarantine where state = 'open' and reason = $1", 1, values,
                   NULL, fault);
}

static enum err set_clock(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    instant_us now;
    enum err err = words->count == 2 ? instant_parse_loose(words->list[1], strlen(words->list[1]), &now, fault) : unknown(fault, "clock INSTANT");
    if (!err) clock_set(scenario->clock, now);
    return err;
}

enum err scenario_step(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    if (is(words, 0, "clock")) return set_clock(scenario, words, fault);
    if (is(words, 0, "send")) return send(scenario, words, fault);
    if (is(words, 0, "produce")) return produce(scenario, words, 0, fault);
    if (is(words, 0, "misroute")) return produce(scenario, words, 1, fault);
    if (is(words, 0, "markers")) return mark(scenario);
    if (is(words, 0, "rate")) return rate(scenario, fault);
    if (is(words, 0, "kill") && is(words, 1, "rater")) return kill_rater(scenario);
    if (is(words, 0, "start") && is(words, 1, "rater")) return scenario_start_rater(scenario, fault);
    if (is(words, 0, "replay") && words->count == 2) return order_replay(scenario, words, fault);
    if (is(words, 0, "sql") && words->count == 2) return db_exec(scenario->admin, words->list[1], 0, NULL, NULL, fault);
    if (is(words, 0, "settle")) return settle(scenario, words, fault);
    if (is(words, 0, "compact")) return compact(scenario, fault);
    if (is(words, 0, "close") && words->count >= 2) return close_month(scenario, words, fault);
    if (is(words, 0, "expect")) return scenario_expect(scenario, words, fault);
    return unknown(fault, words->list[0]);
}
