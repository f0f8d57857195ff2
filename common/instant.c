// SPDX-License-Identifier: Apache-2.0
// Instants as text and as civil dates. The reader is on the path of every event: fixed columns, no locale, no
// allocation.
#include "common/instant.h"

#include <stdio.h>
#include <string.h>

enum { DATE_LENGTH = 10, TIME_LENGTH = 8, OFFSET_LENGTH = 6, MICRO_DIGITS = 6 };

// Days from civil and back by counting in eras of 400 years (146097 days) that start on a March 1st, so that the leap
// day is the last day of a year. Source: H. Hinnant, chrono-compatible low-level date algorithms.
enum { ERA_YEARS = 400, ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };

int64_t civil_days(int year, int month, int day)
{
    ENSURE(month >= 1 && month <= 12);
    int64_t shifted = (int64_t)year - (month <= 2);
    int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_YEARS - 1)) / ERA_YEARS;
    int64_t year_of_era = shifted - era * ERA_YEARS;
    int64_t day_of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1; // 153 days in five months from March on
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t day_of_era = days - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march + (from_march < 10 ? 3 : -9));
    *year = (int)(year_of_era + era * ERA_YEARS + (*month <= 2));
}

int civil_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

// Two digits as a number; above 99 if one of them is none. An unsigned difference is above 9 for every other character.
static inline unsigned two_digits(const char *at)
{
    unsigned tens = (unsigned)(at[0] - '0'), ones = (unsigned)(at[1] - '0');
    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static enum err refuse(struct fault *fault, const char *reason)
{
    return fault_set(fault, ERR_INVALID, NULL, "not a time: %s", reason);
}

// "YYYY-MM-DD" -> days since 1970.
static enum err read_date(const char *text, int64_t *days, struct fault *fault)
{
    unsigned century = two_digits(text), rest = two_digits(text + 2);
    unsigned month = two_digits(text + 5), day = two_digits(text + 8);
    if (century > 99 || rest > 99 || text[4] != '-' || text[7] != '-')
        return refuse(fault, "the date is not YYYY-MM-DD");
    int year = (int)(century * 100 + rest);
    if (year == 0) return refuse(fault, "there is no year 0000");
    if (month < 1 || month > 12) return refuse(fault, "the month is not 01..12");
    if (day < 1 || day > (unsigned)civil_month_days(year, (int)month)) return refuse(fault, "the month has no such day");
    *days = civil_days(year, (int)month, (int)day);
    return ERR_OK;
}

// "HH:MM:SS" -> seconds of the day. Second 60 comes back as it is: only the caller can clamp it, fraction included.
static enum err read_time(const char *text, unsigned *second, unsigned *second_of_minute, struct fault *fault)
{
    unsigned hour = two_digits(text), minute = two_digits(text + 3);
    *second_of_minute = two_digits(text + 6);
    if (text[2] != ':' || text[5] != ':') return refuse(fault, "the time is not HH:MM:SS");
    if (hour > 23) return refuse(fault, "the hour is not 00..23");
    if (minute > 59) return refuse(fault, "the minute is not 00..59");
    if (*second_of_minute > 60) return refuse(fault, "the second is not 00..60");
    *second = hour * 3600 + minute * 60 + *second_of_minute;
    return ERR_OK;
}

// ".digits" if there is one; *at moves behind it. Digits after the sixth are read and dropped.
static enum err read_fraction(const char **at, const char *end, unsigned *micro, struct fault *fault)
{
    static const unsigned scale[MICRO_DIGITS + 1] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    *micro = 0;
    if (*at == end || **at != '.') return ERR_OK;
    const char *digit = *at + 1, *first = digit;
    unsigned value = 0;
    for (; digit < end && (unsigned)(*digit - '0') <= 9; digit++)
        if (digit - first < MICRO_DIGITS) value = value * 10 + (unsigned)(*digit - '0');
    if (digit == first) return refuse(fault, "no digits after the point of the seconds");
    ptrdiff_t digits = digit - first;
    *micro = value * scale[digits < MICRO_DIGITS ? digits : MICRO_DIGITS];
    *at = digit;
    return ERR_OK;
}

// "Z" or "+HH:MM" to the end of the text -> seconds east of UTC.
static enum err read_offset(const char *at, const char *end, int *offset_seconds, struct fault *fault)
{
    *offset_seconds = 0;
    if (at == end) return refuse(fault, "the offset from UTC is missing (Z or +HH:MM)");
    if (end - at == 1 && (*at == 'Z' || *at == 'z')) return ERR_OK;
    if (end - at != OFFSET_LENGTH || (*at != '+' && *at != '-') || at[3] != ':')
        return refuse(fault, "the offset from UTC is not Z or +HH:MM at the end");
    unsigned hours = two_digits(at + 1), minutes = two_digits(at + 4);
    if (hours > 23 || minutes > 59) return refuse(fault, "the offset from UTC is not within -23:59..+23:59");
    int seconds = (int)(hours * 3600 + minutes * 60);
    *offset_seconds = *at == '-' ? -seconds : seconds;
    return ERR_OK;
}

enum err instant_parse(const char *text, size_t length, instant_us *instant, struct fault *fault)
{
    if (length < DATE_LENGTH + 1 + TIME_LENGTH) return refuse(fault, "shorter than YYYY-MM-DDTHH:MM:SS and an offset");
    if (text[DATE_LENGTH] != 'T' && text[DATE_LENGTH] != 't') return refuse(fault, "no T between date and time");
    const char *at = text + DATE_LENGTH + 1 + TIME_LENGTH, *end = text + length;
    int64_t days = 0;
    unsigned second = 0, second_of_minute = 0, micro = 0;
    int offset_seconds = 0;
    enum err err = read_date(text, &days, fault);
    if (!err) err = read_time(text + DATE_LENGTH + 1, &second, &second_of_minute, fault);
    if (!err) err = read_fraction(&at, end, &micro, fault);
    if (!err) err = read_offset(at, end, &offset_seconds, fault);
    if (err) return err;
    if (second_of_minute == 60) { // a leap second stays in its minute, so that it never moves into the next month
        second--;
        micro = SECOND_US - 1;
    }
    int64_t result = days * DAY_US + ((int64_t)second - offset_seconds) * SECOND_US + micro;
    if (result < INSTANT_MIN || result > INSTANT_MAX) return refuse(fault, "in UTC it is outside the years 0001..9999");
    *instant = result;
    return ERR_OK;
}

enum err instant_parse_loose(const char *text, size_t length, instant_us *instant, struct fault *fault)
{
    if (length != DATE_LENGTH) return instant_parse(text, length, instant, fault);
    int64_t days;
    enum err err = read_date(text, &days, fault);
    if (err) return err;
    *instant = days * DAY_US;
    return ERR_OK;
}

static char *put_two(char *at, int value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

static char *put_year(char *at, int year)
{
    // Beyond four digits only for diagnosis: no accepted instant has such a year.
    if (year < 0 || year > 9999) return at + sprintf(at, "%+05d", year);
    return put_two(put_two(at, year / 100), year % 100);
}

static char *put_fraction(char *at, int micro)
{
    *at++ = '.';
    for (int scale = 100000; micro > 0; scale /= 10) {
        *at++ = (char)('0' + micro / scale);
        micro %= scale;
    }
    return at;
}

size_t instant_print(instant_us instant, char out[INSTANT_TEXT_MAX])
{
    if (instant == INSTANT_NONE) return strlen(strcpy(out, "none"));
    int64_t days = instant / DAY_US, rest = instant % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    int second = (int)(rest / SECOND_US), micro = (int)(rest % SECOND_US);
    char *at = put_year(out, year);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    at = put_two(at, day);
    *at++ = 'T';
    at = put_two(at, second / 3600);
    *at++ = ':';
    at = put_two(at, second / 60 % 60);
    *at++ = ':';
    at = put_two(at, second % 60);
    if (micro > 0) at = put_fraction(at, micro);
    *at++ = 'Z';
    *at = 0;
    return (size_t)(at - out);
}

instant_us instant_floor(instant_us instant, int64_t grain_us)
{
    ENSURE(grain_us > 0);
    int64_t rest = instant % grain_us, floor;
    if (rest < 0) rest += grain_us;
    return __builtin_sub_overflow(instant, rest, &floor) ? INSTANT_NONE : floor;
}
