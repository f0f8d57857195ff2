# SPDX-License-Identifier: Apache-2.0
"""Usage written straight into the tables that a rater writes, for tests of what comes after it: settlement and close
see no difference, and a test chooses batches, watermarks and cuts to the microsecond. One partition, no Kafka."""
import json
import uuid

import exact

NAMESPACE = uuid.UUID(int=7)


def hash_of(*words):
    return uuid.uuid5(NAMESPACE, "\x1f".join(words))


def members_of(dimensions):
    return json.dumps(dict(dimensions), separators=(",", ":"), sort_keys=True)


class Log:
    """A partition whose batches are written by hand."""

    def __init__(self, deployment):
        self.deployment, self.batch = deployment, 0
        deployment.psql("insert into rating.incarnation (incarnation, topic, partitions) values (1, 'by-hand', 1);"
                        "insert into rating.partition (incarnation, partition, head)"
                        " values (1, 0, decode(repeat('00', 32), 'hex'))")
        self.tenants = {name: number for number, name in deployment.ids("tenant").items()}
        self.meters = {name: number for number, name in deployment.ids("meter").items()}

    def commit(self, watermark, added=(), latest=(), transitions=()):
        """One batch. added: (tenant, meter, instant, quantity, {dimension: value}); latest: the same for meters of
        that kind; transitions: (tenant, meter, resource, instant, size), a size of 0 is a stop. Dimensions may be
        left out."""
        self.batch += 1
        at = exact.instant_shown(watermark)
        rows = [self.batch_row(at)]
        for row in added:
            rows += self.usage_rows(at, *row)
        for number, row in enumerate(latest):
            rows += self.usage_rows(at, *row, latest=number)
        for number, row in enumerate(transitions):
            rows += self.transition_rows(at, number, *row)
        rows.append(f"update rating.partition set batch_seq = {self.batch}, watermark = '{at}'")
        self.deployment.psql("begin;\n" + ";\n".join(rows) + ";\ncommit;")

    def batch_row(self, at):
        return ("insert into rating.batch (incarnation, partition, batch_seq, first_offset, next_offset, watermark,"
                " catalogue_version, previous_head, head, events, counted, duplicates, conflicts, quarantined,"
                f" forwarded, markers, verdicts) values (1, 0, {self.batch}, 0, 0, '{at}', 1, '', '', 0, 0, 0, 0, 0, 0, 0,"
                " '')")

    def usage_rows(self, at, tenant, meter, when, quantity, dimensions=(), latest=None):
        members, slot = members_of(dimensions), exact.instant_shown(when - when % exact.SLOT)
        moment = f"'{exact.instant_shown(when)}', '{hash_of(str(self.batch), str(latest))}'"
        yield self.dimension_set(tenant, members)
        yield (f"insert into rating.usage_delta values (1, 0, {self.batch}, '{at}', 0, {self.tenants[tenant]},"
               f" {self.meters[meter]}, '{hash_of(tenant, members)}', '{slot}', {quantity}, 1,"
               f" {'null, null' if latest is None else moment})")

    def transition_rows(self, at, number, tenant, meter, resource, when, size, dimensions=()):
        members, identity = members_of(dimensions), hash_of(str(self.batch), str(number))
        yield self.dimension_set(tenant, members)
        yield (f"insert into rating.transition values (1, 0, {self.batch}, '{at}', 0, {self.tenants[tenant]},"
               f" {self.meters[meter]}, '{hash_of(tenant, 'resource', resource)}', '{exact.instant_shown(when)}',"
               f" '{identity}', {bool(size)}, {size}, '{hash_of(tenant, members)}')")

    def dimension_set(self, tenant, members):
        return (f"insert into rating.dimension_set values ({self.tenants[tenant]}, '{hash_of(tenant, members)}',"
                f" '{members}', 1, 0, {self.batch}) on conflict do nothing")
