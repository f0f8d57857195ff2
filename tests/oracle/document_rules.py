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


def next_document(terms, base, before):
    """What the next document bills of a month, given the totals of the earlier ones; None: nothing moves."""
    wanted = to_date(terms, base)
    moved = Totals(wanted.net - sum(each.net for each in before), wanted.tax - sum(each.tax for each in before))
    return moved if moved.net or moved.tax else None
