// SPDX-License-Identifier: Apache-2.0
// Reads meters, and refuses members that their aggregation does not use: a forgotten one is a wrong bill.
#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/file_field.h"

enum {
    ID,
    NAME,
    EVENT_TYPE,
    AGGREGATION,
    RESOURCE,
    STATE,
    RUNNING,
    STOPPED,
    VALUE,
    DIMENSIONS,
    UNIT,
    WINDOW,
    SLOT_MINUTES,
    ACCEPT_DAYS,
    FUTURE_SECONDS,
    EFFECTIVE_FROM,
    VALUE_TIMES,
    PER_EVENT,
    KEEP,
    FIELD_COUNT
};
enum { ACCEPT_DAYS_MAX = 400, ACCEPT_DAYS_DEFAULT = 35, FUTURE_SECONDS_MAX = 86400, FUTURE_SECONDS_DEFAULT = 300 };
enum { MEMBER_NAME_MAX = 64, EVENT_TYPE_MAX = 255, UNIT_MAX = 64 };

static void check_use(struct file_errors *errors, const struct yaml_node *item, const struct file_field *field,
                      bool needed, bool allowed, const char *aggregation)
{
    if (needed && !field->value) file_error(errors, item, "aggregation %s needs %s", aggregation, field->name);
    if (!allowed && field->value) file_error(errors, field->key, "aggregation %s has no %s", aggregation, field->name);
}

static void check_aggregation(struct file_errors *errors, const struct yaml_node *item, const struct file_field *fields,
                              enum aggregation aggregation)
{
    static const int state_fields[] = {RESOURCE, STATE, RUNNING, STOPPED};
    const struct aggregation_form *use = &aggregation_forms[aggregation];
    const char *name = use->name;
    if (!fields[AGGREGATION].value || strcmp(fields[AGGREGATION].value->text, name) != 0) return; // told before
    check_use(errors, item, &fields[VALUE], use->value_needed, use->value_allowed, name);
    for (size_t i = 0; i < sizeof state_fields / sizeof *state_fields; i++)
        check_use(errors, item, &fields[state_fields[i]], use->states, use->states, name);
    check_use(errors, item, &fields[WINDOW], false, use->window, name);
    check_use(errors, item, &fields[VALUE_TIMES], false, use->worth, name);
    check_use(errors, item, &fields[PER_EVENT], false, use->worth, name);
    check_use(errors, item, &fields[KEEP], false, use->worth, name);
}

static void check_states(struct file_errors *errors, const struct file_field *stopped, const struct meter_row *row)
{
    for (size_t i = 0; i < row->stopped_count; i++)
        for (size_t j = 0; j < row->running_count; j++)
            if (strcmp(row->stopped_states[i], row->running_states[j]) == 0)
                file_error(errors, stopped->value->items[i], "state '%.64s' is running and stopped",
                           row->stopped_states[i]);
}

static enum aggregation read_aggregation(struct file_errors *errors, const struct file_field *field)
{
    const char *words[AGGREGATIONS];
    for (int i = 0; i < AGGREGATIONS; i++)
        words[i] = aggregation_forms[i].name;
    return (enum aggregation)file_choice(errors, field, words, AGGREGATIONS, AGGREGATION_SUM);
}

static int slot_minutes(struct file_errors *errors, const struct file_field *field)
{
    static const char *const words[] = {"1", "5", "15"};
    static const int minutes[] = {1, 5, 15};
    return minutes[file_choice(errors, field, words, 3, 2)];
}

// A quantity of 0 or more in the meter's unit; 0 if absent.
static struct quantity read_bound(struct file_errors *errors, const struct file_field *field)
{
    const struct yaml_node *value = field->value;
    if (value && value->kind == YAML_SCALAR && strcmp(value->text, "0") == 0) return QUANTITY_ZERO;
    return file_decimal_quantity(errors, field, 0);
}

static void read_fee(struct file_errors *errors, const struct file_field *field, struct meter_row *row)
{
    enum { RATE, FIXED, MINIMUM, MAXIMUM };
    struct file_field fields[] = {[RATE] = {.name = "rate"},
                                  [FIXED] = {.name = "fixed"},
                                  [MINIMUM] = {.name = "minimum"},
                                  [MAXIMUM] = {.name = "maximum"}};
    if (!field->value || !FILE_FIELDS(errors, field->value, "per_event", fields)) return;
    row->has_fee = true;
    row->fee = (struct event_fee){.rate = file_decimal_price(errors, &fields[RATE]),
                                  .fixed = read_bound(errors, &fields[FIXED]),
                                  .minimum = read_bound(errors, &fields[MINIMUM]),
                                  .maximum = file_decimal_quantity(errors, &fields[MAXIMUM], 0)};
    if (!fields[RATE].value && !fields[FIXED].value)
        file_error(errors, field->value, "per_event needs rate, fixed or both");
    if (fields[MAXIMUM].value && quantity_compare(row->fee.maximum, row->fee.minimum) < 0)
        file_error(errors, fields[MAXIMUM].value, "the maximum per event is below the minimum");
}

