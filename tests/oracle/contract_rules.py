# SPDX-License-Identifier: Apache-2.0
"""The stages of a contract, as docs/contracts.md has them: charges in, charges out, exact fractions."""
from dataclasses import replace
from fractions import Fraction

from exact import AMOUNT_PLACES, rounded
from price_rules import MAXIMUM_SPEND


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


def discounts(catalogue, terms, charges):
    """What a price charges is lowered by rate x cost, rounded half-up once."""
    lowered = {}
    for key, (quantity, cost) in charges.items():
        place, discount = discount_of(catalogue, terms, key.sku)
        if place and cost and key.stage <= MAXIMUM_SPEND:
            key = replace(key, deduction=place)
            cost -= rounded(Fraction(cost) * discount.rate, AMOUNT_PLACES)
        lowered[key] = quantity, cost
    return lowered


MONEY = {"discounts": discounts}


def deducted(catalogue, terms, charges):
    for stage in terms.stages:
        if stage in MONEY:
            charges = MONEY[stage](catalogue, terms, charges)
    return charges
