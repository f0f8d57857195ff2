// SPDX-License-Identifier: Apache-2.0
// Values of settings: numbers, durations, sizes, addresses, choices.
// Nothing here depends on the locale, and no number is read without a look at its end.
#include "common/setting_value.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

// Largest first, for printing.
static const struct unit duration_units[] = {
    {"d", INT64_C(86400000)}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit bytes_units[] = {{"TiB", INT64_C(1) << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20},
                                          {"KiB", 1 << 10},          {"", 1},          {NULL, 0}};

// Digits from the start of text; *length is how many there were.
static enum err digits_parse(struct slice text, int64_t *number, size_t *length)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text.data[i] - '0', &value))
            return ERR_INVALID;
    }
    *number = value;
    *length = i;
    return i > 0 ? ERR_OK : ERR_INVALID;
}

static enum err int_parse(struct slice text, int64_t *number)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    struct slice digits = {text.data + negative, text.length - negative};
    size_t length;
    if (digits_parse(digits, number, &length) != ERR_OK || length != digits.length) return ERR_INVALID;
    if (negative) *number = -*number;
    return ERR_OK;
}

static enum err unit_parse(const struct unit *units, struct slice text, int64_t *number)
{
    size_t length;
    if (digits_parse(text, number, &length) != ERR_OK) return ERR_INVALID;
    struct slice name = {text.data + length, text.length - length};
    for (; units->name; units++) {
        if (!slice_is(name, units->name)) continue;
        return __builtin_mul_overflow(*number, units->factor, number) ? ERR_INVALID : ERR_OK;
    }
    return ERR_INVALID;
}

enum err duration_parse(struct slice text, int64_t *duration_ms)
{
    return unit_parse(duration_units, text, duration_ms);
}

enum err bytes_parse(struct slice text, int64_t *bytes)
{
    return unit_parse(bytes_units, text, bytes);
}

static void unit_print(const struct unit *units, int64_t number, char out[SETTING_NUMBER_TEXT_MAX])
{
    while (units[1].name && (number == 0 || number % units->factor != 0))
        units++;
    int length = snprintf(out, SETTING_NUMBER_TEXT_MAX, "%lld%s", (long long)(number / units->factor), units->name);
    ENSURE(length > 0 && length < SETTING_NUMBER_TEXT_MAX);
}

void duration_print(int64_t duration_ms, char out[SETTING_NUMBER_TEXT_MAX])
{
    unit_print(duration_units, duration_ms, out);
}

void bytes_print(int64_t bytes, char out[SETTING_NUMBER_TEXT_MAX])
{
    unit_print(bytes_units, bytes, out);
}

static enum err int_check(const struct setting *setting, int64_t number, struct fault *fault)
{
    if (number < setting->least || number > setting->most)
        return fault_set(fault, ERR_INVALID, setting->name, "must be between %lld and %lld", (long long)setting->least,
                         (long long)setting->most);
    if (setting->power_of_two && (number & (number - 1)) != 0)
        return fault_set(fault, ERR_INVALID, setting->name, "must be a power of two");
    return ERR_OK;
}

static enum err range_check(const struct setting *setting, int64_t number,
                            void (*print)(int64_t, char[SETTING_NUMBER_TEXT_MAX]), struct fault *fault)
{
    char least[SETTING_NUMBER_TEXT_MAX], most[SETTING_NUMBER_TEXT_MAX];
    if (number >= setting->least && number <= setting->most) return ERR_OK;
    print(setting->least, least);
    print(setting->most, most);
    return fault_set(fault, ERR_INVALID, setting->name, "must be between %s and %s", least, most);
}

static enum err bool_parse(struct slice text, int64_t *number)
{
    *number = slice_is(text, "true") || slice_is(text, "yes") || slice_is(text, "on");
    bool is_false = slice_is(text, "false") || slice_is(text, "no") || slice_is(text, "off");
    return *number || is_false ? ERR_OK : ERR_INVALID;
}

