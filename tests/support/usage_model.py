# SPDX-License-Identifier: Apache-2.0
"""Usage as a list of deltas in memory: what every reader must say at any cut, written from the rules (4.1, 5.1), not from
the SQL. Instants are microseconds, quantities Decimals."""
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

DAY = 86_400_000_000
MERGES = {"sum": "added", "count": "added", "max": "slots", "min": "slots", "average": "slots", "latest": "slots",
          "unique": "slots"}


def mean(total, count):
    """Rounded half away from zero at nine places."""
    quotient = Fraction(total) / count
    nano = int(abs(quotient) * 10**9 * 2 + 1) // 2
    return Decimal(nano if quotient >= 0 else -nano).scaleb(-9)


class Model:
    """Deltas with their origin, and the vectors of cuts."""

    def __init__(self, aggregations):
        self.aggregations = aggregations  # meter number -> word
        self.deltas, self.cuts = [], {0: {}}
        self.position = {}  # (incarnation, partition) -> batch_seq

    def commit(self, place, rows):
        """rows: (tenant, meter, dimension set, slot, quantity, events, latest time, latest id)."""
        self.position[place] = self.position.get(place, 0) + 1
        self.deltas += [(place, self.position[place], *row) for row in rows]

    def take_cut(self, number):
        self.cuts[number] = dict(self.position)

    def vector(self, cut):
        return self.position if cut is None else self.cuts[cut]

    def between(self, low, high):
        """Deltas above one cut and not above another (None: now)."""
        above, upto = self.vector(low), self.vector(high)
        for place, batch, *row in self.deltas:
            if above.get(place, 0) < batch <= upto.get(place, 0):
                yield row

    def added(self, spans, high, low=0):
        """{(span, meter, dimension set): quantity} of sum and count meters; spans: (tenant, from, to), numbered from 1."""
        found = defaultdict(int)
        for tenant, meter, dimension, slot, quantity, *_ in self.between(low, high):
            for number, (wanted, first, last) in enumerate(spans, 1):
                if tenant == wanted and first <= slot < last and MERGES[self.aggregations[meter]] == "added":
                    found[number, meter, dimension] += quantity
        return dict(found)

    def slots(self, spans, high):
        """{(span, meter, dimension set, slot): merged value} of meters that are merged by slot."""
        found = defaultdict(list)
        for tenant, meter, dimension, slot, quantity, events, moment, identity in self.between(0, high):
            for number, (wanted, first, last) in enumerate(spans, 1):
                if tenant == wanted and first <= slot < last and MERGES[self.aggregations[meter]] == "slots":
                    found[number, meter, dimension, slot].append((moment, identity, quantity, events))
        return {key: self.merged(key[1], values) for key, values in found.items()}

    def merged(self, meter, values):
        aggregation = self.aggregations[meter]
        if aggregation in ("max", "min"):
            return (max if aggregation == "max" else min)(quantity for _, _, quantity, _ in values)
        if aggregation == "average":
            return mean(sum(quantity for _, _, quantity, _ in values), sum(events for *_, events in values))
        if aggregation == "unique":
            return Decimal(len({identity for _, identity, *_ in values}))
        return max(values, key=lambda value: value[:2])[2]

    def days(self):
        """{(tenant, meter, dimension set, day): (quantity, events)} as report.usage_by_day: slots of a day added up."""
        found, events = defaultdict(int), defaultdict(int)
        values = defaultdict(list)
        for tenant, meter, dimension, slot, quantity, count, moment, identity in self.between(0, None):
            key = tenant, meter, dimension, slot - slot % DAY
            events[key] += count
            if MERGES[self.aggregations[meter]] == "added":
                found[key] += quantity
            else:
                values[tenant, meter, dimension, slot].append((moment, identity, quantity, count))
        for (tenant, meter, dimension, slot), list_of in values.items():
            found[tenant, meter, dimension, slot - slot % DAY] += self.merged(meter, list_of)
        return {key: (quantity, events[key]) for key, quantity in found.items()}
