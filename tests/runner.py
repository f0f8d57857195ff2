# SPDX-License-Identifier: Apache-2.0
"""Builds Turnpike, runs its test groups and counts the results; called by tests/run.

Groups are run in the order of GROUPS. `unit` runs every cmocka program of tests/unit and counts its cases; `fuzz` runs
every fuzz target over its corpus and random changes of it, one test each. Every other group is a folder whose
executable files test_* (checks: check_*) speak one protocol on standard output:

    ok NAME
    not ok NAME - reason
    skip NAME - reason

A file that exits non-zero without a `not ok`, or prints no result at all, is one failure. The head of a file (its
first 40 lines) may hold comment lines that say what it needs:

    # needs: stack          the stack of this run is up, all its services alive
    # needs: fresh stack    the same, empty
    # deadline: SECONDS     how long it may take; 900 without this line (four times as much with --long)

A file finds in its environment: TURNPIKE_BIN and TURNPIKE_BIN_DEBUG (release and debug build), TURNPIKE_STATE,
TURNPIKE_CONF and TURNPIKE_PORT_BASE (of the stack; unset without a need), TURNPIKE_SPARE_PORT_BASE (free ports for a
stack of its own), TURNPIKE_SHARED (test data beside the checkout; unset when there is none: skip and say so),
TURNPIKE_LONG=1 with --long. Standard input is empty. The stack belongs to this run: it is started when first needed
and ended with the run, however that ends.
"""
import argparse
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
GROUPS = ("checks", "unit", "fuzz", "scenario", "integration", "fault", "oracle", "readme")
BUILT_GROUPS = ("unit", "fuzz")  # C programs of the debug build; the others are executable files
FUZZ_CHANGES = 5000  # of each file of a corpus; with --long twenty times as many
DEADLINE_SECONDS = 900
TAIL_LINES = 40
# distances of the stack's ports from TURNPIKE_PORT_BASE: deploy/lib/port.sh
PORT_DISTANCES = (432, 1379, 3080, 3081, 3090, 3091, 3092, 3093, 4092, 4093)
# below the range of outgoing connections; no two of them share a port
PORT_BASES = tuple(range(25000, 26000, 100)) + tuple(range(22000, 23000, 100))


class Interrupted(Exception):
    """A signal asks the run to end."""


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


class Tally:
    """The results so far."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def count(self, results):
        for verdict, name, reason in results:
            if verdict == "ok":
                self.passed += 1
            elif verdict == "skip":
                self.skips.append((name, reason))
            else:
                self.failures.append((name, reason))

    def closing_line(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped"


def read_results(label, text):
    """The result lines of a test file's output as (verdict, name, reason)."""
    results = []
    for line in text.splitlines():
        match = re.match(r"(ok|not ok|skip)\s+(\S.*)$", line)
        if match:
            name, _, reason = match[2].partition(" - ")
            results.append((match[1], f"{label}: {name.strip()}", reason.strip()))
    return results


def read_cmocka(label, text):
    """The same for a cmocka program: TAP, in which a skipped case is `not ok N # SKIP name`, or the form with brackets
    that newer versions fall back to when a case has cleared the environment."""
    brackets = {"OK": "ok", "FAILED": "not ok", "SKIPPED": "skip"}
    results, planned, ran, running = [], 0, 0, None
    for line in text.splitlines():
        plan = re.match(r"1\.\.(\d+)$", line)
        planned += int(plan[1]) if plan else 0
        match = re.match(r"(ok|not ok) (\d+) (# SKIP|-)\s*(\S*)\s*(.*)$", line)
        if match:
            ran += match[2] != "0"  # number 0 is the set-up of a whole group
            verdict = "skip" if match[3] == "# SKIP" else match[1]
            results.append((verdict, f"{label}: {match[4]}", match[5]))
            continue
        match = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+)$", line)
        if match and match[1] == "RUN":
            running = match[2]
        elif match and match[2] == running:  # the summary at the end names the failed ones again
            ran, running = ran + 1, None
            results.append((brackets[match[1]], f"{label}: {match[2]}", ""))
    if ran < planned:
        results.append(("not ok", label, f"only {ran} of {planned} cases ran"))
    return results


def judge(label, results, ending):
    """Adds the failure that a file's end itself is. `ending` is its exit code or the reason why it was ended."""
    if isinstance(ending, str):
        return results + [("not ok", label, ending)]
    if ending != 0 and not any(verdict == "not ok" for verdict, _, _ in results):
        how = f"exit code {ending}" if ending > 0 else f"ended by {signal.Signals(-ending).name}"
        return results + [("not ok", label, f"{how} without a failed test")]
    if not results:
        return [("not ok", label, "printed no result")]
    return results


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
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                       cwd=ROOT, env=environment, start_new_session=True)
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


