// SPDX-License-Identifier: Apache-2.0
// The billing periods that begin to exist because a tenant with usage moved to another payer for the past. Private to
// catalogue/.
#pragma once
#include "catalogue/apply_period.h"

// Adds to the list, once each, the periods of the accounts of touch->accounts (of the partners above them too) into
// which usage of a moved tenant falls and of which invoicing.period has no row: nothing was settled for that account
// then, so nothing but this queue tells settlement to look (rules 6.2, 6.3). Inside apply's transaction.
enum err apply_member_find(struct db *db, const struct plan *plan, const struct touch *touch,
                           struct apply_period_list *list, struct fault *fault) MUST_USE;
