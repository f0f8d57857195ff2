#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An independent computation of what Turnpike must bill, written from docs/catalogue.md and the event form, not from
the engine: Python fractions and integers, no float. Tests compare the engine with it to the last digit.

usage: oracle.py --catalogue PATH... --events FILE.ndjson --period 2026-10 --cut-end 2026-11-01T02:00:00Z

prints, per billing account with usage in that month, usage, charges and totals as JSON.

What the documents leave open and this decides (the engine does the same): fractions of a microsecond are cut off; of
several matches with equally many members the one whose canonical JSON is first wins; a stretch of running accrues
value x seconds from its begin, rounded half-up to 1e-9, pieces of it are differences; of transitions in one instant
those that change the state before them come first. `latest` values of one instant are decided by a keyed hash that
only the engine knows: do not feed ties."""
import argparse
import json
import sys

from catalogue_files import Catalogue
from charge_rules import period_terms, rate
from document_rules import Totals, next_document, to_date, totals_of
from exact import instant, instant_shown, shown
from usage_events import Counted, Event, Malformed, Number, read_event

__all__ = ["Catalogue", "Counted", "Event", "Malformed", "Number", "Totals", "next_document", "period_terms", "rate",
           "read_event", "to_date", "shard_of", "statement", "totals_of"]


def murmur2(data):
    """The hash of Java's default partitioner."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) - len(data) % 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at:at + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        value = (value * multiplier & mask) ^ word
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15


def shard_of(tenant):
    return (murmur2(tenant.encode()) & 0x7FFFFFFF) % 1024


def statement(counted, account, label, cut_end):
    """Usage, charges and totals of an account and month, as texts."""
    rated, terms = rate(counted, account, label, cut_end), period_terms(counted.catalogue, account, label)
    totals = totals_of(counted.catalogue, terms, rated.charges)
    charges = [{"tenant": key.tenant, "sku": key.sku, "book": key.price[0], "match": json.loads(key.price[2]),
                "price_from": instant_shown(key.price[3]) if abs(key.price[3]) < 1 << 61 else None, "tier": key.tier,
                "dimensions": json.loads(key.dimensions or "{}"), "stage": key.stage, "quantity": shown(quantity),
                "cost": shown(cost)} for key, (quantity, cost) in rated.charges.items()]
    return {"account": account, "period": label, "currency": terms.currency,
            "usage": [{"tenant": tenant, "meter": meter, "dimensions": json.loads(dimensions),
                       "quantity": shown(quantity)}
                      for (tenant, meter, dimensions), quantity in sorted(rated.used.items())],
            "charges": sorted(charges, key=lambda row: json.dumps(row, sort_keys=True)),
            "unpriced": sorted(rated.unpriced), "base": shown(rated.total), "net": shown(totals.net),
            "tax": shown(totals.tax), "total": shown(totals.total)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalogue", nargs="+", required=True, metavar="PATH")
    parser.add_argument("--events", required=True, metavar="FILE")
    parser.add_argument("--period", required=True, metavar="YYYY-MM")
    parser.add_argument("--cut-end", required=True, metavar="INSTANT")
    options = parser.parse_args()
    counted, cut_end = Counted(Catalogue.read(*options.catalogue)), instant(options.cut_end)
    with open(options.events, encoding="utf-8") as lines:
        for line in lines:
            counted.take_text(line)
    statements = [statement(counted, account, options.period, lambda tenant: cut_end)
                  for account in sorted(counted.catalogue.terms)]
    json.dump({"verdicts": counted.verdicts, "accounts": [row for row in statements if row["usage"] or row["charges"]]},
              sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
