# SPDX-License-Identifier: Apache-2.0
"""Reservations and savings plans in exact fractions, as docs/contracts.md has them.

Everything that falls on time is the difference of two values since the beginning of the term, each rounded half-up to
12 places. A window is a clock hour of UTC, or as much of it as lies in the period and in the term.
"""
from dataclasses import dataclass
from fractions import Fraction

from exact import AMOUNT_PLACES, QUANTITY_PLACES, SECOND, rounded

HOUR = 3600 * SECOND
UNIT_PLACES = 2 * QUANTITY_PLACES


@dataclass(frozen=True)
class Fee:
    """start, end: of the term, end None without end; within: upfront is a part of the hours' amounts."""
    start: int
    end: int
    upfront: Fraction
    hourly: Fraction
    within: bool

    def _hours_until(self, at):
        return rounded(self.hourly * (at - self.start) / HOUR, AMOUNT_PLACES)

    def _upfront_until(self, at):
        return rounded(self.upfront * (at - self.start) / (self.end - self.start), AMOUNT_PLACES) if self.upfront else 0

    def clip(self, start, end):
        start = max(start, self.start)
        return start, max(start, end if self.end is None else min(end, self.end))

    def once(self, start, end):
        return self.upfront if start <= self.start < end else Fraction(0)

    def billed_hourly(self, start, end):
        start, end = self.clip(start, end)
        hours = self._hours_until(end) - self._hours_until(start)
        return hours - (self._upfront_until(end) - self._upfront_until(start)) if self.within and start < end else hours

    def cost(self, start, end):
        start, end = self.clip(start, end)
        if start >= end:
            return Fraction(0)
        hours = self._hours_until(end) - self._hours_until(start)
        return hours if self.within else hours + self._upfront_until(end) - self._upfront_until(start)


@dataclass(frozen=True)
class Reservation:
    fee: Fee
    owner: object
    instances: int
    units: Fraction
    per: Fraction

    def entitlement(self, start, end):
        """Meter units x size units."""
        start, end = self.fee.clip(start, end)
        until = lambda at: rounded(self.instances * self.units * self.per * (at - self.fee.start) / HOUR, UNIT_PLACES)
        return until(end) - until(start) if start < end else Fraction(0)

    def cover(self, uses):
        """uses: [(start, end, tenant, quantity, units)] in the order of rank. [(covered, cost)] of each, and the
        meter units x size units that they took."""
        covered, taken_of_all = [(Fraction(0), Fraction(0))] * len(uses), Fraction(0)
        for start, end in sorted({use[:2] for use in uses}):
            entitled, cost, taken = self.entitlement(start, end), self.fee.cost(start, end), Fraction(0)
            served = [n for n, use in enumerate(uses) if use[0] == start]
            served.sort(key=lambda n: (uses[n][2] != self.owner, uses[n][4], n))
            for number in served:
                _, _, _, quantity, units = uses[number]
                take = min(quantity * units, entitled - taken)
                if not take:
                    continue
                fits = take == quantity * units
                part = quantity if fits else min(quantity, rounded(take / units, QUANTITY_PLACES))
                if not part:
                    continue
                spent = [rounded(cost * reached / entitled, AMOUNT_PLACES) for reached in (taken, taken + take)]
                taken += take
                covered[number] = part, spent[1] - spent[0]
            taken_of_all += taken
        return covered, taken_of_all

    def rest(self, start, end, taken):
        """(used, unused) meter units of a machine of one size unit, of a range."""
        used = rounded(taken, QUANTITY_PLACES)
        return used, rounded(self.entitlement(start, end), QUANTITY_PLACES) - used


@dataclass(frozen=True)
class SavingsPlan:
    fee: Fee
    owner: object
    only_cheaper: bool
    rate: Fraction = Fraction(1)  # from the prices' currency to the promise's

    def draw(self, uses):
        """uses: [(start, end, tenant, quantity, price, per, plan price, plan per)] in the order of rank. [(covered,
        cost)] of each."""
        drawn = [(Fraction(0), Fraction(0))] * len(uses)
        for start, end in sorted({use[:2] for use in uses}):
            left, order = self.fee.cost(start, end), []
            for number, (begin, _, tenant, quantity, price, per, plan, plan_per) in enumerate(uses):
                if begin != start or not quantity or not price:
                    continue
                in_own_units = rounded(plan * per / plan_per, AMOUNT_PLACES)
                factor = rounded(in_own_units / price, AMOUNT_PLACES)
                if not self.only_cheaper or factor <= 1:
                    order.append((tenant != self.owner, factor, number))
            for _, _, number in sorted(order):
                if not left:
                    break
                quantity, (plan, plan_per) = uses[number][3], uses[number][6:]
                wanted = rounded(quantity * plan * self.rate / plan_per, AMOUNT_PLACES)
                if wanted <= left:
                    drawn[number] = quantity, wanted
                else:
                    part = min(quantity, rounded(left * plan_per / (plan * self.rate), QUANTITY_PLACES))
                    drawn[number] = (part, left) if part else (part, Fraction(0))
                left -= drawn[number][1]
        return drawn
