# SPDX-License-Identifier: Apache-2.0
"""Catalogue files as docs/catalogue.md describes them, for the oracle. Reads valid files; checking them is not its job.

Scalars are read as text (the loader guesses no types), instants become microseconds, decimals fractions.
"""
import bisect
import json
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import yaml

from exact import NotExact, decimal, instant, rounded
from fee_rules import Subscription
from window_rules import Window

ALWAYS, NEVER = -(1 << 62), 1 << 62  # open ends


@dataclass(frozen=True)
class Meter:
    id: str
    event_type: str
    aggregation: str
    value: str
    resource: str
    state: str
    running: tuple
    stopped: tuple
    dimensions: tuple
    window: str
    slot: int
    accept: int
    future: int
    start: int
    times: str = None   # member by which the value is multiplied
    fee: tuple = None   # rate, fixed part, minimum, maximum (0: none) of every event
    keeps: bool = False # its events, one by one

    def worth(self, value, factor):
        """What an event of a sum meter counts; NotExact: its product has more than 9 places."""
        value = exact_quantity(value * factor)
        if self.fee:
            rate, fixed, least, most = self.fee
            value = max(rounded(value * rate, 9) + fixed, least)
            value = min(value, most) if most else value
        return value


def exact_quantity(value):
    if rounded(value, 9) != value or value > 10**15:
        raise NotExact(f"{value} has more than 9 places or is too large")
    return value


def fee_of(terms):
    return tuple(decimal(terms.get(name, "0")) for name in ("rate", "fixed", "minimum", "maximum")) if terms else None


@dataclass(frozen=True)
class Tier:
    bound: Fraction  # in meter units; None: no bound
    price: Fraction
    flat: Fraction
    block: Fraction = Fraction(0)  # in meter units; 0: none


@dataclass(frozen=True)
class Price:
    book: str
    sku: str
    match: tuple  # sorted (dimension, value) pairs
    start: int
    end: int
    per: Fraction
    model: str
    price: Fraction  # None: it has tiers
    tiers: tuple
    minimum: int     # microseconds
    fixed: Fraction
    free: Fraction   # meter units
    minimum_spend: Fraction
    maximum_spend: Fraction  # 0: none
    window: Window = None  # None: it holds always
    withdrawn: bool = False
    times: str = ""                 # dimension that quantities are multiplied by
    increment: int = 0              # microseconds; 0: none
    factors: tuple = ()             # (value, factor) pairs; none: the value itself
    round: tuple = None             # (places of pricing units, mode)
    daily: str = ""                 # full or share: the tiers are applied to each day
    per_event: tuple = None         # (member, value) pairs; None: the price is of the sum

    def units(self, dimensions, quantity):
        """What is charged of a quantity, rounded half-up at 1e-9; None: the dimensions do not say."""
        if not self.times:
            return quantity
        value = dict(dimensions).get(self.times)
        try:
            factor = dict(self.factors).get(value) if self.factors else value and decimal(value, 9)
        except NotExact:
            return None
        plain = self.factors or not value or "e" not in value.lower()
        if factor is None or factor == "" or factor < 0 or not plain:
            return None
        return rounded(quantity * factor, 9)

    @property
    def hours(self):
        return self.window.text if self.window else ""

    @property
    def name(self):
        return self.book, self.sku, match_text(self.match), self.start, self.hours


@dataclass
class Book:
    id: str
    currency: str
    parent: str
    prices: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))  # sku -> (match, hours) -> versions


@dataclass(frozen=True)
class Discount:
    """Negotiated: on one SKU, on a service, or (both None) on all."""
    rate: Fraction
    sku: str
    service: str


@dataclass(frozen=True)
class Tax:
    """On one SKU, or on a service."""
    name: str
    rate: Fraction
    sku: str
    service: str


@dataclass(frozen=True)
class Terms:
    """A version of what an account agreed on, in force for periods that start at or after `start`."""
    account: str
    seller: str
    currency: str
    zone: str
    book: str
    tax_name: str
    tax_rate: Fraction
    rounding: str
    start: int
    stages: tuple     # names in order
    discounts: tuple
    reservations: tuple = ()   # as in the file
    savings_plans: tuple = ()
    limits: tuple = ()
    taxes: tuple = ()


@dataclass(frozen=True)
class Package:
    """A quota of usage, anew in every month, or (lasts) one for all the time that it is held."""
    skus: tuple
    quantity: Fraction  # meter units
    price: Fraction
    booked: str
    lasts: bool = False


