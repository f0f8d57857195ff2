# SPDX-License-Identifier: Apache-2.0
"""The stages of a contract, as docs/contracts.md has them: charges in, charges out, exact fractions."""
import bisect
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction

from catalogue_files import ALWAYS, Coupon, Package, Prepayment, match_text
from exact import AMOUNT_PLACES, civil_day, allocated, rounded
from price_rules import MAXIMUM_SPEND, OWN


PACKAGE, BOUGHT, LEFT = 8, 9, 10  # stages of charges
COUPON, ACCOUNT_MINIMUM, ACCOUNT_MAXIMUM, TRUE_UP = 13, 14, 15, 16
PREPAYMENT, PREPAID = 17, 18
NOTHING = "", "", "{}", ALWAYS, ""     # a price's name where there is none


@dataclass
class Item:
    """Usage at a price. open: what may still be taken of its quantity."""
    tenant: str
    price: object
    listed: object
    dimensions: tuple
    stage: int
    quantity: Fraction
    at: int
    open: Fraction


def ladder_of(price):
    return price.sku, price.book, match_text(price.match), price.hours


# --- units

def free(items, segment_of, zone):
    """The first units of a ladder (of a day, if the price counts days) are not open."""
    days = {}
    positions = defaultdict(Fraction)
    for item in sorted(items, key=lambda each: segment_of(each.at)):
        if item.price.model not in OWN:
            ladder, day = ladder_of(item.price), civil_day(zone, item.at)
            if item.price.daily and days.get(ladder) != day:
                positions[ladder] = Fraction(0)
            days[ladder] = day
            item.open -= min(max(item.price.free - positions[ladder], 0), item.open)
            positions[ladder] += item.quantity


def used_before(earlier, stage, holding):
    """[(quantity, billed)] of what months before were charged for a holding."""
    return [value for _, charges in earlier for key, value in charges.items() if (key.stage, key.deduction) == (stage, holding)]


def packages(catalogue, account, items, segment_of, start, end, earlier):
    """{key: (quantity, billed)}, {key: effective cost}."""
    charges, effective, spread = {}, {}, defaultdict(Fraction)
    held = sorted(catalogue.held(account, Package, start, end), key=lambda each: (each[0].end, each[0].id))
    left = {holding.id: terms.quantity * holding.quantity for holding, terms in held}
    part_of = lambda terms, holding, units: rounded(terms.price * units / terms.quantity, AMOUNT_PLACES, "down")
    for holding, terms in held:
        for units, _ in used_before(earlier, PACKAGE, holding.id) if terms.lasts else ():
            left[holding.id] = max(left[holding.id] - units, Fraction(0))
            spread[holding.id] += part_of(terms, holding, units)
    covered = defaultdict(Fraction)
    for item in sorted(items, key=lambda each: (segment_of(each.at), each.price.sku, each.tenant.encode(),
                                                match_text(each.dimensions))):
        for holding, terms in held:
            if item.price.sku in terms.skus and not item.price.times and holding.start <= segment_of(item.at) < holding.end:
                part = min(item.open, left[holding.id])
                item.open -= part
                item.quantity -= part
                left[holding.id] -= part
                mine = item.price.model in OWN
                if part:
                    covered[holding.id, item.tenant if mine else None, item.price.sku, item.price.name,
                            match_text(item.dimensions) if mine else None] += part
    terms_of = {holding.id: (holding, terms) for holding, terms in held}
    for (name, tenant, sku, price, dimensions), quantity in covered.items():
        holding, terms = terms_of[name]
        key = tenant, sku, price, 0, dimensions, PACKAGE, name
        charges[key] = quantity, Fraction(0)
        effective[key] = part_of(terms, holding, quantity)
        spread[name] += effective[key]
    for holding, terms in held:
        whole = terms.price * holding.quantity
        if whole:
            key = None, terms.booked, NOTHING, 0, None, BOUGHT, holding.id
            if holding.start >= start or not terms.lasts:
                charges[key], effective[key] = (Fraction(holding.quantity), whole), Fraction(0)
            rest = whole - spread[holding.id]
            if (rest or left[holding.id]) and (holding.end <= end or not terms.lasts):
                key = None, terms.booked, NOTHING, 0, None, LEFT, holding.id
                charges[key], effective[key] = (left[holding.id], Fraction(0)), rest
    return charges, effective


