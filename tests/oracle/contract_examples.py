# SPDX-License-Identifier: Apache-2.0
"""Published examples of fees, limits, terms and currencies: what test_worked_contracts asks quotes of, and which figures it
compares. Months and quarters are those with the published number of days."""
from datetime import date, timedelta
from fractions import Fraction

import exact


def day(first, days=0):
    return str(date.fromisoformat(first) + timedelta(days))


def fee(price, **terms):
    return {"price": price, "every": "month", "due": "in_advance", "proration": "actual_days", "booked": "plans", **terms}


def upgrade(given, begin, days, old, new, at=None, **terms):
    """The old plan from `begin`, and the new one in its place when `days` of the interval have passed (or at an instant)."""
    at = at or day(begin, days)
    return {"offers": {"old": fee(given[old], **terms), "new": fee(given[new], **terms)},
            "holdings": {"old": (begin, at, begin), "new": (at, None, begin)}}


def credit_note(given, quote):
    """A fee of 30 days from a month's last day, given up on the next day, which is another document's."""
    return [quote("2026-07", tax=given["tax"], offers={"plan": fee(given["fee"])},
                  holdings={"plan": ("2026-06-30", "2026-07-01", "2026-06-30")})]


def capped(quote, maximum, *quantities, **more):
    """A quote of so much usage together, with a maximum for the account's period."""
    return quote("2026-06", limits=[{"maximum_spend": maximum}], usage=[("2026-06-10", each) for each in quantities], **more)


def proration(want, bill):
    return [(-bill.of("fee_refund"), want["credit"]), (bill.of("fee", "new"), want["charge"])]


def difference(bill):
    return bill.of("fee", "new") + bill.of("fee_refund")


