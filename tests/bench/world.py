# SPDX-License-Identifier: Apache-2.0
"""A stack of the benchmark's own and the processes of one built tree on it, with what they cost."""
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

from progress import progress

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTS = os.environ.get("TURNPIKE_PORT_BASE", "28000")
STATE = ROOT / "build" / f"bench-state-{PORTS}"
CONF = STATE / "turnpike.conf"
SERVICES = ("postgres", "kafka", "redis")
TICKS = os.sysconf("SC_CLK_TCK")
TYPES = 8
PROBE_TENANT = "bench-probe"
SETTLED_SECONDS = 600
CATALOGUE = """
services:
  - {id: bench, name: Bench, category: Other, subcategory: Other (Other)}
meters:
%s
skus:
%s
price_books:
  - {id: bench, name: Bench, currency: EUR, prices: [{sku: bench.type0, unit: thousand, per: 1000, price: "0.01"}]}
sellers:
  - {id: bench-seller, name: Bench, series: B}
billing_accounts:
  - {id: bench, name: Bench, currency: EUR, zone: UTC, price_book: bench}
tenants:
""" % ("\n".join(f"  - {{id: bench_type{n}, name: T, event_type: bench.type{n}, aggregation: sum, value: requests,"
                 " dimensions: [region, flavour], unit: request}" for n in range(TYPES)),
       "\n".join(f"  - {{id: bench.type{n}, service: bench, meter: bench_type{n}, name: T}}" for n in range(TYPES)))


class Failed(Exception):
    """A measurement could not be made."""


def sh(*command, **more):
    answer = subprocess.run([str(word) for word in command], text=True, stdin=subprocess.DEVNULL, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if answer.returncode:
        said = answer.stdout[-1000:] + answer.stderr[-3000:]
        raise Failed(f"{' '.join(map(str, command))}: {answer.returncode}: {said}")
    return answer.stdout


def numbers(text):
    """The lines name=value of a tool as numbers."""
    return {name: float(value) for name, value in (word.split("=") for word in text.split())}


def spent(pid, ended_children=False):
    """Processor seconds of a process."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15 if ended_children else 13])) / TICKS


def service_spent(name):
    pid = int((STATE / "run" / f"{name}.pid").read_text().split()[0])
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return spent(pid, True) + sum(spent(child) for child in children.stdout.split())


def services_spent():
    return {name: service_spent(name) for name in SERVICES}


def setting(name):
    return next(line.split("=", 1)[1].strip() for line in CONF.read_text().splitlines() if line.startswith(name + " "))


def metrics(listen):
    """The text of a role's metrics; empty while it does not answer. Asking costs the role next to nothing."""
    try:
        with urllib.request.urlopen(f"http://{setting(listen)}/metrics", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def committed():
    """Next offset that is committed by partition, as a rater says."""
    found = re.findall(r'turnpike_rate_next_offset{incarnation="1",partition="(\d+)"} (\d+)', metrics("rate.ops_listen"))
    return {int(partition): int(offset) for partition, offset in found}


def sql(text):
    answer = sh("psql", "-X", "-q", "-A", "-t", "-F", " ", "-h", "127.0.0.1", "-p", setting("postgres.port"), "-U",
                "turnpike_admin", "-d", "turnpike", "-c", text,
                env=dict(os.environ, PGPASSWORD=(STATE / "secrets/admin").read_text().strip()))
    return [int(word) for word in answer.split()]


def until(seconds, condition, why):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{why} (waited {seconds} s)")
        time.sleep(0.02)
    return value


class Role:
    """A long-running process of the tree. Ends with its context."""

    def __init__(self, world, name, *flags):
        self.log = open(STATE / f"{name}.log", "a", encoding="utf-8")
        self.name = name
        self.process = subprocess.Popen([str(world.binary), name, *flags], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.log.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def check(self):
        if self.process.poll() is not None:
            raise Failed(f"turnpike {self.name} ended: see {STATE}/{self.name}.log")

    def spent(self):
        return spent(self.process.pid)

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


class World:
    """One built tree on a stack."""

    def __init__(self, root, tenants):
        self.root, self.tenants = root, tenants
        self.binary = root / "build/release/turnpike"
        self.first = 0  # the next event that nobody has sent
        self.up = False

    def tool(self, name, *words):
        return numbers(sh(self.root / "build/release/tests" / f"bench_{name}", *words))

    def fresh(self):
        """An empty stack with schema, topic and catalogue."""
        with progress.step("fresh stack"):
            wipe()
            sh(ROOT / "deploy" / "stack", "up", "--quiet")
            for words in (["migrate"], ["topic", "ensure"]):
                sh(self.binary, *words)
        catalogue = STATE / "bench.yaml"
        with open(catalogue, "w", encoding="utf-8") as file:
            file.write(CATALOGUE)
            file.write(f"  - {{id: {PROBE_TENANT}, name: T, billing_account: bench}}\n")
            for number in range(self.tenants):
                file.write(f"  - {{id: bench-{number:07d}, name: T, billing_account: bench}}\n")
        with progress.step(f"catalogue of {self.tenants:,} tenants"):
            sh(self.binary, "apply", catalogue)
        self.first, self.up = 0, True

    def produce(self, events, per_message, rate=0):
        """Fresh events into the log; its figures."""
        with progress.step(f"{events:,} events into the log"):
            answer = numbers(sh(ROOT / "build/release/tests/bench_load", *self.producing(events, per_message, rate)))
        return answer

    def producing(self, events, per_message, rate, tenants=None):
        words = ("produce", self.first, events, tenants or self.tenants, per_message, rate)
        self.first += events
        return words

    def log_ends(self):
        """Next offset of the log by partition, as `turnpike status` says."""
        rows = map(json.loads, sh(self.binary, "status", "--json").splitlines())
        return {row["partition"]: int(row["next_offset"]) + int(row["lag"])
                for row in rows if row.get("lag") is not None}

    def wait_committed(self, role, ends, markers=0):
        """Until the log is counted and committed up to its ends, but for so many messages: markers in an idle
        partition, one a second, are committed once a minute."""
        whole = sum(ends.values())
        while True:
            found = committed()
            if all(found.get(partition, 0) >= max(end - markers, min(end, 1)) for partition, end in ends.items()):
                return
            role.check()
            progress.part(sum(found.values()), whole)
            time.sleep(0.02)


def wipe():
    sh(ROOT / "deploy" / "stack", "wipe", "--quiet")


def environment():
    os.environ.update(TURNPIKE_STATE=str(STATE), TURNPIKE_PORT_BASE=PORTS, TURNPIKE_CONF=str(CONF))
