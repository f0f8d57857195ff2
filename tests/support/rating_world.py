# SPDX-License-Identifier: Apache-2.0
"""A private stack with a catalogue, raters as processes, events in Kafka, and an oracle for what they must add up to.

The oracle is written from docs/ and the issue's words, not from the C code: identities, contents and sums are plain
Python values. Used by tests/integration/test_rater*."""
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

from log_ends import log_ends
from waiting import PATIENCE, need, until

ROOT = Path(__file__).resolve().parent.parent.parent
# the program itself, where it is: the distribution's wrapper costs ten times as much, and is called all the time
PSQL = next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), reverse=True)), "psql")
UTC = timezone.utc
SLOT = timedelta(minutes=15)

METERS = [
    # id, event type, aggregation, value, resource, state, dimensions
    ("egress_bytes", "net.egress", "sum", "bytes", None, None, ["region", "tier"]),
    ("egress_flows", "net.egress", "count", None, None, None, ["region"]),
    ("api_calls", "api.call", "count", None, None, None, []),
    ("pool_size", "pool.size", "max", "size", None, None, ["pool"]),
    ("disk_level", "disk.level", "latest", "level", None, None, ["disk"]),
    ("pool_least", "pool.size", "min", "size", None, None, ["pool"]),
    ("disk_mean", "disk.level", "average", "level", None, None, []),
    ("disks_seen", "disk.level", "unique", "disk", None, None, []),
    ("vm_seconds", "vm.state", "interval", "cores", "vm", "state", ["flavour"]),
]
KEPT = ["egress_bytes"]  # meters that keep their events
RUNNING, STOPPED = ["started", "resized"], ["stopped", "deleted"]


def murmur2(data):
    """Java's Utils.murmur2, written from its description."""
    mask, m = 0xffffffff, 0x5bd1e995
    length = len(data)
    h = (0x9747b28c ^ length) & mask
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k ^= k >> 24
        h = (h * m & mask) ^ (k * m & mask)
    tail = data[length - length % 4:]
    for i in reversed(range(len(tail))):
        h ^= tail[i] << 8 * i
    if tail:
        h = h * m & mask
    h ^= h >> 13
    h = h * m & mask
    return h ^ h >> 15


def shard_of(tenant):
    return (murmur2(tenant.encode()) & 0x7fffffff) % 1024


def wait_until(condition, seconds, what):
    """Waits for a condition; whatever it returns when it holds."""
    return until(seconds, condition, what)


