# SPDX-License-Identifier: Apache-2.0
"""The counters in Redis as a reader sees them, beside what PostgreSQL has: for tests that take Redis apart."""
import http.client
import json
import signal
import subprocess
import threading
import time
from collections import defaultdict
from decimal import Decimal

from rating_world import Oracle, World, event
from waiting import need, until

METER_OF = {1: "egress_bytes", 2: "egress_flows", 3: "api_calls", 4: "pool_size", 5: "disk_level"}
# figures as meters merge them, by tenant, meter and month; running resources have no counters
FIGURES = """
select tenant, meter, to_char(slot at time zone 'UTC', 'YYYYMM')::int, sum(q) from (
    select d.tenant, d.meter, d.slot, case m.aggregation when 'max' then max(d.quantity)
           when 'min' then min(d.quantity) when 'unique' then count(distinct d.latest_id)
           when 'average' then round(sum(d.quantity) / sum(d.event_count) + 0.0000000000000001, 9)
           when 'latest' then (array_agg(d.quantity order by latest_time desc, latest_id desc))[1]
           else sum(d.quantity) end as q
      from rating.usage_delta d join catalog.meter m using (meter)
     group by d.tenant, d.meter, d.dimension_set, d.slot, m.aggregation) s
 group by 1, 2, 3"""
MARKS = "select partition, incarnation, batch_seq, encode(head, 'hex') from rating.partition"


def wait_until(condition, seconds, what):
    """As rating_world's, at a pace that leaves the machine to those who are waited for."""
    return until(seconds, condition, what, pause=0.25)


class Picture:
    """Redis and PostgreSQL of a World."""

    def __init__(self, world: World):
        self.world = world

    def fresh_marks(self):
        """Marks as PostgreSQL would have them, by partition."""
        return {int(p): f"{incarnation}:{seq}:{head}:{p}" for p, incarnation, seq, head in self.world.sql(MARKS)}

    def marks(self):
        return self.world.redis("MGET", *[f"tp:{{{shard}}}:mark" for shard in range(1024)])

    def fresh(self):
        """Do all shards have the mark of their partition's last batch?"""
        wanted = self.fresh_marks()
        return all(mark == wanted[shard % self.world.partitions] for shard, mark in enumerate(self.marks()))

    def figures(self):
        keys = self.world.redis("KEYS", "tp:*:u:*")
        values = self.world.redis("MGET", *keys) if keys else []
        found = {}
        for key, value in zip(keys, values):
            _, _, _, tenant, meter, month = key.split(":")
            try:
                found[(int(tenant), int(meter), int(month))] = Decimal(value)
            except (TypeError, ArithmeticError):
                found[(int(tenant), int(meter), int(month))] = str(value)[:20]  # none, or no figure
        return found

    def wanted(self):
        return {(int(a), int(b), int(c)): Decimal(d) for a, b, c, d in self.world.sql(FIGURES)}

    def same(self):
        """Marks fresh and every figure equal, none missing and none too many."""
        try:
            return self.fresh() and self.figures() == self.wanted() and self.fresh()
        except (OSError, AssertionError, ValueError, ArithmeticError):
            return False  # Redis is away, or still loading

    def await_same(self, seconds=90, what="counters"):
        wait_until(self.same, seconds, lambda: f"{what}: " + "; ".join(self.differences()) + " | " +
                   " | ".join(rater.tail() for rater in self.world.raters[-2:]))

    def differences(self):
        try:
            found, wanted, marks = self.figures(), self.wanted(), set(self.fresh_marks().values())
            stale = sum(mark not in marks for mark in self.marks())
        except (OSError, AssertionError, ValueError, ArithmeticError) as error:
            return [repr(error)]
        wrong = [f"{key}: {found.get(key)} for {wanted.get(key)}" for key in {**found, **wanted}
                 if found.get(key) != wanted.get(key)]
        return [f"{stale} marks are not fresh", f"{len(wrong)} figures differ"] + sorted(wrong)[:5]


