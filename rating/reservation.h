// SPDX-License-Identifier: Apache-2.0
// Reservations: so many instances, paid for every hour of a term, that cover usage hour by hour. An instance has size
// units; a machine uses as many as its size has, so a reservation may cover several small machines or a part of a large
// one. What an hour does not use is lost, and stays visible. Pure: which usage a reservation fits, and the units of its
// size, are the caller's affair.
#pragma once
#include "rating/commitment.h"

struct reservation {
    struct commitment_fee fee; // its term is the reservation's
    int64_t instances;         // > 0
    struct quantity units;     // size units of one instance, > 0
    struct quantity per;       // METER units that one instance uses in an hour (3600 of a meter of seconds), > 0
    int64_t owner;             // tenant that is served before the others; 0: none
};

// What one item used in one window: a clock hour of UTC, or as much of it as lies in the period and in the term.
struct reservation_use {
    size_t item; // the caller's
    instant_us start, end;
    int64_t tenant;
    size_t rank;              // order of uses that are equal in all else; no two are the same in a window
    struct quantity units;    // size units of the machine, > 0
    struct quantity quantity; // METER units, >= 0
    // filled:
    struct quantity covered; // METER units
    struct amount cost;      // amortized share of what was used of the reservation
};

struct reservation_sum {
    int128 used;        // METER units x size units, at 1e-18
    struct amount cost; // of all uses
};

// Covers the uses, which it sorts: windows in order of time; in a window the owner's first, then by size, the smallest
// first, then by rank, until the window's entitlement, instances x units x per x length, is used. The use that crosses
// the entitlement takes all that is left of it, and its covered quantity is rounded half-up to 1e-9; if that is 0 it
// takes nothing. The window's
// amortized cost falls on the uses by the entitlement that they took: differences of running sums rounded half-up to
// 1e-12, so used and unused parts add up to the cost of the window. Windows must be the same or apart.
// ERR_LIMIT: *item is the use's at which a number left its range. O(n log n), nothing is allocated.
enum err reservation_cover(const struct reservation *reservation, struct reservation_use *uses, size_t count,
                           struct reservation_sum *sum, size_t *item) MUST_USE;

// What is left of [start, end) after `sum` of its uses: METER units of a machine of one size unit, and their cost. Used
// and unused quantity, each rounded once to 1e-9, add up to the rounded entitlement.
struct reservation_rest {
    struct quantity used, unused;
    struct amount unused_cost;
};
enum err reservation_rest_of(const struct reservation *reservation, instant_us start, instant_us end,
                             const struct reservation_sum *sum, struct reservation_rest *rest) MUST_USE;
