// SPDX-License-Identifier: Apache-2.0
// The usage of one simulated tenant. Sums are drawn day by day, resources month by month of their creation: each by
// chance of its own, so that the bounds of the simulation only cut, and never change what is inside.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/decimal.h"
#include "ingest/collect_event.h"
#include "ingest/simulate_kinds.h"
#include "ingest/simulate_random.h"

static const int64_t class_size[CLASS_COUNT] = {1, 12, 90};
enum { WEEKEND_PERCENT = 40, DAILY_LEAST_PERCENT = 70, DAILY_MOST_PERCENT = 130, TRANSITIONS_MAX = 512 };

struct making {
    const struct simulation *simulation;
    const struct simulate_tenant *tenant;
    struct simulate_events *events;
    struct json_writer writer;
    char source[SIMULATE_ID_MAX];
};

// Starts an event and leaves its data open; false: it is outside of the simulated time.
static bool event_open(struct making *making, const char *type, instant_us time, const char *id)
{
    struct simulate_events *events = making->events;
    if (time < making->simulation->from || time > making->simulation->to) return false;
    if (events->count == events->capacity) {
        events->capacity = events->capacity ? 2 * events->capacity : 256;
        events->spans = heap_grow(events->spans, sizeof *events->spans, events->capacity);
    }
    events->spans[events->count++] = (struct simulate_span){time, events->json.length, 0};
    collect_event_open(&making->writer, &events->json,
                       &(struct collect_event){.source = making->source,
                                               .type = type,
                                               .id = slice_of(id),
                                               .subject = slice_of(making->tenant->id),
                                               .time = time});
    return true;
}

static void event_close(struct making *making)
{
    struct simulate_span *span = &making->events->spans[making->events->count - 1];
    collect_event_close(&making->writer);
    span->length = making->events->json.length - span->start;
}

static void put_number(struct making *making, const char *name, int64_t scaled, int places)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(scaled, places, text);
    json_name(&making->writer, name);
    json_write_raw(&making->writer, text);
}

static void put_place(struct making *making, bool regional)
{
    if (regional) json_put_text(&making->writer, "region", making->tenant->place->region);
}

static const char *draw_choice(struct chance *chance, const char *const *choices)
{
    int64_t count = 0;
    while (count < SIMULATE_CHOICES && choices[count])
        count++;
    return choices[chance_between(chance, 0, count - 1)];
}

static bool is_weekend(int64_t day)
{
    int64_t weekday = ((day + 3) % 7 + 7) % 7; // 1970-01-01 was a Thursday; 0 is Monday
    return weekday >= 5;
}

// --- sums

struct using
{
    const struct simulate_sum *sum;
    int64_t usual[SIMULATE_MEMBERS]; // what this tenant usually uses of each amount
    const char *choice;
};

static int64_t size_of(const struct making *making, const struct simulate_amount *amount)
{
    return amount->fixed ? 1 : class_size[making->tenant->class];
}

static bool uses(const struct making *making, const char *name, const int percent[CLASS_COUNT], struct chance *chance)
{
    *chance = chance_of(making->simulation->seed, making->tenant->number, name, -1);
    return chance_percent(chance, percent[making->tenant->class]);
}

static void add_sum(struct making *making, const struct using *using, struct chance *chance, instant_us time,
                    int64_t day, int64_t index)
{
    const struct simulate_sum *sum = using->sum;
    char id[2 * SIMULATE_ID_MAX];
    bool moment = sum->rhythm == RHYTHM_MOMENTS;
    int64_t factor = is_weekend(day) ? WEEKEND_PERCENT : 100;
    snprintf(id, sizeof id, "%s-%s-%lld-%lld", making->tenant->id, sum->name, (long long)day, (long long)index);
    bool inside = event_open(making, sum->type, time, id);
    for (size_t i = 0; i < SIMULATE_MEMBERS && sum->amounts[i].name; i++) {
        const struct simulate_amount *amount = &sum->amounts[i];
        int64_t percent = chance_between(chance, DAILY_LEAST_PERCENT, DAILY_MOST_PERCENT);
        int64_t value = moment ? chance_between(chance, amount->least, amount->most) * size_of(making, amount)
                               : using->usual[i] * percent / 100 * factor / 100;
        if (inside) put_number(making, amount->name, value, amount->places);
    }
    const char *choice = moment && sum->choice ? draw_choice(chance, sum->choices) : using->choice;
    if (!inside) return;
    if (sum->choice) json_put_text(&making->writer, sum->choice, choice);
    put_place(making, sum->regional);
    event_close(making);
}

