# SPDX-License-Identifier: Apache-2.0
"""The stages of reservations and savings plans of an account's month, as docs/contracts.md has them: which usage they
may cover, in which order, and the charges that come of it."""
import bisect
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from catalogue_files import ALWAYS, match_text
from commitment_rules import HOUR, Fee, Reservation, SavingsPlan
from contract_rules import discount_of
from exact import AMOUNT_PLACES, QUANTITY_PLACES, decimal, instant, rounded
from price_rules import cost_of

COVERED, UNUSED, PURCHASE = 5, 6, 7


@dataclass(frozen=True)
class Use:
    """What one tenant used of a SKU at one price in one segment; dimensions are pairs."""
    segment: int
    tenant: str
    sku: str
    dimensions: tuple
    price: object


def fee_of(row, instances, within):
    return Fee(instant(row["from"]), instant(row["to"]) if "to" in row else None,
               instances * decimal(row.get("upfront", "0")), instances * decimal(row.get("hourly", "0")), within)


class Commitments:
    """The commitments of some terms in a month; `uses` is what they may cover."""

    def __init__(self, catalogue, terms, start, end, rate=Fraction(1)):
        self.rate = rate
        self.catalogue, self.terms, self.start, self.end = catalogue, terms, start, end
        rows = [(place, False, row) for place, row in enumerate(terms.reservations, 1)]
        rows += [(place, True, row) for place, row in enumerate(terms.savings_plans, len(rows) + 1)]
        rows = [(plan, fee_of(row, int(row.get("instances", "1")), plan), place, row) for place, plan, row in rows]
        self.rows = [row for row in rows if row[1].start < end and (row[1].end is None or row[1].end > start)]
        self.rows.sort(key=lambda row: (row[0], row[1].end is None, row[1].end or 0, row[3]["id"]))
        self.edges = self._edges()
        self.uses = defaultdict(Fraction)  # Use -> quantity
        self.charges, self.effective = {}, {}

    def _edges(self):
        """Where usage is split; empty if there is no commitment."""
        found, books = set(), {self.terms.book} if self.rows else set()
        if self.terms.reservations or self.terms.savings_plans:
            books.add(self.terms.book)
        for _, fee, _, row in self.rows:
            begin, end = fee.clip(self.start, self.end)
            found.update((begin, end), range(begin // HOUR * HOUR + HOUR, end, HOUR))
            books.update({row["price_book"]} if "price_book" in row else ())
        for book in books:
            for sku in self.catalogue.skus:
                found.update(self.catalogue.price_changes(book, sku, self.start, self.end))
        return sorted(edge for edge in found if self.start < edge < self.end)

    def add(self, piece, price, quantity):
        if self.rows and price.model == "per_unit" and not price.times:
            segment = ([self.start] + self.edges)[bisect.bisect_right(self.edges, piece.at)]
            self.uses[Use(segment, piece.tenant, price.sku, piece.dimensions, price)] += quantity

    def run(self, key_of):
        """Fills charges and effective; key_of(tenant, sku, price name, tier, dimensions, stage, deduction)."""
        for plan, fee, place, row in self.rows:
            uses = [use for use in self._ranked() if self._in_term(use, fee)]
            if plan:
                uses, parts, unused, unused_cost = self._draw(row, fee, uses)
            else:
                uses, parts, unused, unused_cost = self._cover(row, fee, uses)
            self._take(uses, parts, place, key_of)
            lines = [(PURCHASE, 0, Fraction(0), fee.once(self.start, self.end), Fraction(0)),
                     (PURCHASE, 1, Fraction(0), fee.billed_hourly(self.start, self.end), Fraction(0)),
                     (UNUSED, int(plan), unused, Fraction(0), unused_cost)]
            for stage, tier, quantity, billed, effective in lines:
                if quantity or billed or effective:
                    key = key_of(row["tenant"], row["sku"], (None, row["sku"], "{}", ALWAYS, ""), tier, "{}", stage, place)
                    self.charges[key], self.effective[key] = (quantity, billed), effective

    def _ranked(self):
        return sorted((use for use, quantity in self.uses.items() if quantity > 0),
                      key=lambda use: (use.sku.encode(), use.tenant.encode(), match_text(use.dimensions).encode(), use.segment))

    @staticmethod
    def _in_term(use, fee):
        return fee.start <= use.segment and (fee.end is None or use.segment < fee.end)

    def _window(self, use, fee):
        hour = use.segment // HOUR * HOUR
        begin, end = fee.clip(max(hour, self.start), min(hour + HOUR, self.end))
        return begin, end

    def _cover(self, row, fee, uses):
        terms = Reservation(fee, row["tenant"], int(row.get("instances", "1")), decimal(row.get("units", "1")),
                            decimal(row.get("per", "1")))
        wanted = set((row.get("match") or {}).items())
        fitting = []
        for use in uses:
            values = dict(use.dimensions)
            units = "1"
            if "sizes" in row:
                units = row["sizes"]["units"].get(values.get(row["sizes"]["dimension"]))
            if use.sku == row["sku"] and units and wanted <= set(values.items()):
                fitting.append((use, decimal(units)))
        parts, taken = terms.cover([(*self._window(use, fee), use.tenant, self.uses[use], units)
                                    for use, units in fitting])
        _, unused = terms.rest(*fee.clip(self.start, self.end), taken)
        cost = fee.cost(self.start, self.end) - sum(cost for _, cost in parts)
        return [use for use, _ in fitting], parts, unused, cost

    def _plan_price(self, row, use):
        if "price_book" in row:
            price = self.catalogue.price(row["price_book"], use.sku, use.dimensions, use.segment)
            return (price.price, price.per) if price and price.model == "per_unit" and not price.times else None
        service = self.catalogue.skus[use.sku]["service"]
        ranks = [(3 if each.get("sku") == use.sku else 2 if each.get("service") == service else 1, decimal(each["rate"]))
                 for each in row["discounts"]
                 if each.get("sku", use.sku) == use.sku and each.get("service", service) == service]
        return (rounded(use.price.price * (1 - max(ranks)[1]), AMOUNT_PLACES), use.price.per) if ranks else None

    def _draw(self, row, fee, uses):
        eligible = [(use, self._plan_price(row, use)) for use in uses]
        eligible = [(use, price) for use, price in eligible if price]
        asked = []
        for use, price in eligible:
            _, discount = discount_of(self.catalogue, self.terms, use.sku)
            own = rounded(use.price.price * (1 - discount.rate), AMOUNT_PLACES) if discount else use.price.price
            asked.append((*self._window(use, fee), use.tenant, self.uses[use], own, use.price.per, *price))
        parts = SavingsPlan(fee, row["tenant"], row.get("only_cheaper") == "true", self.rate).draw(asked)
        unused = fee.cost(self.start, self.end) - sum(cost for _, cost in parts)
        return [use for use, _ in eligible], parts, rounded(unused, QUANTITY_PLACES), unused

    def _take(self, uses, parts, place, key_of):
        quantities, effective = defaultdict(Fraction), defaultdict(Fraction)
        for use, (covered, cost) in zip(uses, parts):
            if covered:
                key = key_of(use.tenant, use.sku, use.price.name, 0, match_text(use.dimensions), COVERED, place)
                quantities[key] += covered
                effective[key] += cost
                self.uses[use] -= covered
        for key, quantity in quantities.items():
            self.charges[key], self.effective[key] = (quantity, Fraction(0)), effective[key]
