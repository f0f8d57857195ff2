// SPDX-License-Identifier: Apache-2.0
// Reads `when` of a price: the zone, days or dates, and hours at which it holds.
#include <stdlib.h>
#include <string.h>

#include "catalogue/file_price_terms.h"
#include "catalogue/price_window.h"

// Minutes of the local day; `otherwise` if it is not given.
static int read_minute(struct file_errors *errors, const struct file_field *field, int otherwise)
{
    if (!field->value) return otherwise;
    const char *text = field->value->kind == YAML_SCALAR ? field->value->text : "";
    int minute = price_window_minute(text);
    if (minute >= 0) return minute;
    file_error(errors, field->value, "%s '%.20s': a time of day on a quarter of an hour, \"00:00\" to \"24:00\"",
               field->name, text);
    return otherwise;
}

static void read_days(struct file_errors *errors, const struct file_field *field, struct price_window *window)
{
    size_t count;
    const char **names = file_names(errors, field, 7, true, &count);
    window->days = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned day = price_window_day(names[i], strlen(names[i]));
        if (!day)
            file_error(errors, field->value->items[i], "'%.20s' is no day: mon, tue, wed, thu, fri, sat, sun", names[i]);
        window->days |= day;
    }
    if (names && count == 0) file_error(errors, field->value, "days is empty");
}

static int compare_dates(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void read_dates(struct file_errors *errors, const struct file_field *field, struct price_window *window)
{
    size_t count;
    const char **names = file_names(errors, field, WINDOW_DATES_MAX, true, &count);
    window->days = 0;
    window->dates = ARENA_ARRAY(errors->arena, int64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t date = price_window_date(names[i], strlen(names[i]));
        if (date == INT64_MIN)
            file_error(errors, field->value->items[i], "'%.20s' is no date: YYYY-MM-DD", names[i]);
        window->dates[window->count++] = date;
    }
    if (names && count == 0) file_error(errors, field->value, "dates is empty");
    if (count) qsort(window->dates, window->count, sizeof *window->dates, compare_dates);
}

const char *file_price_window_read(struct file_errors *errors, const struct file_field *when)
{
    enum { ZONE, DAYS, DATES, FROM, TO };
    struct file_field fields[] = {[ZONE] = {.name = "zone", .required = true},
                                  [DAYS] = {.name = "days"},
                                  [DATES] = {.name = "dates"},
                                  [FROM] = {.name = "from"},
                                  [TO] = {.name = "to"}};
    struct price_window window = {.days = WINDOW_DAILY};
    struct fault fault = {0};
    char text[WINDOW_TEXT_MAX];
    size_t before = errors->count;
    if (!when->value || !FILE_FIELDS(errors, when->value, "when", fields)) return "";
    const char *zone = file_text(errors, &fields[ZONE], FILE_NAME_MAX);
    if (zone && zone_open(zone, &window.zone, &fault))
        file_error(errors, fields[ZONE].value, "zone '%.64s': %s", zone, fault.reason);
    if (fields[DAYS].value && fields[DATES].value)
        file_error(errors, fields[DATES].key, "a window has days or dates, not both");
    if (fields[DAYS].value) read_days(errors, &fields[DAYS], &window);
    if (fields[DATES].value && !fields[DAYS].value) read_dates(errors, &fields[DATES], &window);
    window.from_minute = read_minute(errors, &fields[FROM], 0);
    window.to_minute = read_minute(errors, &fields[TO], DAY_MINUTES);
    if (errors->count > before) return "";
    if (window.to_minute == 0 && window.from_minute > 0) window.to_minute = DAY_MINUTES;
    const struct yaml_node *at = fields[TO].value ? fields[TO].value : fields[FROM].value;
    if (window.from_minute == DAY_MINUTES)
        file_error(errors, fields[FROM].value, "from is before \"24:00\"");
    else if (window.from_minute == window.to_minute || (window.from_minute == 0 && window.to_minute == 0))
        file_error(errors, at, "from and to are equal: a whole day is from \"00:00\" to \"24:00\"");
    else if (window.days == WINDOW_DAILY && window.to_minute - window.from_minute == DAY_MINUTES)
        file_error(errors, when->value, "this window is always: leave out when");
    if (errors->count > before) return "";
    price_window_print(&window, text);
    return arena_text(errors->arena, text, strlen(text));
}