// `keep: events`
static bool read_keep(struct file_errors *errors, const struct file_field *field)
{
    static const char *const words[] = {"events"};
    (void)file_choice(errors, field, words, 1, 0);
    return field->value;
}

static void read_row(struct file_errors *errors, const struct file_field *fields, struct meter_row *row)
{
    *row = (struct meter_row){
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .event_type = file_text(errors, &fields[EVENT_TYPE], EVENT_TYPE_MAX),
        .aggregation = read_aggregation(errors, &fields[AGGREGATION]),
        .resource_property = file_text(errors, &fields[RESOURCE], MEMBER_NAME_MAX),
        .state_property = file_text(errors, &fields[STATE], MEMBER_NAME_MAX),
        .value_property = file_text(errors, &fields[VALUE], MEMBER_NAME_MAX),
        .unit = file_text(errors, &fields[UNIT], UNIT_MAX),
        .window = (enum evaluation_window)file_choice(errors, &fields[WINDOW], evaluation_windows, WINDOW_COUNT, WINDOW_SLOT),
        .slot_minutes = slot_minutes(errors, &fields[SLOT_MINUTES]),
        .accept_days = file_whole(errors, &fields[ACCEPT_DAYS], 1, ACCEPT_DAYS_MAX, ACCEPT_DAYS_DEFAULT),
        .future_seconds = file_whole(errors, &fields[FUTURE_SECONDS], 0, FUTURE_SECONDS_MAX, FUTURE_SECONDS_DEFAULT),
        .effective_from = file_instant(errors, &fields[EFFECTIVE_FROM], INSTANT_MIN),
        .times_property = file_text(errors, &fields[VALUE_TIMES], MEMBER_NAME_MAX),
        .keeps_events = read_keep(errors, &fields[KEEP]),
    };
    read_fee(errors, &fields[PER_EVENT], row);
    row->running_states = file_names(errors, &fields[RUNNING], STATES_MAX, true, &row->running_count);
    row->stopped_states = file_names(errors, &fields[STOPPED], STATES_MAX, true, &row->stopped_count);
    row->dimensions = file_names(errors, &fields[DIMENSIONS], DIMENSIONS_MAX, true, &row->dimension_count);
}

void file_meter_read(struct catalogue_files *files, const struct yaml_node *item)
{
    struct file_field fields[FIELD_COUNT] = {
        [ID] = {.name = "id", .required = true},
        [NAME] = {.name = "name", .required = true},
        [EVENT_TYPE] = {.name = "event_type", .required = true},
        [AGGREGATION] = {.name = "aggregation", .required = true},
        [RESOURCE] = {.name = "resource"},
        [STATE] = {.name = "state"},
        [RUNNING] = {.name = "running"},
        [STOPPED] = {.name = "stopped"},
        [VALUE] = {.name = "value"},
        [DIMENSIONS] = {.name = "dimensions"},
        [UNIT] = {.name = "unit", .required = true},
        [WINDOW] = {.name = "window"},
        [SLOT_MINUTES] = {.name = "slot_minutes"},
        [ACCEPT_DAYS] = {.name = "accept_days"},
        [FUTURE_SECONDS] = {.name = "future_seconds"},
        [EFFECTIVE_FROM] = {.name = "effective_from"},
        [VALUE_TIMES] = {.name = "value_times"},
        [PER_EVENT] = {.name = "per_event"},
        [KEEP] = {.name = "keep"},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    struct meter_row row;
    if (!FILE_FIELDS(errors, item, "meter", fields)) return;
    read_row(errors, fields, &row);
    check_aggregation(errors, item, fields, row.aggregation);
    if (row.window >= WINDOW_PERCENTILE && row.slot_minutes != 5)
        file_error(errors, fields[WINDOW].value, "the samples of window %s are of 5 minutes: slot_minutes must be 5",
                   evaluation_windows[row.window]);
    if (row.aggregation == AGGREGATION_UNIQUE && row.window >= WINDOW_PERCENTILE)
        file_error(errors, fields[WINDOW].value, "aggregation unique counts values: it has no %s",
                   evaluation_windows[row.window]);
    check_states(errors, &fields[STOPPED], &row);
    *ROW_NEW(&files->meters) = (struct file_meter){item, errors->count == before, row};
}
