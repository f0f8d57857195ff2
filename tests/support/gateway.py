# SPDX-License-Identifier: Apache-2.0
"""A gateway on the run's stack, for tests in Python: its catalogue, its process, requests to it, and what it put into
Kafka, read by kcat and taken apart by this file alone (docs/message-form.md, murmur2), not by our C code."""
import datetime
import hashlib
import http.client
import json
import os
import signal
import struct
import subprocess
from pathlib import Path

from waiting import need, until

ROOT = Path(__file__).resolve().parent.parent.parent
STATE = Path(os.environ["TURNPIKE_STATE"])
CONF = Path(os.environ["TURNPIKE_CONF"])
BIN = os.environ["TURNPIKE_BIN"]
TOPIC = "turnpike.usage.1"
PARTITIONS = 4
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
CATALOGUE = Path(__file__).resolve().parent / "gateway.sql"


def setting(name):
    for line in CONF.read_text().splitlines():
        key, _, value = line.partition("=")
        if key.strip() == name:
            return value.strip()
    raise KeyError(name)


def stack(*words):
    answer = subprocess.run([ROOT / "deploy/stack", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    need(answer.returncode == 0, f"deploy/stack {words}: {answer.stdout}{answer.stderr}")


def service_pid(name):
    """From the stack's record: its first word is the process id."""
    return int((STATE / "run" / f"{name}.pid").read_text().split()[0])


def sql(text):
    answer = subprocess.run(
        ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", setting("postgres.host"), "-p", setting("postgres.port"),
         "-U", "turnpike_admin", "-d", setting("postgres.database")],
        input=f"set role turnpike_owner;\n{text}", capture_output=True, text=True, check=False,
        env=dict(os.environ, PGPASSWORD=(STATE / "secrets/admin").read_text().strip()))
    need(answer.returncode == 0, f"psql: {answer.stderr}")
    return answer.stdout.strip()


def prepare():
    """Schema, topic and the fixture's catalogue; harmless when they are there."""
    for words in (["migrate"], ["topic", "ensure"]):
        answer = subprocess.run([BIN, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        need(answer.returncode == 0, f"{words}: {answer.stderr}")
    if sql("select version from catalog.version") == "0":
        sql(CATALOGUE.read_text())


def key(letter):
    """A key of the fixture: its id and its secret are one letter, repeated."""
    return f"tpk_{letter * 16}_{letter * 64}"


def add_key(letter, scopes="{ingest}", every_tenant=False, tenants="{}", account="null", expires="null"):
    digest = hashlib.sha256((letter * 64).encode()).hexdigest()
    sql(f"insert into catalog.api_key (key_id, secret_hash, scopes, every_tenant, tenants, account, expires_time)"
        f" values ('{letter * 16}', '\\x{digest}', '{scopes}', {every_tenant}, '{tenants}', {account}, {expires})")


def instant(seconds_from_now=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(identity, **members):
    """A good event of tenant t-1; members replace its own, None takes one out."""
    made = {"specversion": "1.0", "id": identity, "source": "/test", "type": "cloud.storage.request", "subject": "t-1",
            "time": instant(), "data": {"n": "1"}}
    made.update(members)
    return {name: value for name, value in made.items() if value is not None}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.json = json.loads(body) if body else {}

    def __str__(self):
        return f"{self.status} {self.body.decode(errors='replace')}"


class Gateway:
    """`turnpike ingest` with the stack's configuration; settings come as environment variables."""

    def __init__(self, **environment):
        self.log = open(STATE / "log/test-ingest.log", "ab")
        self.process = subprocess.Popen([BIN, "ingest"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, **environment))
        self.host, self.port = setting("ingest.listen").split(":")
        self.ops_host, self.ops_port = setting("ingest.ops_listen").split(":")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def ready(self, seconds=30):
        until(seconds, lambda: self.alive() and self.health()[0] == 200, "the gateway is not ready")
        return self

    def alive(self):
        need(self.process.poll() is None, f"the gateway ended with {self.process.returncode}")
        return True

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def get(self, path):
        connection = http.client.HTTPConnection(self.ops_host, int(self.ops_port), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, "{}"
        finally:
            connection.close()

    def health(self):
        status, body = self.get("/healthz")
        return status, json.loads(body)

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.rpartition(" ")[0] == name:
                return int(line.rpartition(" ")[2])
        return 0

    def send(self, body, content_type=STRUCTURED, letter="a", headers=None, path="/api/v1/events", method="POST",
             timeout=60):
        """The answer to one request on a connection of its own; body: bytes, or what becomes JSON."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        sent = dict(headers or {})
        if content_type:
            sent["Content-Type"] = content_type
        if letter:
            sent.setdefault("Authorization", f"Bearer {key(letter)}")
        connection = http.client.HTTPConnection(self.host, int(self.port), timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


def murmur2(data):
    """As in Apache Kafka's Utils."""
    mask = 0xffffffff
    h = (0x9747b28c ^ len(data)) & mask
    for at in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[at:at + 4], "little") * 0x5bd1e995 & mask
        k = (k ^ k >> 24) * 0x5bd1e995 & mask
        h = h * 0x5bd1e995 & mask ^ k
    tail = data[len(data) & ~3:]
    for place, byte in enumerate(tail):
        h ^= byte << 8 * place
    if tail:
        h = h * 0x5bd1e995 & mask
    h = (h ^ h >> 13) * 0x5bd1e995 & mask
    return h ^ h >> 15


def partition_of(tenant):
    return (murmur2(tenant.encode()) & 0x7fffffff) % 1024 % PARTITIONS


class Message:
    def __init__(self, partition, offset, data):
        self.partition, self.offset, self.data = partition, offset, data
        magic, version, kind, count, flags, self.catalogue_version, nonce = struct.unpack_from("<2sBBHHQQ", data)
        need((magic, version, kind, flags, nonce) == (b"TP", 1, 1, 0, 0), f"the header of {partition}/{offset}")
        self.events, at = [], 32
        while at < len(data):
            length = int.from_bytes(data[at:at + 4], "little")
            self.events.append(data[at + 4:at + 4 + length])
            at += 4 + length
        need(at == len(data) and len(self.events) == count, f"the lengths of {partition}/{offset}")


def log_messages():
    """Everything that is in the topic."""
    answer = subprocess.run(["kcat", "-C", "-e", "-q", "-b", setting("kafka.brokers"), "-t", TOPIC, "-o", "beginning",
                             "-f", "%p %o %S\n%s"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    need(answer.returncode == 0, f"kcat: {answer.stderr.decode()}")
    messages, at, data = [], 0, answer.stdout
    while at < len(data):
        end = data.index(b"\n", at)
        partition, offset, size = map(int, data[at:end].split())
        messages.append(Message(partition, offset, data[end + 1:end + 1 + size]))
        at = end + 1 + size
    return messages


def log_events():
    """(partition, parsed event) of everything in the topic."""
    return [(message.partition, json.loads(raw)) for message in log_messages() for raw in message.events]


def logged(identity):
    """How often an event with this id is in the topic."""
    return sum(found["id"] == identity for _, found in log_events())
