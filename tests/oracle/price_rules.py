# SPDX-License-Identifier: Apache-2.0
"""What the shared price models charge, as docs/pricing.md has them: exact fractions, rounded half-up once a charge.

A model is asked for each price version in turn: (begin, end] are positions in the month in meter units, free units not
counted, `reached` is where the whole month has come to, `last` whether no later version was used. It yields
(tier, quantity, cost).
"""
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from math import ceil

from exact import AMOUNT_PLACES, rounded

OWN = ("per_unit", "dynamic")  # models that are not shared
USAGE, MINIMUM, FREE, MINIMUM_SPEND, MAXIMUM_SPEND = range(5)


def cost_of(quantity, price, per, flat=0, rate=1):
    """(quantity x price / per + flat) x rate, rounded half-up once."""
    return rounded((Fraction(quantity) * price / per + flat) * rate, AMOUNT_PLACES)


def at_rate(price, rate):
    """A price in another currency, not rounded."""
    if rate == 1:
        return price
    tiers = tuple(replace(tier, price=tier.price * rate, flat=tier.flat * rate) for tier in price.tiers)
    return replace(price, price=price.price and price.price * rate, tiers=tiers, fixed=price.fixed * rate,
                   minimum_spend=rounded(price.minimum_spend * rate, AMOUNT_PLACES),
                   maximum_spend=rounded(price.maximum_spend * rate, AMOUNT_PLACES))


def tier_at(tiers, position):
    """Number of the tier that unit `position` belongs to."""
    return next(number for number, tier in enumerate(tiers) if tier.bound is None or position <= tier.bound)


def tier_cost(price, tier, begin, end, flat):
    """Of a tier's units between two positions that are counted from where it begins."""
    if tier.block:
        return cost_of(ceil(end / tier.block) - ceil(begin / tier.block), tier.price, 1, flat)
    return cost_of(end - begin, tier.price, price.per, flat)


def graduated(price, begin, end, reached, last):
    floor = Fraction(0)
    for number, tier in enumerate(price.tiers):
        top = end if tier.bound is None else min(end, tier.bound)
        if max(begin, floor) < top:
            bottom = max(begin, floor)
            yield number, top - bottom, tier_cost(price, tier, bottom - floor, top - floor,
                                                  tier.flat if begin <= floor else 0)
        floor = tier.bound


def volume(price, begin, end, reached, last):
    number = tier_at(price.tiers, reached)
    tier = price.tiers[number]
    yield number, end - begin, tier_cost(price, tier, begin, end, tier.flat if last else 0)


def stairstep(price, begin, end, reached, last):
    number = tier_at(price.tiers, reached)
    yield number, end - begin, cost_of(0, 0, 1, price.tiers[number].flat if last else 0)


def package(price, begin, end, reached, last):
    yield 0, end - begin, cost_of(ceil(end / price.per) - ceil(begin / price.per), price.price, 1)


def percentage(price, begin, end, reached, last):
    first = begin == 0 and end > 0
    yield 0, end - begin, cost_of(end - begin, price.price, price.per, price.fixed if first else 0)


def flat(price, begin, end, reached, last):
    yield 0, end - begin, cost_of(0, 0, 1, price.price if last else 0)


MODELS = {model.__name__: model for model in (graduated, volume, stairstep, package, percentage, flat)}


def counted(price, position):
    """A position as the version counts it, in multiples of a place of its pricing units."""
    if not price.round:
        return position
    places, mode = price.round
    return rounded(position / price.per, places, mode) * price.per


def charged(price, position):
    """The same, less its free units."""
    return max(counted(price, position) - price.free, Fraction(0))


def daily(price, ways, peaks, reached, last, days):
    """A price that counts days: ways = [(begin, end)] of each day, peaks the greatest day before it and up to its end,
    reached that of the month, positions as the price counts them. A day of a shared price costs 1 / days."""
    divisor = days if price.daily == "share" else 1
    floor = Fraction(0)
    for number, tier in enumerate(price.tiers):
        if price.model == "volume":
            if number != tier_at(price.tiers, reached):
                continue
            parts, flat = [(begin, end) for begin, end in ways], tier.flat if last else 0
        else:
            top = [end if tier.bound is None else min(end, tier.bound) for _, end in ways]
            parts = [(max(begin, floor) - floor, high - floor) for (begin, _), high in zip(ways, top)]
            parts = [(low, high) for low, high in parts if low < high]
            flat = tier.flat if peaks[0] <= floor < peaks[1] else 0
            floor = tier.bound
        units = sum((high - low for low, high in parts), Fraction(0))
        if tier.block:
            cost = cost_of(sum(ceil(high / tier.block) - ceil(low / tier.block) for low, high in parts), tier.price, divisor, flat)
        else:
            cost = cost_of(units, tier.price, price.per * divisor, flat)
        yield number, units, cost


