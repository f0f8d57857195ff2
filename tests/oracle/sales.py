# SPDX-License-Identifier: Apache-2.0
"""What test_worked_examples sells: accounts with a book and usage each, made of the inputs of published examples."""
from dataclasses import dataclass, field
from fractions import Fraction

import exact

MONTH = "2024-01"
MORNING = exact.instant("2024-01-10T10:00:00Z")


@dataclass
class Sale:
    """One account with a book of its own. prices: (SKU, item or None, per, price, tiers or terms, from or None)."""
    prices: list
    used: list = field(default_factory=list)    # (tenant number, item, quantity)
    later: list = field(default_factory=list)   # the same, after a first settlement
    newest: list = field(default_factory=list)  # (instant, value), in order of arrival
    runs: list = field(default_factory=list)    # (begin, end)
    sizes: list = field(default_factory=list)   # (instant, size from then on) of one thing that is stored
    cut: str = None                             # a first settlement is made when the log has come so far
    currency: str = "USD"
    tax: str = "0"
    rounding: str = "half_up"
    # filled by the run
    costs: dict = field(default_factory=dict)       # (SKU, item, tier, price from) -> exact cost
    quantities: dict = field(default_factory=dict)  # the same -> quantity
    first: Fraction = Fraction(0)                   # cost at the first settlement
    first_quantity: Fraction = Fraction(0)
    document: dict = None

    @property
    def total(self):
        return sum(self.costs.values(), Fraction(0))

    @property
    def quantity(self):
        return sum(self.quantities.values(), Fraction(0))

    def parts(self):
        """Exact costs in order of items, price versions and tiers."""
        return [cost for _, cost in sorted(self.costs.items())]


def per_unit(price, quantity, per="1", **more):
    return Sale([("amount", None, per, price, None)], [(1, None, quantity)], **more)


def items(rows, **more):
    """rows: (price, quantity) or (price, quantity, per), each an item of its own."""
    rows = [(*row, "1")[:3] for row in rows]
    return Sale([("amount", f"i{at:02}", per, price, None) for at, (price, _, per) in enumerate(rows)],
                [(1, f"i{at:02}", quantity) for at, (_, quantity, _) in enumerate(rows)], **more)


def tiers_of(rows, bound="upto", price="unit"):
    """The file's tiers as the catalogue's: the last has no bound."""
    steps = [{"up_to": row[bound], "price": row[price]} for row in rows]
    if steps[-1]["up_to"] in (None, "-1"):
        steps[-1] = {"price": steps[-1]["price"]}
    else:
        steps.append({"price": steps[-1]["price"]})
    return steps


def graduated(tiers, *quantities, per="1", **more):
    """quantities: of tenants 1, 2, ..., which share the tiers."""
    return Sale([("amount", None, per, tiers, None)],
                [(tenant, None, quantity) for tenant, quantity in enumerate(quantities, 1)], **more)


def priced(terms, *quantities, per="1", **more):
    """A price with any model, of one account: quantities of tenants 1 and 2."""
    return Sale([("amount", None, per, terms, None)],
                [(tenant, None, quantity) for tenant, quantity in enumerate(quantities, 1)], **more)


def rows_of(tiers, model):
    """Tiers of bounds, unit prices and flat amounts, as they are published, under a model; the last has no bound."""
    rows = [{key: row[name] for key, name in (("up_to", "upto"), ("price", "unit"), ("price", "rate"), ("flat", "flat"))
             if row.get(name) is not None} for row in tiers]
    return {"model": model, "tiers": [*rows[:-1], {key: rows[-1][key] for key in rows[-1] if key != "up_to"}]}


def totals(want, *sales):
    return list(zip((sale.total for sale in sales), want["totals"], strict=True))


def used_totals(want, *sales):
    """Of those with usage: a period without any owes nothing here."""
    return list(zip((sale.total for sale in sales), want["totals"][1:], strict=True))


def timed(price, *seconds, per="1", **more):
    return Sale([("time", None, per, price, None)],
                runs=[(MORNING, MORNING + int(exact.decimal(each) * exact.SECOND)) for each in seconds], **more)


def timed_by(terms, *seconds):
    """A price of running time with terms of its own."""
    return Sale([("time", None, "1", terms, None)],
                runs=[(MORNING, MORNING + int(exact.decimal(each) * exact.SECOND)) for each in seconds])


def moved(text):
    """A published local time as the same day and time of our month, UTC."""
    return MONTH + text[7:] + "Z"


def times(*texts):
    return tuple(exact.instant(moved(text)) for text in texts)


def shown_product(left, right):
    return exact.shown(exact.decimal(left) * exact.decimal(right))


def shown_difference(before, after):
    return exact.shown(exact.decimal(after) - exact.decimal(before))
