// SPDX-License-Identifier: Apache-2.0
// The threads' side of the sender: one request after the other, again until the gateway has taken it, without the
// events that it refuses if those are kept. Says once, and then every 10 s, that the gateway is away.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/crash_point.h"
#include "ingest/collect_sender.h"

static const int64_t SAY_AGAIN_US = 10 * SECOND_US, RETRY_AFTER_MOST_MS = 3600 * 1000;
enum { RETRY_LEAST_MS = 200, RETRY_MOST_MS = 10000 };

static void lock(struct collect_sender *sender)
{
    ENSURE(pthread_mutex_lock(&sender->lock) == 0);
}

static void unlock(struct collect_sender *sender)
{
    ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
}

enum err collect_sender_fail(struct collect_sender *sender, enum err err, const char *place, const char *format, ...)
{
    char reason[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, sizeof reason, format, arguments) < 0) reason[0] = 0;
    va_end(arguments);
    lock(sender);
    if (sender->err == ERR_OK) sender->err = fault_set(&sender->fault, err, place, "%s", reason);
    err = sender->err;
    sender->stop = true;
    ENSURE(pthread_cond_broadcast(&sender->changed) == 0);
    unlock(sender);
    return err;
}

// --- refused events

// The folder, too, so that the file itself outlives a failing machine.
static bool open_refused(struct collect_sender *sender)
{
    struct text folder = {0};
    const char *path = sender->options.refused_path, *slash = strrchr(path, '/');
    sender->refused_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (sender->refused_fd < 0) return false;
    if (slash)
        text_add(&folder, path, (size_t)(slash - path) + 1);
    else
        text_add_char(&folder, '.');
    int fd = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool durable = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    text_free(&folder);
    return durable;
}

// One write, so that two lines never mix.
static bool append_refused(struct collect_sender *sender, struct slice event)
{
    struct text line = {0};
    if (sender->refused_fd < 0 && !open_refused(sender)) return false;
    text_add_slice(&line, event);
    text_add_char(&line, '\n');
    bool whole = write(sender->refused_fd, line.data, line.length) == (ssize_t)line.length;
    text_free(&line);
    return whole;
}

enum err collect_sender_keep_refused(struct collect_sender *sender)
{
    lock(sender);
    bool durable = sender->refused_fd < 0 || fsync(sender->refused_fd) == 0;
    unlock(sender);
    if (durable) return ERR_OK;
    return collect_sender_fail(sender, ERR_RETRY, sender->options.refused_path, "cannot make durable");
}

enum err collect_sender_refuse(struct collect_sender *sender, struct slice event, int64_t line, const char *path,
                               const char *reason, bool said_before)
{
    const struct collect_options *options = &sender->options;
    collect_say("refused: %s:%lld: %s%s%s", options->input, (long long)line, path, *path ? ": " : "", reason);
    if (said_before) return ERR_OK; // a further fault of the same event
    if (!options->refused_path) {
        char place[FAULT_PLACE_MAX];
        snprintf(place, sizeof place, "%.*s:%lld", FAULT_PLACE_MAX - 24, options->input, (long long)line);
        return collect_sender_fail(sender, ERR_INVALID, place,
                                   "the event is refused: correct it, or go on without it (--skip-refused)");
    }
    lock(sender);
    bool kept = append_refused(sender, event);
    int number = errno;
    sender->counts.refused += kept;
    unlock(sender);
    if (kept) return ERR_OK;
    return collect_sender_fail(sender, ERR_RETRY, options->refused_path, "cannot write: %s", strerrordesc_np(number));
}

static struct slice event_of(const struct collect_batch *batch, size_t index)
{
    return (struct slice){batch->events.data + batch->starts[index], batch->starts[index + 1] - batch->starts[index]};
}

static int compare_refusals(const void *a, const void *b)
{
    size_t x = ((const struct post_refusal *)a)->index, y = ((const struct post_refusal *)b)->index;
    return (x > y) - (x < y);
}

// Every named event is said, also when the first one already ends the sending.
static enum err refuse_named(struct collect_worker *worker, struct collect_batch *batch,
                             const struct post_answer *answer)
{
    enum err first = ERR_OK;
    qsort(answer->refusals, answer->refusal_count, sizeof *answer->refusals, compare_refusals);
    for (size_t i = 0; i < answer->refusal_count; i++) {
        const struct post_refusal *refusal = &answer->refusals[i];
        size_t at = worker->order[refusal->index];
        enum err err = collect_sender_refuse(worker->sender, event_of(batch, at), batch->lines[at], refusal->path,
                                             refusal->reason, batch->gone[at]);
        batch->gone[at] = true;
        if (first == ERR_OK) first = err;
    }
    return first == ERR_OK ? collect_sender_keep_refused(worker->sender) : first;
}

// --- the gateway is away

static enum err wait_again(struct collect_worker *worker, struct backoff *backoff, const struct post_answer *answer)
{
    struct collect_sender *sender = worker->sender;
    int64_t now = clock_monotonic_us(), ms = backoff_next_ms(backoff);
    if (answer->retry_after_ms > ms) ms = answer->retry_after_ms;
    if (ms > RETRY_AFTER_MOST_MS) ms = RETRY_AFTER_MOST_MS;
    lock(sender);
    int64_t away_us = now - sender->last_taken_us;
    bool say = sender->said_us == 0 || now - sender->said_us >= SAY_AGAIN_US;
    if (say) sender->said_us = now;
    if (say) sender->away = true;
    unlock(sender);
    if (sender->options.give_up_ms > 0 && away_us / 1000 >= sender->options.give_up_ms)
        return collect_sender_fail(sender, ERR_RETRY, sender->options.target.name, "gave up after %lld s: %s",
                                   (long long)(away_us / SECOND_US), answer->reason);
    if (say)
        collect_say("%s takes nothing: %s; trying again (nothing was taken for %lld s)", sender->options.target.name,
                    answer->reason, (long long)(away_us / SECOND_US));
    return backoff_sleep(ms, &sender->stop) ? ERR_OK : ERR_RETRY;
}