# name -> (quotes that an example's input asks for, (figure, published) of each)
EXAMPLES = {
    "hw-eip-upgrade": (
        lambda given, quote: [quote("2026-06", **upgrade(given, "2026-06-01", 30 - given["remaining_days"], "old_monthly",
                                                         "new_monthly"))],
        lambda want, bill: [(difference(bill), want["price"])]),
    "refund-30-day": (
        lambda given, quote: [quote("2026-06", offers={"plan": fee(given["paid"])}, holdings={
            "plan": ("2026-06-01", day("2026-06-01", given["used_days"]), "2026-06-01")})],
        lambda want, bill: [(-bill.of("fee_refund"), want["refund"])]),
    "baidu-rds-upgrade": (  # changed at noon of the tenth day, which is the old plan's
        lambda given, quote: [quote("2026-06", **upgrade(given, "2026-06-01", 0, "old", "new", at="2026-06-10T12:00:00Z",
                                                         started="old"))],
        lambda want, bill: [(difference(bill), want["due"])]),
    "baidu-bcc-upgrade": (
        lambda given, quote: [quote("2026-07", **upgrade(given, "2026-07-01", 31 - given["remaining"], "old", "new"))],
        lambda want, bill: [(difference(bill), want["due"])]),
    "bitdeer-discount-proration": (  # the factor is a coupon on plans
        lambda given, quote: [quote("2026-07", offers={"plan": fee(given[which])}, coupon=exact.shown(
            1 - exact.decimal(given["factor"])), holdings={"plan": (day("2026-07-01", 31 - given["days"]), None, "2026-07-01")})
            for which in ("new", "old")],
        lambda want, new, old: [(new.cost, want["new_due"]), (old.cost, want["old_due"]), (new.cost - old.cost, want["diff"])]),
    "proration-line-vs-net": (
        lambda given, quote: [quote("2026-06", **upgrade(given, "2026-06-01", given["days"] - given["left"], "old", "new"))],
        proration),
    "flexprice-proration-monthly": (
        lambda given, quote: [quote("2026-06", **upgrade(given, "2026-06-01", given["days_total"] - given["days_left"], "old",
                                                         "new"))],
        proration),
    "flexprice-proration-quarterly": (
        lambda given, quote: [quote("2026-02", **upgrade(given, "2026-01-01", given["days_total"] - given["days_left"], "old",
                                                         "new", every="quarter"))],
        lambda want, bill: [*proration(want, bill), (bill.net, want["net"])]),
    "baremetrics-upgrade": (
        lambda given, quote: [quote(period, **upgrade(given, "2026-02-01", 7 * given["used"], "old", "new"))
                              for period in ("2026-02", "2026-03")],
        lambda want, bill, following: [
            (bill.of("fee_refund"), want["credit"]), (bill.of("fee", "new"), want["charge"]), (following.cost, want["next"]),
            (difference(bill) + following.cost, want["total"])]),
    "lago-quarter-proration": (  # both days count
        lambda given, quote: [quote("2024-06", offers={"plan": fee(given["fee"], every="quarter", due="in_arrears")}, holdings={
            "plan": (given["start"], day(given["end"], 1), "2024-04-01")})],
        lambda want, bill: [(bill.cost, want["amount"]), (exact.rounded(bill.lines[0]["quantity"] * 91, 6), want["days"])]),
    "aws-upfront-amortized-daily": (
        lambda given, quote: [quote(period, offers={"plan": fee(given["upfront"], every="year")}, holdings={
            "plan": ("2026-01-01", None, "2026-01-01")}) for period in ("2026-01", "2026-02", "2026-12")],
        lambda want, *bills: [(bill.of("fee", cost="effective_cost") / days, want["per_day"])
                              for bill, days in zip(bills, (31, 28, 31), strict=True)]),
    **{f"lago-credit-note-{letter}": (
        credit_note, lambda want, bill: [(-bill.net, want["subtotal"]), (-bill.tax, want["tax"]), (-bill.total, want["total"])])
       for letter in "ab"},
    "openmeter-unit-discount-max": (  # 35 were billed for 7 before
        lambda given, quote: [capped(quote, given["maximum"], *quantities, price=given["unit"], discount=given["discount"])
                              for quantities in (["7"], ["7", given["qty"]])],
        lambda want, before, bill: [
            (bill.of("usage", cost="list_cost") - before.of("usage", cost="list_cost"), want["amount"]),
            (bill.of("usage", cost="list_cost") - before.of("usage", cost="list_cost")
             - bill.of("usage") + before.of("usage"), want["percent_discount"]),
            (-bill.of("account_maximum"), want["max_discount"]), (bill.cost - before.cost, want["net"])]),
    "openmeter-max-spend-overage": (
        lambda given, quote: [capped(quote, maximum, before, given["line"]) for maximum, before in given["cases"]],
        lambda want, *bills: [(exact.rounded(-bill.of("account_maximum"), 2), off)
                              for bill, off in zip(bills, want["discounts"], strict=True)]),
    "focus-spend-agreement-a1": (
        lambda given, quote: [quote(period, price=given["list_hourly"], discount=given["discount"], limits=[
            {"of": "term", "minimum_spend": given["commitment"], "booked": "amount", "from": "2026-10-01", "to": "2027-01-01"}],
            usage=[(f"2026-{month}-12", hours) for month, hours in zip(("10", "11", "12"), given["hours"], strict=True)])
            for period in ("2026-10", "2026-11", "2026-12")],
        lambda want, *bills: [
            *((bill.of("usage"), cost) for bill, cost in zip(bills, want["usage"], strict=True)),
            *((bill.of("usage", cost="list_cost"), cost) for bill, cost in zip(bills, want["list"], strict=True)),
            (bills[-1].of("true_up"), want["end_shortfall"]),
            (bills[-1].of("true_up") / 1200, want["shortfall_quantity"])]),
    "partner-margin": (
        lambda given, quote: [quote("2026-06", price=given["list"], discount=given["discount"], usage=[("2026-06-10", "1")])],
        lambda want, bill: [(bill.cost, want["partner_price"])]),
    "partner-fx": (
        lambda given, quote: [quote("2026-06", price="1", usage=[("2026-06-10", given["usd"])], currency="EUR",
                                    rate=given["rate"])],
        lambda want, bill: [(bill.cost, want["eur"])]),
    "jpy-tax-chain": (  # yen have no places: 21,098.88 is 21,099
        lambda given, quote: [quote("2026-06", price=given["usd_hourly"], usage=[("2026-06-10", given["hours"])],
                                    currency="JPY", rate=given["fx"], tax=exact.shown(exact.decimal(given["tax"]) - 1))],
        lambda want, bill: [(bill.cost * (1 + bill.tax_rate), want["total"]),
                            (bill.total, str(exact.rounded(exact.decimal(want["total"]), 0)))]),
    "lago-fee-rounding": (
        lambda given, quote: [quote("2026-06", price="1", usage=[("2026-06-10", each)]) for each in given["fees"]],
        lambda want, *bills: [(bill.net, net) for bill, net in zip(bills, want["rounded"], strict=True)]),
}
IN_PART = ("proration-line-vs-net", "flexprice-proration-monthly")
