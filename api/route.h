// SPDX-License-Identifier: Apache-2.0
// The routes of the API: one table of path, parameters and handler. A parameter that is not in the table is refused.
#pragma once
#include "api/call.h"

enum { ROUTE_PARAMETERS_MAX = 6 };
struct route {
    const char *path; // "*" stands for one segment that is not empty: the handler's id
    api_handler *handler;
    const char *parameters[ROUTE_PARAMETERS_MAX]; // up to a NULL
    const char *name;                             // for metrics
};
extern const struct route route_table[];
extern const size_t route_count;

// The route of a decoded path, NULL if there is none; id is the segment under the "*" (empty if the route has none).
const struct route *route_find(const char *path, struct slice *id);
bool route_takes(const struct route *route, const char *parameter);
