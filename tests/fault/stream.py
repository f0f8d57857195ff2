# SPDX-License-Identifier: Apache-2.0
"""A catalogue with every kind of meter and price, and a random stream of events for it, good and bad, with what each
must become. The same seed gives the same stream, up to the instant from which it counts back."""
import json
import random
from datetime import datetime, timedelta, timezone

import exact

ACME, KOBE, BOLT, GATE = (tuple(f"{name}-{number:02}" for number in range(1, count + 1))
                          for name, count in (("acme", 12), ("kobe", 5), ("bolt", 6), ("gate", 4)))
DIRECT = ACME + KOBE + BOLT  # by Kafka; the others by the gateway
DAYS_BACK = 30
CATALOGUE = """
services:
  - {{id: compute, name: Compute, category: Compute, subcategory: Virtual Machines}}
  - {{id: api, name: API, category: Networking, subcategory: Application Networking}}
meters:
  - {{id: calls, name: Calls, event_type: fault.call, aggregation: sum, value: n, dimensions: [api, gold], unit: call}}
  - {{id: visits, name: Visits, event_type: fault.visit, aggregation: count, dimensions: [page], unit: event}}
  - {{id: seats, name: Seats, event_type: fault.seat, aggregation: max, value: n, dimensions: [team], unit: seat,
      window: day}}
  - {{id: level, name: Level, event_type: fault.level, aggregation: latest, value: gb, dimensions: [disk], unit: GB}}
  - id: running
    name: Running
    event_type: fault.state
    aggregation: interval
    resource: vm
    state: state
    running: [started, resized]
    stopped: [stopped, deleted]
    value: cpu
    dimensions: [os]
    unit: second
  - {{id: machines, name: Machines, event_type: fault.state, aggregation: interval, resource: vm, state: state,
      running: [started, resized], stopped: [stopped, deleted], dimensions: [], unit: second}}
skus:
  - {{id: calls, service: api, meter: calls, name: Calls}}
  - {{id: visits, service: api, meter: visits, name: Visits}}
  - {{id: seats, service: api, meter: seats, name: Seats}}
  - {{id: level, service: compute, meter: level, name: Level}}
  - {{id: vm, service: compute, meter: running, name: vCPU}}
  - {{id: machine, service: compute, meter: machines, name: Machine}}
price_books:
  - id: list-eur
    name: List
    currency: EUR
    prices:
      - sku: calls
        unit: thousand calls
        per: 1000
        tiers: [{{up_to: 100, price: "0"}}, {{up_to: "2500.5", price: "0.037"}}, {{price: "0.011"}}]
      - sku: calls
        unit: thousand calls
        per: 1000
        tiers: [{{up_to: 200, price: "0.01"}}, {{price: "0.013"}}]
        effective_from: {change}
      - {{sku: calls, match: {{gold: "true"}}, unit: call, price: "0.000333333333"}}
      - {{sku: visits, unit: seven, per: 7, price: "1"}}
      - {{sku: visits, match: {{page: home}}, unit: seven, per: 7, price: "2", effective_from: {change}}}
      - {{sku: seats, unit: seat-day, price: "0.31"}}
      - {{sku: level, unit: GB-slot, price: "0.000041"}}
      - {{sku: level, unit: GB-slot, price: "0.000043", effective_from: {later}}}
      - {{sku: vm, unit: hour, per: 3600, price: "0.0523", minimum_seconds: 600}}
      - {{sku: vm, match: {{os: windows}}, unit: hour, per: 3600, price: "0.0777", effective_from: {later}}}
      - {{sku: machine, unit: day, per: 86400, tiers: [{{up_to: 1, price: "0"}}, {{price: "0.1"}}]}}
  - id: list-jpy
    name: List
    currency: JPY
    prices:
      - {{sku: calls, unit: call, price: "0.02"}}
      - {{sku: visits, unit: visit, price: "3"}}
      - {{sku: seats, unit: seat-day, price: "50"}}
      - {{sku: level, unit: GB-slot, price: "0.01"}}
      - {{sku: vm, unit: hour, per: 3600, price: "8.1"}}
      - {{sku: machine, unit: hour, per: 3600, price: "1.5", minimum_seconds: 3600}}
  - id: sky-buys
    name: What Sky pays
    currency: EUR
    parent: list-eur
    prices:
      - {{sku: vm, unit: hour, per: 3600, price: "0.0411"}}
sellers: [{{id: nimbus, name: Nimbus, address: ["Street 1"], tax_id: X, series: NC}}]
partners:
  - {{id: sky, name: Sky, series: SKY, currency: EUR, zone: Europe/Berlin, price_book: sky-buys,
      tax: {{name: VAT, rate: "0.19"}}}}
billing_accounts:
  - {{id: acme, name: Acme, currency: EUR, zone: UTC, price_book: list-eur, tax: {{name: VAT, rate: "0.19"}}}}
  - {{id: kobe, name: Kobe, currency: JPY, zone: Asia/Tokyo, price_book: list-jpy, rounding: half_even,
      tax: {{name: T, rate: "0.1"}}}}
  - {{id: bolt, name: Bolt, seller: sky, currency: EUR, zone: America/New_York, price_book: list-eur}}
  - {{id: gate, name: Gate, currency: EUR, zone: Asia/Kolkata, price_book: list-eur, rounding: up,
      tax: {{name: VAT, rate: "0.07"}}}}
tenants:
"""


