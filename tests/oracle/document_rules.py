# SPDX-License-Identifier: Apache-2.0
"""Totals of documents: one rounding per original month, telescoped over its documents (net, and tax on the whole)."""
from dataclasses import dataclass
from fractions import Fraction

from exact import minor_places, rounded


@dataclass(frozen=True)
class Totals:
    net: Fraction
    tax: Fraction

    @property
    def total(self):
        return self.net + self.tax


def to_date(terms, base):
    """What all documents of a month have to bill together for an exact base."""
    places = minor_places(terms.currency)
    return Totals(rounded(base, places, terms.rounding), rounded(base * terms.tax_rate, places, terms.rounding))


def tax_of(catalogue, terms, sku):
    """(name, rate) of the tax on a SKU: its own rule, else its service's, else that of the terms."""
    for rule in terms.taxes:
        if rule.sku == sku:
            return rule.name, rule.rate
    for rule in terms.taxes:
        if rule.service is not None and rule.service == catalogue.skus[sku]["service"]:
            return rule.name, rule.rate
    return terms.tax_name, terms.tax_rate


def tax_groups(catalogue, terms, charges):
    """{(name, rate): exact cost} of charges, a map of keys to (quantity, cost)."""
    groups = {}
    for key, (_, cost) in charges.items():
        tax = tax_of(catalogue, terms, key.sku)
        groups[tax] = groups.get(tax, Fraction(0)) + cost
    return groups


def totals_of(catalogue, terms, charges):
    """What all documents of a month have to bill together: each group's net and tax are rounded by themselves."""
    places, net, tax = minor_places(terms.currency), Fraction(0), Fraction(0)
    for (_, rate), base in tax_groups(catalogue, terms, charges).items():
        net += rounded(base, places, terms.rounding)
        tax += rounded(base * rate, places, terms.rounding)
    return Totals(net, tax)


def next_document(terms, base, before):
    """What the next document bills of a month, given the totals of the earlier ones; None: nothing moves."""
    wanted = to_date(terms, base)
    moved = Totals(wanted.net - sum(each.net for each in before), wanted.tax - sum(each.tax for each in before))
    return moved if moved.net or moved.tax else None


@dataclass(frozen=True)
class Grant:
    """A credit grant: what is left of it in a currency; instants in microseconds, expires None: never."""
    key: str
    currency: str
    left: Fraction
    priority: int
    granted: int
    expires: int | None = None


def credits_used(grants, currency, total, issued):
    """[(key, amount)] that pay a document's total: the least priority first, then what ends soonest, then the oldest."""
    used = []
    usable = [grant for grant in grants if grant.currency == currency and (grant.expires is None or issued < grant.expires)]
    endless = max((grant.expires or 0 for grant in usable), default=0) + 1
    for grant in sorted(usable, key=lambda grant: (grant.priority, grant.expires or endless, grant.granted)):
        part = min(grant.left, total)
        if part > 0:
            used.append((grant.key, part))
            total -= part
    return used
