# SPDX-License-Identifier: Apache-2.0
"""A whole Turnpike on the run's stack, for tests in Python: commands, roles with kill -9, rows of the database,
waiting."""
import http.client
import json
import os
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

from waiting import need, until

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "deploy/sample"


class Deployment:
    """The stack, its database, and the roles that were started here. Use as a context: roles end with it."""

    def __init__(self):
        self.state, self.conf = Path(os.environ["TURNPIKE_STATE"]), Path(os.environ["TURNPIKE_CONF"])
        self.binary = os.environ["TURNPIKE_BIN"]
        self.roles = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for role in self.roles:
            role.kill()

    def setting(self, name):
        for line in self.conf.read_text().splitlines():
            key, _, value = line.partition("=")
            if key.strip() == name:
                return value.strip()
        raise KeyError(name)

    # --- commands and roles

    def run(self, *words, code=0, timeout=600, **environment):
        """A command that must end with `code` (None: with any)."""
        answer = subprocess.run([self.binary, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True,
                                check=False, timeout=timeout, env=self.environment(environment))
        need(code is None or answer.returncode == code,
             f"turnpike {' '.join(map(str, words))}: {answer.returncode}, not {code}: "
             f"{answer.stdout}{answer.stderr}"[:3000])
        return answer

    def environment(self, more):
        clean = {name: value for name, value in os.environ.items() if name != "TURNPIKE_CRASH_AT"}
        return dict(clean, TURNPIKE_STATE=str(self.state), TURNPIKE_CONF=str(self.conf), **more)

    def start(self, name, *words, **environment):
        role = Role(self, name, words, environment)
        self.roles.append(role)
        return role

    def stack(self, *words):
        answer = subprocess.run([ROOT / "deploy/stack", *words], stdin=subprocess.DEVNULL, capture_output=True,
                                text=True,
                                check=False, env=self.environment({}))
        need(answer.returncode == 0, f"deploy/stack {words}: {answer.stdout}{answer.stderr}")

    def service_pid(self, name):
        """From the stack's record: its first word is the process id."""
        return int((self.state / "run" / f"{name}.pid").read_text().split()[0])

    def kill_service(self, name):
        """kill -9 of Kafka, PostgreSQL or Redis; deploy/stack up starts it again."""
        pid = self.service_pid(name)
        os.kill(pid, signal.SIGKILL)
        until(20, lambda: not alive(pid), f"{name} does not die")
        return pid

    def prepare(self, *catalogue):
        """Schema, catalogue and topic."""
        self.run("migrate")
        if catalogue:
            self.run("apply", *catalogue)
        self.run("topic", "ensure")

    def make_key(self, *words):
        """An API key in a file, for collectors."""
        path = self.state / f"test-key-{len(list(self.state.glob('test-key-*')))}"
        lines = [line.split() for line in self.run("key", "create", *words).stdout.splitlines()]
        found = [word for line in lines for word in line if word.startswith("tpk_")]
        need(len(found) == 1, f"key create printed {lines}")
        path.touch(mode=0o600)
        path.write_text(found[0] + "\n")
        return path

    # --- rows

    def psql(self, text, check=True):
        answer = subprocess.run(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.setting("postgres.host"), "-p",
             self.setting("postgres.port"), "-U", "turnpike_admin", "-d", self.setting("postgres.database")],
            input=f"set role turnpike_owner; set timezone to 'UTC';\n{text}", capture_output=True, text=True,
            check=False,
            env=dict(os.environ, PGPASSWORD=(self.state / "secrets/admin").read_text().strip(), PGCONNECT_TIMEOUT="5"))
        need(not check or answer.returncode == 0, f"psql: {answer.stderr}")
        return answer.stdout.strip() if answer.returncode == 0 else None

    def rows(self, query):
        """Rows as dictionaries; numbers are exact."""
        return json.loads(self.psql(f"select coalesce(json_agg(row_to_json(q)), '[]') from ({query}) q"),
                          parse_float=Fraction)

    def one(self, query):
        """The only value of the only row."""
        rows = self.rows(query)
        need(len(rows) == 1 and len(rows[0]) == 1, f"{query}: {rows}")
        return next(iter(rows[0].values()))

    def ids(self, table):
        """{number: id} of a catalogue table, numbers as texts."""
        return {str(row[table]): row["id"] for row in self.rows(f"select distinct {table}, id from catalog.{table}")}

    def redis(self, *words):
        """Lines of redis-cli's answer."""
        password = Path(self.setting("redis.password_file")).read_text().strip()
        answer = subprocess.run(["redis-cli", "-p", self.setting("redis.port"), *words], capture_output=True, text=True,
                                check=True, env=dict(os.environ, REDISCLI_AUTH=password))
        return answer.stdout.split("\n")[:-1]

    # --- progress

    def judged(self):
        """Verdicts so far but those of events that were sent on, by kind; 0 while the database is away."""
        text = self.psql("select coalesce(sum(events - markers - forwarded), 0) from rating.batch", check=False)
        return int(text) if text else 0

    def await_judged(self, count, seconds):
        until(seconds, lambda: self.judged() >= count, lambda: f"{self.judged()} of {count} events are judged")
        need(self.judged() == count, f"{self.judged()} events were judged, {count} were sent")

    def verdicts(self):
        return self.rows("select coalesce(sum(counted), 0) counted, coalesce(sum(duplicates), 0) duplicate,"
                         " coalesce(sum(conflicts), 0) conflict, coalesce(sum(quarantined), 0) quarantined"
                         " from rating.batch")[0]


class Role:
    """A turnpike process in the background, its log in the stack's log folder."""

    def __init__(self, deployment, name, words, environment):
        self.name, self.words = name, words
        path = deployment.state / "log" / f"test-{name}.log"
        self.log = path
        self.begin = path.stat().st_size if path.exists() else 0
        with open(path, "ab") as output:
            self.process = subprocess.Popen([deployment.binary, *map(str, words)], stdin=subprocess.DEVNULL,
                                            stdout=output,
                                            stderr=output, env=deployment.environment(environment))

    @property
    def running(self):
        return self.process.poll() is None

    def output(self):
        with open(self.log, "rb") as text:
            text.seek(self.begin)
            return text.read().decode(errors="replace")

    def kill(self):
        """kill -9. True if it was still running."""
        was = self.running
        if was:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return was

    def stop(self, seconds=30):
        """TERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def crashed_at(self, point):
        """True if it ended itself at the named crash point."""
        return self.process.poll() == -signal.SIGKILL and f"crash point reached: {point}" in self.output()


def healthy(address):
    """Does /healthz of a role answer 200?"""
    host, port = address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
