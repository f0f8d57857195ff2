# SPDX-License-Identifier: Apache-2.0
"""One trial: a database and a topic of its own on a running stack, a stream of some hundred events by the gateway and by
Kafka, roles that are struck meanwhile, and the comparison of everything that came out of it with the oracle."""
import http.client
import json
import os
import random
import subprocess
import threading
import time
from collections import Counter

import compare
import exact
import oracle
from books import LEDGER
from commit_proxy import CommitProxy
from corner import Corner
from deployment import Deployment, healthy
from log_ends import log_ends
from rating_world import unpack_identities, verify_chain
from stream import DAYS_BACK, DIRECT, GATE, Stream, catalogue_text, messages_of
from waiting import need, until

PARTITIONS, TEMPLATE = 4, "trial_template"
GATE_CHUNK, DIRECT_CHUNK, CHUNKS_LEAST, CHUNKS_QUICK = 24, 24, 12, 40
RETRY_SECONDS = 300  # a sender gives up when nothing was taken for so long


class Sender:
    """A client of the gateway: what is not answered 204 is sent again, until it is. In order, one request after the
    other."""

    def __init__(self, deployment, key):
        self.address, self.key = deployment.setting("ingest.listen"), key
        self.acknowledged, self.failed = set(), 0
        self.excused = {429, 503}  # answers after which the same is sent again

    def post(self, body):
        host, port = self.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request("POST", "/api/v1/events", body, {"Content-Type": "application/cloudevents-batch+json",
                                                                "Authorization": f"Bearer {self.key}"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            need(answer.status == 204 or answer.status in self.excused, f"the gateway answers {answer.status}: {text[:500]}")
            return answer.status == 204
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def send(self, rows):
        body, deadline = json.dumps(rows).encode(), time.monotonic() + RETRY_SECONDS
        while not self.post(body):
            self.failed += 1
            need(time.monotonic() < deadline, f"the gateway took nothing for {RETRY_SECONDS} s")
            time.sleep(0.02)
        self.acknowledged |= {(row["subject"], row["source"], row["id"]) for row in rows}


class Stack:
    """A stack of the test's own, with a database that those of trials are copies of. `adjust` changes it before
    anything is written."""

    def __init__(self, adjust=None):
        self.deployment, self.adjust = Deployment(), adjust
        self.catalogue = self.key = self.template = None

    def up(self):
        self.deployment.stack("wipe")
        self.deployment.stack("up")
        self.prepare()

    def prepare(self):
        """The template, on a stack that is up."""
        if self.adjust:
            self.adjust(self.deployment)
        self.template = template = Corner(TEMPLATE)
        template.admin(f"create database {TEMPLATE} owner turnpike_owner", database="postgres")
        path = self.deployment.state / "catalogue.yaml"
        path.write_text(catalogue_text(time.time_ns() // 1000))
        template.run("migrate")
        template.run("apply", path)
        self.key = template.make_key("--scope", "ingest", "--every-tenant").read_text().strip()
        self.catalogue = oracle.Catalogue.read(path)

    def down(self):
        if not os.environ.get("TURNPIKE_KEEP_STACK"):
            self.deployment.stack("wipe")


class Trial:
    """A stream and the roles under fire."""

    def __init__(self, stack, seed, name=None, proxied=True):
        self.random = random.Random(seed)
        self.now = time.time_ns() // 1000
        self.deployment = Corner(name or f"seed{seed}")
        self.stream, self.counted = Stream(seed, self.now), oracle.Counted(stack.catalogue)
        self.sender = Sender(self.deployment, stack.key)
        self.sent_by_gate, self.chunks, self.produced = [], 0, 0
        self.log = threading.Lock()  # held while something is produced past the gateway, or while Kafka is away
        self.done, self.broken = threading.Event(), []
        self.roles, self.proxy = {}, CommitProxy(int(self.deployment.setting("postgres.port"))) if proxied else None
        self.flush_events = self.random.choice((7, 60, 1000000))
        self.settings = {}  # of raters
        self.proxies = {}   # of raters that have one of their own, by name
        self.environments = {}  # of roles, by name
        self.place = ""     # of the database, in SQL

    # --- roles

    def words(self, name):
        base = int(self.deployment.setting("rate.ops_listen").rsplit(":", 1)[1])
        if name.startswith("rate"):
            settings = {"rate.instance": name, "rate.ops_listen": f"127.0.0.1:{base + 61 + ord(name[-1]) % 8}",
                        "rate.flush_interval": "20ms", "rate.flush_events": self.flush_events,
                        "rate.marker_interval": "1m"}  # markers alone are committed once a minute
            if proxy := self.proxies.get(name, self.proxy):
                settings.update({"postgres.port": proxy.port, "postgres.sslmode": "disable"})
            return ["rate", *[f"--{key}={value}" for key, value in {**settings, **self.settings}.items()]]
        return {"bill": ["bill", "--bill.settle_interval=1s", "--bill.worker_accounts=2"], "ingest": ["ingest"]}[name]

    def begin(self, name, crash=None):
        """(Re)starts a role; `crash`: the point at which it ends itself."""
        role = self.deployment.start(f"{self.deployment.name}-{name}", *self.words(name),
                                     **self.environments.get(name, {}), **({"TURNPIKE_CRASH_AT": crash} if crash else {}))
        self.roles[name] = role
        return role

    def up(self):
        deployment = self.deployment
        deployment.make_database(f"template {TEMPLATE} {self.place}")
        need(deployment.redis("flushall") == ["OK"], "Redis does not flush")
        deployment.run("topic", "ensure")
        for name in ("ingest", "rate-a"):
            self.begin(name)
        until(60, lambda: healthy(deployment.setting("ingest.ops_listen")), lambda: self.roles["ingest"].output()[-800:])

    def down(self, keep):
        for role in self.deployment.roles:
            role.kill()
        for proxy in filter(None, (self.proxy, *self.proxies.values())):
            proxy.__exit__()
        if keep:
            return
        self.deployment.drop_database()
        for path in [*self.deployment.state.glob(f"log/test-{self.deployment.name}-*"), self.deployment.conf]:
            path.unlink()

    # --- the stream

    def gate_chunk(self):
        """Fresh events, and repetitions in another spelling."""
        rows = [self.stream.fresh(GATE) for _ in range(GATE_CHUNK)]
        for row in rows[:-1] if self.sent_by_gate else ():
            if self.random.random() < 0.05:
                again = self.random.choice(self.sent_by_gate)
                rows[rows.index(row)] = dict(reversed(list(again.items())), traceparent="00-1")
        self.sender.send(rows)
        self.sent_by_gate += rows
        self.take(rows)

    def direct_chunk(self):
        """What other producers write: good and bad, and some into partitions that are not their tenants'."""
        if not self.log.acquire(blocking=False):
            return  # Kafka is away, and these producers wait for it
        try:
            self.produce_direct()
        finally:
            self.log.release()

    def produce_direct(self):
        rows = self.stream.take(DIRECT_CHUNK)
        lines = [f"{tenant}\t{value}" for tenant, value in messages_of(rows, self.random)]
        strays = [self.stream.fresh() for _ in range(self.random.randrange(3))]
        lines += [f"{self.random.choice(DIRECT)}\t{json.dumps(row)}" for row in strays]
        answer = subprocess.run(
            ["kcat", "-P", "-q", "-b", self.deployment.setting("kafka.brokers"), "-t", f"{self.deployment.name}.1",
             "-K", "\t", "-X", "enable.idempotence=true", "-X", "acks=all", "-X", "topic.partitioner=murmur2",
             "-X", "linger.ms=1"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
        need(answer.returncode == 0, f"kcat: {answer.stderr}")
        self.take(rows + strays)

    def take(self, rows):
        for row in rows:
            self.counted.take_text(json.dumps(row), self.now)
        self.produced += len(rows)

    def feed(self):
        """Thread: the stream, until all faults have fired and it has its length."""
        try:
            while not (self.done.is_set() and self.chunks >= CHUNKS_LEAST):
                self.gate_chunk()
                if self.chunks % 2 == 0:
                    self.direct_chunk()
                self.chunks += 1
                # a pace, not a wait: faults shall meet a stream that lasts, and that does not grow while it is waited for
                self.done.wait(0.02 if self.chunks < CHUNKS_QUICK else 0.3)
        except Exception as error:
            self.broken.append(f"feed: {error}")

    def under_fire(self, strike):
        """The stream, with what strike() does in it."""
        thread = threading.Thread(target=self.feed)
        thread.start()
        try:
            strike()
        finally:
            self.done.set()
            thread.join()
        need(not self.broken, self.broken[:3])

    # --- what must come out

    def log_ends(self):
        return log_ends(self.deployment.setting("kafka.brokers"), f"{self.deployment.name}.1", PARTITIONS)

    def counted_to(self):
        return {int(a): int(b) for a, b in self.deployment.sql("select partition, next_offset from rating.partition")}

    def await_judged(self, seconds=90):
        """All that is in the log now, and what is sent on from one partition to another meanwhile."""
        forwarded = None
        while True:
            ends = self.log_ends()
            until(seconds, lambda ends=ends: all(self.counted_to().get(p, 0) >= end for p, end in ends.items()),
                  lambda ends=ends: f"judged to {self.counted_to()} of {ends}; " + " | ".join(
                      role.output()[-500:] for name, role in self.roles.items() if name.startswith("rate")))
            before, forwarded = forwarded, self.deployment.one("select coalesce(sum(forwarded), 0) from rating.batch")
            if forwarded in (0, before):
                return

    def verdict_differences(self):
        got, wanted = self.deployment.verdicts(), self.counted.verdicts
        wrong = [f"{name}: engine {got[name]}, oracle {wanted[name]}" for name in ("counted", "conflict")
                 if got[name] != wanted[name]]
        if got["duplicate"] < wanted["duplicate"]:
            wrong.append(f"duplicates: engine {got['duplicate']}, oracle {wanted['duplicate']}")
        reasons = Counter({row["reason"]: row["count"] for row in self.deployment.rows(
            "select reason, count(*) from rating.quarantine group by 1")})
        expected = Counter({name: count for name, count in wanted.items() if name not in ("counted", "duplicate", "conflict")})
        return wrong + ([f"quarantine: engine {dict(reasons)}, oracle {dict(expected)}"] if reasons != +expected else [])

    def identity_differences(self):
        """No identity is there twice; as many as the oracle has."""
        found = Counter()
        for _, entries in self.deployment.sql("select partition, encode(entries, 'hex') from rating.batch_identity"):
            found.update(identity for identity, *_, held in unpack_identities(bytes.fromhex(entries)) if not held)
        twice = sum(count > 1 for count in found.values())
        wrong = [f"{twice} identities are there twice"] if twice else []
        if len(found) != len(self.counted.contents):
            wrong.append(f"{len(found)} identities are counted, {len(self.counted.contents)} in the oracle")
        missing = self.sender.acknowledged - set(self.counted.contents)
        return wrong + ([f"the oracle lacks acknowledged {sorted(missing)[:3]}"] if missing else [])

    def differences(self):
        """Everything that PostgreSQL has against the oracle: verdicts, identities, chain, charges, ledger."""
        self.await_judged()
        wrong = self.verdict_differences() + self.identity_differences()
        verify_chain(self.deployment)
        if "bill" in self.roles:
            self.roles["bill"].kill()
        self.deployment.run("settle")
        charges, expected = compare.differences(self.deployment, self.counted, self.now - DAYS_BACK * exact.DAY, self.now,
                                                compare.cut_ends(self.deployment))
        need(sum(len(rated.charges) for rated in expected.values()) > 20, "too few charges were compared")
        ledger = self.deployment.psql(LEDGER)
        return wrong + charges + ([f"ledger: {ledger[:500]}"] if ledger else [])
