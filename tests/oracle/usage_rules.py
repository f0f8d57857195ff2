# SPDX-License-Identifier: Apache-2.0
"""From what was counted to the usage of a billing account in a month: windows of max and latest meters, intervals.

A piece of usage is a quantity at an instant, which chooses the payer and the price: the slot of a sum, the last slot
with usage of a window, the begin of a stretch of running. Stretches are cut where the caller says (price changes).
"""
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from exact import QUANTITY_PLACES, SECOND, civil_day, rounded


@dataclass(frozen=True)
class Piece:
    """Usage of a tenant under a meter with a price-deciding instant."""
    tenant: str
    meter: str
    dimensions: tuple
    at: int
    quantity: Fraction
    events: tuple = ()  # (time, identity, value) of a meter that keeps them


@dataclass(frozen=True)
class Run:
    """A run that ended: `length` microseconds at the `value` of its last stretch; `at` is its last microsecond."""
    tenant: str
    meter: str
    dimensions: tuple
    at: int
    length: int
    value: Fraction


def in_order(transitions):
    """By time. Of one instant: first what changes the state that was there before it, so that a resource that is
    made and ended in one instant is off after it, and one that is ended and started again runs; then by identity."""
    running, result, left = False, [], sorted(transitions, key=lambda each: (each.time, each.order))
    while left:
        now = [each for each in left if each.time == left[0].time]
        left = left[len(now):]
        now.sort(key=lambda each: (each.running == running, each.order))
        result += now
        running = now[-1].running
    return result


def accrued(value, length):
    """value x seconds, rounded once: pieces of a stretch are differences of this, so that they add up."""
    return rounded(value * Fraction(length, SECOND), QUANTITY_PLACES)


def stretches(transitions, cut_end):
    """Of one resource: (begin, end, transition) of every stretch of one size and dimension set, up to the cut end,
    and the (begin, end, last transition) of every run that ended by then."""
    current, run_begin, found, runs = None, None, [], []
    for each in in_order(transitions):
        if each.time > cut_end:
            break
        if current is None:
            if each.running:
                current, run_begin = each, each.time
            continue
        if each.running and (each.value, each.dimensions) == (current.value, current.dimensions):
            continue
        found.append((current.time, each.time, current))
        if not each.running:
            runs.append((run_begin, each.time, current))
        current = each if each.running else None
    if current is not None and current.time < cut_end:
        found.append((current.time, cut_end, current))
    return found, runs


def interval_pieces(tenant, meter, transitions, cut_end, start, end, edges):
    """Usage of one resource in [start, end), cut at the sorted edges; and its runs that ended."""
    found, runs = stretches(transitions, cut_end)
    for begin, until, each in found:
        low, high = max(begin, start), min(until, end)
        bounds = [low, *(edge for edge in edges if low < edge < high), high]
        for piece_begin, piece_end in zip(bounds, bounds[1:]):
            if piece_begin < piece_end:
                quantity = accrued(each.value, piece_end - begin) - accrued(each.value, piece_begin - begin)
                yield Piece(tenant, meter, each.dimensions, piece_begin, quantity)
    for begin, until, each in runs:
        last = until - 1 if until > begin else begin
        if start <= last < end:
            yield Run(tenant, meter, each.dimensions, last, until - begin, each.value)


def fifth(values):
    """The value after the four greatest; 0 if there are fewer."""
    return sorted(values, reverse=True)[4] if len(values) > 4 else Fraction(0)


def percentile(meter, zone, slots, start, end):
    """95th percentile of the values of slots in [start, end) by the meter's window."""
    if meter.window == "percentile_95_daily":
        days = defaultdict(list)
        for slot, value in slots.items():
            days[civil_day(zone, slot)].append(value)
        greatest = sorted(map(fifth, days.values()), reverse=True)[:5]
        return rounded(Fraction(sum(greatest)) / len(greatest), QUANTITY_PLACES)
    missing = (end - start) // (300 * SECOND) - len(slots) if meter.window == "percentile_95_all" else 0
    values = sorted([*slots.values(), *[Fraction(0)] * missing], reverse=True)
    return values[len(values) // 20]


def window_of(meter, zone, slot):
    return "period" if meter.window.startswith("percentile") else {"slot": slot, "day": civil_day(zone, slot) if meter.window == "day" else None,
            "period": "period"}[meter.window]


def merged(meter, values):
    """What the values of some slots come to: the greatest, the least, the latest, the mean, or how many are different."""
    if meter.aggregation == "latest":
        return max(values)[2]
    if meter.aggregation in ("max", "min"):
        return (max if meter.aggregation == "max" else min)(values)
    samples = [sample for of_slot in values for sample in of_slot]
    return Fraction(len(set(samples))) if meter.aggregation == "unique" else rounded(sum(samples, Fraction(0)) / len(samples), 9)


def window_pieces(meter, zone, key, slots, start, end):
    """One piece per window, of its slots' values; it counts in the last slot that has usage."""
    windows = defaultdict(list)
    for slot in slots:
        windows[window_of(meter, zone, slot)].append(slot)
    tenant, meter_id, dimensions = key
    for inside in windows.values():
        if meter.window.startswith("percentile"):
            value = percentile(meter, zone, {slot: merged(meter, [each]) for slot, each in slots.items()}, start, end)
        else:
            value = merged(meter, [slots[slot] for slot in sorted(inside)])
        days = defaultdict(list)
        for slot in inside:
            days[civil_day(zone, slot) if meter.window == "percentile_95_days" else None].append(slot)
        for slots_of_day in days.values():
            yield Piece(tenant, meter_id, dimensions, max(slots_of_day), value)


def usage(counted, account, zone, start, end, cut_end, edges_of):
    """All pieces of an account's usage in [start, end). `cut_end(tenant)`: up to when running resources accrue;
    `edges_of(meter)`: where stretches are cut."""
    catalogue, ranges = counted.catalogue, defaultdict(list)
    for tenant, begin, until in catalogue.member_ranges(account):
        if max(begin, start) < min(until, end):
            ranges[tenant].append((max(begin, start), min(until, end)))

    def inside(tenant, slot):
        return any(begin <= slot < until for begin, until in ranges.get(tenant, ()))

    for key, slots in counted.added.items():
        for slot, quantity in slots.items():
            if inside(key[0], slot):
                yield Piece(*key, slot, quantity, tuple(counted.kept.get(key, {}).get(slot, ())))
    for records in (counted.greatest, counted.least, counted.latest, counted.samples):
        for key, slots in records.items():
            mine = {slot: value for slot, value in slots.items() if inside(key[0], slot)}
            yield from window_pieces(catalogue.meters[key[1]][-1], zone, key, mine, start, end)
    for (tenant, meter, _), transitions in counted.transitions.items():
        for begin, until in ranges.get(tenant, ()):
            yield from interval_pieces(tenant, meter, transitions, cut_end(tenant), begin, until, edges_of(meter))
