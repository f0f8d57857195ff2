# SPDX-License-Identifier: Apache-2.0
"""Usage written straight into the tables that a rater writes, for tests of what comes after it: settlement and close
see no difference, and a test chooses batches, watermarks and cuts to the microsecond. One partition, no Kafka."""
import uuid

import exact

NAMESPACE = uuid.UUID(int=7)


def hash_of(*words):
    return uuid.uuid5(NAMESPACE, "\x1f".join(words))


class Log:
    """A partition whose batches are written by hand."""

    def __init__(self, deployment):
        self.deployment, self.batch = deployment, 0
        deployment.psql("insert into rating.incarnation (incarnation, topic, partitions) values (1, 'by-hand', 1);"
                        "insert into rating.partition (incarnation, partition, head)"
                        " values (1, 0, decode(repeat('00', 32), 'hex'))")
        self.tenants = {name: number for number, name in deployment.ids("tenant").items()}
        self.meters = {name: number for number, name in deployment.ids("meter").items()}

    def commit(self, watermark, added=(), transitions=()):
        """One batch. added: (tenant, meter, instant, quantity); transitions: (tenant, meter, resource, instant, size);
        a size of 0 is a stop."""
        self.batch += 1
        at = exact.instant_shown(watermark)
        rows = [self.batch_row(at)]
        rows += [self.usage_row(at, *row) for row in added]
        rows += [self.transition_row(at, number, *row) for number, row in enumerate(transitions)]
        rows += [self.dimension_set(tenant) for tenant in {row[0] for row in (*added, *transitions)}]
        rows.append(f"update rating.partition set batch_seq = {self.batch}, watermark = '{at}'")
        self.deployment.psql("begin;\n" + ";\n".join(rows) + ";\ncommit;")

    def batch_row(self, at):
        return ("insert into rating.batch (incarnation, partition, batch_seq, first_offset, next_offset, watermark,"
                " catalogue_version, previous_head, head, events, counted, duplicates, conflicts, quarantined,"
                f" forwarded, markers, verdicts) values (1, 0, {self.batch}, 0, 0, '{at}', 1, '', '', 0, 0, 0, 0, 0, 0, 0, '')")

    def usage_row(self, at, tenant, meter, when, quantity):
        slot = exact.instant_shown(when - when % exact.SLOT)
        return (f"insert into rating.usage_delta values (1, 0, {self.batch}, '{at}', 0, {self.tenants[tenant]},"
                f" {self.meters[meter]}, '{hash_of(tenant)}', '{slot}', {quantity}, 1)")

    def transition_row(self, at, number, tenant, meter, resource, when, size):
        identity = hash_of(str(self.batch), str(number))
        return (f"insert into rating.transition values (1, 0, {self.batch}, '{at}', 0, {self.tenants[tenant]},"
                f" {self.meters[meter]}, '{hash_of(tenant, resource)}', '{exact.instant_shown(when)}', '{identity}',"
                f" {bool(size)}, {size}, '{hash_of(tenant)}')")

    def dimension_set(self, tenant):
        return (f"insert into rating.dimension_set values ({self.tenants[tenant]}, '{hash_of(tenant)}', '{{}}', 1, 0,"
                f" {self.batch}) on conflict do nothing")
