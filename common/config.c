// SPDX-License-Identifier: Apache-2.0
// The values of all settings and where each came from: flag > environment > file > default.
// One entry per row of setting_table, in its order. A configuration that has an error is refused whole, with all
// errors.
#include "common/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/file.h"
#include "common/setting_value.h"

enum { CONFIG_FILE_MAX = 1024 * 1024, CONFIG_NAME_SHOWN_MAX = 64, CONFIG_VARIABLE_MAX = 80 };

struct entry {
    char *text; // NULL: required and not given
    struct setting_value value;
    int line;     // of the file, 0 if it does not say
    bool flagged; // given on the command line
    enum config_source source;
};

struct config {
    char *path;
    struct entry *entries;
};

static const struct setting *setting_find(struct slice name)
{
    for (size_t i = 0; i < setting_count; i++)
        if (slice_is(name, setting_table[i].name)) return &setting_table[i];
    return NULL;
}

static struct entry *entry_of(const struct config *config, const struct setting *setting)
{
    return &config->entries[setting - setting_table];
}

static enum err entry_set(struct config *config, const struct setting *setting, struct slice text,
                          enum config_source source, struct fault *fault)
{
    struct setting_value value;
    enum err err = setting_value_parse(setting, text, &value, fault);
    if (err != ERR_OK) return err;
    struct entry *entry = entry_of(config, setting);
    char *copy = heap_alloc(text.length + 1);
    if (text.length > 0) memcpy(copy, text.data, text.length);
    free(entry->text);
    entry->text = copy;
    entry->value = value;
    entry->source = source;
    return ERR_OK;
}

static struct config *config_defaults(void)
{
    struct config *config = heap_alloc(sizeof *config);
    config->path = heap_text("");
    config->entries = heap_alloc(setting_count * sizeof *config->entries);
    for (size_t i = 0; i < setting_count; i++) {
        const char *text = setting_table[i].default_value;
        ENSURE(!text || entry_set(config, &setting_table[i], slice_of(text), CONFIG_DEFAULT, NULL) == ERR_OK);
    }
    return config;
}

void config_free(struct config *config)
{
    if (!config) return;
    for (size_t i = 0; i < setting_count; i++)
        free(config->entries[i].text);
    free(config->entries);
    free(config->path);
    free(config);
}

