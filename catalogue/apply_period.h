// SPDX-License-Identifier: Apache-2.0
// The billing periods that an apply prices anew: they are queued for settlement, but a closed one that would be billed
// otherwise than it was refuses the apply whole (rules 6.3). Private to catalogue/.
#pragma once
#include "catalogue/touch.h"

struct apply_period_list {
    struct arena *arena;
    struct touch_period *periods;
    size_t count, capacity;
};

// Fills the list with the periods that the plan touches. catalogue: as it will be. A closed period that it would bill
// otherwise (a price: of what the period has charges of; members and terms: once anything of the tenant was counted) is
// added to plan->errors: ERR_CONFLICT. Inside apply's transaction, after its lock.
enum err apply_period_find(struct db *db, const struct plan *plan, const struct catalogue *catalogue,
                           struct apply_period_list *list, struct fault *fault) MUST_USE;
// Queues them: to be settled at this catalogue version or a later one before they may close.
enum err apply_period_queue(struct db *db, int64_t version, const struct apply_period_list *list,
                            struct fault *fault) MUST_USE;
