# SPDX-License-Identifier: Apache-2.0
"""F: the charges of an account's month from its usage and the catalogue's prices, as docs/catalogue.md has them."""
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

from catalogue_files import match_text
from commitment_stage import COVERED, Commitments
from contract_rules import COUPON, NOTHING, Item, deducted, ladder_of, prepaid_effective, taken_units
from exact import AMOUNT_PLACES, allocated, civil_day, midnight, month
from fee_rules import fees
from price_rules import MINIMUM, OWN, USAGE, climb, cost_of
from usage_rules import Run, accrued, usage


@dataclass(frozen=True)
class Key:
    """What a charge is known by. tenant None: shared by the account's tenants; dimensions None likewise."""
    tenant: str
    sku: str
    price: tuple  # book, SKU, match, start, hours
    tier: int
    dimensions: str
    stage: int
    deduction: int = 0


@dataclass
class Rated:
    """What an account's month costs, to date."""
    charges: dict   # Key -> (quantity, cost)
    unpriced: set   # (tenant, SKU, dimensions)
    used: dict      # (tenant, meter, dimensions) -> quantity
    weights: dict   # (SKU, book, match, hours) -> tenant -> quantity: who used what of a shared price
    effective: dict = field(default_factory=dict)  # Key -> effective cost, of what commitments cover, leave and bill

    @property
    def total(self):
        return sum((cost for _, cost in self.charges.values()), Fraction(0))

    def shares(self, key):
        """A shared charge split over the tenants: {tenant: (quantity, cost)}, largest remainder, ties by tenant id."""
        weights = self.weights[key.sku, key.price[0], key.price[2], key.price[4]]
        if not any(weights.values()):
            weights = dict.fromkeys(weights, 1)
        tenants = sorted((tenant for tenant in weights), key=str.encode)
        quantity, cost = self.charges[key]
        parts = [allocated(value, [weights[tenant] for tenant in tenants], places)
                 for value, places in ((quantity, 9), (cost, AMOUNT_PLACES))]
        return dict(zip(tenants, zip(*parts)))


