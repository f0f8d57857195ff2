// SPDX-License-Identifier: Apache-2.0
// Runs scenario files (tests/scenario/*.scn, described in tests/scenario/README.md): for each a fresh database, the engine's own rater,
// settlement and close in this process, and an in-process log whose append time is the scenario's clock.
// usage: run_scenario CONFIG TURNPIKE FILE...   prints "ok NAME" or "not ok NAME - file:line: reason" per file
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/schema.h"

enum { SCENARIO_BYTES_MAX = 1 << 20 };

enum err scenario_split(char *line, struct words *words, struct fault *fault)
{
    words->count = 0;
    for (char *at = line; *at;) {
        while (*at == ' ' || *at == '\t') at++;
        if (!*at || *at == '#') return ERR_OK;
        if (words->count == SCENARIO_WORDS_MAX) return fault_set(fault, ERR_LIMIT, "", "more than %d words", SCENARIO_WORDS_MAX);
        char end = ' ';
        if (*at == '"') end = '"', at++;
        words->list[words->count++] = at;
        while (*at && *at != end && !(end == ' ' && *at == '\t')) at++;
        if (*at) *at++ = 0;
    }
    return ERR_OK;
}

const char *scenario_value(const struct words *words, size_t from, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = from; i < words->count; i++)
        if (strncmp(words->list[i], name, length) == 0 && words->list[i][length] == '=') return words->list[i] + length + 1;
    return NULL;
}

static enum err admin_run(const struct config *config, const char *sql, struct fault *fault)
{
    struct db *db;
    enum err err = db_open(config, "admin", "postgres", &db, fault);
    if (err) return err;
    err = db_exec(db, sql, 0, NULL, NULL, fault);
    db_close(db);
    return err;
}

// One migrated database, of which every scenario gets a copy.
static enum err make_template(struct config *config, const char *name, struct fault *fault)
{
    struct db *db = NULL;
    struct arena *arena = arena_new(1024);
    enum err err = admin_run(config, arena_print(arena, "create database %s owner turnpike_owner", name), fault);
    if (!err) err = db_open(config, "admin", name, &db, fault);
    if (!err) err = schema_migrate(db, NULL, NULL, fault);
    db_close(db);
    arena_free(arena);
    return err;
}

static enum err derive_keys(struct scenario *scenario, struct fault *fault)
{
    struct text secret = {0};
    enum err err = secret_read(config_text(scenario->config, "secrets.identity_key_file"), &secret, fault);
    if (!err) err = hash_key_derive(secret.data, "content", &scenario->content_key, fault);
    if (!err) err = hash_key_derive(secret.data, "party", &scenario->party_key, fault);
    text_free(&secret);
    return err;
}

static enum err open_scenario(struct scenario *scenario, const char *template, struct fault *fault)
{
    enum err err = admin_run(scenario->config, arena_print(scenario->arena, "create database %s template %s", scenario->database, template), fault);
    if (!err) err = config_set(scenario->config, "postgres.database", scenario->database, fault);
    if (!err) err = derive_keys(scenario, fault);
    if (!err) err = db_open(scenario->config, "admin", NULL, &scenario->admin, fault);
    if (!err) err = db_open(scenario->config, "bill", NULL, &scenario->bill, fault);
    if (!err)
        err = db_script(scenario->admin, "insert into rating.incarnation (incarnation, topic, partitions) values (1, 'scenario.1', 2);"
                        "insert into rating.partition (incarnation, partition, head) select 1, p, decode(repeat('00', 32), 'hex') from generate_series(0, 1) p", fault);
    scenario->log = scenario_log_new(SCENARIO_PARTITIONS, scenario->clock);
    return err ? err : scenario_start_rater(scenario, fault);
}

static void close_scenario(struct scenario *scenario)
{
    struct fault fault;
    rater_free(scenario->rater);
    scenario_log_free(scenario->log);
    catalogue_release(scenario->catalogue);
    db_close(scenario->admin);
    db_close(scenario->bill);
    clock_free(scenario->clock);
    if (config_set(scenario->config, "postgres.database", "turnpike", &fault) || admin_run(scenario->config, arena_print(scenario->arena, "drop database %s", scenario->database), &fault))
        fprintf(stderr, "%s: %s\n", scenario->database, fault.reason);
    arena_free(scenario->arena);
}

