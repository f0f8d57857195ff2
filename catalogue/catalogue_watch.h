// SPDX-License-Identifier: Apache-2.0
// Following the catalogue: raters, gateway, biller and API hold one snapshot and take a newer one when apply has made
// it.
#pragma once
#include "catalogue/catalogue.h"

// Loads the newest version into *current when it differs from what is there (NULL at first: loads), and releases the
// old one; else one statement of one row. On an error *current stays. A load of millions of tenants takes seconds: not
// in an event loop. A thread that hands out *current to others must retain it for them under its own lock. Errors as
// catalogue_load.
enum err catalogue_refresh(struct db *db, struct catalogue **current, struct fault *fault) MUST_USE;

// Notices: apply says on a channel that there is a newer version; a listener that polls every second misses nothing
// either.
enum err catalogue_listen(struct db *db, struct fault *fault) MUST_USE; // then db_notified(db); outside a transaction
enum err catalogue_notify(struct db *db,
                          struct fault *fault) MUST_USE; // in apply's transaction; goes out with its commit

// The catalogue lock (rules 6.3), until the end of the caller's transaction: apply takes it exclusive before it reads
// what is open; the last transaction of a close takes it shared, then checks that its version is still the newest.
enum err catalogue_lock(struct db *db, bool exclusive, struct fault *fault) MUST_USE;