class Rating:
    """Collects pieces under price versions, then prices each sum once."""

    def __init__(self, catalogue, book, terms=None, commitments=None, rate=Fraction(1), zone="UTC", days=31):
        self.zone, self.days = zone, days  # of the month
        self.midnights = ()                # where a price counts days, usage is split at them
        self.rate = rate  # of exchange; None: there is none, so nothing has a price
        self.catalogue, self.book, self.terms, self.commitments = catalogue, book, terms, commitments
        self.per_unit = defaultdict(Fraction)                       # (tenant, price, dimensions, stage) -> quantity
        self.ladders = defaultdict(lambda: defaultdict(lambda: defaultdict(Fraction)))  # (SKU, book, match, hours) -> price -> day -> units
        self.shared = defaultdict(lambda: defaultdict(Fraction))    # (ladder, tenant, price, dimensions) -> day -> quantity
        self.weighed = defaultdict(Fraction)                        # the same, with what was taken
        self.events = defaultdict(lambda: defaultdict(list))        # ladder -> price of every event -> events
        self.items = []                                             # usage at a price, before anything is taken
        self.rated = Rated({}, set(), defaultdict(Fraction), defaultdict(lambda: defaultdict(Fraction)))

    def take(self, piece):
        short = isinstance(piece, Run)
        if not short:
            self.rated.used[piece.tenant, piece.meter, match_text(piece.dimensions)] += piece.quantity
        for sku in self.catalogue.skus_of_meter[piece.meter]:
            price = self.catalogue.price(self.book, sku, piece.dimensions, piece.at) if self.rate else None
            quantity = self._short_of(piece, price) if short else piece.quantity
            if price is not None and price.units(piece.dimensions, quantity) is None:
                price = None
            if price is None and not short and quantity:
                self.rated.unpriced.add((piece.tenant, sku, match_text(piece.dimensions)))
            elif price is not None and not short and price.per_event is not None and piece.events:
                self.events[ladder_of(price)][price] += piece.events
                self._add(piece, price, quantity, USAGE)
            elif price is not None and quantity:
                self._add(piece, price, quantity, MINIMUM if short else USAGE)

    @staticmethod
    def _short_of(run, price):
        """What a minimum duration and whole increments add to a run."""
        whole = -(-run.length // price.increment) * price.increment if price and price.increment else run.length
        missing = max(whole, price.minimum) - run.length if price else 0
        return accrued(run.value, missing) if missing > 0 else Fraction(0)

    def _add(self, piece, price, quantity, stage):
        self.items.append(Item(piece.tenant, price, None, piece.dimensions, stage, quantity, piece.at,
                               quantity if stage == USAGE and price.per_event is None else Fraction(0)))
        if price.model not in OWN:
            self.weighed[ladder_of(price), piece.tenant, price, piece.dimensions] += quantity

    def _sort(self, item):
        """Puts an item where its price is computed."""
        if item.price.model not in OWN:
            of = self.shared[ladder_of(item.price), item.tenant, item.price, item.dimensions]
            of[civil_day(self.zone, item.at)] += item.quantity
            return
        self.per_unit[item.tenant, item.price, item.dimensions, item.stage] += item.quantity
        if self.commitments and item.stage == USAGE:
            self.commitments.add(item, item.price, item.quantity)

    def _commit(self):
        """Commitments take their part of the usage at per-unit prices."""
        self.commitments.run(Key)
        self.rated.charges |= self.commitments.charges
        self.rated.effective |= self.commitments.effective
        for key, (quantity, _) in self.commitments.charges.items():
            if key.stage == COVERED:
                names = [name for name in self.per_unit if name[0] == key.tenant and name[1].name == key.price
                         and match_text(name[2]) == key.dimensions and name[3] == USAGE]
                self.per_unit[names[0]] -= quantity

    def _take_fees(self, start, end):
        for (sku, tier, stage, holding), (quantity, billed, effective) in fees(
                self.catalogue, self.terms.account, start, end).items():
            key = Key(None, sku, NOTHING, tier, None, stage, holding)
            self.rated.charges[key], self.rated.effective[key] = (quantity, billed), effective

    def finish(self, start=None, end=None, earlier=()):
        if start is not None:
            edges = {*(self.commitments.edges if self.commitments else ()), *self.midnights}
            taken, effective = taken_units(self.catalogue, self.terms, self.book, self.items, start, end, edges, earlier)
            self.rated.charges |= {Key(*key): value for key, value in taken.items()}
            self.rated.effective |= {Key(*key): value for key, value in effective.items()}
            self._take_fees(start, end)
        for item in self.items:
            if item.quantity or item.price.per_event is not None:
                self._sort(item)
        if self.commitments:
            self._commit()
        for (ladder, tenant, price, dimensions), quantities in self.shared.items():
            used = counted = Fraction(0)
            for day in sorted(quantities):  # the units of all days together are those of the sum
                used += quantities[day]
                units = price.units(dimensions, used)
                self.ladders[ladder][price][day] += units - counted
                counted = units
        for (ladder, tenant, price, dimensions), quantity in self.weighed.items():
            self.rated.weights[ladder][tenant] += price.units(dimensions, quantity)
        for (tenant, price, dimensions, stage), quantity in self.per_unit.items():
            quantity = price.units(dimensions, quantity)
            if not quantity:
                continue
            key = Key(tenant, price.sku, price.name, 0, match_text(dimensions), stage)
            self.rated.charges[key] = quantity, cost_of(quantity, price.price, price.per, rate=self.rate)
        for name, versions in self.ladders.items():
            ladder = [(price, versions[price]) for price in sorted(versions, key=lambda each: each.start)]
            for price, tier, stage, quantity, cost in climb(ladder, self.rate, self.days, self.events.get(name)):
                self.rated.charges[Key(None, price.sku, price.name, tier, None, stage)] = quantity, cost
        if self.terms:
            self.rated.charges = deducted(self.catalogue, self.terms, self.rated.charges, start, end, Key, earlier)
            self.rated.effective |= {key: cost for key, (_, cost) in self.rated.charges.items() if key.stage >= COUPON}
            self.rated.effective |= prepaid_effective(self.catalogue, self.rated.charges, earlier)
        return self.rated


def rate(counted, account, label, cut_end, earlier=()):
    """F of an account and month. `cut_end(tenant)`: see usage(); earlier: (start, charges) of its months before."""
    catalogue = counted.catalogue
    terms = period_terms(catalogue, account, label)
    start, end = month(terms.zone, label)

    exchange = catalogue.exchange(terms, start)
    commitments = Commitments(catalogue, terms, start, end, exchange)
    bounds = catalogue.holding_bounds(account, start, end)
    held = any(holding.account == account for holding in catalogue.holdings)  # then units are taken piece by piece
    first, days = civil_day(terms.zone, start), (civil_day(terms.zone, end) - civil_day(terms.zone, start)).days
    midnights = set()
    if catalogue.counts_days(terms.book):
        midnights = {midnight(terms.zone, first + timedelta(days=number)) for number in range(1, days)}
    if commitments.rows:  # an hour that is split is covered piece by piece
        commitments.edges = sorted({*commitments.edges} | bounds | midnights)

    def edges_of(meter):
        if commitments.rows:
            return commitments.edges
        if held:
            return sorted(bounds | midnights | {edge for sku in catalogue.skus
                                    for edge in catalogue.price_changes(terms.book, sku, start, end)})
        return sorted(midnights | {edge for sku in catalogue.skus_of_meter[meter]
                                   for edge in catalogue.price_changes(terms.book, sku, start, end)})

    rating = Rating(catalogue, terms.book, terms, commitments if commitments.rows else None, exchange,
                    terms.zone, days)
    rating.midnights = midnights
    for piece in usage(counted, account, terms.zone, start, end, cut_end, edges_of):
        rating.take(piece)
    return rating.finish(start, end, earlier)


def period_terms(catalogue, account, label):
    """The terms in force at the start of a month, whose zone decides where it starts."""
    terms = catalogue.terms_of(account, month("UTC", label)[0])
    return catalogue.terms_of(account, month(terms.zone, label)[0])
