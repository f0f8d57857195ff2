# SPDX-License-Identifier: Apache-2.0
"""Usage written straight into the tables that a rater writes, for tests of what comes after it: settlement and close
see no difference, and a test chooses batches, watermarks and cuts to the microsecond. No Kafka."""
import json
import uuid

import exact

NAMESPACE = uuid.UUID(int=7)


def hash_of(*words):
    return uuid.uuid5(NAMESPACE, "\x1f".join(words))


def members_of(dimensions):
    return json.dumps(dict(dimensions), separators=(",", ":"), sort_keys=True)


class Log:
    """Partitions whose batches are written by hand: one, unless add_incarnation makes more."""

    def __init__(self, deployment, partitions=1):
        self.deployment, self.place, self.batch = deployment, (1, 0), 0
        self.slots = {}    # meter: its slot, where that is not the usual one
        self.kept = set()  # meters that keep their events: each row added is one
        self.batches = {}  # (incarnation, partition): last batch
        self.add_incarnation(1, partitions)
        self.tenants = {name: number for number, name in deployment.ids("tenant").items()}
        self.meters = {name: number for number, name in deployment.ids("meter").items()}

    def add_incarnation(self, incarnation, partitions):
        rows = ["insert into rating.incarnation (incarnation, topic, partitions)"
                f" values ({incarnation}, 'by-hand-{incarnation}', {partitions})"]
        for partition in range(partitions):
            self.batches[incarnation, partition] = 0
            rows.append("insert into rating.partition (incarnation, partition, head)"
                        f" values ({incarnation}, {partition}, decode(repeat('00', 32), 'hex'))")
        self.deployment.psql(";\n".join(rows))

    def commit(self, watermark, added=(), latest=(), unique=(), transitions=(), place=(1, 0)):
        """One batch of the partition at `place`. added: (tenant, meter, instant, quantity, {dimension: value}); latest: the
        same for meters of that kind; unique: likewise, with a value that is told apart instead of a quantity;
        transitions: (tenant, meter, resource, instant, size), a size of 0 is a stop.
        Dimensions may be left out."""
        self.place, self.batch = place, self.batches[place] + 1
        self.batches[place] = self.batch
        at = exact.instant_shown(watermark)
        hour = exact.instant_shown(watermark - watermark % (3600 * exact.SECOND))
        rows = [self.batch_row(at)]
        for number, row in enumerate(added):
            rows += self.usage_rows(hour, *row)
            if row[1] in self.kept:
                rows.append(self.kept_row(hour, number, *row))
        for number, row in enumerate(latest):
            rows += self.usage_rows(hour, *row, latest=number)
        for tenant, meter, when, value, *dimensions in unique:
            named = f"null, '{hash_of(tenant, 'value', value)}'"
            rows += self.usage_rows(hour, tenant, meter, when, 1, *dimensions, named=named)
        for number, row in enumerate(transitions):
            rows += self.transition_rows(hour, number, *row)
        rows.append(f"update rating.partition set batch_seq = {self.batch}, watermark = '{at}'"
                    f" where incarnation = {place[0]} and partition = {place[1]}")
        self.deployment.psql("begin;\n" + ";\n".join(rows) + ";\ncommit;")

    def batch_row(self, at):
        return ("insert into rating.batch (incarnation, partition, batch_seq, first_offset, next_offset, watermark,"
                " catalogue_version, previous_head, head, events, counted, duplicates, conflicts, quarantined,"
                f" forwarded, markers, verdicts) values ({self.origin()}, 0, 0, '{at}', 1, '', '', 0, 0, 0, 0, 0, 0, 0, '')")

    def origin(self):
        return f"{self.place[0]}, {self.place[1]}, {self.batch}"

    def usage_rows(self, hour, tenant, meter, when, quantity, dimensions=(), latest=None, named="null, null"):
        members = members_of(dimensions)
        slot = exact.instant_shown(when - when % self.slots.get(meter, exact.SLOT))
        if latest is not None:
            named = f"'{exact.instant_shown(when)}', '{hash_of(self.origin(), str(latest))}'"
        yield self.dimension_set(tenant, members)
        yield (f"insert into rating.usage_delta values ({self.origin()}, '{hour}', 0, {self.tenants[tenant]},"
               f" {self.meters[meter]}, '{hash_of(tenant, members)}', '{slot}', {quantity}, 1,"
               f" {named})")

    def kept_row(self, hour, number, tenant, meter, when, value, dimensions=()):
        slot, identity = exact.instant_shown(when - when % self.slots.get(meter, exact.SLOT)), hash_of(self.origin(), "kept", str(number))
        return (f"insert into rating.kept_event values ({self.origin()}, '{hour}', 0, {self.tenants[tenant]},"
                f" {self.meters[meter]}, '{hash_of(tenant, members_of(dimensions))}', '{slot}', '{exact.instant_shown(when)}',"
                f" '{identity}', {value})")

    def transition_rows(self, hour, number, tenant, meter, resource, when, size, dimensions=()):
        members, identity = members_of(dimensions), hash_of(self.origin(), str(number))
        yield self.dimension_set(tenant, members)
        yield (f"insert into rating.transition values ({self.origin()}, '{hour}', 0, {self.tenants[tenant]},"
               f" {self.meters[meter]}, '{hash_of(tenant, 'resource', resource)}', '{exact.instant_shown(when)}',"
               f" '{identity}', {bool(size)}, {size}, '{hash_of(tenant, members)}')")

    def dimension_set(self, tenant, members):
        return (f"insert into rating.dimension_set values ({self.tenants[tenant]}, '{hash_of(tenant, members)}',"
                f" '{members}', {self.origin()}) on conflict do nothing")
