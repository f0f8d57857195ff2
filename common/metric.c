// SPDX-License-Identifier: Apache-2.0
// Counters and gauges of the process. Registering takes a lock; adding is one relaxed atomic, on a cache line of its
// own so that two threads that count do not slow each other.
#include "common/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { METRIC_MAX = 4096, CACHE_LINE = 64 };

struct metric {
    _Alignas(CACHE_LINE) _Atomic int64_t value;
    enum metric_kind kind;
    const char *name, *help;
    char *labels; // NULL: not shown; under the lock, like printing
};

static pthread_mutex_t metric_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *metric_table[METRIC_MAX]; // in order of registration
static size_t metric_count;
static char no_labels[1];
static struct metric metric_overflow = {.kind = METRIC_GAUGE,
                                        .name = "turnpike_metric_overflow",
                                        .labels = no_labels,
                                        .help = "Mixed values of the metrics that found no room in the table: restart, "
                                                "and look for a label with too many values."};
static bool metric_overflowed;

// A name of Prometheus; ours are literals.
static bool is_name(const char *name)
{
    if (*name >= '0' && *name <= '9') return false;
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
    return length > 0 && name[length] == 0;
}

static struct metric *metric_find(enum metric_kind kind, const char *name, const char *labels)
{
    for (size_t i = 0; i < metric_count; i++) {
        if (strcmp(metric_table[i]->name, name) != 0) continue;
        ENSURE(metric_table[i]->kind == kind); // one TYPE per name
        if (labels && metric_table[i]->labels && strcmp(metric_table[i]->labels, labels) == 0) return metric_table[i];
    }
    return NULL;
}

static struct metric *metric_new(enum metric_kind kind, const char *name, const char *labels, const char *help)
{
    if (metric_count == METRIC_MAX) {
        metric_overflowed = true;
        return &metric_overflow;
    }
    struct metric *metric = aligned_alloc(CACHE_LINE, sizeof *metric);
    ENSURE(metric);
    memset(metric, 0, sizeof *metric);
    metric->kind = kind;
    metric->name = heap_text(name);
    metric->labels = labels ? heap_text(labels) : NULL;
    metric->help = heap_text(help);
    return metric_table[metric_count++] = metric;
}

struct metric *metric_register(enum metric_kind kind, const char *name, const char *labels, const char *help)
{
    ENSURE(is_name(name));
    pthread_mutex_lock(&metric_lock);
    struct metric *metric = metric_find(kind, name, labels);
    if (!metric) metric = metric_new(kind, name, labels, help);
    pthread_mutex_unlock(&metric_lock);
    return metric;
}

struct metric *metric_register_unlabelled(enum metric_kind kind, const char *name, const char *help)
{
    ENSURE(is_name(name));
    pthread_mutex_lock(&metric_lock);
    (void)metric_find(kind, name, NULL);
    struct metric *metric = metric_new(kind, name, NULL, help);
    pthread_mutex_unlock(&metric_lock);
    return metric;
}

void metric_relabel(struct metric *metric, const char *labels, int64_t value)
{
    pthread_mutex_lock(&metric_lock);
    if (metric != &metric_overflow) {
        free(metric->labels);
        metric->labels = labels ? heap_text(labels) : NULL;
    }
    metric_set(metric, value);
    pthread_mutex_unlock(&metric_lock);
}

void metric_add(struct metric *metric, int64_t delta)
{
    atomic_fetch_add_explicit(&metric->value, delta, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

static int metric_compare(const void *a, const void *b)
{
    const struct metric *first = *(struct metric *const *)a, *second = *(struct metric *const *)b;
    int order = strcmp(first->name, second->name);
    return order != 0 ? order : strcmp(first->labels, second->labels);
}

static void print_help(struct text *out, const char *help)
{
    for (; *help; help++) {
        if (*help == '\\' || *help == '\n')
            text_add_string(out, *help == '\n' ? "\\n" : "\\\\");
        else
            text_add_char(out, *help);
    }
}

static void metric_print(struct text *out, const struct metric *metric, bool first_of_name)
{
    if (first_of_name) {
        text_print(out, "# HELP %s ", metric->name);
        print_help(out, metric->help);
        text_print(out, "\n# TYPE %s %s\n", metric->name, metric->kind == METRIC_COUNTER ? "counter" : "gauge");
    }
    text_add_string(out, metric->name);
    if (metric->labels[0]) text_print(out, "{%s}", metric->labels);
    text_print(out, " %lld\n", (long long)metric_value(metric));
}

void metric_print_all(struct text *out)
{
    struct metric *sorted[METRIC_MAX];
    size_t count = 0;
    pthread_mutex_lock(&metric_lock);
    for (size_t i = 0; i < metric_count; i++)
        if (metric_table[i]->labels) sorted[count++] = metric_table[i];
    if (count > 0) qsort(sorted, count, sizeof *sorted, metric_compare);
    for (size_t i = 0; i < count; i++)
        metric_print(out, sorted[i], i == 0 || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0);
    if (metric_overflowed) metric_print(out, &metric_overflow, true);
    pthread_mutex_unlock(&metric_lock);
}
