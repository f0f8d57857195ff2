// SPDX-License-Identifier: Apache-2.0
// The loop of the host collector. One thread: sample when it is time, else send what waits, else sleep.
#include "ingest/collect_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/file.h"
#include "common/hash.h"
#include "ingest/collect_event.h"
#include "ingest/collect_progress.h"

enum { RETRY_LEAST_MS = 200, RETRY_MOST_MS = 10000, HOST_TEXT_MAX = 256, MACHINE_ID_MAX = 4096 };
static const int64_t SAY_AGAIN_US = 10 * SECOND_US, SHOW_US = 60 * SECOND_US;

struct host_run {
    const struct collect_host_options *options;
    struct collect_host_result *result;
    struct host_state state;
    struct host_sample sample;
    struct host_delta deltas[HOST_GROUPS_MAX];
    struct collect_post *post;
    struct text body;
    struct host_identity identity;
    char source[HOST_TEXT_MAX], host[HOST_TEXT_MAX];
    struct backoff backoff;
    int64_t start_us, next_sample_us, next_post_us, last_taken_us, said_us, shown_us; // monotonic
    bool away, said_full;
};

// --- events

static void put_bytes(struct json_writer *writer, const char *name, int64_t bytes)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)bytes);
    json_put_text(writer, name, text);
}

void collect_host_print(const struct host_identity *identity, instant_us time, const struct host_delta *deltas,
                        size_t count, int64_t sequence, struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct host_delta *delta = &deltas[i];
        struct json_writer writer;
        char id[64];
        sequence++;
        int length = snprintf(id, sizeof id, "%s-%lld", identity->incarnation, (long long)sequence);
        ENSURE(length > 0 && length < (int)sizeof id);
        collect_event_open(&writer, out,
                           &(struct collect_event){.source = identity->source,
                                                   .type = "cloud.host.usage",
                                                   .id = slice_of(id),
                                                   .subject = slice_of(identity->tenant),
                                                   .time = time,
                                                   .sequence = sequence,
                                                   .incarnation = identity->incarnation});
        json_put_text(&writer, "host", identity->host);
        json_put_text(&writer, "cgroup", delta->name);
        json_put_decimal(&writer, "cpu_seconds", delta->cpu_seconds.nano, QUANTITY_PLACES);
        json_put_decimal(&writer, "memory_gb_seconds", delta->memory_gb_seconds.nano, QUANTITY_PLACES);
        put_bytes(&writer, "disk_read_bytes", delta->disk_read_bytes);
        put_bytes(&writer, "disk_write_bytes", delta->disk_write_bytes);
        put_bytes(&writer, "net_rx_bytes", delta->net_rx_bytes);
        put_bytes(&writer, "net_tx_bytes", delta->net_tx_bytes);
        collect_event_close(&writer);
        text_add_char(out, '\n');
    }
}

// The machine's id is not sent, a hash of it is: systemd asks for that. Without one the name of the host must do.
static void identify(struct host_run *run)
{
    struct text id = {0};
    unsigned char digest[SHA256_BYTES];
    char path[HOST_TEXT_MAX], hex[17];
    if (gethostname(run->host, sizeof run->host) != 0) strcpy(run->host, "host");
    run->host[sizeof run->host - 1] = 0;
    snprintf(path, sizeof path, "%s/etc/machine-id", run->options->root);
    if (file_read(path, MACHINE_ID_MAX, &id, NULL) != ERR_OK || id.length < 32) {
        text_clear(&id);
        text_add_string(&id, run->host);
    }
    struct text salted = {0};
    text_add_string(&salted, "turnpike/host/");
    text_add(&salted, id.data, strcspn(id.data, "\n"));
    sha256_of(salted.data, salted.length, digest);
    hex_print(digest, 8, hex);
    snprintf(run->source, sizeof run->source, "/collectors/host/%s", hex);
    text_free(&salted);
    text_free(&id);
    run->identity = (struct host_identity){run->options->tenant, run->source, run->host, run->state.incarnation};
}

// --- sampling

// Counters that cannot be compared (a new machine start, another scope, the first time) are where counting begins.
static enum err sample_now(struct host_run *run, struct fault *fault)
{
    struct host_state *state = &run->state;
    struct text events = {0};
    enum err err = host_sample_take(run->options->root, run->options->scope, run->options->clock, &run->sample, fault);
    if (err == ERR_RETRY) {
        collect_say("cannot read the counters, the next sample covers this one: %s: %s", fault->place, fault->reason);
        return ERR_OK;
    }
    if (err != ERR_OK) return err;
    if (!state->sampled || !host_sample_follows(&state->sample, &run->sample))
        return host_state_begin(state, &run->sample, fault);
    size_t count = host_sample_compare(&state->sample, &run->sample, run->deltas);
    collect_host_print(&run->identity, run->sample.time, run->deltas, count, state->sequence, &events);
    err = host_state_spool(state, &run->sample, &events, (int64_t)count, fault);
    text_free(&events);
    if (err != ERR_OK) return err;
    run->result->events += (int64_t)count;
    run->result->intervals++;
    return ERR_OK;
}

static bool has_room(struct host_run *run)
{
    bool room = run->state.spooled < HOST_SPOOL_MAX;
    if (!room && !run->said_full)
        collect_say("%d samples wait for the gateway: no more are taken, the next one covers the time between",
                    HOST_SPOOL_MAX);
    run->said_full = !room;
    return room;
}

