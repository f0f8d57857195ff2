// SPDX-License-Identifier: Apache-2.0
// Is a text a URI reference (RFC 3986 section 4.1)? Checked for an event's source: another spelling is another source.
#pragma once
#include "common/text.h"

// NULL if it is one, else the reason as a sentence. Not normalised, not resolved: bytes decide.
const char *uri_reference_problem(struct slice text);
