# SPDX-License-Identifier: Apache-2.0
"""Builds Turnpike, runs its test groups and counts the results; called by tests/run.

The checks come first, one after the other. The files of the other groups run in lanes, side by side, as many as the
machine has processors (at most 4; --lanes): the files that may take longest are started first. `unit` runs every cmocka program of tests/unit and counts its cases; `fuzz` runs
every fuzz target over its corpus and random changes of it, one test each. Every other group is a folder whose
executable files test_* (checks: check_*) speak one protocol on standard output:

    ok NAME
    not ok NAME - reason
    skip NAME - reason

A file that exits non-zero without a `not ok`, or prints no result at all, is one failure. The head of a file (its
first 40 lines) may hold comment lines that say what it needs:

    # needs: stack          the stack of this lane is up, all its services alive
    # needs: fresh stack    the same, empty
    # deadline: SECONDS     how long it may take; 900 without this line (four times as much with --long)

A file finds in its environment: TURNPIKE_BIN and TURNPIKE_BIN_DEBUG (release and debug build), TURNPIKE_STATE,
TURNPIKE_CONF and TURNPIKE_PORT_BASE (of the stack; unset without a need), TURNPIKE_SPARE_PORT_BASE (free ports for a
stack of its own), TURNPIKE_SHARED (test data beside the checkout; unset when there is none: skip and say so),
TURNPIKE_LONG=1 with --long. Standard input is empty. A stack belongs to its lane of this run: it is started when first
needed and ended with the run, however that ends.
"""
import argparse
import fcntl
import os
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
# pylint: disable=wrong-import-position
from lane import BUILD, COMMANDS, LOGS, Ended, Ports, Stack, run_logged  # noqa: E402
from result_lines import Tally, judge, read_cmocka, read_results  # noqa: E402

GROUPS = ("checks", "unit", "fuzz", "scenario", "integration", "fault", "oracle", "readme")
BUILT_GROUPS = ("unit", "fuzz")  # C programs of the debug build; the others are executable files
FUZZ_CHANGES = 5000  # of each file of a corpus; with --long twenty times as many
DEADLINE_SECONDS = 900
MOST_LANES = 4  # each may have a stack, and a stack takes about a GiB of memory
TAIL_LINES = 40


class Interrupted(Exception):
    """A signal asks the run to end."""


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def tail(log):
    lines = log.read_text(errors="replace").splitlines()
    return [f"    --- end of {log.relative_to(ROOT)}"] + [f"    | {line}" for line in lines[-TAIL_LINES:]]


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
        print("\n".join(tail(log)))
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
        return [("not ok", label, "the stack does not start")], stack.log("up")
    environment = file_environment(stack, with_stack, long)
    ending = run_logged([path], log, environment, deadline * 4 if long else deadline)
    return judge(label, read_results(label, log.read_text(errors="replace")), ending), log


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


class Lanes:
    """The files that wait, and the threads that run them, each with a stack of its own."""

    def __init__(self, count, options, tally):
        self.options, self.tally, self.lock = options, tally, threading.Lock()
        ports = Ports()
        self.stacks = [Stack(ports, number) for number in range(1, count + 1)]
        self.waiting, self.broken = deque(), []

    def remove_stacks(self):
        """Those of an earlier run too. The log of what could not be removed, or None."""
        return next((stack.log("wipe") for stack in self.stacks if not stack.remove()), None)

    def run(self, group, path, stack):
        """Runs one file, counts it and prints how it went."""
        started = time.monotonic()
        results, log = run_file(group, path, stack, self.options.long)
        verdicts = [verdict for verdict, _, _ in results]
        failed, skipped = verdicts.count("not ok"), verdicts.count("skip")
        line = (f"{group:<11} {path.stem:<34} {verdicts.count('ok')} ok" + (f", {failed} FAILED" if failed else "")
                + (f", {skipped} skipped" if skipped else "") + f" in {time.monotonic() - started:.1f} s")
        lines = [line] + (tail(log) if failed and log is not None and log.exists() else [])
        with self.lock:
            self.tally.count(results)
            print("\n".join(lines), flush=True)

    def follow(self, stack):
        """Thread of a lane: file after file until none waits."""
        try:
            while True:
                try:
                    group, path = self.waiting.popleft()
                except IndexError:
                    return
                self.run(group, path, stack)
        except Ended:
            pass
        except Exception as error:
            traceback.print_exc(file=sys.stdout)
            with self.lock:
                self.broken.append(str(error))

    def run_all(self, files):
        """All files, in all lanes; raises what a signal asks for, after every lane has ended."""
        self.waiting.extend(files)
        threads = [threading.Thread(target=self.follow, args=(stack,)) for stack in self.stacks]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(1)  # by the second: a signal is seen between two waits
        except BaseException:
            self.waiting.clear()
            COMMANDS.end()
            for thread in threads:
                thread.join()
            COMMANDS.resume()
            raise
        if self.broken:
            raise RuntimeError("; ".join(self.broken))


def in_order(chosen):
    """The files as lanes take them: C programs first, as they are quick, then those that may take longest."""
    files = [(group, path) for group, paths in chosen.items() if group != "checks" for path in paths]
    return sorted(files, key=lambda file: (file[0] not in BUILT_GROUPS, -needs(file[1])[2]))


def run_all(chosen, lanes, options, tally):
    folders = [group for group in chosen if group not in ("checks", *BUILT_GROUPS) and chosen[group]]
    built = {preset: build(preset, tally) for preset in ("debug", "release")
             if folders or not options.only or (preset == "debug" and any(group in chosen for group in BUILT_GROUPS))}
    if not all(built.values()):
        return
    for group, files in chosen.items():
        if not files:
            print(f"{group:<11} no tests")
    for path in chosen.get("checks", []):
        lanes.run("checks", path, lanes.stacks[0])
    lanes.run_all(in_order(chosen))


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
    parser.add_argument("--keep", action="store_true", help="leave the stacks running at the end")
    parser.add_argument("--lanes", metavar="N", type=int, default=min(os.cpu_count() or 1, MOST_LANES),
                        help="run so many files side by side: %(default)s")
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
    tally, started = Tally(), time.monotonic()
    count = sum(len(files) for group, files in chosen.items() if group != "checks")
    lanes = Lanes(max(1, min(options.lanes, MOST_LANES, count)), options, tally)
    try:
        if stuck := lanes.remove_stacks():
            tally.count([("not ok", "stack", "the stack of an earlier run cannot be removed")])
            print("\n".join(tail(stuck)))
        else:
            run_all(chosen, lanes, options, tally)
    except Interrupted as reason:
        print(f"\ninterrupted by {reason}")
        tally.count([("not ok", "run", f"interrupted by {reason}")])
    except Exception as error:  # the run must end its stack and say how it ended, whatever breaks in it
        traceback.print_exc(file=sys.stdout)
        tally.count([("not ok", "run", f"broke off: {error}")])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if options.keep:
            for stack in lanes.stacks:
                if stack.base:
                    print(f"stack       left running: TURNPIKE_STATE={stack.state} deploy/stack down")
        elif stuck := lanes.remove_stacks():
            tally.count([("not ok", "stack", "could not be ended")])
            print("\n".join(tail(stuck)))
    report(tally)
    print(f"\n{time.monotonic() - started:.0f} s; logs in {LOGS.relative_to(ROOT)}\n")
    print(tally.closing_line(), flush=True)
    return 0 if tally.passed and not tally.failures else 1


if __name__ == "__main__":
    sys.exit(main())