class Reader:
    """`turnpike api` on the world's stores, and a thread that asks it all the time: what it shows as not stale is what
    PostgreSQL has in the same answer."""

    def __init__(self, world, tenants):
        self.world, self.tenants = world, tenants
        self.port, self.ops = world.base + 71, world.base + 72
        self.path = world.state / "counters-api.log"
        self.key = world.turnpike("key", "create", "--scope", "operate").split()[0]
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(
                [world.binary, "api", f"--api.listen=127.0.0.1:{self.port}", f"--api.ops_listen=127.0.0.1:{self.ops}",
                 "--redis.timeout=500ms"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=world.environment)
        self.lock, self.ended, self.wrong = threading.Lock(), threading.Event(), []
        self.seen = defaultdict(int)
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        wait_until(lambda: self.get("/healthz", self.ops)[0] == 200, 60, "the API is not ready")
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def get(self, path, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def ask(self, tenant):
        """null, stale or fresh; and what is wrong with it."""
        status, body = self.get(f"/v1/tenants/{tenant}/usage", self.port)
        if status != 200:
            return f"status {status}", None
        answer = json.loads(body)
        live, totals = answer["live_counters"], defaultdict(Decimal)
        for series in answer["usage"]:
            totals[series["meter"]] += Decimal(series["quantity"])
        if live is None:
            return "null", None
        if live["stale"]:
            return "stale", None
        shown = {one["meter"]: Decimal(one["quantity"]) for one in live["counters"]}
        missing = [meter for meter, total in totals.items() if meter in METER_OF.values() and total and meter not in shown]
        return "fresh", f"{tenant} shows {shown}, without {missing}" if missing else None

    def watch(self):
        turn = 0
        while not self.ended.wait(0.1):
            kind, wrong = self.ask(self.tenants[turn % len(self.tenants)])
            turn += 1
            with self.lock:
                self.seen[kind] += 1
                if wrong:
                    self.wrong.append(wrong)

    def count(self, kind):
        with self.lock:
            return self.seen[kind]

    def await_kind(self, kinds, seconds=60):
        """Waits until an answer of one of these kinds is seen from now on."""
        before = {kind: self.count(kind) for kind in kinds}
        wait_until(lambda: any(self.count(kind) > before[kind] for kind in kinds), seconds,
                   lambda: f"the API never said {kinds}: {dict(self.seen)}")


class Sender:
    """Usage of some tenants, in small pieces; the oracle sees all of it."""

    def __init__(self, world, tenants, oracle: Oracle):
        self.world, self.tenants, self.oracle, self.number = world, tenants, oracle, 0

    def send(self, count, tenants=None):
        from datetime import datetime, timedelta, timezone
        lines, tenants = [], tenants or self.tenants
        for _ in range(count):
            self.number += 1
            tenant = tenants[self.number % len(tenants)]
            at = datetime.now(timezone.utc) - timedelta(seconds=3)
            at = at.replace(microsecond=self.number % 1000000)
            kind, data = [("net.egress", {"bytes": f"{self.number}.000000001", "region": "eu"}),
                          ("api.call", {"path": "/"}),
                          ("pool.size", {"size": self.number % 977, "pool": "a"}),
                          ("disk.level", {"level": f"{self.number % 911}.5", "disk": "x"})][self.number // len(tenants) % 4]
            one = event(tenant, kind, at, data, f"c{self.number}")
            self.oracle.see(one)
            lines.append(("p", self.world.partition_of(tenant), json.dumps(one)))
        self.world.produce(lines)

    def await_judged(self, seconds=90):
        """Waits until all that was sent is judged; markers do not matter."""
        wait_until(lambda: self.judged() >= self.number, seconds,
                   lambda: f"{self.judged()} of {self.number} are judged; " + " | ".join(r.tail() for r in self.world.raters[-3:]))
        need(self.judged() == self.number, f"{self.judged()} were judged, {self.number} were sent")

    def judged(self):
        return int(self.world.one("select coalesce(sum(events - markers), 0) from rating.batch"))


def paused(process_id):
    """Is a process stopped by SIGSTOP?"""
    with open(f"/proc/{process_id}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


def pace(seconds):
    """A pace between blows, not a wait for anything."""
    time.sleep(seconds)


__all__ = ["Picture", "Reader", "Sender", "need", "paused", "pace", "wait_until"]
