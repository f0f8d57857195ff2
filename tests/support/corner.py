# SPDX-License-Identifier: Apache-2.0
"""A corner of a running stack for one trial: others have theirs beside it, and nobody waits for a stack of his own."""
import os
import subprocess
import time

from deployment import Deployment
from rating_world import PSQL
from waiting import need

NOT_CONNECTED = 2  # psql's exit code


class Corner(Deployment):
    """The stack with a database, a topic and a group of its own; `settings`: what else differs."""

    def __init__(self, name, settings=None):
        super().__init__()
        self.name = name
        changed = {"kafka.topic": name, "postgres.database": name, "rate.group": name, **(settings or {})}
        lines = [line for line in self.conf.read_text().splitlines() if line.split(" = ")[0] not in changed]
        self.conf = self.state / f"{name}.conf"
        self.conf.touch(mode=0o600)
        self.conf.write_text("\n".join(lines + [f"{key} = {value}" for key, value in changed.items()]) + "\n")

    def admin(self, text, check=True, database=None, rows=False, patient=True):
        """psql's output; `rows`: with separators that no value has; `patient`: waits for a server that recovers."""
        words = [PSQL, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.setting("postgres.port"),
                 "-U", "turnpike_admin", "-d", database or self.name]
        words += ["-F", "\x1f", "-R", "\x1e"] if rows else []
        environment = dict(self.environment({}), PGTZ="UTC", PGPASSWORD=(self.state / "secrets/admin").read_text().strip(),
                           PGCONNECT_TIMEOUT="5")
        deadline = time.monotonic() + 30
        while True:
            answer = subprocess.run(words, input=text, capture_output=True, text=True, check=False, env=environment)
            if answer.returncode != NOT_CONNECTED or not patient or time.monotonic() > deadline:
                break
            time.sleep(0.05)  # PostgreSQL recovers
        need(not check or answer.returncode == 0, f"psql: {text[:200]}: {answer.stderr}")
        return answer.stdout if answer.returncode == 0 else None

    def make_database(self, how=""):
        """`how`: more words of create database."""
        self.admin(f"create database {self.name} {how}", database="postgres")
        self.admin("revoke all on database {0} from public; grant connect, temporary on database {0} to turnpike_ingest,"
                   " turnpike_rate, turnpike_bill, turnpike_api".format(self.name), database="postgres")

    def drop_database(self):
        self.admin(f"drop database if exists {self.name} with (force)", False, "postgres")

    def psql(self, text, check=True):
        output = self.admin(f"set role turnpike_owner; set timezone to 'UTC';\n{text}", check)
        return None if output is None else output.strip()

    # as verify_chain asks
    def sql(self, text):
        output = self.admin(text, rows=True).rstrip("\n")
        return [row.split("\x1f") for row in output.split("\x1e") if row] if output else []