def show_tail(log):
    lines = log.read_text(errors="replace").splitlines()
    print(f"    --- end of {log.relative_to(ROOT)}")
    for line in lines[-TAIL_LINES:]:
        print(f"    | {line}")


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port_base(taken=()):
    for base in PORT_BASES:
        if base not in taken and all(port_is_free(base + distance) for distance in PORT_DISTANCES):
            return base
    raise RuntimeError("no range of free ports for a stack")


class Stack:
    """The stack of this run, in a state directory of its own. Nothing is started before somebody needs it."""

    def __init__(self):
        self.state = BUILD / "test-state"
        self.base = None
        self.spare = None

    def command(self, verb):
        environment = dict(os.environ, TURNPIKE_STATE=str(self.state))
        if self.base:
            environment["TURNPIKE_PORT_BASE"] = str(self.base)
        return run_logged([ROOT / "deploy/stack", verb], LOGS / f"stack-{verb}.log", environment, 600)

    def remove(self):
        """Ends and deletes the stack of this or of an earlier run. True when it is gone."""
        return not self.state.exists() or self.command("wipe") == 0

    def ready(self, fresh):
        """True when all services are up."""
        if fresh and not self.remove():
            return False
        self.base = self.base or free_port_base((self.spare,))
        return self.command("up") == 0

    def spare_base(self):
        self.spare = self.spare or free_port_base((self.base or PORT_BASES[0],))
        return self.spare