@dataclass(frozen=True)
class Coupon:
    """Money off what a month charges; rate 0: an amount. skus and services both empty: off all."""
    rate: Fraction
    amount: Fraction
    minimum_spend: Fraction
    maximum: Fraction  # 0: none
    skus: tuple
    services: tuple
    lasts: bool = False  # amount and maximum are of all the time that it is held

@dataclass(frozen=True)
class Prepayment:
    """Spend that is paid for before. skus and services both empty: all."""
    amount: Fraction
    price: Fraction
    skus: tuple
    services: tuple
    booked: str


@dataclass(frozen=True)
class Limit:
    """The least and the most of months that begin in [start, end). maximum None: none."""
    minimum: Fraction
    maximum: Fraction
    services: tuple
    booked: str
    start: int
    end: int
    term: bool = False  # a minimum of all these months together


@dataclass(frozen=True)
class Holding:
    id: str
    account: str
    offer: str
    quantity: int
    start: int
    end: int
    anchor: int


STAGES = ("free", "packages", "reservations", "savings_plans", "discounts", "coupons", "limits",
          "prepayments")  # the default order


def match_text(pairs):
    return json.dumps(dict(pairs), separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def cost_of(row, per):
    """(model, price, tiers) of a price in a file; one per unit whose units are shared is graduated, of one tier."""
    tiers = tuple(Tier(decimal(tier["up_to"]) * per if "up_to" in tier else None, decimal(tier.get("price", "0")),
                       decimal(tier.get("flat", "0")), decimal(tier.get("block", "0")) * per) for tier in row.get("tiers", ()))
    model = row.get("model") or ("graduated" if tiers else "percentage" if "rate" in row else "per_unit")
    price = decimal(row["rate"] if "rate" in row else row.get("price", "1")) if not tiers else None
    if model == "per_unit" and {"free", "minimum_spend", "maximum_spend", "round", "daily"} & row.keys():
        return "graduated", None, (Tier(None, price, Fraction(0)),)
    return model, price, tiers


def per_event_of(members):
    """(member, value) pairs of a price's per_event."""
    return None if members is None else tuple(sorted((name, decimal(text)) for name, text in members.items()))


def times_of(times):
    if isinstance(times, dict):
        return {"times": times["dimension"],
                "factors": tuple(sorted((value, decimal(text)) for value, text in times["values"].items()))}
    return {"times": times or ""}


def round_of(terms):
    return (int(terms["places"]), terms["mode"]) if terms else None


def limit_of(row):
    return Limit(decimal(row.get("minimum_spend", "0")), decimal(row["maximum_spend"]) if "maximum_spend" in row else None,
                 tuple(row.get("services", ())), row.get("booked"), instant(row["from"]) if "from" in row else ALWAYS,
                 instant(row["to"]) if "to" in row else NEVER, row.get("of") == "term")


def in_force(versions, at):
    """The version with the highest start at or before an instant; None before the first."""
    place = bisect.bisect_right([version.start for version in versions], at)
    return versions[place - 1] if place else None


class Catalogue:
    """Everything that the files declare."""

    def __init__(self, documents):
        self.services, self.skus, self.books = {}, {}, {}
        self.meters, self.terms, self.members = defaultdict(list), defaultdict(list), defaultdict(list)
        self.partners, self.operator = set(), None
        self.offers, self.holdings = {}, []
        self.exchanges = defaultdict(list)  # (from, to) -> [(start, rate)]
        self.virtual_currencies = {}  # code -> name
        for document in documents:
            self._take(document or {})
        for versions in (*self.meters.values(), *self.terms.values()):
            versions.sort(key=lambda version: version.start)
        for book in self.books.values():
            for matches in book.prices.values():
                for versions in matches.values():
                    versions.sort(key=lambda version: version.start)
        for memberships in self.members.values():  # the first reaches back without limit
            memberships.sort()
            memberships[0] = (ALWAYS, memberships[0][1])
        for versions in self.terms.values():
            versions[0] = Terms(**{**versions[0].__dict__, "start": ALWAYS})
        self.by_type = defaultdict(list)
        for versions in self.meters.values():
            for kind in {version.event_type for version in versions}:
                self.by_type[kind].append(versions)
        self.skus_of_meter = defaultdict(list)
        for sku, row in self.skus.items():
            self.skus_of_meter[row["meter"]].append(sku)

    @classmethod
    def read(cls, *paths):
        files = []
        for path in map(Path, paths):
            found = sorted([*path.glob("*.yaml"), *path.glob("*.yml")], key=lambda each: each.name)
            files += found if path.is_dir() else [path]
        return cls([yaml.load(each.read_text(), Loader=yaml.BaseLoader) for each in files])

    def _take(self, document):
        for row in document.get("services", ()):
            self.services[row["id"]] = row
        for row in document.get("meters", ()):
            self._take_meter(row)
        for row in document.get("skus", ()):
            self.skus[row["id"]] = row
        for row in document.get("price_books", ()):
            self._take_book(row)
        for row in document.get("virtual_currencies", ()):
            self.virtual_currencies[row["code"]] = row["name"]
        for row in document.get("exchange_rates", ()):
            start = instant(row["effective_from"]) if "effective_from" in row else ALWAYS
            self.exchanges[row["from"], row["to"]].append((start, decimal(row["rate"])))
        for row in document.get("sellers", ()):
            self.operator = row["id"]
        for row in document.get("partners", ()):
            self.partners.add(row["id"])
            self._take_terms(row)
        for row in document.get("billing_accounts", ()):
            self._take_terms(row)
        for row in document.get("offers", ()):
            self._take_offer(row)
        for row in document.get("holdings", ()):
            self.holdings.append(Holding(
                row["id"], row["billing_account"], row["offer"], int(row.get("quantity", 1)), instant(row["from"]),
                instant(row["to"]) if "to" in row else NEVER, instant(row.get("anchor", row["from"]))))
        for row in document.get("tenants", ()):
            start = instant(row["member_from"]) if "member_from" in row else ALWAYS
            self.members[row["id"]].append((start, row["billing_account"]))

    def _take_meter(self, row):
        minutes, days = int(row.get("slot_minutes", 15)), int(row.get("accept_days", 35))
        self.meters[row["id"]].append(Meter(
            id=row["id"], event_type=row["event_type"], aggregation=row["aggregation"], value=row.get("value"),
            resource=row.get("resource"), state=row.get("state"), running=tuple(row.get("running", ())),
            stopped=tuple(row.get("stopped", ())), dimensions=tuple(sorted(row.get("dimensions", ()))),
            window=row.get("window", "slot"), slot=minutes * 60_000_000, accept=days * 86_400_000_000,
            future=int(row.get("future_seconds", 300)) * 1_000_000,
            start=instant(row["effective_from"]) if "effective_from" in row else ALWAYS,
            times=row.get("value_times"), fee=fee_of(row.get("per_event")),
            keeps=row.get("keep") == "events"))

    def _take_book(self, row):
        book = self.books.setdefault(row["id"], Book(row["id"], None, None))
        book.currency = row.get("currency", book.currency)
        book.parent = row.get("parent", book.parent)
        for price in row.get("prices", ()):
            per = decimal(price.get("per", "1"))
            match = tuple(sorted(price.get("match", {}).items()))
            withdrawn, window = "withdrawn" in price, Window.read(price.get("when"))
            model, unit_price, tiers = cost_of({"price": "0"} if withdrawn else price, per)
            book.prices[price["sku"]][match, window].append(Price(
                window=window, withdrawn=withdrawn, increment=int(decimal(price.get("increment_seconds", "0")) * 1_000_000),
                **times_of(price.get("times")), round=round_of(price.get("round")), per_event=per_event_of(price.get("per_event")),
                daily=price.get("daily", ""),
                book=row["id"], sku=price["sku"], match=match, per=per, model=model, price=unit_price, tiers=tiers,
                start=instant(price["effective_from"]) if "effective_from" in price else ALWAYS,
                end=instant(price["effective_to"]) if "effective_to" in price else NEVER,
                minimum=int(price.get("minimum_seconds", 0)) * 1_000_000, fixed=decimal(price.get("fixed", "0")),
                free=decimal(price.get("free", "0")) * per, minimum_spend=decimal(price.get("minimum_spend", "0")),
                maximum_spend=decimal(price.get("maximum_spend", "0"))))

    def _take_terms(self, row):
        tax = row.get("tax") or {}
        self.terms[row["id"]].append(Terms(
            account=row["id"], seller=row.get("seller"), currency=row["currency"], zone=row["zone"],
            book=row["price_book"], tax_name=tax.get("name", ""), tax_rate=decimal(tax.get("rate", "0")),
            rounding=row.get("rounding", "half_up"), stages=tuple(row.get("stages") or STAGES),
            discounts=tuple(Discount(decimal(each["rate"]), each.get("sku"), each.get("service"))
                            for each in row.get("discounts", ())),
            reservations=tuple(row.get("reservations", ())), savings_plans=tuple(row.get("savings_plans", ())),
            limits=tuple(limit_of(each) for each in row.get("limits", ())),
            taxes=tuple(Tax(each["name"], decimal(each["rate"]), each.get("sku"), each.get("service"))
                        for each in row.get("taxes", ())),
            start=instant(row["effective_from"]) if "effective_from" in row else ALWAYS))

    def _take_offer(self, row):
        if "package" in row:
            terms = row["package"]
            self.offers[row["id"]] = Package(
                tuple(terms["skus"]), decimal(terms["quantity"]) * decimal(terms.get("per", "1")),
                decimal(terms.get("price", "0")), terms.get("booked"), terms.get("reset") == "never")
        elif "prepayment" in row:
            terms = row["prepayment"]
            self.offers[row["id"]] = Prepayment(
                decimal(terms["amount"]), decimal(terms.get("price", terms["amount"])), tuple(terms.get("skus", ())),
                tuple(terms.get("services", ())), terms["booked"])
        elif "subscription" in row:
            self.offers[row["id"]] = Subscription.read(row["subscription"])
        if "coupon" in row:
            terms = row["coupon"]
            self.offers[row["id"]] = Coupon(
                *(decimal(terms.get(name, "0")) for name in ("rate", "amount", "minimum_spend", "maximum")),
                tuple(terms.get("skus", ())), tuple(terms.get("services", ())), terms.get("reset") == "never")

    # --- questions

    def held(self, account, kind, start, end):
        """(holding, terms) of a kind that an account has at some time in [start, end)."""
        return [(each, self.offers[each.offer]) for each in self.holdings
                if each.account == account and isinstance(self.offers[each.offer], kind)
                and each.start < end and each.end > start]

    def holding_bounds(self, account, start, end):
        """Instants inside (start, end) at which something that the account holds begins or ends."""
        bounds = {bound for each in self.holdings if each.account == account for bound in (each.start, each.end)}
        return {bound for bound in bounds if start < bound < end}

    def exchange(self, terms, period_start):
        """What one unit of the book's currency is in the account's in a month; None: there is no rate."""
        book = self.books[terms.book].currency
        if book == terms.currency:
            return Fraction(1)
        found = [rate for rate in self.exchanges[book, terms.currency] if rate[0] <= period_start]
        return max(found)[1] if found else None

    def list_book(self, book):
        while self.books[book].parent:
            book = self.books[book].parent
        return book

    def meters_at(self, event_type, at):
        """The meters in force at an event time that take a type."""
        found = (in_force(versions, at) for versions in self.by_type.get(event_type, ()))
        return [meter for meter in found if meter and meter.event_type == event_type]

    def price(self, book, sku, dimensions, at):
        """The price of a usage in a slot: the longest match in the book, else in its parents; None: unpriced."""
        values = set(dimensions)
        while book:
            versions = (in_force(matches, at) for (match, window), matches in self.books[book].prices[sku].items()
                        if values.issuperset(match) and (window is None or window.holds(at)))
            found = [version for version in versions if version and at < version.end and not version.withdrawn]
            if found:
                return min(found, key=lambda version: (-len(version.match), match_text(version.match),
                                                       -version.window.rank if version.window else 0))
            book = self.books[book].parent
        return None

    def price_changes(self, book, sku, start, end):
        """Instants inside (start, end) at which a price of the SKU changes."""
        changes = set()
        while book:
            for (_, window), versions in self.books[book].prices[sku].items():
                changes.update(edge for version in versions for edge in (version.start, version.end))
                changes.update(window.changes(start, end) if window else ())
            book = self.books[book].parent
        return sorted(edge for edge in changes if start < edge < end)

    def counts_days(self, book):
        while book:
            if any(price.daily for matches in self.books[book].prices.values() for versions in matches.values()
                   for price in versions):
                return True
            book = self.books[book].parent
        return False

    def terms_of(self, account, period_start):
        return in_force(self.terms[account], period_start)

    def payers(self, account):
        """The account and those that buy from it, at any depth: whose tenants it pays for."""
        found = {account}
        for other, versions in self.terms.items():
            if versions[0].seller == account:
                found |= self.payers(other)
        return found

    def member_ranges(self, account):
        """(tenant, from, to) for whom the account pays."""
        paid = self.payers(account)
        for tenant, memberships in self.members.items():
            for (start, payer), (end, _) in zip(memberships, [*memberships[1:], (NEVER, None)]):
                if payer in paid:
                    yield tenant, start, end
