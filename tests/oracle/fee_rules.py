# SPDX-License-Identifier: Apache-2.0
"""Fees of subscriptions, as docs/subscriptions.md has them: all that ever falls due of a holding, each part at its
instant, and of that what lies in a period. Days are counted by their midnights. Exact fractions."""
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from exact import AMOUNT_PLACES, EPOCH, QUANTITY_PLACES, SLOT, decimal, micros, rounded

FEE, FEE_REFUND = 11, 12  # stages of charges
MONTHS = {"period": 0, "month": 1, "quarter": 3, "year": 12}
WEEK = timedelta(days=7)
HOUR = 4 * SLOT


@dataclass(frozen=True)
class Subscription:
    price: Fraction
    every: str
    due: str
    proration: str
    started: str
    refund: bool
    booked: str

    @classmethod
    def read(cls, row):
        able = row["due"] == "in_advance" and row["proration"] != "none"
        return cls(decimal(row["price"]), row["every"], row["due"], row["proration"], row.get("started", "new"),
                   row.get("refund", "true" if able else "false") == "true", row["booked"])


# --- the calendar

def local(zone, at):
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=None)
def first_at(zone, wanted):
    """The first instant whose civil time is at or after one: looked for slot by slot."""
    at = micros(wanted.replace(tzinfo=timezone.utc)) - 15 * HOUR
    while local(zone, at) < wanted:
        at += SLOT
    return at


def months_later(moment, months):
    """So many months later on the same day, or on the last one of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            pass
    return moment.replace(year=year, month=month + 1)


def intervals(terms, zone, anchor, start, end):
    """[(begin, end)] from the anchor up to the end of the period."""
    if terms.every == "period":
        return [(start, end)]
    found, moment, begin = [], local(zone, anchor), anchor
    while begin < end:
        number = len(found) + 1
        next_moment = moment + number * WEEK if terms.every == "week" else months_later(moment, MONTHS[terms.every] * number)
        following = first_at(zone, next_moment)
        found.append((begin, following))
        begin = following
    return found


def midnights(zone, low, high):
    day = local(zone, low).replace(hour=0, minute=0, second=0, microsecond=0)
    while (at := first_at(zone, day)) <= high:
        yield at
        day += timedelta(days=1)


def passed(terms, zone, interval, at):
    """What counts of an interval up to an instant."""
    begin, end = interval
    if terms.proration == "seconds":
        return at - begin
    if terms.proration == "hours":
        return -(begin // HOUR) + at // HOUR if terms.started == "new" else -(-at // HOUR) + -begin // HOUR
    days = sum(begin < each <= at if terms.started == "new" else begin <= each < at
               for each in midnights(zone, begin, at))
    if terms.proration == "actual_days":
        return days
    most = 30 * (MONTHS[terms.every] or 1)
    return most if at >= end else min(days, most)


# --- fees

class Fees:
    """Of one holding, as far as they lie in [start, end)."""

    def __init__(self, holding, terms, zone, start, end):
        self.holding, self.terms, self.zone, self.start, self.end = holding, terms, zone, start, end
        self.sums = defaultdict(lambda: [Fraction(0)] * 3)  # (stage, tier) -> quantity, billed, effective

    def part(self, interval, low, high, whole, places):
        if self.terms.proration == "none":
            ratio = lambda at: Fraction(at - interval[0], interval[1] - interval[0])
        else:
            ratio = lambda at: Fraction(passed(self.terms, self.zone, interval, at),
                                        passed(self.terms, self.zone, interval, interval[1]))
        return rounded(whole * ratio(high), places) - rounded(whole * ratio(low), places)

    def amount(self, interval, low, high):
        return self.part(interval, low, high, self.terms.price * self.holding.quantity, AMOUNT_PLACES)

    def add(self, at, key, interval, low, high, sign=1, effective=False):
        """A part that falls due at an instant."""
        if self.start <= at < self.end:
            sums, amount = self.sums[key], self.amount(interval, low, high)
            self.sums[key] = [sums[0] + sign * self.part(interval, low, high, Fraction(self.holding.quantity), QUANTITY_PLACES),
                              sums[1] + sign * amount, sums[2] + (amount if effective else 0)]

    def spread(self, interval, begin, stop, last):
        """The effective cost in this period of a fee for [begin, last), which stops to be shared out at `stop`."""
        low, high = max(begin, self.start), min(stop, self.end)
        if stop < last and self.start <= stop < self.end and not self.terms.refund:
            high = last  # nothing comes back: the rest falls where it ends
        if low < high and max(begin, self.start) < self.end:
            sums = self.sums[FEE, 0 if begin >= self.start else 1]
            sums[2] += self.amount(interval, low, high)
            if begin < self.start:
                sums[0] += self.part(interval, low, high, Fraction(self.holding.quantity), QUANTITY_PLACES)

    def take(self, interval):
        begin, end = max(interval[0], self.holding.start), interval[1]
        early, whole = self.holding.end < end, self.terms.proration == "none"
        if begin >= self.holding.end or begin >= self.end or end <= begin:
            return
        if self.terms.due == "in_advance":
            interval = (begin, end) if whole else interval
            self.add(begin, (FEE, 0), interval, begin, end)
            self.spread(interval, begin, self.holding.end if early else end, end)
            if early and self.terms.refund:
                self.add(self.holding.end, (FEE_REFUND, 0), interval, self.holding.end, end, -1)
        else:
            stop = self.holding.end if early else end
            self.add(stop if early else stop - 1, (FEE, 0), (begin, stop) if whole else interval, begin, stop,
                     effective=True)


def fees(catalogue, account, start, end):
    """{(sku, tier, stage, holding): (quantity, billed, effective)} of an account's period, when its time has passed."""
    charges = {}
    for holding in catalogue.holdings:
        terms = catalogue.offers[holding.offer]
        if holding.account != account or not isinstance(terms, Subscription):
            continue
        zone = catalogue.terms_of(account, holding.start).zone
        found = Fees(holding, terms, zone, start, end)
        for interval in intervals(terms, zone, holding.anchor, start, end):
            found.take(interval)
        for (stage, tier), sums in found.sums.items():
            if any(sums):
                charges[terms.booked, tier, stage, holding.id] = tuple(sums)
    return charges