def build(preset, tally):
    """Configures and builds; a failure is counted. True when it worked."""
    print(f"build      {preset:<34} ", end="", flush=True)
    started, log = time.monotonic(), LOGS / f"build-{preset}.log"
    jobs = os.environ.get("TURNPIKE_JOBS", str(os.cpu_count() or 2))
    script = f'cmake --preset {preset} && ninja -C build/{preset} -j{jobs}'
    ending = run_logged(["sh", "-c", script], log, dict(os.environ), 3600)
    print(f"{'done' if ending == 0 else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
    if ending != 0:
        tally.count([("not ok", f"build {preset}", "the build fails")])
        show_tail(log)
    return ending == 0


def group_files(group):
    """The test files of a group, in order."""
    if group in BUILT_GROUPS:
        return sorted((ROOT / "tests" / group).glob("fuzz_*.c" if group == "fuzz" else "test_*.c"))
    prefix = "check_" if group == "checks" else "test_"
    return sorted(path for path in (ROOT / "tests" / group).glob(prefix + "*")
                  if path.is_file() and path.suffix not in (".c", ".h", ".pyc"))


def needs(path):
    """What the head of a test file asks for: (stack, fresh stack, deadline in seconds)."""
    with open(path, errors="replace") as source:
        head = "".join(line for _, line in zip(range(40), source))
    asked = re.search(r"^\s*(?:#|//|--)\s*needs: (fresh )?stack\b", head, re.M)
    limit = re.search(r"^\s*(?:#|//|--)\s*deadline: (\d+)", head, re.M)
    return bool(asked), bool(asked and asked[1]), int(limit[1]) if limit else DEADLINE_SECONDS


def file_environment(stack, with_stack, long):
    environment = dict(os.environ, TURNPIKE_BIN=str(BUILD / "release/turnpike"),
                       TURNPIKE_BIN_DEBUG=str(BUILD / "debug/turnpike"), PYTHONDONTWRITEBYTECODE="1",
                       TURNPIKE_SPARE_PORT_BASE=str(stack.spare_base()), UBSAN_OPTIONS="print_stacktrace=1")
    for name in ("TURNPIKE_STATE", "TURNPIKE_CONF", "TURNPIKE_PORT_BASE", "TURNPIKE_LONG"):
        environment.pop(name, None)
    if with_stack:
        environment.update(TURNPIKE_STATE=str(stack.state), TURNPIKE_CONF=str(stack.state / "turnpike.conf"),
                           TURNPIKE_PORT_BASE=str(stack.base))
    shared = ROOT.parent / "shared"
    if "TURNPIKE_SHARED" not in environment and shared.is_dir():
        environment["TURNPIKE_SHARED"] = str(shared)
    if long:
        environment["TURNPIKE_LONG"] = "1"
    return environment


def run_built(group, path, stack, long, log):
    """Runs a C program of the debug build; its results."""
    label = f"{group}/{path.stem}"
    environment = dict(file_environment(stack, False, long), CMOCKA_MESSAGE_OUTPUT="TAP")
    limit = DEADLINE_SECONDS * 4 if long else DEADLINE_SECONDS
    if group == "unit":
        ending = run_logged([BUILD / "debug/tests" / path.stem], log, environment, limit)
        return judge(label, read_cmocka(label, log.read_text(errors="replace")), ending)
    noun = path.stem.removeprefix("fuzz_")
    corpus = sorted((path.parent / "corpus" / noun).glob("*"))
    changes = str(FUZZ_CHANGES * (20 if long else 1))
    program = BUILD / "debug/tests" / f"replay_{noun}"
    ending = run_logged([program, "--mutate", changes, *corpus], log, environment, limit)
    return judge(label, [("ok", label, "")] if ending == 0 and corpus else [], ending)


def run_file(group, path, stack, long):
    """Runs one test file; its results and its log."""
    label, log = f"{group}/{path.stem}", LOGS / group / f"{path.stem}.log"
    if group in BUILT_GROUPS:
        return run_built(group, path, stack, long, log), log
    if not os.access(path, os.X_OK):
        return [("not ok", label, "the file is not executable")], None
    with_stack, fresh, deadline = needs(path)
    if with_stack and not stack.ready(fresh):
        return [("not ok", label, "the stack does not start")], LOGS / "stack-up.log"
    environment = file_environment(stack, with_stack, long)
    ending = run_logged([path], log, environment, deadline * 4 if long else deadline)
    return judge(label, read_results(label, log.read_text(errors="replace")), ending), log


def run_group(group, files, stack, long, tally):
    for path in files:
        print(f"{group:<10} {path.stem:<34} ", end="", flush=True)
        started = time.monotonic()
        results, log = run_file(group, path, stack, long)
        tally.count(results)
        verdicts = [verdict for verdict, _, _ in results]
        failed, skipped = verdicts.count("not ok"), verdicts.count("skip")
        print(f"{verdicts.count('ok')} ok" + (f", {failed} FAILED" if failed else "")
              + (f", {skipped} skipped" if skipped else "") + f" in {time.monotonic() - started:.1f} s", flush=True)
        if failed and log is not None and log.exists():
            show_tail(log)


def choose(only):
    """The files to run as {group: files}, from --only's GROUP or GROUP/FILE words."""
    chosen = {group: group_files(group) for group in GROUPS}
    if not only:
        return chosen
    wanted = {group: [] for group in GROUPS}
    for word in only.split(","):
        group, _, name = word.partition("/")
        if group not in GROUPS:
            sys.exit(f"tests/run: unknown group '{group}'; there are: {', '.join(GROUPS)}")
        files = [path for path in chosen[group] if name in ("", path.name, path.stem)]
        if name and not files:
            sys.exit(f"tests/run: there is no test '{word}'")
        wanted[group] += [path for path in files if path not in wanted[group]]
    return {group: wanted[group] for group in GROUPS if any(word.split("/")[0] == group for word in only.split(","))}


def run_all(chosen, stack, options, tally):
    folders = [group for group in chosen if group not in ("checks", *BUILT_GROUPS) and chosen[group]]
    built = {preset: build(preset, tally) for preset in ("debug", "release")
             if folders or not options.only or (preset == "debug" and any(group in chosen for group in BUILT_GROUPS))}
    if not all(built.values()):
        return
    for group, files in chosen.items():
        if not files:
            print(f"{group:<10} no tests")
        run_group(group, files, stack, options.long, tally)


def report(tally):
    if tally.skips:
        print("\nSkipped:")
        for name, reason in tally.skips:
            print(f"    {name} - {reason}")
    if tally.failures:
        print("\nFailed:")
        for name, reason in tally.failures:
            print(f"    {name} - {reason}")


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds Turnpike and runs its tests.")
    parser.add_argument("--only", metavar="GROUP[/FILE][,...]", help="run these groups or files: " + ", ".join(GROUPS))
    parser.add_argument("--long", action="store_true", help="run whole what is otherwise sampled")
    parser.add_argument("--list", action="store_true", help="list the test files and end")
    parser.add_argument("--keep", action="store_true", help="leave the stack running at the end")
    options = parser.parse_args()
    chosen = choose(options.only)
    if options.list:
        for group, files in chosen.items():
            for path in files:
                print(f"{group}/{path.stem}")
        return 0

    BUILD.mkdir(exist_ok=True)
    lock = open(BUILD / "tests.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("tests/run: another run works in this checkout")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    shutil.rmtree(LOGS, ignore_errors=True)
    tally, stack, started = Tally(), Stack(), time.monotonic()
    try:
        if stack.remove():
            run_all(chosen, stack, options, tally)
        else:
            tally.count([("not ok", "stack", "the stack of an earlier run cannot be removed")])
            show_tail(LOGS / "stack-wipe.log")
    except Interrupted as reason:
        print(f"\ninterrupted by {reason}")
        tally.count([("not ok", "run", f"interrupted by {reason}")])
    except Exception as error:  # the run must end its stack and say how it ended, whatever breaks in it
        traceback.print_exc(file=sys.stdout)
        tally.count([("not ok", "run", f"broke off: {error}")])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if stack.base and options.keep:
            print(f"stack      left running: TURNPIKE_STATE={stack.state} deploy/stack down")
        elif not stack.remove():
            tally.count([("not ok", "stack", "could not be ended")])
            show_tail(LOGS / "stack-wipe.log")
    report(tally)
    print(f"\n{time.monotonic() - started:.0f} s; logs in {LOGS.relative_to(ROOT)}\n")
    print(tally.closing_line(), flush=True)
    return 0 if tally.passed and not tally.failures else 1


if __name__ == "__main__":
    sys.exit(main())
