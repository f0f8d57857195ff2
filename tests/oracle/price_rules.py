# SPDX-License-Identifier: Apache-2.0
"""What the shared price models charge, as docs/pricing.md has them: exact fractions, rounded half-up once a charge.

A model is asked for each price version in turn: (begin, end] are positions in the month in meter units, free units not
counted, `reached` is where the whole month has come to, `last` whether no later version was used. It yields
(tier, quantity, cost).
"""
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


def graduated(price, begin, end, reached, last):
    floor = Fraction(0)
    for number, tier in enumerate(price.tiers):
        top = end if tier.bound is None else min(end, tier.bound)
        if max(begin, floor) < top:
            quantity = top - max(begin, floor)
            yield number, quantity, cost_of(quantity, tier.price, price.per, tier.flat if begin <= floor else 0)
        floor = tier.bound


def volume(price, begin, end, reached, last):
    number = tier_at(price.tiers, reached)
    tier = price.tiers[number]
    yield number, end - begin, cost_of(end - begin, tier.price, price.per, tier.flat if last else 0)


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


def climb(versions, rate=1):
    """Charges of one ladder, of which versions = [(price, quantity)] in time order, in the currency that the rate leads
    to: yields (price, tier, stage, quantity, cost)."""
    versions = [(at_rate(price, rate), quantity) for price, quantity in versions]
    versions = [(price, quantity) for price, quantity in versions if quantity]
    whole, position, total, last = sum(quantity for _, quantity in versions), Fraction(0), Fraction(0), None
    for place, (last, quantity) in enumerate(versions):
        begin, end, reached = (max(at - last.free, Fraction(0)) for at in (position, position + quantity, whole))
        if quantity > end - begin:
            yield last, 0, FREE, quantity - (end - begin), Fraction(0)
        if reached:
            for tier, part, cost in MODELS[last.model](last, begin, end, reached, place + 1 == len(versions)):
                total += cost
                if part or cost:
                    yield last, tier, USAGE, part, cost
        position += quantity
    if last and total < last.minimum_spend:
        yield last, 0, MINIMUM_SPEND, Fraction(0), last.minimum_spend - total
    elif last and last.maximum_spend and total > last.maximum_spend:
        yield last, 0, MAXIMUM_SPEND, Fraction(0), last.maximum_spend - total
