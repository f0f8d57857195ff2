// SPDX-License-Identifier: Apache-2.0
// May a decoded event be counted, as far as the catalogue and a point in time tell? The gateway asks with its clock
// before it acknowledges. Decides, does not do.
#pragma once
#include "ingest/meter_check.h"

// Reasons are the quarantine's words (rating.quarantine.reason). Order of the checks: unknown_tenant, unknown_type (no
// meter takes this type, or none did at event_time), late, future (longest window of the meters that take it,
// rules 1.2; bounds are inside), then each meter's check: bad_value, negative. An event that corrects may be negative.
// ERR_OK, or ERR_INVALID with *reason and the fault's place and words.
enum err event_check(const struct catalogue *catalogue, const struct usage_event *event, instant_us now,
                     const char **reason, struct fault *fault) MUST_USE;