class World:
    """The stack, its database and topic, and the raters that were started."""

    def __init__(self, state, base, partitions=4):
        self.state, self.base, self.partitions = Path(state), int(base), partitions
        self.binary = os.environ["TURNPIKE_BIN"]
        self.probe = Path(self.binary).parent / "tests/probe_produce"
        self.raters = []
        self.forwarded = "0"
        self.topic, self.incarnation = "turnpike.usage.1", 1
        self.environment = dict(os.environ, TURNPIKE_STATE=str(self.state), TURNPIKE_PORT_BASE=str(self.base),
                                TURNPIKE_CONF=str(self.state / "turnpike.conf"), TURNPIKE_LOG="json")
        self.environment.pop("TURNPIKE_CRASH_AT", None)

    # --- stack
    def stack(self, *words):
        answer = subprocess.run([ROOT / "deploy/stack", *words], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, check=False, env=self.environment)
        need(answer.returncode == 0, f"deploy/stack {words}: {answer.stdout}{answer.stderr}")

    def setting(self, name):
        for line in (self.state / "turnpike.conf").read_text().splitlines():
            if line.startswith(name + " = "):
                return line.split(" = ", 1)[1]
        raise KeyError(name)

    def turnpike(self, *words, code=0):
        answer = subprocess.run([self.binary, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=False, env=self.environment)
        need(answer.returncode == code, f"turnpike {words}: {answer.returncode}: {answer.stdout}{answer.stderr}")
        return answer.stdout

    def up(self):
        self.stack("wipe")
        self.stack("up")
        self.turnpike("migrate")
        self.turnpike("topic", "ensure")

    def pid(self, service):
        return int((self.state / "run" / f"{service}.pid").read_text().split()[0])

    def close(self, keep_stack=False):
        for rater in self.raters:
            rater.end(signal.SIGKILL)
        if not keep_stack:
            self.stack("wipe")

    # --- PostgreSQL and Redis
    def sql(self, text):
        """Rows as lists of texts."""
        answer = subprocess.run(
            [PSQL, "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
             self.setting("postgres.port"), "-U", "turnpike_admin", "-d", "turnpike"],
            input=text, capture_output=True, text=True, check=False,
            env=dict(os.environ, PGPASSWORD=(self.state / "secrets/admin").read_text().strip(), PGTZ="UTC"))
        need(answer.returncode == 0, f"{text[:300]}: {answer.stderr}")
        out = answer.stdout.rstrip("\n")
        return [row.split("\x1f") for row in out.split("\x1e") if row] if out else []

    def one(self, text):
        rows = self.sql(text)
        return rows[0][0] if rows else None

    def redis(self, *words):
        """One command, over the wire; the reply as Python values."""
        with socket.create_connection(("127.0.0.1", int(self.setting("redis.port"))), timeout=10) as link:
            stream = link.makefile("rwb")

            def command(*parts):
                stream.write(b"*%d\r\n" % len(parts))
                for part in parts:
                    raw = str(part).encode()
                    stream.write(b"$%d\r\n%s\r\n" % (len(raw), raw))
                stream.flush()
                return reply()

            def reply():
                line = stream.readline().rstrip(b"\r\n")
                kind, rest = line[:1], line[1:]
                if kind == b"$":
                    if int(rest) < 0:
                        return None
                    data = stream.read(int(rest) + 2)
                    return data[:-2].decode()
                if kind == b"*":
                    return [reply() for _ in range(int(rest))]
                if kind == b"-":
                    raise AssertionError(rest.decode())
                return int(rest) if kind == b":" else rest.decode()

            command("AUTH", Path(self.setting("redis.password_file")).read_text().strip())
            return command(*words)

    # --- catalogue
    def catalogue(self, tenants, version=1, accept_days=35):
        """Writes meters (once) and tenants as a new catalogue version."""
        rows = [f"insert into catalog.change (version, summary, digest) values ({version}, 'test', '\\x00')"]
        if version == 1:
            for number, (name, kind, aggregation, value, resource, state, dimensions) in enumerate(METERS, 1):
                def text(word):
                    return "null" if word is None else f"'{word}'"

                def array(words):
                    return "array[" + ",".join(f"'{word}'" for word in words) + "]::text[]"
                rows.append(
                    "insert into catalog.meter (meter, effective_from, version, id, name, event_type, aggregation,"
                    " value_property, resource_property, state_property, running_states, stopped_states, dimensions,"
                    f" unit, accept_days, keeps_events) values ({number}, '-infinity', 1, '{name}', '{name}', '{kind}', '{aggregation}',"
                    f" {text(value)}, {text(resource)}, {text(state)},"
                    f" {array(RUNNING if state else [])}, {array(STOPPED if state else [])}, {array(sorted(dimensions))},"
                    f" 'unit', {accept_days}, {name in KEPT})")
        known = int(self.one("select coalesce(max(tenant), 0) from catalog.tenant"))
        for number, tenant in enumerate(tenants, known + 1):
            rows.append(f"insert into catalog.tenant (tenant, version, id, name) values ({number}, {version}, '{tenant}', '{tenant}')")
        rows.append(f"update catalog.version set version = {version}")
        self.sql("begin;\n" + ";\n".join(rows) + ";\ncommit;")

    # --- events
    def produce(self, lines, pack=50, topic=None):
        """(kind, partition, body) lines as probe_produce reads them, into the present topic or another."""
        text = "".join(f"{kind}\t{partition}\t{body}\n" for kind, partition, body in lines)
        answer = subprocess.run([self.probe, self.state / "turnpike.conf", topic or self.topic, str(pack)], input=text,
                                capture_output=True, text=True, check=False, env=self.environment)
        need(answer.returncode == 0, f"probe_produce: {answer.stderr}")
        return int(answer.stdout)

    def partition_of(self, tenant):
        return shard_of(tenant) % self.partitions

    # --- raters
    def rater(self, name="a", crash=None, ops=61, **settings):
        rater = Rater(self, name, crash, self.base + ops, settings)
        self.raters.append(rater)
        return rater

    def log_ends(self, topic=None, partitions=None):
        topic, partitions = topic or self.topic, partitions or self.partitions
        ends = log_ends(self.setting("kafka.brokers"), topic, partitions)
        return [ends[i] for i in range(partitions)]

    def counted_to(self):
        return [int(row[0]) for row in self.sql(
            f"select next_offset from rating.partition where incarnation = {self.incarnation} order by partition")]

    def grow(self, partitions):
        """From here on produce writes to the new topic."""
        self.turnpike("topic", "grow", "--partitions", str(partitions), "--reason", "test")
        self.follow()

    def follow(self):
        """The newest incarnation as the database has it."""
        row = self.sql("select incarnation, topic, partitions from rating.incarnation order by 1 desc limit 1")[0]
        self.incarnation, self.topic, self.partitions = int(row[0]), row[1], int(row[2])

    def await_sent_on(self, seconds=60):
        """Waits until older topics, that are still read, are committed to their ends, and what they sent on is counted."""
        # batches of markers alone are then committed at once, not once a minute
        self.sql("insert into rating.marker_wish (wanted_watermark) values (clock_timestamp() + interval '50 minutes')")
        for number, topic, partitions in self.sql(
                f"select incarnation, topic, partitions from rating.incarnation where incarnation < {self.incarnation} and retired_time is null"):
            ends = self.log_ends(topic, int(partitions))
            query = f"select next_offset from rating.partition where incarnation = {number} order by partition"
            wait_until(lambda: all(int(a[0]) >= b for a, b in zip(self.sql(query), ends)), seconds,  # pylint: disable=cell-var-from-loop
                       lambda: f"{topic} is sent on to {self.sql(query)} of {ends}; {self.sql('select parked_reason, count(*) from rating.partition group by 1')}; " + self.raters[-1].tail())
        self.await_counted(seconds)
        self.sql("delete from rating.marker_wish")

    def await_counted(self, seconds=60, ends=None):
        """Waits until everything that is in the log now is committed, and what was sent on to other partitions."""
        self.await_ends(seconds, ends or self.log_ends())
        forwarded = self.one("select coalesce(sum(forwarded), 0) from rating.batch")
        if forwarded != self.forwarded:
            self.await_ends(seconds, self.log_ends())
        self.forwarded = forwarded

    def await_ends(self, seconds, ends):
        wait_until(lambda: all(a >= b for a, b in zip(self.counted_to(), ends)), seconds,
                   lambda: f"counted to {self.counted_to()} of {ends}; " + " | ".join(r.tail() for r in self.raters))


class Rater:
    def __init__(self, world, name, crash, port, settings):
        self.name, self.port = name, port
        environment = dict(world.environment)
        if crash:
            environment["TURNPIKE_CRASH_AT"] = crash
        flags = {"rate.instance": name, "rate.ops_listen": f"127.0.0.1:{port}", "rate.flush_interval": "50ms", "rate.marker_interval": "1m", **settings}
        self.path = world.state / f"rater-{name}-{len(world.raters)}.log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen([world.binary, "rate"] + [f"--{k}={v}" for k, v in flags.items()],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def log(self):
        return self.path.read_text(errors="replace")

    def tail(self):
        return f"{self.name}: " + self.log()[-700:]

    def events(self, name):
        found = []
        for line in self.log().splitlines():
            if line.startswith("{") and f'"{name}"' in line:
                record = json.loads(line)
                if record.get("event") == name:
                    found.append(record)
        return found

    def await_rating(self, partitions, seconds=60):
        """Waits until this rater has so many partitions, all with their index."""
        def ready():
            states = {}
            for line in self.log().splitlines():
                record = json.loads(line) if line.startswith("{") else {}
                if record.get("event") == "partition_state":
                    states[record["partition"]] = record["to"]
                elif record.get("event") == "partition_revoked":
                    states.pop(record["partition"], None)
            return list(states.values()) == ["rating"] * partitions
        wait_until(ready, seconds, self.tail)

    def end(self, number=signal.SIGTERM, seconds=30):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired as slow:
                self.process.kill()
                raise AssertionError(f"does not end within {seconds} s: {self.tail()}") from slow
        return self.process.returncode

    def await_killed(self, seconds=60):
        """The crash point fired, and nothing else ended the process."""
        self.process.wait(seconds * PATIENCE)
        need(self.process.returncode == -signal.SIGKILL, f"ended with {self.process.returncode}: {self.tail()}")
        need("crash point reached" in self.log(), f"no crash point fired: {self.tail()}")

    def get(self, path):
        """(status, body) of the ops server."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as link:
            link.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            raw = b""
            while True:
                piece = link.recv(65536)
                if not piece:
                    break
                raw += piece
        head, _, body = raw.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def metrics(self):
        values = {}
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith("turnpike_"):
                name, value = line.rsplit(" ", 1)
                values[name] = int(value)
        return values


# --- the oracle

def event(tenant, kind, at, data, name, source="test/1", **more):
    return {"specversion": "1.0", "id": name, "source": source, "type": kind, "subject": tenant,
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "data": data, **more}


def exact(value):
    """A decimal without trailing zeros, as a dimension shows it."""
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def members(dimensions, data):
    words = {}
    for name in sorted(dimensions):
        value = data.get(name)
        if value is None:
            continue
        words[name] = value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else exact(value)
    return json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Oracle:
    """What is counted when each identity counts once, its first body in the order in which `see` is called."""

    def __init__(self):
        self.first = {}
        self.verdicts = defaultdict(int)
        self.duplicates = defaultdict(int)  # by tenant
        self.usage = defaultdict(Decimal)
        self.best = {}
        self.transitions = set()
        self.kept = defaultdict(int)
        self.distinct = defaultdict(set)

    @staticmethod
    def content(one):
        return json.dumps([one["type"], one["subject"], one["time"], one["data"]], sort_keys=True)

    def see(self, one):
        identity = (one["subject"], one["source"], one["id"])
        if identity in self.first:
            same = self.first[identity] == self.content(one)
            self.verdicts["duplicate" if same else "conflict"] += 1
            if same:
                self.duplicates[one["subject"]] += 1
            return
        self.first[identity] = self.content(one)
        self.verdicts["counted"] += 1
        at = datetime.strptime(one["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        slot = at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % SLOT
        for name, kind, aggregation, value, resource, state, dimensions in METERS:
            if kind == one["type"]:
                self.add(one, name, aggregation, value, resource, state, members(dimensions, one["data"]), at, slot)

    def add(self, one, name, aggregation, value, resource, state, words, at, slot):
        data, key = one["data"], (one["subject"], name, words, slot)
        if aggregation == "sum":
            self.usage[key] += Decimal(str(data[value]))
            if name in KEPT:
                self.kept[(*key, at, Decimal(str(data[value])))] += 1
        elif aggregation == "count":
            self.usage[key] += 1
        elif aggregation == "max":
            self.usage[key] = max(self.usage.get(key, Decimal("-1")), Decimal(str(data[value])))
        elif aggregation == "min":
            self.usage[key] = min(self.usage.get(key, Decimal("Infinity")), Decimal(str(data[value])))
        elif aggregation == "average":  # what a delta has: the sum
            self.usage[key] += Decimal(str(data[value]))
        elif aggregation == "unique":
            self.distinct[key].add(str(data[value]))
            self.usage[key] = Decimal(len(self.distinct[key]))
        elif aggregation == "latest":
            # generated so that no two events of a key share a time
            if key not in self.best or at > self.best[key]:
                self.best[key] = at
                self.usage[key] = Decimal(str(data[value]))
        else:
            running = data[state] in RUNNING
            size = Decimal(str(data[value])) if running else Decimal(0)
            self.transitions.add((one["subject"], name, data[resource], at, running, size, words))


USAGE_SQL = """
select t.id, m.id, s.members, extract(epoch from d.slot)::bigint,
       case m.aggregation when 'max' then max(d.quantity) when 'min' then min(d.quantity)
            when 'unique' then count(distinct d.latest_id)
            when 'latest' then (array_agg(d.quantity order by d.latest_time desc, d.latest_id desc))[1]
            else sum(d.quantity) end
  from rating.usage_delta d
  join catalog.tenant t on t.tenant = d.tenant
  join catalog.meter m on m.meter = d.meter
  join rating.dimension_set s on s.tenant = d.tenant and s.dimension_set = d.dimension_set
 group by t.id, m.id, s.members, d.slot, m.aggregation
"""
TRANSITION_SQL = """
select t.id, m.id, r.id, extract(epoch from d.event_time)::numeric, d.running, d.value, s.members
  from rating.transition d
  join catalog.tenant t on t.tenant = d.tenant
  join catalog.meter m on m.meter = d.meter
  join rating.resource r on r.tenant = d.tenant and r.resource = d.resource
  join rating.dimension_set s on s.tenant = d.tenant and s.dimension_set = d.dimension_set
"""
KEPT_SQL = """
select t.id, m.id, s.members, extract(epoch from d.slot)::bigint, extract(epoch from d.event_time)::numeric, d.value, count(distinct d.event_id)
  from rating.kept_event d
  join catalog.tenant t on t.tenant = d.tenant
  join catalog.meter m on m.meter = d.meter
  join rating.dimension_set s on s.tenant = d.tenant and s.dimension_set = d.dimension_set
 group by 1, 2, 3, 4, 5, 6
"""
VERDICT_SQL = """
select coalesce(sum(counted), 0), coalesce(sum(duplicates), 0), coalesce(sum(conflicts), 0), coalesce(sum(quarantined), 0)
  from rating.batch where first_offset < next_offset
"""


def differences(expected, found, what):
    """At most five lines that say where two dictionaries differ."""
    lines = []
    for key in sorted(set(expected) | set(found), key=str):
        if expected.get(key) != found.get(key):
            lines.append(f"{what} {key}: {found.get(key)}, not {expected.get(key)}")
    return lines[:5] + ([f"and {len(lines) - 5} more"] if len(lines) > 5 else [])


def compare(world, oracle):
    """Everything that PostgreSQL has against the oracle, to the last digit."""
    found = {(a, b, c, datetime.fromtimestamp(int(d), UTC)): Decimal(e) for a, b, c, d, e in world.sql(USAGE_SQL)}
    wrong = differences(dict(oracle.usage), found, "usage")
    rows = [(a, b, c, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(d) * 1000000)), e == "t",
             Decimal(f), g) for a, b, c, d, e, f, g in world.sql(TRANSITION_SQL)]
    wrong += differences({key: 1 for key in oracle.transitions}, {key: 1 for key in rows}, "transition")
    if len(rows) != len(set(rows)):
        wrong.append(f"{len(rows) - len(set(rows))} transitions are there twice")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    kept = {(a, b, c, epoch + timedelta(seconds=int(d)), epoch + timedelta(microseconds=int(Decimal(e) * 1000000)), Decimal(f)): int(g)
            for a, b, c, d, e, f, g in world.sql(KEPT_SQL)}
    wrong += differences(dict(oracle.kept), kept, "kept event")
    if sum(kept.values()) != int(world.one("select count(*) from rating.kept_event")):
        wrong.append("a kept event is there twice")
    need(not wrong, "; ".join(wrong))
    return len(found), len(rows)


# --- the chain, computed again from the rows (docs/chain.md)

def places_of(text):
    """(distance of the offset, index) pairs of a range."""
    raw, at = bytes.fromhex(text), 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(raw):
        yield number(), number()


def range_closings(world):
    """(incarnation, partition, batch, position, index, conflict?) of each event of a range that a batch closed."""
    for incarnation, partition, batch, base, first, places, begin, events, verdicts in world.sql(
            "select q.incarnation, q.partition, r.batch_seq, p.base_position, q.message_offset, encode(q.places, 'hex'),"
            "       r.first_event, r.events, encode(r.verdicts, 'hex')"
            "  from rating.range_replay r join rating.quarantine q using (quarantine)"
            "  join rating.partition p on p.incarnation = q.incarnation and p.partition = q.partition"):
        at, begin, packed = int(first), int(begin), bytes.fromhex(verdicts)
        for n, (distance, index) in enumerate(places_of(places)):
            at += distance
            if begin <= n < begin + int(events):
                verdict = packed[(n - begin) // 2] >> (n - begin) % 2 * 4 & 15
                need(verdict <= 3, f"verdict {verdict} of an event of a range")
                if verdict != 3:
                    yield int(incarnation), int(partition), int(batch), at + int(base), index, verdict == 2


def chain_heads(world):
    """(incarnation, partition, batch_seq) -> (stored head, computed head, previous head)."""
    def i64(value):
        return struct.pack(">q", int(value))

    def text(value):
        raw = value.encode()
        return struct.pack(">I", len(raw)) + raw

    def i128(value):
        return int(Decimal(value).scaleb(9)).to_bytes(16, "big", signed=True)

    def micros(value):
        return i64(-2**63 if value == "" else int(Decimal(value) * 1000000))

    def uuid(value):
        return bytes.fromhex(value.replace("-", "")) if value else bytes(16)

    rows = defaultdict(list)

    def take(kind, sql, order, encode):
        for row in world.sql(sql):
            key = (int(row[0]), int(row[1]), int(row[2]))
            row = row[1:]
            rows[key].append((kind, order(row), encode(row)))

    epoch = "extract(epoch from {})"
    take(0, "select d.incarnation, partition, batch_seq, t.id, dimension_set, members from rating.dimension_set d join catalog.tenant t using (tenant)",
         lambda r: uuid(r[3]), lambda r: b"D" + uuid(r[3]) + text(r[2]) + text(r[4]))
    take(1, "select d.incarnation, partition, batch_seq, t.id, resource, d.id from rating.resource d join catalog.tenant t using (tenant)",
         lambda r: uuid(r[3]), lambda r: b"R" + uuid(r[3]) + text(r[2]) + text(r[4]))
    take(2, f"select d.incarnation, partition, batch_seq, {epoch.format('received_hour')}, t.id, m.id, dimension_set, {epoch.format('slot')},"
            f" quantity, event_count, {epoch.format('latest_time')}, latest_id from rating.usage_delta d"
            " join catalog.tenant t using (tenant) join catalog.meter m using (meter)",
         lambda r: (uuid(r[5]), r[4].encode(), Decimal(r[6]), uuid(r[10])),
         lambda r: b"U" + micros(r[2]) + text(r[3]) + text(r[4]) + uuid(r[5]) + micros(r[6]) + i128(r[7]) + i64(r[8]) + micros(r[9]) + uuid(r[10]))
    take(3, f"select d.incarnation, partition, batch_seq, {epoch.format('received_hour')}, t.id, m.id, resource, {epoch.format('event_time')},"
            " event_id, running, value, dimension_set from rating.transition d"
            " join catalog.tenant t using (tenant) join catalog.meter m using (meter)",
         lambda r: (uuid(r[5]), r[4].encode(), Decimal(r[6]), uuid(r[7])),
         lambda r: b"T" + micros(r[2]) + text(r[3]) + text(r[4]) + uuid(r[5]) + micros(r[6]) + uuid(r[7]) + (b"\1" if r[8] == "t" else b"\0") + i128(r[9]) + uuid(r[10]))
    take(3.5, f"select d.incarnation, partition, batch_seq, {epoch.format('received_hour')}, t.id, m.id, dimension_set, {epoch.format('slot')},"
              f" {epoch.format('event_time')}, event_id, value from rating.kept_event d"
              " join catalog.tenant t using (tenant) join catalog.meter m using (meter)",
         lambda r: (uuid(r[5]), r[4].encode(), Decimal(r[7]), uuid(r[8])),
         lambda r: b"E" + micros(r[2]) + text(r[3]) + text(r[4]) + uuid(r[5]) + micros(r[6]) + micros(r[7]) + uuid(r[8]) + i128(r[9]))
    take(4, f"select incarnation, partition, batch_seq, message_offset, event_index, {epoch.format('received_time')}, reason, detail,"
            " coalesce(tenant_id, ''), coalesce(source, ''), coalesce(event_id, ''), identity, content, encode(raw, 'hex'),"
            " range_events, last_offset, last_index, encode(places, 'hex') from rating.quarantine",
         lambda r: (int(r[2]), int(r[3])),
         lambda r: b"Q" + i64(r[2]) + i64(r[3]) + micros(r[4]) + b"".join(text(w) for w in r[5:10])
         + (b"\2" + i64(r[13]) + i64(r[14]) + i64(r[15]) + hashlib.sha256(bytes.fromhex(r[16])).digest() if r[13]
            else b"\1" + uuid(r[10]) + uuid(r[11]) if r[10] else b"\0") + hashlib.sha256(bytes.fromhex(r[12])).digest())
    take(5, f"select incarnation, partition, batch_seq, message_offset, event_index, {epoch.format('received_time')}, tenant_id, source,"
            " event_id, identity, content, first_content, first_offset, first_index, encode(raw, 'hex') from rating.conflict",
         lambda r: (int(r[2]), int(r[3])),
         lambda r: b"C" + i64(r[2]) + i64(r[3]) + micros(r[4]) + b"".join(text(w) for w in r[5:8]) + uuid(r[8]) + uuid(r[9])
         + i64(r[10]) + i64(r[11]) + i64(r[12]) + hashlib.sha256(bytes.fromhex(r[13])).digest())
    # the batch that closed a row may be of a newer incarnation; the row is named by its position
    take(6, "select c.incarnation, c.partition, q.state_batch_seq, q.message_offset + o.base_position, q.event_index, q.state"
            "  from rating.quarantine q"
            "  join rating.partition o on o.incarnation = q.incarnation and o.partition = q.partition"
            "  cross join lateral (select p.incarnation, p.partition from rating.partition p"
            "          join rating.incarnation i on i.incarnation = p.incarnation"
            "         where p.incarnation = q.incarnation and p.partition = q.partition and q.state_batch_seq <= coalesce(p.counted_seq, q.state_batch_seq)"
            "            or p.incarnation > q.incarnation and p.partition = rating.shard_of(q.tenant_id) % i.partitions"
            "               and q.state_batch_seq > p.base_seq and q.state_batch_seq <= coalesce(p.counted_seq, q.state_batch_seq)"
            "         order by p.incarnation limit 1) c"
            " where q.state_batch_seq is not null",
         lambda r: (int(r[2]), int(r[3])),
         lambda r: b"S" + i64(r[2]) + i64(r[3]) + (b"\1" if r[4] == "conflict" else b"\0"))
    for incarnation, partition, batch, position, index, conflict in range_closings(world):
        rows[incarnation, partition, batch].append((6, (position, index), b"S" + i64(position) + i64(index) + (b"\1" if conflict else b"\0")))

    heads = {}
    for row in world.sql(f"select partition, batch_seq, incarnation, first_offset, next_offset, {epoch.format('watermark')},"
                         " catalogue_version, encode(last_digest, 'hex'), encode(previous_head, 'hex'), encode(head, 'hex'),"
                         " events, counted, duplicates, conflicts, quarantined, forwarded, markers, encode(verdicts, 'hex'),"
                         " identities, encode(identity_digest, 'hex'), sequences, encode(sequence_digest, 'hex'), sequence_from"
                         " from rating.batch"):
        key = (int(row[2]), int(row[0]), int(row[1]))
        body = b"TPCH\1" + bytes.fromhex(row[8]) + i64(row[2]) + i64(row[0]) + i64(row[1]) + i64(row[3]) + i64(row[4])
        body += micros(row[5]) + i64(row[6]) + (b"\1" + bytes.fromhex(row[7]) if row[7] else b"\0")
        body += b"".join(encoded for _, _, encoded in sorted(rows[key], key=lambda one: one[:2]))
        if row[18]:
            body += b"I" + i64(row[18]) + bytes.fromhex(row[19])
        if row[20]:
            body += b"N" + i64(row[20]) + bytes.fromhex(row[21]) + i64(row[22])
        verdicts = bytes.fromhex(row[17])
        body += b"V" + b"".join(i64(n) for n in row[10:17]) + struct.pack(">I", len(verdicts)) + verdicts
        heads[key] = (row[9], hashlib.sha256(body).hexdigest(), row[8])
    return heads


def verify_chain(world):
    """Every head is the hash of its rows, and links to the one before: in a partition that continues an older incarnation's,
    to the last one that counted there. Returns how many batches there are. Its queries see different instants: where a batch
    came meanwhile (a marker's, say), what was found says nothing, and it looks again."""
    def batches():
        return world.sql("select incarnation, partition, batch_seq from rating.partition order by 1, 2")
    for _ in range(20):
        before = batches()
        try:
            return verify_chain_at_rest(world)
        except AssertionError:
            if batches() == before:
                raise
    raise AssertionError("batches come all the time, the chain cannot be verified")


def verify_chain_at_rest(world):
    heads = chain_heads(world)
    base = {(int(i), int(p)): (int(seq), head) for i, p, seq, head in world.sql("""
        select p.incarnation, p.partition, p.base_seq, coalesce(encode(b.head, 'hex'), repeat('00', 32))
          from rating.partition p
          left join lateral (select b.head from rating.incarnation i
                               join rating.partition o on o.incarnation = i.incarnation and o.partition = p.partition % i.partitions
                               join rating.batch b on b.incarnation = o.incarnation and b.partition = o.partition and b.batch_seq = o.counted_seq
                              where i.incarnation < p.incarnation and o.counted_seq > o.base_seq
                              order by i.incarnation desc limit 1) b on true""")}
    for (incarnation, partition, number), (stored, computed, previous) in sorted(heads.items()):
        where = f"partition {incarnation}/{partition}, batch {number}"
        need(stored == computed, f"{where}: head {stored}, the rows give {computed}")
        first, link = base[incarnation, partition]
        before = heads[(incarnation, partition, number - 1)][0] if number > first + 1 else link
        need(previous == before, f"{where} does not link to the one before")
    for incarnation, partition, head in world.sql("select incarnation, partition, encode(head, 'hex') from rating.partition"):
        key = (int(incarnation), int(partition))
        last = max((number for i, p, number in heads if (i, p) == key), default=None)
        expected = heads[(*key, last)][0] if last else base[key][1]
        need(expected == head, f"partition {key}: its head is not that of batch {last}")
    verify_identities(world)
    return len(heads)


def unpack_identities(piece):
    """The entries of a row of rating.batch_identity, as docs/chain.md describes it: (identity, content, shard, offset, index, held)."""
    need(piece[0] == 2, f"version {piece[0]} of packed identities")
    found, at, offset = [], 1, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte, at = piece[at], at + 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(piece):
        identity, content, shard, at = piece[at:at + 16], piece[at + 16:at + 24], int.from_bytes(piece[at + 24:at + 26], "big"), at + 26
        place = number()
        folded = place >> 1
        offset += -((folded + 1) >> 1) if folded & 1 else folded >> 1
        found.append((identity, content, shard, offset, number(), bool(place & 1)))
    return found


def verify_identities(world):
    """The rows of every batch have its digest, and name as many identities as it counted or held."""
    pieces = defaultdict(list)
    sequenced = verify_sequences(world)
    size = {incarnation: int(n) for incarnation, n in world.sql("select incarnation, partitions from rating.incarnation")}
    for incarnation, partition, number, entries in world.sql(
            "select incarnation, partition, batch_seq, encode(entries, 'hex') from rating.batch_identity order by 1, 2, 3, piece"):
        pieces[(incarnation, int(partition), int(number))].append(bytes.fromhex(entries))
    for incarnation, partition, number, identities, digest, counted, quarantined in world.sql(
            "select incarnation, partition, batch_seq, identities, encode(identity_digest, 'hex'), counted, quarantined"
            "  from rating.batch where identities is not null"):
        rows = pieces.pop((incarnation, int(partition), int(number)), [])
        where = f"partition {incarnation}/{partition}, batch {number}"
        need(hashlib.sha256(b"".join(rows)).hexdigest() == digest, f"{where}: the rows of its identities have another digest")
        found = [entry for row in rows for entry in unpack_identities(row)]
        need(len(found) == int(identities), f"{where}: {len(found)} identities, not {identities}")
        sure = sum(not held for *_, held in found)
        numbered = sequenced.get((incarnation, int(partition), int(number)), 0)
        # a number that was held before it counted has both
        need(sure <= int(counted) <= sure + numbered and numbered <= int(counted),
             f"{where}: {sure} counted identities and {numbered} numbers, but {counted} counted")
        strangers = [shard for _, _, shard, *_ in found if shard % size[incarnation] != int(partition)]
        need(not strangers, f"{where}: identities of shards {strangers[:5]}")
        need(len(found) - sure <= int(quarantined), f"{where}: more held identities than quarantined events")
    need(not pieces, f"identities of batches that are not there: {sorted(pieces)[:3]}")


def unpack_sequences(piece):
    """The records of a row of rating.batch_sequence, as docs/chain.md describes it: ("event", source, incarnation, number),
    ("source", source, {incarnation: (highest, numbers)}), or ("coverage", microseconds)."""
    need(piece[0] == 1, f"version {piece[0]} of packed sequences")
    found, at, before = [], 1, None

    def take(count):
        nonlocal at
        at += count
        return piece[at - count:at]

    def number():
        value, shift = 0, 0
        while True:
            byte = take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed():
        folded = number()
        return ~(folded >> 1) if folded & 1 else folded >> 1

    def place():
        take(8)
        return signed(), number()

    while at < len(piece):
        kind = take(1)[0]
        if kind == 1:
            found.append(("coverage", signed()))
        elif kind in (2, 3):
            source, incarnation = (take(16), take(16)) if kind == 2 else before[:2]
            if kind == 2:
                number()
            ordinal = (before[2] if kind == 3 else 0) + signed()
            signed()
            place()
            before = (source, incarnation, ordinal)
            found.append(("event", *before))
        else:
            need(kind == 4, f"kind {kind} of a packed sequence")
            source, windows = take(16), {}
            number()
            signed()
            for _ in range(number()):
                incarnation = take(16)
                for _ in range(3):
                    signed()
                highest, count = number(), number()
                last, numbers = max(highest - 1024, 0), []
                for _ in range(count):
                    last += number()
                    place()
                    numbers.append(last)
                windows[incarnation] = (highest, numbers)
            found.append(("source", source, windows))
    return found


def verify_sequences(world):
    """The rows of every batch have its digest and number of records. Returns (incarnation, partition, batch_seq) -> events."""
    pieces, events = defaultdict(list), {}
    for incarnation, partition, number, entries in world.sql(
            "select incarnation, partition, batch_seq, encode(entries, 'hex') from rating.batch_sequence order by 1, 2, 3, piece"):
        pieces[(incarnation, int(partition), int(number))].append(bytes.fromhex(entries))
    for incarnation, partition, number, records, digest in world.sql(
            "select incarnation, partition, batch_seq, sequences, encode(sequence_digest, 'hex') from rating.batch where sequences is not null"):
        rows = pieces.pop((incarnation, int(partition), int(number)), [])
        where = f"partition {incarnation}/{partition}, batch {number}"
        need(hashlib.sha256(b"".join(rows)).hexdigest() == digest, f"{where}: the rows of its sequences have another digest")
        found = [record for row in rows for record in unpack_sequences(row)]
        need(len(found) == int(records), f"{where}: {len(found)} records of sequences, not {records}")
        events[(incarnation, int(partition), int(number))] = sum(record[0] == "event" for record in found)
    need(not pieces, f"sequences of batches that are not there: {sorted(pieces)[:3]}")
    return events
