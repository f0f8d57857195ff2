# SPDX-License-Identifier: Apache-2.0
"""Random usage for a rating_world.World, good, bad and misrouted; its oracle sees what is sent."""
import json
import os
import random
from collections import defaultdict
from datetime import datetime, timedelta

from rating_world import UTC, event

TENANTS = [f"tenant-{i:03}" for i in range(60)]
SEED = int(os.environ.get("TURNPIKE_SEED", "20261001"))


class Generator:
    """Random usage of the tenants; the oracle sees what is sent, in its order."""

    def __init__(self, world, oracle):
        self.world, self.oracle = world, oracle
        self.random = random.Random(SEED)
        self.number = 0
        self.sent = []
        self.quarantined = defaultdict(int)
        self.forwarded = 0

    def fresh(self):
        pick, now = self.random, datetime.now(UTC)
        self.number += 1
        tenant = pick.choice(TENANTS)
        # microseconds make times of one key distinct; some hours back, so that slots and months vary
        at = now - timedelta(seconds=pick.randrange(3, 40000)) + timedelta(microseconds=self.number)
        at = at.replace(microsecond=self.number % 1000000)
        kind = pick.choice(["net.egress", "net.egress", "api.call", "pool.size", "disk.level", "vm.state"])
        if kind == "net.egress":
            data = {"bytes": pick.choice([0, 1, 17, "0.000000001", "123456789012.5", pick.randrange(10**12)]), "region": pick.choice(["eu", "us", "ürgüp"])}
            if pick.random() < 0.5:
                data["tier"] = pick.choice([1, 1.5, True, "gold"])
        elif kind == "api.call":
            data = {"path": "/v1/x", "nested": {"a": [1, 2, {"b": None}]}}
        elif kind == "pool.size":
            data = {"size": pick.randrange(1000), "pool": pick.choice("abc")}
        elif kind == "disk.level":
            data = {"level": f"{pick.randrange(1000)}.{pick.randrange(1000):03}", "disk": pick.choice("xy")}
        else:
            data = {"vm": f"vm-{pick.randrange(30)}", "state": pick.choice(["started", "resized", "stopped", "deleted"]),
                    "cores": pick.randrange(1, 64), "flavour": pick.choice(["s", "l"])}
        return event(tenant, kind, at, data, f"e{self.number}")

    def line(self, one, body=None):
        partition = self.world.partition_of(one["subject"])
        kind = "p" if self.random.random() < 0.9 else "s"
        return kind, partition, body or json.dumps(one, ensure_ascii=False)

    def good(self, count, conflicts=True):
        """Fresh events, 2 % repeated, 1 % repeated with other content."""
        lines = []
        for _ in range(count):
            chance = self.random.random()
            if self.sent and chance < 0.02:
                one = self.random.choice(self.sent)
                # another order of keys, other white space, another tracing attribute: the same event
                body = json.dumps(dict(reversed(list(one.items())), traceparent="00-1"), indent=None, separators=(", ", " : "))
                self.oracle.see(one)
                lines.append(self.line(one, body))
                continue
            if conflicts and self.sent and chance < 0.03:
                one = dict(self.random.choice(self.sent))
                one["data"] = dict(one["data"], note=f"n{self.number}")
                self.number += 1
            else:
                one = self.fresh()
                self.sent.append(one)
            self.oracle.see(one)
            lines.append(self.line(one))
        return lines

    def again(self, count):
        """Events of before, once more."""
        repeated = [self.random.choice(self.sent) for _ in range(count)]
        for one in repeated:
            self.oracle.see(one)
        return [self.line(one) for one in repeated]

    def bad(self):
        """One of everything that cannot be counted, with the reason that it must get."""
        now, tenant = datetime.now(UTC), TENANTS[0]
        home = self.world.partition_of(tenant)
        good = {"bytes": 1, "region": "eu"}
        stranger = "tenant-unknown"

        def one(name, kind="net.egress", at=now - timedelta(minutes=1), data=None, subject=tenant, **more):
            return json.dumps(event(subject, kind, at, good if data is None else data, name, **more))

        cases = [
            ("malformed", "p", home, '{"specversion":"1.0","id":"x"}'),
            ("malformed", "p", home, '{"specversion":"1.0","id":"x","id":"y"}'),
            ("malformed", "s", home, one("b1").replace('"bytes": 1', '"bytes": NaN')),
            ("malformed", "x", home, b'{"specversion":"1.0","id":"\xff\x00\xfe"}'.hex()),
            ("message", "s", home, "no JSON at all"),
            ("message", "x", home, "5450010100000000" + "00" * 24 + "ff"),
            ("unknown_type", "p", home, one("b2", kind="no.such.type")),
            ("unknown_tenant", "p", self.world.partition_of(stranger), one("b3", subject=stranger)),
            ("bad_value", "p", home, one("b4", data={"region": "eu"})),
            ("bad_value", "p", home, one("b5", data={"bytes": "1e999", "region": "eu"})),
            ("bad_value", "p", home, one("b6", data={"bytes": 1, "region": "x" * 257})),
            ("bad_value", "p", home, one("b7", data={"bytes": 1, "region": "a\u0001b"})),
            ("bad_value", "p", home, one("b8", kind="vm.state", data={"vm": "v", "state": "paused", "cores": 1})),
            ("late", "p", home, one("b9", at=now - timedelta(days=35, minutes=5))),
            ("future", "p", home, one("b10", at=now + timedelta(minutes=30))),
            ("corrects", "p", home, one("b12", corrects="e1")),
            ("negative", "p", home, one("b13", data={"bytes": "-1", "region": "eu"})),
        ]
        for reason, *_ in cases:
            self.quarantined[reason] += 1
        return [tuple(rest) for _, *rest in cases]

    def misrouted(self, count):
        """Fresh events into a partition that is not their tenant's, packed and not."""
        lines = []
        for _ in range(count):
            one = self.fresh()  # never repeated: it arrives after what was written later into the right partition
            self.oracle.see(one)
            self.forwarded += 1
            kind, home, body = self.line(one)
            lines.append((kind, (home + self.random.randrange(1, self.world.partitions)) % self.world.partitions, body))
        return lines
