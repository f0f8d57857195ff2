// SPDX-License-Identifier: Apache-2.0
// What the simulated tenants use: two tables, one of things that are summed over a day or an hour or happen at moments,
// one of things that exist from one instant to another. Event types and members are those of deploy/sample.
#pragma once
#include "ingest/simulate.h"

enum { SIMULATE_MEMBERS = 3, SIMULATE_CHOICES = 5, SIMULATE_VARIANTS = 7, SIMULATE_PAIRS = 2 };

struct simulate_pair {
    const char *name, *value;
    bool number; // written as a JSON number
};

// An amount: drawn between least and most in units of 10^-places, times the tenant's size if it scales.
struct simulate_amount {
    const char *name;
    int64_t least, most;
    int places;
    bool fixed; // does not grow with the tenant
};

enum simulate_rhythm {
    RHYTHM_DAILY,  // the sum of a day, at its begin
    RHYTHM_HOURLY, // the sum of an hour, at its begin
    RHYTHM_MOMENTS // up to `most_a_day` times at any moment, less at weekends
};

struct simulate_sum {
    const char *name, *type;
    int uses_percent[CLASS_COUNT]; // how many tenants of a class use it
    enum simulate_rhythm rhythm;
    int most_a_day;
    struct simulate_amount amounts[SIMULATE_MEMBERS];
    const char *choice; // member whose value is one of choices: drawn per tenant, for moments per event
    const char *choices[SIMULATE_CHOICES];
    bool regional;
};
extern const struct simulate_sum simulate_sums[];
extern const size_t simulate_sum_count;

struct simulate_resource {
    const char *name, *type, *id_member;
    const char *life; // resources of the same life are created and deleted together; NULL: by name
    bool same_id;     // and are called the same
    const char *born, *changed, *stopped, *started, *gone; // states; changed, stopped and started may be NULL
    int uses_percent[CLASS_COUNT];
    int most_a_month[CLASS_COUNT]; // created in a month
    int short_percent, changed_percent, nightly_percent;
    struct simulate_amount size; // name NULL: none
    struct simulate_pair variants[SIMULATE_VARIANTS][SIMULATE_PAIRS];
    const char *choice;
    const char *choices[SIMULATE_CHOICES];
    bool regional;
};
extern const struct simulate_resource simulate_resources[];
extern const size_t simulate_resource_count;
