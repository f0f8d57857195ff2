// SPDX-License-Identifier: Apache-2.0
// The thread that keeps the API's catalogue: on a connection of its own (role turnpike_catalogue), which serves no
// request, because the catalogue holds everybody's names, addresses and prices. A newer version is taken within a
// second.
#pragma once
#include "catalogue/catalogue.h"

struct catalogue_follower;
// Takes the connection over and starts the thread. ERR_RETRY: no thread to be had (the connection is closed then).
enum err catalogue_follower_open(const struct config *config, struct db *db, struct catalogue_follower **follower,
                                 struct fault *fault) MUST_USE;
void catalogue_follower_close(struct catalogue_follower *follower); // waits for the thread; NULL is fine
// The newest catalogue, NULL before the first; give it back with catalogue_release. Any thread.
struct catalogue *catalogue_follower_take(struct catalogue_follower *follower);
// Microseconds since PostgreSQL last confirmed it; -1 before the first. Any thread.
int64_t catalogue_follower_age_us(struct catalogue_follower *follower);
