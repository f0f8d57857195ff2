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


def credit_note_of_week(given, quote):
    """The same of a week that is paid on a month's last day."""
    return [quote("2026-07", tax=given["tax"], offers={"plan": fee(given["fee"], every="week")},
                  holdings={"plan": ("2026-06-30", day("2026-06-30", given["days"] - given["left"]), "2026-06-30")})]


def capped(quote, maximum, *quantities, **more):
    """A quote of so much usage together, with a maximum for the account's period."""
    return quote("2026-06", limits=[{"maximum_spend": maximum}], usage=[("2026-06-10", each) for each in quantities], **more)


def proration(want, bill):
    return [(-bill.of("fee_refund"), want["credit"]), (bill.of("fee", "new"), want["charge"])]


def difference(bill):
    return bill.of("fee", "new") + bill.of("fee_refund")


def seats(quote, given, period, changes, model="graduated", **more):
    """Seats of a month that are paid by the day. changes: (day of the month from which on, seats)."""
    tiers = [{name: tier[key] for name, key in (("up_to", "upto"), ("price", "unit"), ("flat", "flat")) if tier.get(key)}
             for tier in given["tiers"]]
    last = (date.fromisoformat(f"{period}-28") + timedelta(4)).replace(day=1) - timedelta(1)
    level = lambda number: [count for begin, count in changes if begin <= number][-1]
    return quote(period, seats={"model": model, "tiers": tiers, "daily": "share"},
                 usage=[(f"{period}-{number:02}", level(number), "seats") for number in range(1, last.day + 1)
                        if changes[0][0] <= number and exact.decimal(str(level(number)))], **more)


def seats_of_parts(given, quote):
    """Changes whose prorated units say for which part of a month of 30 days they were in force."""
    changes, level = [], 0
    for units, prorated in given["events_full_and_prorated"]:
        level += int(units)
        changes.append((31 - int(30 * exact.decimal(prorated) / int(units)), level))
    return [seats(quote, given, "2026-06", changes)]


def prorated_volume(given, quote):
    """The full units on as many days of 30 as the prorated ones make, and what is left on one more."""
    full = int(given["full_units"])
    days, rest = divmod(30 * exact.decimal(given["prorated_units"]), full)
    return [seats(quote, given, "2026-06", [(1, full), (days + 1, exact.shown(rest)), (days + 2, 0)], model="volume")]


def seat_months(given, quote, period, before, *changes):
    """The month with what was carried into it, and with each of the changes on top."""
    return [seats(quote, given, period, [(1, before), *changes[:count]]) for count in range(len(changes) + 1)]


def tokens(given, quote):
    """Tokens bought as a fee of their month, in dollars, and usage at prices in tokens."""
    skus = token_skus(given["usage"])
    return [quote("2026-06", book="TOKEN", rate=given["token_usd"], offers={"tokens": fee(given["token_usd"])},
                  holdings={"tokens": ("2026-06-01", "2026-07-01", "2026-06-01", int(given["purchase_tokens"]))},
                  prices={sku: price for sku, (_, price) in zip(skus, given["usage"])},
                  usage=[("2026-06-10", quantity, sku) for sku, (quantity, _) in zip(skus, given["usage"])])]


def token_skus(rows):
    return [f"used-{number}" for number in range(len(rows))]


# name -> (quotes that an example's input asks for, (figure, published) of each)
EXAMPLES = {
    "focus-virtual-currency-a": (tokens, lambda want, bill: [
        (bill.of("fee"), want["purchase"]),
        *zip(bill.of_skus(token_skus(want["effective"]), "effective_cost"), want["effective"], strict=True),
        *zip(bill.of_skus(token_skus(want["effective"]), "pricing_effective_cost"), want["pricing_currency_effective"],
             strict=True)]),
    "lago-volume-prorated": (prorated_volume, lambda want, bill: [(bill.cost, want["total"])]),
    "lago-prorated-graduated-six-plus": (
        lambda given, quote: seat_months(given, quote, given["add"][1][:7], int(given["carried"]), (
            int(given["add"][1][8:]), int(given["carried"]) + int(given["add"][0]))),
        lambda want, carried, added: [(carried.cost, want["carried_total"]), (added.cost, want["after_add"])]),
    "lago-prorated-graduated-terminate": (  # the day of the end counts
        lambda given, quote: seat_months(
            given, quote, given["add"][1][:7], int(given["carried"]),
            (int(given["add"][1][8:]), int(given["carried"]) + int(given["add"][0])), (int(given["terminated"][8:]) + 1, 0)),
        lambda want, *bills: list(zip((bill.cost for bill in bills), want.values(), strict=True))),
    **{f"lago-prorated-graduated-unit-{letter}": (seats_of_parts, lambda want, bill: [(bill.cost, want["total"])])
       for letter in "cde"},
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
        credit_note_of_week if letter == "c" else credit_note, lambda want, bill: [(-bill.net, want["subtotal"]), (-bill.tax, want["tax"]), (-bill.total, want["total"])])
       for letter in "abc"},
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
    "focus-spend-agreement-b1": (
        lambda given, quote: [quote(
            period, offers={"spend": {"amount": given["purchase"], "booked": "plans"}},
            holdings={"spend": ("2026-10-01", "2027-01-01", None)},
            usage=[(f"2026-{month}-12", cost) for month, cost in zip(("10", "11", "12"), given["usage_effective"], strict=True)])
            for period in ("2026-10", "2026-11", "2026-12")],
        lambda want, *bills: [
            *((bill.of("usage") + bill.of("prepaid"), want["billed_usage"]) for bill in bills),
            *((bill.of("usage", cost="effective_cost") + bill.of("prepaid", cost="effective_cost"), cost)
              for bill, cost in zip(bills, ("48", "120", "60"), strict=True)),
            (bills[0].of("prepayment"), "1200"), (bills[-1].of("left", cost="effective_cost"), "972"),
            (sum(bill.of(stage, cost="effective_cost") for bill in bills for stage in ("usage", "prepaid", "left", "prepayment")),
             want["effective_sum"])]),
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
    "flexprice-count-unique": (
        lambda given, quote: [quote("2026-06", seen=given["values"])],
        lambda want, bill: [(sum(line["quantity"] for line in bill.lines), want["count"])]),
    "lago-coupon-and-trueup-tax": (  # the lines are SKUs, each with a tax of its own
        lambda given, quote: [quote("2026-06", coupon={"amount": given["coupon"]},
                                    taxes={f"l{i}": rate for i, (_, rate) in enumerate(given["lines"])},
                                    usage=[("2026-06-10", amount, f"l{i}") for i, (amount, _) in enumerate(given["lines"])])],
        lambda want, bill: [
            *((-bill.of_sku("coupon", f"l{i}"), part) for i, part in enumerate(want["coupon_parts"])),
            *((bill.tax_named(f"VAT l{i}"), tax) for i, tax in enumerate(want["taxes"])),
            (bill.tax, want["tax_total"]), (bill.total, want["total"])]),
    "lago-fee-rounding": (
        lambda given, quote: [quote("2026-06", price="1", usage=[("2026-06-10", each)]) for each in given["fees"]],
        lambda want, *bills: [(bill.net, net) for bill, net in zip(bills, want["rounded"], strict=True)]),
}
IN_PART = ("proration-line-vs-net", "flexprice-proration-monthly")
