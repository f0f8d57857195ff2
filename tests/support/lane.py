# SPDX-License-Identifier: Apache-2.0
"""A lane of a test run: commands with their output in a log, ports that are this run's alone, and a stack; used by
tests/runner.py. Lanes run side by side, each in a thread of its own."""
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
# distances of the stack's ports from TURNPIKE_PORT_BASE: deploy/lib/port.sh
PORT_DISTANCES = (432, 1379, 3080, 3081, 3090, 3091, 3092, 3093, 4092, 4093)
# below the range of outgoing connections; no two of them share a port
PORT_BASES = tuple(range(25000, 26000, 100)) + tuple(range(22000, 23000, 100))


class Ended(Exception):
    """The run ends; nothing more is started."""


class Commands:
    """Commands of this run that are under way, so that another thread can end them all."""

    def __init__(self):
        self.lock, self.running, self.ended = threading.Lock(), set(), False

    def start(self, command, output, environment):
        with self.lock:
            if self.ended:
                raise Ended
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                       cwd=ROOT, env=environment, start_new_session=True)
            self.running.add(process)
            return process

    def done(self, process):
        with self.lock:
            self.running.discard(process)

    def end(self):
        """Ends what is under way, and lets nothing start any more until `resume`."""
        with self.lock:
            self.ended, running = True, list(self.running)
        for process in running:
            signal_group(process, signal.SIGTERM)
        for process in running:
            end_group(process)

    def resume(self):
        self.ended = False


COMMANDS = Commands()


def signal_group(process, number):
    """Signals what is left of the process group that a child of ours leads. False when nobody is."""
    try:
        os.killpg(process.pid, number)
        return True
    except ProcessLookupError:
        return False


def end_group(process):
    """Ends a child and what shares its process group: politely first."""
    signal_group(process, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        pass
    signal_group(process, signal.SIGKILL)
    process.wait()


def run_logged(command, log, environment, deadline):
    """Runs a command with its output in a file. Its exit code, or the reason why it was ended or did not start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        try:
            process = COMMANDS.start(command, output, environment)
        except OSError as error:
            return f"could not be started: {error.strerror}"
        try:
            ending = process.wait(deadline)
            signal_group(process, signal.SIGKILL)  # whatever it left behind
            return ending
        except subprocess.TimeoutExpired:
            end_group(process)
            return f"not done after {deadline} s"
        except BaseException:
            end_group(process)
            raise
        finally:
            COMMANDS.done(process)


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def ports_are_free(base):
    return all(port_is_free(base + distance) for distance in PORT_DISTANCES)


class Ports:
    """Ranges of ports for stacks. A range is this run's until it ends: a lock on a file keeps other runs of this machine
    away, of other checkouts too."""

    def __init__(self):
        self.locks = {}
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            for base in PORT_BASES:
                if base not in self.locks and self.reserve(base):
                    return base
        raise RuntimeError("no range of free ports for a stack")

    def reserve(self, base):
        path = Path(tempfile.gettempdir()) / f"turnpike-test-ports-{os.getuid()}-{base}.lock"
        with contextlib.ExitStack() as held:
            lock = held.enter_context(open(path, "w", encoding="ascii"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if not ports_are_free(base):
                return False
            self.locks[base] = held.pop_all()
            return True


class Stack:
    """The stack of a lane, in a state directory of its own. Nothing is started before somebody needs it. `spare` is a
    range of ports for a stack that a test starts itself."""

    def __init__(self, ports, number):
        self.state, self.number, self.ports = BUILD / f"test-state-{number}", number, ports
        self.base = self.spare = None

    def command(self, verb):
        environment = dict(os.environ, TURNPIKE_STATE=str(self.state))
        if self.base:
            environment["TURNPIKE_PORT_BASE"] = str(self.base)
        return run_logged([ROOT / "deploy/stack", verb], self.log(verb), environment, 600)

    def log(self, verb):
        return LOGS / f"stack-{self.number}-{verb}.log"

    def remove(self):
        """Ends and deletes the stack of this or of an earlier run. True when it is gone."""
        return not self.state.exists() or self.command("wipe") == 0

    def ready(self, fresh):
        """True when all services are up."""
        if fresh and not self.remove():
            return False
        self.base = self.base or self.ports.take()
        return self.command("up") == 0

    def spare_base(self):
        if not self.spare or not ports_are_free(self.spare):  # somebody who knows nothing of locks came in between
            self.spare = self.ports.take()
        return self.spare