def taken_units(catalogue, terms, book, items, start, end, edges, earlier):
    """Stages of units: what they took out of the items, as charges."""
    if start is None:
        return {}, {}
    bounds = {start, *edges} | catalogue.holding_bounds(terms.account, start, end)
    for sku in catalogue.skus:
        bounds.update(catalogue.price_changes(book, sku, start, end))
    bounds = sorted(bounds)
    segment_of = lambda at: bounds[max(bisect.bisect_right(bounds, at) - 1, 0)]
    charges, effective = {}, {}
    for stage in terms.stages:
        if stage == "free":
            free(items, segment_of, terms.zone)
        elif stage == "packages":
            charges, effective = packages(catalogue, terms.account, items, segment_of, start, end, earlier)
    return charges, effective


# --- money


def discount_of(catalogue, terms, sku):
    """(place from 1, discount): the one on the SKU, else on its service, else on all."""
    def rank(discount):
        if discount.sku:
            return 3 if discount.sku == sku else 0
        if discount.service:
            return 2 if discount.service == catalogue.skus[sku]["service"] else 0
        return 1
    found = [(rank(discount), place) for place, discount in enumerate(terms.discounts, 1)]
    best = max(found, default=(0, 0))
    return (best[1], terms.discounts[best[1] - 1]) if best[0] else (0, None)


def discounts(catalogue, terms, charges, *_):
    """What a price charges is lowered by rate x cost, rounded half-up once."""
    lowered = {}
    for key, (quantity, cost) in charges.items():
        place, discount = discount_of(catalogue, terms, key.sku)
        if place and cost and key.stage <= MAXIMUM_SPEND:
            key = replace(key, deduction=place)
            cost -= rounded(Fraction(cost) * discount.rate, AMOUNT_PLACES)
        lowered[key] = quantity, cost
    return lowered


def within(catalogue, key, skus, services):
    found = not skus and not services or key.sku in skus or catalogue.skus[key.sku]["service"] in services
    return found and key.stage not in (TRUE_UP, PREPAYMENT)


def billed(charges, inside):
    return sum((cost for key, (_, cost) in charges.items() if inside(key)), Fraction(0))


def take_off(charges, inside, off, stage, deduction):
    """Splits what is taken off by what the charges of one (tenant, SKU, price, tier, dimensions) come to."""
    nets = defaultdict(Fraction)
    for key, (_, cost) in charges.items():
        if inside(key):
            nets[replace(key, stage=stage, deduction=deduction)] += cost

    def place(key):
        book, _, match, begin, hours = key.price
        return (key.sku.encode(), (key.tenant or "").encode(), (match or "{}").encode(), (hours or "").encode(),
                ALWAYS if begin is None else begin, (book or "").encode(), key.tier, (key.dimensions or "{}").encode())
    keys = sorted(nets, key=place)
    parts = allocated(off, [max(nets[key], Fraction(0)) for key in keys], AMOUNT_PLACES) if off else []
    charges.update({key: (Fraction(0), -part) for key, part in zip(keys, parts) if part})


def coupons(catalogue, terms, charges, start, end, key_of, earlier=()):
    """The one that ends soonest first; the least spend is that before any coupon."""
    charges = dict(charges)
    held = sorted(catalogue.held(terms.account, Coupon, start, end), key=lambda each: (each[0].end, each[0].id))
    for holding, coupon in held:
        inside = lambda key: within(catalogue, key, coupon.skus, coupon.services)
        left = billed(charges, inside)
        gross = billed(charges, lambda key: key.stage != COUPON and inside(key))
        if left > 0 and gross >= coupon.minimum_spend:
            off = rounded(left * coupon.rate, AMOUNT_PLACES) if coupon.rate else coupon.amount * holding.quantity
            most = coupon.maximum * holding.quantity or off
            if coupon.lasts:
                most = max(most + sum(cost for _, cost in used_before(earlier, COUPON, holding.id)), Fraction(0))
            off = min(off, left, most)
            take_off(charges, inside, off, COUPON, holding.id)
    return charges