def event_fees(price, events, number=0, before=Fraction(0)):
    """(free part, paid part, fee) of each event (time, identity, value), in that order, of a price of every event, after so
    many events of the month that came to so much."""
    terms = dict(price.per_event)
    bounded = "free_events" in terms or "free_amount" in terms
    for _, _, value in sorted(events):
        number, after = number + 1, before + value
        within = bounded and number <= terms.get("free_events", number)
        free = max(min(after, terms.get("free_amount", after)) - before, Fraction(0)) if within else Fraction(0)
        fee = rounded((value - free) * price.price / price.per, AMOUNT_PLACES) + terms.get("fixed", 0)
        fee = max(fee, terms.get("minimum", 0))
        fee = min(fee, terms.get("maximum", fee))
        yield free, value - free, Fraction(0) if within and after <= terms.get("free_amount", after) else fee
        before = after


def climb(versions, rate=1, days=31, events=None):
    """Charges of one ladder, of which versions = [(price, {day: quantity})] in time order, in the currency that the rate
    leads to, in a month of so many days: yields (price, tier, stage, quantity, cost). events: price -> (time, identity,
    value) of prices of every event."""
    of_events, earlier = {at_rate(price, rate): (price, found) for price, found in (events or {}).items()}, []
    versions = [(at_rate(price, rate), {day: each for day, each in used.items() if each}) for price, used in versions]
    versions = [(price, used) for price, used in versions if used or of_events.get(price)]
    position, total, last = Fraction(0), Fraction(0), None
    whole = sum(sum(used.values()) for _, used in versions)
    of_days, peak = defaultdict(Fraction), Fraction(0)
    for _, used in versions:
        for day, quantity in used.items():
            of_days[day] += quantity
    greatest, of_days = max(of_days.values(), default=Fraction(0)), defaultdict(Fraction)
    for place, (last, used) in enumerate(versions):
        before, ways = peak, []
        for day in sorted(used):
            ways.append((of_days[day], of_days[day] + used[day]))
            of_days[day] += used[day]
            peak = max(peak, of_days[day])
        end = position + sum(used.values())
        if last.per_event is not None:
            price, found = of_events[last]
            parts = event_fees(price, found, len(earlier), sum((value for *_, value in earlier), Fraction(0)))
            free, paid, cost = (sum(column, Fraction(0)) for column in zip(*parts))
            cost, earlier = rounded(cost * rate, AMOUNT_PLACES), earlier + found
            total += cost
            if free:
                yield last, 0, FREE, free, Fraction(0)
            if paid or cost:
                yield last, 0, USAGE, paid, cost
            position = end
            continue
        if not last.daily:
            ways = [(position, end)]
        raw = sum(counted(last, high) - counted(last, low) for low, high in ways)
        ways = [(charged(last, low), charged(last, high)) for low, high in ways]
        free = raw - sum(high - low for low, high in ways)
        if free:
            yield last, 0, FREE, free, Fraction(0)
        reached, final = charged(last, greatest if last.daily else whole), place + 1 == len(versions)
        found = ()
        if reached and last.daily:
            found = daily(last, ways, (charged(last, before), charged(last, peak)), reached, final, days)
        elif reached:
            found = MODELS[last.model](last, *ways[0], reached, final)
        for tier, part, cost in found:
            total += cost
            if part or cost:
                yield last, tier, USAGE, part, cost
        position = end
    if last and total < last.minimum_spend:
        yield last, 0, MINIMUM_SPEND, Fraction(0), last.minimum_spend - total
    elif last and last.maximum_spend and total > last.maximum_spend:
        yield last, 0, MAXIMUM_SPEND, Fraction(0), last.maximum_spend - total