static void note_taken(struct collect_sender *sender, size_t events)
{
    lock(sender);
    bool back = sender->away;
    sender->away = false;
    sender->last_taken_us = clock_monotonic_us();
    sender->counts.acknowledged += (int64_t)events;
    unlock(sender);
    if (back) collect_say("%s takes events again", sender->options.target.name);
}

// --- one request

// The events of [from, to) that are not gone, as a JSON array.
static size_t compose(struct collect_worker *worker, const struct collect_batch *batch, size_t from, size_t to)
{
    size_t count = 0;
    text_clear(&worker->body);
    text_add_char(&worker->body, '[');
    for (size_t i = from; i < to; i++) {
        if (batch->gone[i]) continue;
        if (count) text_add_char(&worker->body, ',');
        text_add_slice(&worker->body, event_of(batch, i));
        worker->order[count++] = i;
    }
    text_add_char(&worker->body, ']');
    return count;
}

static enum err refuse_single(struct collect_worker *worker, struct collect_batch *batch,
                              const struct post_answer *answer)
{
    size_t at = worker->order[0];
    batch->gone[at] = true;
    enum err err =
        collect_sender_refuse(worker->sender, event_of(batch, at), batch->lines[at], "", answer->reason, false);
    return err == ERR_OK ? collect_sender_keep_refused(worker->sender) : err;
}

// One try. ERR_OK: go on, with what is left of the range if anything is.
static enum err post_once(struct collect_worker *worker, struct collect_batch *batch, size_t count,
                          struct backoff *backoff, bool *split)
{
    struct collect_sender *sender = worker->sender;
    const struct post_answer *answer;
    struct slice body = {worker->body.data, worker->body.length};
    lock(sender);
    sender->counts.requests++;
    unlock(sender);
    enum post_outcome outcome = collect_post_send(worker->post, body, count, &answer);
    if ((outcome == POST_REFUSED || outcome == POST_DENIED) && collect_post_may_be_news(answer, sender->start_us))
        return backoff_sleep(POST_NEWS_WAIT_MS, &sender->stop) ? ERR_OK : ERR_RETRY;
    switch (outcome) {
    case POST_TAKEN:
        CRASH_POINT("collect_after_taken");
        note_taken(sender, count);
        for (size_t i = 0; i < count; i++)
            batch->gone[worker->order[i]] = true;
        return ERR_OK;
    case POST_AGAIN:
        return wait_again(worker, backoff, answer);
    case POST_TOO_LARGE:
        *split = count > 1;
        return *split ? ERR_OK : refuse_single(worker, batch, answer);
    case POST_REFUSED:
        return refuse_named(worker, batch, answer);
    case POST_DENIED:
        break;
    }
    return collect_sender_fail(sender, ERR_INVALID, sender->options.target.name, "%s", answer->reason);
}

// Until all of [from, to) is taken or refused. A request that is too large for this gateway goes in halves.
static enum err deliver(struct collect_worker *worker, struct collect_batch *batch, size_t from, size_t to)
{
    struct backoff backoff = BACKOFF(RETRY_LEAST_MS, RETRY_MOST_MS);
    enum err err = ERR_OK;
    bool split = false;
    while (err == ERR_OK && !split) {
        size_t count = compose(worker, batch, from, to);
        if (count == 0) return ERR_OK;
        err = worker->sender->stop ? ERR_RETRY : post_once(worker, batch, count, &backoff, &split);
    }
    if (err != ERR_OK) return err;
    err = deliver(worker, batch, from, from + (to - from) / 2);
    return err == ERR_OK ? deliver(worker, batch, from + (to - from) / 2, to) : err;
}

// With the lock: the next request to send; NULL at the end.
static struct collect_batch *take_batch(struct collect_sender *sender)
{
    while (!sender->stop) {
        while (sender->next < sender->filling && sender->ring[sender->next % COLLECT_RING].state != BATCH_READY)
            sender->next++;
        if (sender->next < sender->filling) {
            struct collect_batch *batch = &sender->ring[sender->next++ % COLLECT_RING];
            batch->state = BATCH_SENDING;
            return batch;
        }
        if (sender->closing) return NULL;
        ENSURE(pthread_cond_wait(&sender->changed, &sender->lock) == 0);
    }
    return NULL;
}

void *collect_worker_run(void *argument)
{
    struct collect_worker *worker = argument;
    struct collect_sender *sender = worker->sender;
    struct collect_batch *batch;
    lock(sender);
    while ((batch = take_batch(sender)) != NULL) {
        unlock(sender);
        enum err err = deliver(worker, batch, 0, batch->count);
        lock(sender);
        if (err == ERR_OK) batch->state = BATCH_DONE;
        ENSURE(pthread_cond_broadcast(&sender->changed) == 0);
    }
    unlock(sender);
    return NULL;
}