static bool is_host(struct slice host, bool bracketed)
{
    if (host.length == 0 || host.length >= SETTING_HOST_MAX) return false;
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool digit = c >= '0' && c <= '9';
        bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (bracketed ? !(digit || hex || c == ':' || c == '.')
                      : !(digit || letter || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return true;
}

// HOST:PORT or [IPv6]:PORT
static enum err address_parse(struct slice text, struct setting_value *value)
{
    const char *colon = text.length > 0 ? memrchr(text.data, ':', text.length) : NULL;
    if (!colon) return ERR_INVALID;
    struct slice host = {text.data, (size_t)(colon - text.data)};
    struct slice port = {colon + 1, text.length - host.length - 1};
    bool bracketed = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (bracketed) host = (struct slice){host.data + 1, host.length - 2};
    size_t length;
    if (!is_host(host, bracketed) || digits_parse(port, &value->number, &length) != ERR_OK || length != port.length)
        return ERR_INVALID;
    memcpy(value->host, host.data, host.length);
    value->host[host.length] = 0;
    return value->number >= 1 && value->number <= 65535 ? ERR_OK : ERR_INVALID;
}

static bool is_choice(const char *choices, struct slice text)
{
    for (const char *at = choices; at; at = strchr(at, '|')) {
        if (*at == '|') at++;
        if (slice_equal((struct slice){at, strcspn(at, "|")}, text)) return true;
    }
    return false;
}

static enum err text_check(const struct setting *setting, struct slice text, struct fault *fault)
{
    bool may_be_empty = setting->default_value && setting->default_value[0] == 0;
    if (text.length == 0 && !may_be_empty) return fault_set(fault, ERR_INVALID, setting->name, "must not be empty");
    if (text.length > 0 && setting->choices && !is_choice(setting->choices, text))
        return fault_set(fault, ERR_INVALID, setting->name, "must be one of %s", setting->choices);
    return ERR_OK;
}

// What every value must be, whatever its kind.
static enum err bytes_check(const struct setting *setting, struct slice text, struct fault *fault)
{
    if (text.length > SETTING_TEXT_MAX)
        return fault_set(fault, ERR_INVALID, setting->name, "is longer than %d bytes", SETTING_TEXT_MAX);
    if (!utf8_valid(text.data, text.length)) return fault_set(fault, ERR_INVALID, setting->name, "is not valid UTF-8");
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return fault_set(fault, ERR_INVALID, setting->name, "has a control character");
    return ERR_OK;
}

enum err setting_value_parse(const struct setting *setting, struct slice text, struct setting_value *value,
                             struct fault *fault)
{
    *value = (struct setting_value){0};
    enum err err = bytes_check(setting, text, fault);
    if (err != ERR_OK) return err;
    switch (setting->kind) {
    case SETTING_TEXT:
        return text_check(setting, text, fault);
    case SETTING_INT:
        if (int_parse(text, &value->number) != ERR_OK)
            return fault_set(fault, ERR_INVALID, setting->name, "must be a whole number");
        return int_check(setting, value->number, fault);
    case SETTING_BOOL:
        if (bool_parse(text, &value->number) == ERR_OK) return ERR_OK;
        return fault_set(fault, ERR_INVALID, setting->name, "must be true, yes, on, false, no or off");
    case SETTING_DURATION_MS:
        if (duration_parse(text, &value->number) != ERR_OK)
            return fault_set(fault, ERR_INVALID, setting->name,
                             "must be a duration: a whole number and ms, s, m, h or d without a space, as in 250ms");
        return range_check(setting, value->number, duration_print, fault);
    case SETTING_BYTES:
        if (bytes_parse(text, &value->number) != ERR_OK)
            return fault_set(fault, ERR_INVALID, setting->name,
                             "must be a size: a whole number of bytes, or with KiB, MiB, GiB or TiB, as in 64KiB");
        return range_check(setting, value->number, bytes_print, fault);
    case SETTING_ADDRESS:
        if (address_parse(text, value) == ERR_OK) return ERR_OK;
        return fault_set(fault, ERR_INVALID, setting->name,
                         "must be HOST:PORT or [IPv6]:PORT with a port from 1 to 65535, as in 127.0.0.1:18080");
    }
    ENSURE(false);
}
