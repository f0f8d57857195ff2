// SPDX-License-Identifier: Apache-2.0
// A worker of the API: a thread with one PostgreSQL connection as turnpike_api. Takes a request from its route to its
// answer: key, transaction, binding, handler, answer. Reconnects by itself; while PostgreSQL is away it answers 503 at
// once.
#pragma once
#include "api/catalogue_follower.h"
#include "common/http.h"

struct worker_shared {
    const struct config *config;
    const struct clock *clock;
    struct catalogue_follower *catalogue;
};
void *worker_open(void *shared); // struct worker_shared; on the worker's thread
void worker_close(void *worker);
http_handler worker_handle;         // context: what worker_open returned
void worker_register_metrics(void); // before the first worker

// ERR_CONFLICT: row-level security does not hold for the role (superuser, BYPASSRLS, owner of tables, or a table that
// it may read without policies): the API must not start.
enum err worker_check_role(struct db *db, struct fault *fault) MUST_USE;
