// SPDX-License-Identifier: Apache-2.0
// One thread: sample when it is time, else send what waits, else sleep.
#include "ingest/collect_poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/backoff.h"
#include "ingest/collect_event.h"
#include "ingest/collect_progress.h"

enum { RETRY_LEAST_MS = 200, RETRY_MOST_MS = 10000 };
static const int64_t SAY_AGAIN_US = 10 * SECOND_US, SHOW_US = 60 * SECOND_US;

struct run {
    const struct collect_poll *poll;
    struct collect_poll_result *result;
    struct collect_spool spool;
    struct collect_post *post;
    struct text body;
    struct backoff backoff;
    int64_t start_us, next_sample_us, next_post_us, last_taken_us, said_us, shown_us; // monotonic
    bool away, said_full;
};

struct collect_event collect_poll_event(const struct collect_spool *spool, int64_t number, char id[POLL_ID_MAX])
{
    const int64_t sequence = spool->sequence + number;
    int length = snprintf(id, POLL_ID_MAX, "%s-%lld", spool->incarnation, (long long)sequence);
    ENSURE(length > 0 && length < POLL_ID_MAX);
    return (struct collect_event){.id = slice_of(id), .sequence = sequence, .incarnation = spool->incarnation};
}

// --- sampling

static enum err keep(struct run *run, const struct text *sample, const struct text *events, int64_t count, bool begins,
                     struct fault *fault)
{
    enum err err = collect_spool_put(&run->spool, sample, events, count, fault);
    if (err) return err;
    run->result->events += count;
    run->result->intervals += !begins;
    return ERR_OK;
}

static enum err sample_now(struct run *run, struct fault *fault)
{
    struct text sample = {0}, events = {0};
    int64_t count = 0;
    bool begins = false;
    enum err err = run->poll->take(run->poll->context, &run->spool, &sample, &events, &count, &begins, fault);
    if (err == ERR_RETRY) {
        collect_say("cannot read the counters, the next sample covers this one: %s: %s", fault->place, fault->reason);
        err = ERR_OK;
    } else if (err == ERR_OK) {
        err = keep(run, &sample, &events, count, begins, fault);
    }
    text_free(&sample);
    text_free(&events);
    return err;
}

static bool has_room(struct run *run)
{
    bool room = run->spool.files < SPOOL_FILES_MAX;
    if (!room && !run->said_full)
        collect_say("%d samples wait for the gateway: no more are taken, the next one covers the time between",
                    SPOOL_FILES_MAX);
    run->said_full = !room;
    return room;
}

// --- sending

static void say_away(struct run *run, const char *reason, int64_t now)
{
    run->away = true;
    if (run->said_us != 0 && now - run->said_us < SAY_AGAIN_US) return;
    run->said_us = now;
    collect_say("%s takes nothing: %s; trying again (%lld samples wait)", run->poll->target.name, reason,
                (long long)run->spool.files);
}

static void say_taken(struct run *run, int64_t events, int64_t now)
{
    run->result->acknowledged += events;
    run->last_taken_us = now;
    if (run->away) collect_say("%s takes events again", run->poll->target.name);
    run->away = false;
    if (run->poll->quiet || now - run->shown_us < SHOW_US) return;
    run->shown_us = now;
    collect_say("%lld events sent", (long long)run->result->acknowledged);
}

static enum err refused(struct run *run, const struct post_answer *answer, int64_t sequence, struct fault *fault)
{
    for (size_t i = 0; i < answer->refusal_count; i++)
        collect_say("refused: event %zu of spool-%012lld.ndjson: %s: %s", answer->refusals[i].index + 1,
                    (long long)sequence, answer->refusals[i].path, answer->refusals[i].reason);
    return fault_set(fault, ERR_INVALID, run->poll->target.name, "%s; what was measured is kept in %s", answer->reason,
                     run->spool.folder);
}

// Sends the oldest that waits, once. The answer decides when the next try is.
static enum err send_oldest(struct run *run, struct fault *fault)
{
    const struct post_answer *answer;
    int64_t count, sequence, now, wait_ms;
    enum err err = collect_spool_oldest(&run->spool, &run->body, &count, &sequence, fault);
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
        err = collect_spool_drop(&run->spool, sequence, fault);
        backoff_reset(&run->backoff);
        say_taken(run, count, now);
        return err;
    case POST_AGAIN:
        wait_ms = backoff_next_ms(&run->backoff);
        if (answer->retry_after_ms > wait_ms) wait_ms = answer->retry_after_ms;
        run->next_post_us = now + wait_ms * 1000;
        say_away(run, answer->reason, now);
        if (run->poll->give_up_ms > 0 && (now - run->last_taken_us) / 1000 >= run->poll->give_up_ms)
            return fault_set(fault, ERR_RETRY, run->poll->target.name, "gave up: %s", answer->reason);
        return ERR_OK;
    case POST_TOO_LARGE:
    case POST_REFUSED:
    case POST_DENIED:
        break;
    }
    return refused(run, answer, sequence, fault);
}

// --- the loop

static bool stopped(const struct run *run)
{
    return run->poll->stop && *run->poll->stop;
}

static bool measured_all(const struct run *run)
{
    return run->poll->intervals > 0 && run->result->intervals >= run->poll->intervals;
}

static enum err step(struct run *run, struct fault *fault)
{
    int64_t now = clock_monotonic_us();
    if (!measured_all(run) && now >= run->next_sample_us && has_room(run)) {
        // by the plan, so that intervals do not drift; after a long stop from now on
        run->next_sample_us += run->poll->interval_ms * 1000;
        if (run->next_sample_us <= now) run->next_sample_us = now + run->poll->interval_ms * 1000;
        return sample_now(run, fault);
    }
    if (run->spool.files > 0 && now >= run->next_post_us) return send_oldest(run, fault);
    int64_t until = measured_all(run) ? run->next_post_us : run->next_sample_us;
    if (run->spool.files > 0 && run->next_post_us < until) until = run->next_post_us;
    (void)backoff_sleep(until > now ? (until - now + 999) / 1000 : 1, run->poll->stop);
    return ERR_OK;
}

static enum err run_loop(struct run *run, struct fault *fault)
{
    enum err err = ERR_OK;
    run->start_us = run->next_sample_us = run->last_taken_us = run->shown_us = clock_monotonic_us();
    while (err == ERR_OK && !stopped(run) && !(measured_all(run) && run->spool.files == 0))
        err = step(run, fault);
    return err;
}

enum err collect_poll_run(const struct collect_poll *poll, struct collect_poll_result *result, struct fault *fault)
{
    struct run *run = heap_alloc(sizeof *run);
    run->poll = poll;
    run->result = result;
    run->backoff = BACKOFF(RETRY_LEAST_MS, RETRY_MOST_MS);
    memset(result, 0, sizeof *result);
    enum err err = collect_post_open(&poll->target, &run->post, fault);
    if (err == ERR_OK) {
        err = collect_spool_open(poll->folder, &run->spool, fault);
        if (err == ERR_OK) err = run_loop(run, fault);
        result->waiting = run->spool.files;
        collect_spool_close(&run->spool);
    }
    collect_post_close(run->post);
    text_free(&run->body);
    free(run);
    return err;
}