def limits(catalogue, terms, charges, start, end, key_of, earlier=()):
    """A month that has passed comes to the least at least; and to the most at most. A term comes to its least in its
    last month; earlier: (start, charges) of the months before."""
    charges = dict(charges)
    for place, limit in enumerate(terms.limits, 1):
        inside = lambda key: within(catalogue, key, (), limit.services)
        sum_of = billed(charges, inside)
        if limit.term:
            counts = lambda key: key.stage != PREPAID and inside(key)
            sum_of += sum(billed(before, counts) for begin, before in earlier if begin >= limit.start)
            if start < limit.end <= end and sum_of < limit.minimum:
                key = key_of(None, limit.booked, NOTHING, 0, None, TRUE_UP, place)
                charges[key] = Fraction(0), limit.minimum - sum_of
        elif limit.start <= start < limit.end:
            if limit.maximum is not None and sum_of > limit.maximum:
                take_off(charges, inside, sum_of - limit.maximum, ACCOUNT_MAXIMUM, place)
            elif limit.minimum and sum_of < limit.minimum:  # without one, a sum below 0 is left
                key = key_of(None, limit.booked, NOTHING, 0, None, ACCOUNT_MINIMUM, place)
                charges[key] = Fraction(0), limit.minimum - sum_of
    return charges


def prepayments(catalogue, terms, charges, start, end, key_of, earlier=()):
    """What was paid for before pays the charges, the one that ends soonest first. Its price is charged where it begins."""
    charges = dict(charges)
    held = sorted(catalogue.held(terms.account, Prepayment, start, end), key=lambda each: (each[0].end, each[0].id))
    left = {}
    for holding, prepayment in held:
        inside = lambda key: within(catalogue, key, prepayment.skus, prepayment.services)
        open_ = prepayment.amount * holding.quantity + sum(cost for _, cost in used_before(earlier, PREPAID, holding.id))
        off = min(max(billed(charges, inside), Fraction(0)), max(open_, Fraction(0)))
        left[holding.id] = max(open_, Fraction(0)) - off
        take_off(charges, inside, off, PREPAID, holding.id)
    for holding, prepayment in held:
        if holding.start >= start:
            key = key_of(None, prepayment.booked, NOTHING, 0, None, PREPAYMENT, holding.id)
            charges[key] = Fraction(holding.quantity), prepayment.price * holding.quantity
        if holding.end <= end and left[holding.id]:
            key = key_of(None, prepayment.booked, NOTHING, 1, None, LEFT, holding.id)
            charges[key] = rounded(left[holding.id], 9, "down"), Fraction(0)
    return charges


def prepaid_effective(catalogue, charges, earlier):
    """Effective costs of what prepayments charge: parts of their price, and the rest where they end."""
    found = {}
    of = {holding.id: (holding, catalogue.offers[holding.offer]) for holding in catalogue.holdings}

    def part(key, billed_cost):
        terms = of[key.deduction][1]
        return rounded(terms.price * -billed_cost / terms.amount, AMOUNT_PLACES, "down")
    for key, (_, cost) in charges.items():
        if key.stage == PREPAYMENT:
            found[key] = Fraction(0)
        elif key.stage == PREPAID:
            found[key] = part(key, cost) + cost
        elif key.stage == LEFT and key.tier == 1:
            holding, terms = of[key.deduction]
            months = [before for _, before in earlier] + [charges]
            spread = sum(part(each, value[1]) for month in months for each, value in month.items()
                         if (each.stage, each.deduction) == (PREPAID, holding.id))
            found[key] = terms.price * holding.quantity - spread
    return found


MONEY = {"discounts": discounts, "coupons": coupons, "limits": limits, "prepayments": prepayments}


def deducted(catalogue, terms, charges, start, end, key_of, earlier):
    """key_of makes a charge's key."""
    for stage in terms.stages:
        if stage in MONEY and (start is not None or stage == "discounts"):
            charges = MONEY[stage](catalogue, terms, charges, start, end, key_of, earlier)
    return charges
