// SPDX-License-Identifier: Apache-2.0
// Quantities that positions were settled with (rules 6.3): read to build the next settlement on, and written with the position, by the
// settler that holds its row locked, in the same transaction.
#pragma once
#include "invoicing/period.h"
#include "rating/usage.h"

// Fills lines and line_count of bases[i] with what the position of periods[i] has; none if bases[i].cut is 0. Lines live in the arena.
enum err position_usage_load(struct db *db, const struct billing_period *const *periods, size_t count, struct usage_basis *bases, struct arena *arena, struct fault *fault) MUST_USE;

// Replaces the quantities of periods[i] by what was gathered anew, or adds what was gathered since. Afterwards they are those at the cut of the
// gathering. Inside the transaction that raises the position and sets its spans_digest.
enum err position_usage_write(struct db *db, const struct billing_period *const *periods, const struct usage_gathered *gathered, size_t count, struct arena *arena, struct fault *fault) MUST_USE;

// Do the quantities that a position was settled with, and what was gathered since, give what was gathered anew? Zero and absent are the same.
// Where they differ: false, and the first line that differs with both quantities.
struct position_usage_difference { struct usage_line line; struct quantity settled, anew; };
enum err position_usage_agrees(const struct usage_basis *basis, const struct usage_gathered *since, const struct usage_gathered *anew, struct arena *arena, bool *agrees, struct position_usage_difference *difference) MUST_USE;