def catalogue_text(now):
    """The catalogue, with price changes on the 10th of last month at 05:15 and five days ago at midnight."""
    label = exact.previous_label(exact.month_label("UTC", now))
    later = exact.instant_shown(now - now % exact.DAY - 5 * exact.DAY)
    rows = [f"  - {{id: {tenant}, name: {tenant}, billing_account: {tenant.partition('-')[0]}}}\n"
            for tenant in DIRECT + GATE]
    # one tenant moves to another payer
    rows.append(f"  - {{id: acme-12, name: acme-12, billing_account: gate, member_from: {later}}}\n")
    return CATALOGUE.format(change=f"{label}-10T05:15:00Z", later=later) + "".join(rows)


class Stream:
    """Events as JSON texts, in the order in which they are to be in the log of their tenant."""

    def __init__(self, seed, now):
        self.random, self.now, self.number, self.sent, self.held = random.Random(seed), now, 0, [], []

    def time(self, back_least=60, back_most=DAYS_BACK * 86400):
        """Some time ago; the microseconds differ in every event, so that no two of a tenant are equal."""
        seconds = self.random.randrange(back_least, back_most)
        return (self.now // exact.SECOND - seconds) * exact.SECOND + self.number % exact.SECOND

    def row(self, tenant, kind, data, at=None):
        self.number += 1
        return {"specversion": "1.0", "id": f"e{self.number}", "source": "/fault", "type": kind, "subject": tenant,
                "time": exact.instant_shown(self.time() if at is None else at), "data": data}

    def fresh(self, tenants=DIRECT):
        pick = self.random
        tenant, kind = pick.choice(tenants), pick.choice(("call", "call", "visit", "seat", "level", "state", "state"))
        quantity = pick.choice((0, 1, 7, pick.randrange(1, 10**5),
                                f"{pick.randrange(10**4)}.{pick.randrange(10**9):09}",
                                "0.000000001", 1e3))
        data = {"call": lambda: {"n": quantity, "api": pick.choice(("a", "b", "ü")), "gold": pick.random() < 0.1},
                "visit": lambda: {"page": pick.choice(("home", "shop"))},
                "seat": lambda: {"n": pick.randrange(500), "team": pick.choice("xy")},
                "level": lambda: {"gb": quantity, "disk": pick.choice("st")},
                "state": lambda: {"vm": f"vm-{pick.randrange(25)}", "cpu": pick.choice((1, 2, "0.5")),
                                  "state": pick.choice(("started", "resized", "stopped", "deleted")),
                                  "os": pick.choice(("linux", "windows"))}}[kind]()
        return self.row(tenant, f"fault.{kind}", data)

    def again(self):
        """A repetition in another spelling: same content."""
        row = dict(reversed(list(self.random.choice(self.sent).items())))
        moment = datetime.fromisoformat(row["time"].replace("Z", "+00:00")).astimezone(timezone(timedelta(hours=2)))
        return dict(row, time=moment.isoformat(), traceparent="00-1")

    def conflict(self):
        row = self.random.choice(self.sent)
        self.number += 1
        return dict(row, data=dict(row["data"], note=self.number))

    def momentary(self):
        """Made and deleted in one instant, the deletion first."""
        tenant, at, vm = self.random.choice(DIRECT), self.time(), f"moment-{self.number}"
        return [self.row(tenant, "fault.state", {"vm": vm, "cpu": 4, "state": state, "os": "linux"}, at)
                for state in ("deleted", "started")]

    def bad(self):
        """An event that is quarantined, by any of several reasons."""
        row, pick = self.fresh(), self.random
        how = pick.choice(("late", "future", "negative", "value", "type", "tenant", "attribute", "corrects"))
        if how == "value":  # may come again, corrected: then it counts
            row.update(type="fault.call", data={"api": "a"})
            self.held.append(dict(row, data={"n": 5, "api": "a"}))
        return {"late": lambda: dict(row, time=exact.instant_shown(self.time(36 * 86400, 50 * 86400))),
                "future": lambda: dict(row, time=exact.instant_shown(self.time(-7 * 86400, -5 * 86400))),
                "negative": lambda: dict(row, type="fault.call", data={"n": -1}), "value": lambda: row,
                "type": lambda: dict(row, type="fault.unknown"), "tenant": lambda: dict(row, subject="nobody"),
                "attribute": lambda: {name: value for name, value in row.items() if name != "specversion"},
                "corrects": lambda: dict(row, corrects="e1")}[how]()

    def take(self, count):
        """The next rows."""
        rows = []
        while len(rows) < count:
            chance = self.random.random()
            if self.sent and chance < 0.05:
                rows.append(self.again())
            elif self.sent and chance < 0.07:
                rows.append(self.conflict())
            elif chance < 0.10:
                rows.append(self.bad())
            elif chance < 0.11:
                rows += self.momentary()
            elif self.held and chance < 0.12:
                rows.append(self.held.pop())
            else:
                rows.append(self.fresh())
                self.sent.append(rows[-1])
        return rows


def messages_of(rows, pick):
    """(key, value) lines for Kafka: a tenant's events in lists of some, as other producers would send them."""
    by_tenant = {}
    for row in rows:
        by_tenant.setdefault(row["subject"], []).append(json.dumps(row, ensure_ascii=pick.random() < 0.5))
    for tenant, texts in by_tenant.items():
        while texts:
            some = pick.randrange(1, 20)
            yield tenant, texts[0] if some == 1 else f"[{','.join(texts[:some])}]"
            del texts[:some]