// --- sending

static void say_away(struct host_run *run, const char *reason, int64_t now)
{
    run->away = true;
    if (run->said_us != 0 && now - run->said_us < SAY_AGAIN_US) return;
    run->said_us = now;
    collect_say("%s takes nothing: %s; trying again (%lld samples wait)", run->options->target.name, reason,
                (long long)run->state.spooled);
}

static void say_taken(struct host_run *run, int64_t events, int64_t now)
{
    run->result->acknowledged += events;
    run->last_taken_us = now;
    if (run->away) collect_say("%s takes events again", run->options->target.name);
    run->away = false;
    if (run->options->quiet || now - run->shown_us < SHOW_US) return;
    run->shown_us = now;
    collect_say("%lld events sent", (long long)run->result->acknowledged);
}

static enum err refused(struct host_run *run, const struct post_answer *answer, int64_t sequence, struct fault *fault)
{
    for (size_t i = 0; i < answer->refusal_count; i++)
        collect_say("refused: event %zu of spool-%012lld.ndjson: %s: %s", answer->refusals[i].index + 1,
                    (long long)sequence, answer->refusals[i].path, answer->refusals[i].reason);
    return fault_set(fault, ERR_INVALID, run->options->target.name, "%s; what was measured is kept in %s", answer->reason,
                     run->state.folder);
}

// Sends the oldest that waits, once. The answer decides when the next try is.
static enum err send_oldest(struct host_run *run, struct fault *fault)
{
    const struct post_answer *answer;
    int64_t count, sequence, now, wait_ms;
    enum err err = host_state_oldest(&run->state, &run->body, &count, &sequence, fault);
    if (err != ERR_OK) return err;
    enum post_outcome outcome =
        collect_post_send(run->post, (struct slice){run->body.data, run->body.length}, (size_t)count, &answer);
    now = clock_monotonic_us();
    if ((outcome == POST_REFUSED || outcome == POST_DENIED) && collect_post_may_be_news(answer, run->start_us)) {
        run->next_post_us = now + POST_NEWS_WAIT_MS * 1000;
        return ERR_OK;
    }
    switch (outcome) {
    case POST_TAKEN:
        err = host_state_drop(&run->state, sequence, fault);
        backoff_reset(&run->backoff);
        say_taken(run, count, now);
        return err;
    case POST_AGAIN:
        wait_ms = backoff_next_ms(&run->backoff);
        if (answer->retry_after_ms > wait_ms) wait_ms = answer->retry_after_ms;
        run->next_post_us = now + wait_ms * 1000;
        say_away(run, answer->reason, now);
        if (run->options->give_up_ms > 0 && (now - run->last_taken_us) / 1000 >= run->options->give_up_ms)
            return fault_set(fault, ERR_RETRY, run->options->target.name, "gave up: %s", answer->reason);
        return ERR_OK;
    case POST_TOO_LARGE:
    case POST_REFUSED:
    case POST_DENIED:
        break;
    }
    return refused(run, answer, sequence, fault);
}

// --- the loop

static bool stopped(const struct host_run *run)
{
    return run->options->stop && *run->options->stop;
}

static bool measured_all(const struct host_run *run)
{
    return run->options->count > 0 && run->result->intervals >= run->options->count;
}

static enum err step(struct host_run *run, struct fault *fault)
{
    int64_t now = clock_monotonic_us();
    if (!measured_all(run) && now >= run->next_sample_us && has_room(run)) {
        // by the plan, so that intervals do not drift; after a long stop from now on
        run->next_sample_us += run->options->interval_ms * 1000;
        if (run->next_sample_us <= now) run->next_sample_us = now + run->options->interval_ms * 1000;
        return sample_now(run, fault);
    }
    if (run->state.spooled > 0 && now >= run->next_post_us) return send_oldest(run, fault);
    int64_t until = measured_all(run) ? run->next_post_us : run->next_sample_us;
    if (run->state.spooled > 0 && run->next_post_us < until) until = run->next_post_us;
    (void)backoff_sleep(until > now ? (until - now + 999) / 1000 : 1, run->options->stop);
    return ERR_OK;
}

static enum err run_loop(struct host_run *run, struct fault *fault)
{
    enum err err = ERR_OK;
    run->start_us = run->next_sample_us = run->last_taken_us = run->shown_us = clock_monotonic_us();
    while (err == ERR_OK && !stopped(run) && !(measured_all(run) && run->state.spooled == 0))
        err = step(run, fault);
    return err;
}

enum err host_collector_run(const struct collect_host_options *options, struct collect_host_result *result,
                            struct fault *fault)
{
    struct host_run *run = heap_alloc(sizeof *run);
    run->options = options;
    run->result = result;
    run->backoff = BACKOFF(RETRY_LEAST_MS, RETRY_MOST_MS);
    memset(result, 0, sizeof *result);
    enum err err = collect_post_open(&options->target, &run->post, fault);
    if (err == ERR_OK) err = host_state_open(options->folder, &run->state, fault);
    if (err == ERR_OK) {
        identify(run);
        err = run_loop(run, fault);
        result->waiting = run->state.spooled;
    }
    host_state_close(&run->state);
    collect_post_close(run->post);
    text_free(&run->body);
    free(run);
    return err;
}