const char *config_path(const struct config *config)
{
    return config->path;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice text)
{
    while (text.length > 0 && is_blank(text.data[0]))
        text.data++, text.length--;
    while (text.length > 0 && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

// A name from outside, as far as it may be shown: printable ASCII, not endless.
static void name_show(struct slice name, char out[CONFIG_NAME_SHOWN_MAX + 1])
{
    size_t length = name.length < CONFIG_NAME_SHOWN_MAX ? name.length : CONFIG_NAME_SHOWN_MAX;
    for (size_t i = 0; i < length; i++)
        out[i] = name.data[i] > ' ' && name.data[i] <= '~' ? name.data[i] : '?';
    out[length] = 0;
}

static enum err line_read(struct config *config, struct slice line, int number, struct fault *fault)
{
    const char *equals = memchr(line.data, '=', line.length);
    if (!equals) return fault_set(fault, ERR_INVALID, "", "expected \"key = value\"");
    struct slice name = trim((struct slice){line.data, (size_t)(equals - line.data)});
    struct slice text = trim((struct slice){equals + 1, line.length - (size_t)(equals - line.data) - 1});
    const struct setting *setting = setting_find(name);
    if (!setting) {
        char shown[CONFIG_NAME_SHOWN_MAX + 1];
        name_show(name, shown);
        return fault_set(fault, ERR_INVALID, "", "unknown key \"%s\"", shown);
    }
    struct entry *entry = entry_of(config, setting);
    if (entry->line > 0)
        return fault_set(fault, ERR_INVALID, "", "%s is set again, first on line %d", setting->name, entry->line);
    entry->line = number;
    return entry_set(config, setting, text, CONFIG_FILE, fault);
}

// "place: name reason": the name is left out where the reason tells it already.
static void errors_add(struct text *errors, const char *place, const struct fault *fault)
{
    text_print(errors, "%s: %s%s%s\n", place, fault->place, fault->place[0] ? " " : "", fault->reason);
}

static enum err content_read(struct config *config, const char *path, struct slice content, struct text *errors)
{
    enum err result = ERR_OK;
    if (content.length >= 3 && memcmp(content.data, "\xef\xbb\xbf", 3) == 0) content.data += 3, content.length -= 3;
    for (int number = 1; content.length > 0; number++) {
        const char *end = memchr(content.data, '\n', content.length);
        size_t taken = end ? (size_t)(end - content.data) + 1 : content.length;
        struct slice line = trim((struct slice){content.data, taken});
        content.data += taken;
        content.length -= taken;
        struct fault fault;
        if (line.length == 0 || line.data[0] == '#' || line_read(config, line, number, &fault) == ERR_OK) continue;
        text_print(errors, "%s:%d: %s%s%s\n", path, number, fault.place, fault.place[0] ? " " : "", fault.reason);
        result = ERR_INVALID;
    }
    return result;
}

static enum err file_take(struct config *config, const char *path, struct text *errors)
{
    struct text content = {0};
    struct fault fault;
    enum err err = file_read(path, CONFIG_FILE_MAX, &content, &fault);
    if (err != ERR_OK) {
        text_print(errors, "%s: %s\n", path, fault.reason);
        err = ERR_INVALID;
    } else {
        free(config->path);
        config->path = heap_text(path);
        err = content_read(config, path, (struct slice){content.data, content.length}, errors);
    }
    text_free(&content);
    return err;
}

static bool is_set(const char *variable)
{
    return variable && variable[0];
}

// Where the file is; "" if there is none.
static void path_find(const char *given, struct text *path)
{
    text_clear(path);
    const char *variable = getenv("TURNPIKE_CONF");
    if (given || is_set(variable)) {
        text_add_string(path, given ? given : variable);
        return;
    }
    const char *state = getenv("TURNPIKE_STATE");
    if (is_set(state)) {
        text_print(path, "%s/turnpike.conf", state);
        if (access(path->data, F_OK) == 0) return;
    }
    static const char *const usual[] = {"./var/turnpike.conf", "/etc/turnpike/turnpike.conf"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        text_clear(path);
        text_add_string(path, usual[i]);
        if (access(usual[i], F_OK) == 0) return;
    }
    text_clear(path);
}

static void variable_name(const char *name, char out[CONFIG_VARIABLE_MAX])
{
    static const char prefix[] = "TURNPIKE_";
    size_t at = sizeof prefix - 1;
    memcpy(out, prefix, at);
    for (; *name; name++) {
        ENSURE(at < CONFIG_VARIABLE_MAX - 1);
        out[at++] = *name == '.' ? '_' : *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
    }
    out[at] = 0;
}

static enum err environment_take(struct config *config, struct text *errors)
{
    enum err result = ERR_OK;
    for (size_t i = 0; i < setting_count; i++) {
        char variable[CONFIG_VARIABLE_MAX];
        struct fault fault;
        variable_name(setting_table[i].name, variable);
        const char *text = getenv(variable);
        if (!is_set(text)) continue;
        if (entry_set(config, &setting_table[i], slice_of(text), CONFIG_ENVIRONMENT, &fault) == ERR_OK) continue;
        errors_add(errors, variable, &fault);
        result = ERR_INVALID;
    }
    return result;
}

enum err config_open(const char *path, struct config **config, struct text *errors)
{
    struct config *opened = config_defaults();
    struct text found = {0};
    path_find(path, &found);
    enum err err = path || found.length > 0 ? file_take(opened, found.data, errors) : ERR_OK;
    if (environment_take(opened, errors) != ERR_OK) err = ERR_INVALID;
    text_free(&found);
    if (err != ERR_OK) {
        config_free(opened);
        opened = NULL;
    }
    *config = opened;
    return err;
}

// The setting that an argument names, and its value if that is in the same argument.
static const struct setting *flag_setting(const char *argument, const char **value)
{
    if (strncmp(argument, "--", 2) != 0) return NULL;
    size_t length = strcspn(argument + 2, "=");
    *value = argument[2 + length] == '=' ? argument + 2 + length + 1 : NULL;
    return setting_find((struct slice){argument + 2, length});
}

static enum err flag_take(struct config *config, const struct setting *setting, const char *value, struct text *errors)
{
    struct fault fault;
    struct entry *entry = entry_of(config, setting);
    if (!value)
        fault_set(&fault, ERR_INVALID, "", "needs a value");
    else if (entry->flagged)
        fault_set(&fault, ERR_INVALID, "", "is given twice");
    else if (entry_set(config, setting, slice_of(value), CONFIG_FLAG, &fault) == ERR_OK) {
        entry->flagged = true;
        return ERR_OK;
    }
    text_print(errors, "--%s: %s\n", setting->name, fault.reason);
    return ERR_INVALID;
}

enum err config_take_flags(struct config *config, int *argc, char **argv, struct text *errors)
{
    enum err result = ERR_OK;
    int kept = *argc > 0 ? 1 : 0, at = kept;
    for (; at < *argc && strcmp(argv[at], "--") != 0; at++) {
        const char *value;
        const struct setting *setting = flag_setting(argv[at], &value);
        if (!setting) {
            argv[kept++] = argv[at];
            continue;
        }
        // what begins with "--" is the next flag, not a value; --name=--value is the way to say it
        if (!value && at + 1 < *argc && strncmp(argv[at + 1], "--", 2) != 0) value = argv[++at];
        if (flag_take(config, setting, value, errors) != ERR_OK) result = ERR_INVALID;
    }
    for (; at < *argc; at++)
        argv[kept++] = argv[at];
    if (kept < *argc) argv[kept] = NULL;
    *argc = kept;
    return result;
}

enum err config_set(struct config *config, const char *name, const char *value, struct fault *fault)
{
    const struct setting *setting = setting_find(slice_of(name));
    if (!setting) return fault_set(fault, ERR_INVALID, "", "unknown setting");
    return entry_set(config, setting, slice_of(value), CONFIG_PROGRAM, fault);
}

enum config_source config_shown(const struct config *config, const char *name, const char **value)
{
    const struct setting *setting = setting_find(slice_of(name));
    ENSURE(setting);
    *value = entry_of(config, setting)->text;
    return entry_of(config, setting)->source;
}

const char *config_source_name(enum config_source source)
{
    switch (source) {
    case CONFIG_DEFAULT:
        return "default";
    case CONFIG_FILE:
        return "file";
    case CONFIG_ENVIRONMENT:
        return "environment";
    case CONFIG_FLAG:
        return "flag";
    case CONFIG_PROGRAM:
        return "program";
    }
    return "?";
}

// A name that is not in the table, or another kind, is our mistake.
static const struct entry *entry_read(const struct config *config, const char *name, enum setting_kind kind)
{
    const struct setting *setting = setting_find(slice_of(name));
    ENSURE(setting && setting->kind == kind);
    return entry_of(config, setting);
}

const char *config_text(const struct config *config, const char *name)
{
    return entry_read(config, name, SETTING_TEXT)->text;
}

int64_t config_int(const struct config *config, const char *name)
{
    const struct setting *setting = setting_find(slice_of(name));
    ENSURE(setting &&
           (setting->kind == SETTING_INT || setting->kind == SETTING_DURATION_MS || setting->kind == SETTING_BYTES));
    return entry_of(config, setting)->value.number;
}

bool config_bool(const struct config *config, const char *name)
{
    return entry_read(config, name, SETTING_BOOL)->value.number != 0;
}

void config_address(const struct config *config, const char *name, char host[64], int *port)
{
    const struct entry *entry = entry_read(config, name, SETTING_ADDRESS);
    memcpy(host, entry->value.host, sizeof entry->value.host);
    *port = (int)entry->value.number;
}

enum err secret_read(const char *path, struct text *secret, struct fault *fault)
{
    enum err err = file_read_private(path, SETTING_TEXT_MAX, 0640, secret, fault);
    if (err != ERR_OK) {
        if (fault) fault->err = ERR_INVALID; // whatever it is, the same call does not succeed without a change
        return ERR_INVALID;
    }
    struct slice line = trim((struct slice){secret->data, secret->length});
    bool one_line = line.length > 0 && !memchr(line.data, '\n', line.length) && !memchr(line.data, 0, line.length);
    if (!one_line) {
        text_clear(secret);
        return fault_set(fault, ERR_INVALID, path, "must be one line that is not empty");
    }
    memmove(secret->data, line.data, line.length);
    secret->length = line.length;
    secret->data[line.length] = 0;
    return ERR_OK;
}