// The block after a line "catalogue [-> refused|invalid]", up to a line "end".
static enum err read_catalogue(struct scenario *scenario, const struct words *words, char **rest, struct fault *fault)
{
    const char *wanted = words->count == 3 && strcmp(words->list[1], "->") == 0 ? words->list[2] : "applied";
    struct text yaml = {0};
    char *line;
    while ((line = strsep(rest, "\n")) && ++scenario->line && strcmp(line, "end") != 0) {
        text_add_string(&yaml, line);
        text_add_char(&yaml, '\n');
    }
    enum err err = line ? scenario_apply(scenario, yaml.data, yaml.length, wanted, fault) : fault_set(fault, ERR_INVALID, "", "catalogue without end");
    text_free(&yaml);
    return err;
}

// The engine's answer must not depend on what is compacted.
static enum err compact_after(struct scenario *scenario, const char *step, struct fault *fault)
{
    char word[] = "compact";
    struct words compact = {.list = {word}, .count = 1};
    if (!scenario->compacting || (strcmp(step, "settle") != 0 && strcmp(step, "close") != 0)) return ERR_OK;
    return scenario_step(scenario, &compact, fault);
}

static enum err run_lines(struct scenario *scenario, char *rest, struct fault *fault)
{
    char *line;
    enum err err = ERR_OK;
    while (!err && (line = strsep(&rest, "\n"))) {
        struct words words;
        scenario->line++;
        err = scenario_split(line, &words, fault);
        if (err || !words.count) continue;
        if (strcmp(words.list[0], "catalogue") == 0) err = read_catalogue(scenario, &words, &rest, fault);
        else err = scenario_step(scenario, &words, fault);
        if (!err) err = compact_after(scenario, words.list[0], fault);
    }
    return err;
}

static bool run_file(struct config *config, const char *binary, const char *template, const char *path, int number, bool compacting)
{
    struct scenario scenario = {.path = path, .config = config, .binary = binary, .compacting = compacting, .arena = arena_new(1 << 16), .clock = clock_simulated(0)};
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    struct text file = {0};
    struct fault fault = {0};
    ENSURE(snprintf(scenario.database, sizeof scenario.database, "scenario_%ld_%d", (long)getpid(), number) > 0);
    enum err err = file_read(path, SCENARIO_BYTES_MAX, &file, &fault);
    if (!err) err = open_scenario(&scenario, template, &fault);
    if (!err) err = run_lines(&scenario, file.data, &fault);
    const char *how = compacting ? ", compacted" : "";
    if (err) printf("not ok %s%s - %s:%d: %s\n", name, how, name, scenario.line, fault.reason);
    else printf("ok %s%s\n", name, how);
    fflush(stdout);
    close_scenario(&scenario);
    text_free(&file);
    return err == ERR_OK;
}

int main(int argc, char **argv)
{
    struct config *config;
    struct text errors = {0};
    struct fault fault = {0};
    char template[64], drop[128];
    int failed = 0;
    bool compacting = argc > 1 && strcmp(argv[1], "--compact") == 0;
    argv += compacting;
    argc -= compacting;
    if (argc < 4) {
        fputs("usage: run_scenario [--compact] CONFIG TURNPIKE FILE...\n", stderr);
        return 64;
    }
    hash_init();
    log_open("scenario", LOG_LEVEL_ERROR, clock_system());
    if (config_open(argv[1], &config, &errors)) {
        fputs(errors.data, stderr);
        return 2;
    }
    ENSURE(snprintf(template, sizeof template, "scenario_template_%ld", (long)getpid()) > 0 && snprintf(drop, sizeof drop, "drop database if exists %s", template) > 0);
    if (make_template(config, template, &fault)) {
        printf("not ok scenario_template - %s\n", fault.reason);
        return 1;
    }
    for (int i = 3; i < argc; i++) failed += !run_file(config, argv[2], template, argv[i], i, compacting);
    if (admin_run(config, drop, &fault)) fprintf(stderr, "%s: %s\n", template, fault.reason);
    config_free(config);
    return failed ? 1 : 0;
}