static void add_day(struct making *making, const struct using *using, int64_t day)
{
    const struct simulate_sum *sum = using->sum;
    struct chance chance = chance_of(making->simulation->seed, making->tenant->number, sum->name, day);
    instant_us start = day * DAY_US;
    int64_t count = 1;
    switch (sum->rhythm) {
    case RHYTHM_DAILY: // a sum is known when its day is over
        if (start + DAY_US <= making->simulation->to) add_sum(making, using, &chance, start, day, 0);
        break;
    case RHYTHM_HOURLY:
        for (int64_t hour = 0; hour < 24 && start + (hour + 1) * HOUR_US <= making->simulation->to; hour++)
            add_sum(making, using, &chance, start + hour * HOUR_US, day, hour);
        break;
    case RHYTHM_MOMENTS:
        count = chance_between(&chance, 0, sum->most_a_day);
        if (is_weekend(day)) count = count * WEEKEND_PERCENT / 100;
        for (int64_t i = 0; i < count; i++) {
            instant_us time = start + chance_between(&chance, 0, DAY_US / 1000 - 1) * 1000;
            add_sum(making, using, &chance, time, day, i);
        }
        break;
    }
}

static void add_sums(struct making *making, const struct simulate_sum *sum)
{
    struct chance chance;
    struct using using = {.sum = sum};
    if (!uses(making, sum->name, sum->uses_percent, &chance)) return;
    for (size_t i = 0; i < SIMULATE_MEMBERS && sum->amounts[i].name; i++)
        using.usual[i] =
            chance_between(&chance, sum->amounts[i].least, sum->amounts[i].most) * size_of(making, &sum->amounts[i]);
    if (sum->choice) using.choice = draw_choice(&chance, sum->choices);
    int64_t last = instant_floor(making->simulation->to, DAY_US) / DAY_US;
    for (int64_t day = instant_floor(making->simulation->from, DAY_US) / DAY_US; day <= last; day++)
        add_day(making, &using, day);
}

// --- resources

struct living {
    const struct simulate_resource *resource;
    instant_us born, gone;
    char id[SIMULATE_ID_MAX + 32];
    struct chance chance; // of what only this resource decides
    const struct simulate_pair *variant;
    const char *choice;
    int64_t size;
    int64_t transitions;
};

static void add_transition(struct making *making, struct living *living, const char *state, instant_us time)
{
    const struct simulate_resource *resource = living->resource;
    char id[SIMULATE_ID_MAX + 64];
    snprintf(id, sizeof id, "%s-%s-%lld", living->id, resource->name, (long long)living->transitions++);
    if (!event_open(making, resource->type, time, id)) return;
    json_put_text(&making->writer, resource->id_member, living->id);
    json_put_text(&making->writer, "state", state);
    for (size_t i = 0; living->variant && i < SIMULATE_PAIRS && living->variant[i].name; i++) {
        json_name(&making->writer, living->variant[i].name);
        if (living->variant[i].number)
            json_write_raw(&making->writer, living->variant[i].value);
        else
            json_write_text(&making->writer, living->variant[i].value);
    }
    if (resource->size.name) put_number(making, resource->size.name, living->size, resource->size.places);
    if (resource->choice) json_put_text(&making->writer, resource->choice, living->choice);
    put_place(making, resource->regional);
    event_close(making);
}

static const struct simulate_pair *draw_variant(struct living *living)
{
    const struct simulate_resource *resource = living->resource;
    int64_t count = 0;
    while (count < SIMULATE_VARIANTS && resource->variants[count][0].name)
        count++;
    return count == 0 ? NULL : resource->variants[chance_between(&living->chance, 0, count - 1)];
}

// Off every evening of a working day, on again in the next working morning.
static void add_nights(struct making *making, struct living *living)
{
    int64_t day = instant_floor(living->born, DAY_US) / DAY_US;
    bool running = true;
    for (int64_t i = 0; i < TRANSITIONS_MAX; i++, day++) {
        instant_us on = day * DAY_US + 7 * HOUR_US + chance_between(&living->chance, 0, 3600) * SECOND_US;
        instant_us off = day * DAY_US + 18 * HOUR_US + chance_between(&living->chance, 0, 7200) * SECOND_US;
        if (is_weekend(day)) continue;
        if (!running && on >= living->gone) return;
        if (!running) add_transition(making, living, living->resource->started, on);
        running = true;
        if (off <= living->born) continue;
        if (off >= living->gone) return;
        add_transition(making, living, living->resource->stopped, off);
        running = false;
    }
}

