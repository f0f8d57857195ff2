// SPDX-License-Identifier: Apache-2.0
// One scenario: a database of its own, an in-process log, a clock that the file sets, one rater and the biller's functions.
#pragma once
#include "catalogue/catalogue.h"
#include "common/config.h"
#include "common/db.h"
#include "scenario_log.h"

enum { SCENARIO_WORDS_MAX = 32, SCENARIO_PARTITIONS = 2 };

struct scenario {
    const char *path;
    int line;
    struct config *config;     // with postgres.database set to the scenario's
    const char *binary;        // turnpike, for apply
    char database[64];
    bool compacting;           // after every settle and close
    struct clock *clock;
    struct db *admin, *bill;
    struct scenario_log *log;
    struct rater *rater;       // NULL: killed
    struct catalogue *catalogue;
    struct hash_key content_key, party_key;
    struct arena *arena;
    struct text problem;       // what did not come true, for the report
};

// A line as words; quotes keep blanks together. count 0: blank or comment.
struct words { char *list[SCENARIO_WORDS_MAX]; size_t count; };
enum err scenario_split(char *line, struct words *words, struct fault *fault) MUST_USE;
// Value of "name=value" among the words from index `from` on; NULL if there is none.
const char *scenario_value(const struct words *words, size_t from, const char *name);

// Steps. Each returns ERR_OK, or fills fault: the step could not be done, or what was expected did not come true.
enum err scenario_step(struct scenario *scenario, const struct words *words, struct fault *fault) MUST_USE;
enum err scenario_expect(struct scenario *scenario, const struct words *words, struct fault *fault) MUST_USE;
// wanted: applied, or refused or invalid.
enum err scenario_apply(struct scenario *scenario, const char *yaml, size_t length, const char *wanted, struct fault *fault) MUST_USE;
// What every position was settled with is what its usage adds up to.
enum err scenario_compare_settled(struct scenario *scenario, struct fault *fault) MUST_USE;
enum err scenario_start_rater(struct scenario *scenario, struct fault *fault) MUST_USE;
