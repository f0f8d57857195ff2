# SPDX-License-Identifier: Apache-2.0
"""Published examples of values over time (an interval meter accrues value x seconds), of tiers that are entered in
mid-period, and of single roundings. Months of 31 days are our month; one of 30 days lies in it."""
from fractions import Fraction

import exact
from sales import MONTH, Sale, per_unit, priced, rows_of, shown_product, timed, totals, used_totals

BEGIN = exact.instant(f"{MONTH}-01T00:00:00Z")
HOUR = 3600 * exact.SECOND
HOURS_31 = 744


def stored(changes, hours, end):
    """changes: (hours from the month's begin, size from then on); paid by the mean of so many hours."""
    return Sale([("stored", None, str(hours * 3600), "1", None)],
                sizes=[(BEGIN + int(exact.decimal(at) * HOUR), size) for at, size in (*changes, (end, "0"))])


def segments(given):
    """[(size, days)] one after the other."""
    at, changes = 0, []
    for size, days in given["segments"]:
        changes.append((str(at * 24), size))
        at += days
    return stored(changes, at * 24, str(at * 24))


def levels(events):
    """Changes by so much become sizes from then on."""
    size = Fraction(0)
    for change, hours in events:
        size += exact.decimal(change)
        yield hours, exact.shown(size)


def sustained(given, hours):
    """A machine that pays less in each quarter of the month: tiers of its own hours."""
    quarters = [{"up_to": str(HOURS_31 * (at + 1) // 4), "price": shown_product(given["rate"], factor)}
                for at, factor in enumerate(given["quarter_multipliers"])]
    del quarters[-1]["up_to"]
    return Sale([("time", None, "3600", quarters, None)], runs=[(BEGIN, BEGIN + hours * HOUR)])


def blocks(given):
    """A tier's bound is so many of its blocks above the one before; the last has none."""
    rows, bound = [], 0
    for tier in given["tiers"]:
        bound += int(tier["size"]) * int(tier["max"])
        rows.append({"up_to": str(bound), "block": tier["size"], "price": tier["price"]})
    del rows[-1]["up_to"]
    return rows


def rounded_by(given):
    """The units at a price of 1, rounded in each way; no places are none."""
    modes = {"round": "half_up", "ceil": "up", "floor": "down"}
    for way in given["modes"]:
        mode, _, places = way.partition(":")
        yield priced({"price": "1", "round": {"places": places.replace("null", "0"), "mode": modes[mode]}}, given["units"])


def reached(rate, shares, sales):
    """Of each share of the month in percent, by how much the mean price is below the rate."""
    for (share, discount), sale in zip(shares.items(), sales, strict=True):
        list_price = exact.decimal(rate) * Fraction(HOURS_31 * int(share), 100)
        yield 1 - sale.total / list_price, discount


EXAMPLES = {
    "gcp-sud-n1": (
        lambda given: [sustained(given, HOURS_31 * share // 100) for share in (50, 75, 100)],
        lambda want, *sales: [
            *((part / (HOURS_31 // 4), rate)
              for part, rate in zip(sales[-1].parts(), want["incremental_rates"], strict=True)),
            *reached(want["incremental_rates"][0], want["effective_discount"], sales)]),
    "elastic-average-storage": (
        lambda given: [segments(given)], lambda want, sale: [(sale.total, want["avg_gb"])]),
    "lago-weighted-sum-march": (
        lambda given: [stored([(str(24 * (int(day[8:10]) - 1)), size) for size, day in given["events"]], HOURS_31,
                              str(HOURS_31))],
        lambda want, sale: [(exact.rounded(sale.quantity / (HOURS_31 * 3600), 16), want["units"]), (sale.total, want["total"])]),
    "lago-weighted-sum-august": (
        lambda given: [stored([(hours, size) for hours, size in levels(given["events"])][:-1], HOURS_31,
                              given["events"][-1][1])],
        lambda want, sale: [(sale.total, want["units"])]),
    "hw-spot-block-normal": (
        lambda given: [timed(given["hourly"], str((exact.instant(given["end"] + "Z") -
                                                   exact.instant(given["start"] + "Z")) // exact.SECOND), per="3600")],
        lambda want, sale: [(sale.total, want["total"])]),
    "openmeter-graduated-split": (  # the second settlement posts what is more
        lambda given: [priced(rows_of(given["tiers"], "graduated"), given["pre"],
                              later=[(1, None, given["quantity"])])],
        lambda want, sale: [(sale.total - sale.first, want["total"])]),
    "openmeter-graduated-totals": (
        lambda given: [priced(rows_of(given["tiers"], "graduated"), quantity) for quantity in given["quantities"][1:]],
        used_totals),
    "stripe-graduated": (
        lambda given: [priced(rows_of(given["tiers"], "graduated"), quantity) for quantity in given["quantities"]],
        totals),
    "killbill-top-tier-series": (
        lambda given: [priced({"model": "volume", "tiers": blocks(given)}, quantity) for quantity in given["quantities"]],
        totals),
    "computenext-rounding": (
        lambda given: [per_unit(line, "1", rounding="half_up_nonzero") for line in given["lines"]],
        lambda want, *sales: [(Fraction(sale.document["net"]), rounded)
                              for sale, rounded in zip(sales, want["rounded"], strict=True)]),
    "killbill-5325-units": (  # a block costs 1, so the parts are numbers of blocks
        lambda given: [priced({"model": "graduated", "tiers": blocks(given)}, given["quantity"])],
        lambda want, sale: list(zip(sale.parts(), want["parts"], strict=True))),
    "lago-metric-rounding": (
        lambda given: list(rounded_by(given)),
        lambda want, *sales: [pair for sale, result in zip(sales, want["results"], strict=True)
                              for pair in ((sale.quantity, result), (sale.total, result))]),
    "ali-payg-rounddown": (
        lambda given: [per_unit(given["amount_3dp"], "1", rounding="down")],
        lambda want, sale: [(Fraction(sale.document["net"]), want["charged"])]),
}

IN_PART = ("openmeter-graduated-totals", "hw-spot-block-normal", "ali-payg-rounddown")