static void add_change(struct making *making, struct living *living)
{
    const struct simulate_resource *resource = living->resource;
    int64_t seconds = (living->gone - living->born) / SECOND_US;
    if (seconds < 2) return;
    instant_us time = living->born + chance_between(&living->chance, 1, seconds - 1) * SECOND_US;
    const struct simulate_pair *other = draw_variant(living);
    if (resource->size.name)
        living->size += chance_between(&living->chance, resource->size.least, resource->size.most);
    else
        living->variant = other;
    add_transition(making, living, resource->changed, time);
}

static void add_life(struct making *making, struct living *living)
{
    const struct simulate_resource *resource = living->resource;
    living->variant = draw_variant(living);
    if (resource->choice) living->choice = draw_choice(&living->chance, resource->choices);
    living->size = chance_between(&living->chance, resource->size.least, resource->size.most);
    bool nightly = resource->stopped && chance_percent(&living->chance, resource->nightly_percent);
    bool changes = resource->changed && chance_percent(&living->chance, resource->changed_percent);
    add_transition(making, living, resource->born, living->born);
    if (nightly)
        add_nights(making, living);
    else if (changes)
        add_change(making, living);
    add_transition(making, living, resource->gone, living->gone);
}

// Most are created on the first day and live for weeks; some are tried out for minutes or hours.
static void draw_life(const struct simulate_resource *resource, struct chance *chance, instant_us month, int64_t days,
                      struct living *living)
{
    int64_t seconds = chance_percent(chance, 60) ? 86400 : days * 86400;
    living->born = month + chance_between(chance, 0, seconds - 1) * SECOND_US;
    int64_t life = chance_percent(chance, resource->short_percent) ? chance_between(chance, 20, 86400)
                                                                   : chance_between(chance, 5 * 86400, 80 * 86400);
    living->gone = living->born + life * SECOND_US;
}

static void add_month(struct making *making, const struct simulate_resource *resource, int year, int month)
{
    const char *name = resource->life ? resource->life : resource->name;
    int64_t period = (int64_t)year * 12 + month - 1;
    int64_t first = civil_days(year, month, 1);
    int64_t days = (month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1)) - first;
    struct chance lives = chance_of(making->simulation->seed, making->tenant->number, name, period);
    struct chance chance = chance_of(making->simulation->seed, making->tenant->number, resource->name, ~period);
    int64_t count = chance_between(&lives, 0, resource->most_a_month[making->tenant->class]);
    for (int64_t i = 0; i < count; i++) {
        struct living living = {.resource = resource, .chance = {chance_next(&chance)}};
        draw_life(resource, &lives, first * DAY_US, days, &living);
        snprintf(living.id, sizeof living.id, "%s-%s-%04d%02d-%lld", making->tenant->id,
                 resource->same_id ? name : resource->name, year, month, (long long)i + 1);
        // what was there before the simulation began stays unknown
        if (living.born >= making->simulation->from && living.born <= making->simulation->to) add_life(making, &living);
    }
}

static void add_resources(struct making *making, const struct simulate_resource *resource)
{
    struct chance chance;
    int year, month, day, last_year, last_month;
    if (!uses(making, resource->life ? resource->life : resource->name, resource->uses_percent, &chance)) return;
    civil_from_days(instant_floor(making->simulation->from, DAY_US) / DAY_US, &year, &month, &day);
    civil_from_days(instant_floor(making->simulation->to, DAY_US) / DAY_US, &last_year, &last_month, &day);
    while (year < last_year || (year == last_year && month <= last_month)) {
        add_month(making, resource, year, month);
        month = month % 12 + 1;
        year += month == 1;
    }
}

// --- all

static int compare_spans(const void *a, const void *b)
{
    const struct simulate_span *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

void simulate_events_make(const struct simulation *simulation, const struct simulate_tenant *tenant,
                          struct simulate_events *events)
{
    struct making making = {.simulation = simulation, .tenant = tenant, .events = events};
    snprintf(making.source, sizeof making.source, "/simulation/%llu", (unsigned long long)simulation->seed);
    text_clear(&events->json);
    events->count = 0;
    for (size_t i = 0; i < simulate_sum_count; i++)
        add_sums(&making, &simulate_sums[i]);
    for (size_t i = 0; i < simulate_resource_count; i++)
        add_resources(&making, &simulate_resources[i]);
    if (events->count > 0) qsort(events->spans, events->count, sizeof *events->spans, compare_spans);
}

void simulate_events_free(struct simulate_events *events)
{
    text_free(&events->json);
    free(events->spans);
    *events = (struct simulate_events){0};
}
